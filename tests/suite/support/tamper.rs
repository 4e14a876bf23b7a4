//! Hands that change what lies on a mirror behind the program's back.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::mirror::{Kind, Mirror};
use super::{http, rclone};

/// Changes one byte in the middle of a file; its length stays.
pub fn flip(mirror: &Mirror, path: &str) {
    let change = |bytes: &mut [u8]| bytes[0] ^= 1;
    if let Some(root) = folder(mirror) {
        let file = OpenOptions::new().read(true).write(true).open(root.join(path)).expect("the file is on the mirror");
        let middle = file.metadata().expect("an open file").len() / 2;
        let mut byte = [0];
        file.read_exact_at(&mut byte, middle).expect("the file is not empty");
        change(&mut byte);
        file.write_all_at(&byte, middle).expect("the mirror's folder is ours");
    } else {
        let mut bytes = http::get(&mirror.url_of(path)).expect("the mirror answers").body;
        let middle = bytes.len() / 2;
        change(&mut bytes[middle..]);
        let altered = mirror.folder().join("altered");
        std::fs::write(&altered, bytes).expect("a folder of the test's own");
        rclone::put(&altered, mirror, path);
    }
}

/// Removes a file.
pub fn remove(mirror: &Mirror, path: &str) {
    match folder(mirror) {
        Some(root) => std::fs::remove_file(root.join(path)).expect("the file is on the mirror"),
        None => rclone::remove(mirror, path),
    }
}

/// Where files can be changed without the server's knowledge. `rclone serve` remembers for a while what lies in a folder,
/// and `SeaweedFS` has no files of those names: on these, files are changed through the server.
fn folder(mirror: &Mirror) -> Option<&Path> {
    mirror.root.as_deref().filter(|_| mirror.kind != Kind::RcloneS3)
}
