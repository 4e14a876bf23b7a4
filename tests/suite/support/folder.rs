//! A folder of this machine as a target, read over HTTP.

use super::face::Face;
use super::mirror::{Kind, Mirror, Running};

/// A new empty one.
pub fn mirror() -> Mirror {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("root");
    std::fs::create_dir(&root).expect("the folder is new");
    let face = Face::over(&root);
    Mirror {
        kind: Kind::Folder,
        settings: format!("    folder:\n      path: {}\n", root.display()),
        public_url: face.url().to_owned(),
        rclone_remote: "type = local\n".to_owned(),
        rclone_path: root.display().to_string(),
        root: Some(root),
        running: Running { server: None, face: Some(face), cleanup: None, folder },
    }
}
