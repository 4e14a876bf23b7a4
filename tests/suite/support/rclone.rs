//! rclone: the independent client that judges what arrived, and a small S3 server of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::face::Face;
use super::mirror::{Kind, Mirror, Running, secret_file};
use super::process::{self, Server, Stop};
use super::{ACCESS_KEY, PASSWORD, SECRET_KEY, USER, tools};

/// The one bucket of every S3 server here.
pub const BUCKET: &str = "mirror";

/// Compares every byte below `local` with what the mirror holds, by the mirror's own protocol. Files that only the mirror
/// has do not count. Panics with rclone's words if anything is missing or differs.
pub fn check(local: &Path, mirror: &Mirror) {
    let output = try_check(local, mirror);
    assert!(output.status.success(), "{}: rclone check says:\n{}", mirror.kind.name(), process::text(&output));
}

/// The same, for tests that expect a difference.
pub fn try_check(local: &Path, mirror: &Mirror) -> Output {
    let remote = format!("mirror:{}", mirror.rclone_path);
    // Contents, not the server's checksums: half of these servers have none.
    process::output(client(mirror).args(["check", "--download", "--one-way"]).arg(local).arg(remote))
}

/// Copies `local` into the mirror: something there that the program under test did not put.
pub fn copy(local: &Path, mirror: &Mirror) {
    process::run(client(mirror).arg("copy").arg(local).arg(format!("mirror:{}", mirror.rclone_path)));
}

/// Compares every byte below `local` with one folder of the mirror.
pub fn check_folder(local: &Path, mirror: &Mirror, folder: &str) {
    let mut command = client(mirror);
    command.args(["check", "--download", "--one-way"]).arg(local).arg(place(mirror, folder));
    if mirror.kind == Kind::Nginx {
        // Its listings lack names that begin with a dot: every file is asked for by its name.
        let names = mirror.folder().join("names");
        std::fs::write(&names, super::tree::files_below(local).join("\n")).expect("a folder of the test's own");
        command.arg("--no-traverse").arg("--files-from-raw").arg(names);
    }
    let output = process::output(&mut command);
    assert!(output.status.success(), "{}: rclone check says:\n{}", mirror.kind.name(), process::text(&output));
}

/// Puts the file `local` at `path` on the mirror.
pub fn put(local: &Path, mirror: &Mirror, path: &str) {
    process::run(client(mirror).args(["copyto", "--ignore-times"]).arg(local).arg(place(mirror, path)));
}

/// Removes the file at `path` from the mirror.
pub fn remove(mirror: &Mirror, path: &str) {
    process::run(client(mirror).arg("deletefile").arg(place(mirror, path)));
}

/// A path on the mirror, as rclone names it.
fn place(mirror: &Mirror, path: &str) -> String {
    match mirror.rclone_path.as_str() {
        "" => format!("mirror:{path}"),
        base => format!("mirror:{base}/{path}"),
    }
}

/// Every file of the mirror by its path, sorted.
pub fn list(mirror: &Mirror) -> Vec<String> {
    let listed = process::run(client(mirror).args(["lsf", "-R", "--files-only"]).arg(format!("mirror:{}", mirror.rclone_path)));
    let mut files: Vec<_> = listed.lines().map(str::to_owned).collect();
    files.sort();
    files
}

/// The form in which rclone wants passwords in its configuration.
pub fn obscure(password: &str) -> String {
    process::run(Command::new(tools::from_venv("rclone")).args(["obscure", password])).trim().to_owned()
}

/// A remote for a WebDAV collection with the tests' login.
pub fn webdav_remote(url: &str) -> String {
    format!("type = webdav\nurl = {url}\nvendor = other\nuser = {USER}\npass = {}\n", obscure(PASSWORD))
}

/// A remote for an S3 endpoint.
pub fn s3_remote(endpoint: &str, access_key: &str, secret_key: &str, region: &str) -> String {
    format!(
        "type = s3\nprovider = Other\nendpoint = {endpoint}\naccess_key_id = {access_key}\nsecret_access_key = {secret_key}\n\
         region = {region}\nforce_path_style = true\n"
    )
}

/// A target's settings for an S3 endpoint, with the secrets in files below `folder`.
pub fn s3_settings(folder: &Path, endpoint: &str, access_key: &str, secret_key: &str, region: &str) -> String {
    let access = secret_file(folder, "access-key", access_key);
    let secret = secret_file(folder, "secret-key", secret_key);
    format!(
        "    s3:\n      endpoint: {endpoint}\n      region: {region}\n      bucket: {BUCKET}\n      access_key: file:{}\n      \
         secret_key: file:{}\n",
        access.display(),
        secret.display()
    )
}

fn client(mirror: &Mirror) -> Command {
    with_remote(mirror.folder(), &mirror.rclone_remote)
}

/// rclone with the one remote `mirror:`, impatient: the tests' servers are up or they are broken.
pub fn with_remote(folder: &Path, remote: &str) -> Command {
    let config = folder.join("rclone.conf");
    std::fs::write(&config, format!("[mirror]\n{remote}")).expect("the configuration can be written");
    let mut command = Command::new(tools::from_venv("rclone"));
    command.arg("--config").arg(config).args(["--retries", "1", "--low-level-retries", "2", "--contimeout", "10s"]);
    command
}

/// A running `rclone serve s3`: buckets are folders.
#[derive(Debug)]
pub struct RcloneS3 {
    pub server: Server,
    pub port: u16,
    pub root: PathBuf,
    pub folder: tempfile::TempDir,
}

impl RcloneS3 {
    /// Starts it with one empty bucket.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = folder.path().join("buckets");
        let root = store.join(BUCKET);
        std::fs::create_dir_all(&root).expect("the folder is new");
        let (server, ports) = Server::start(&folder.path().join("rclone.out"), Stop::Kill, 1, |ports| {
            let mut command = Command::new(tools::from_venv("rclone"));
            command.args(["--config", "/dev/null", "serve", "s3"]).arg(&store);
            command.arg("--addr").arg(format!("127.0.0.1:{}", ports[0]));
            command.arg("--auth-key").arg(format!("{ACCESS_KEY},{SECRET_KEY}"));
            // Tests alter files behind its back; a listing that is long remembered would hide that. Never 0: its timer then
            // runs without a pause, millions of times, and the server answers nobody any more.
            command.args(["--dir-cache-time", "100ms"]);
            command
        });
        Self { server, port: ports[0], root, folder }
    }

    /// As a target and a mirror; readers get the bucket's folder.
    pub fn mirror(self) -> Mirror {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let face = Face::over(&self.root);
        Mirror {
            kind: Kind::RcloneS3,
            settings: s3_settings(self.folder.path(), &endpoint, ACCESS_KEY, SECRET_KEY, "us-east-1"),
            public_url: face.url().to_owned(),
            rclone_remote: s3_remote(&endpoint, ACCESS_KEY, SECRET_KEY, "us-east-1"),
            rclone_path: BUCKET.to_owned(),
            root: Some(self.root),
            running: Running { server: Some(self.server), face: Some(face), cleanup: None, folder: self.folder },
        }
    }
}
