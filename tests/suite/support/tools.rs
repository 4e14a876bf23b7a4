//! Where the programs are that the tests start. A missing one fails the test and says how to get it.

use std::path::{Path, PathBuf};

/// A program from Debian, by name or by full path; or what `scripts/test-tools` put into the place of one that is too old.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::iter::once(repository().join("target/test-tools/bin"))
        .chain(std::env::split_paths(&path))
        .chain(["/usr/sbin".into(), "/usr/bin".into(), "/bin".into()])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed: run scripts/test-tools"))
}

/// A program from the Python environment that `scripts/test-tools` makes: `rclone`, `weed`, `python`.
pub fn from_venv(name: &str) -> PathBuf {
    let path = repository().join("target/test-tools/venv/bin").join(name);
    assert!(path.exists(), "{} is not there: run scripts/test-tools", path.display());
    path
}

/// A file that a package brings.
pub fn file(path: &str) -> &str {
    assert!(Path::new(path).exists(), "{path} is not there: run scripts/test-tools");
    path
}

/// The repository's own folder.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fails the test unless it runs as root, which `what` needs.
pub fn require_root(what: &str) {
    use std::os::unix::fs::MetadataExt as _;
    let owner = std::fs::metadata("/proc/self").expect("/proc is mounted").uid();
    assert_eq!(owner, 0, "{what} needs root (it makes a user and a root-owned folder): run `make test` as root");
}

/// The login name of whoever runs the tests.
pub fn own_login() -> String {
    let output = std::process::Command::new(program("id")).arg("-un").output().expect("id runs");
    String::from_utf8(output.stdout).expect("login names are text").trim().to_owned()
}

/// An sshd that runs as root wants this empty folder for its privilege separation; on a machine that never ran one as a
/// service it is not there.
pub fn folder_of_sshd() {
    if own_login() == "root" {
        std::fs::create_dir_all("/run/sshd").expect("root may make sshd's own folder");
    }
}
