//! A server as a target and as a mirror, whatever its protocol.

use std::path::{Path, PathBuf};

use super::face::Face;
use super::process::Server;
use super::{
    apache::Apache, garage::Garage, nginx::Nginx, rclone::RcloneS3, seaweed::Seaweed, sshd::Sshd, sshd_root::ChrootSshd,
};

/// Which program stands behind a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// OpenSSH as the ordinary user, key authentication.
    Sshd,
    /// OpenSSH as root, chroot, key authentication.
    SshdChroot,
    /// OpenSSH as root, chroot, password authentication.
    SshdPassword,
    /// Apache `mod_dav`, Basic authentication.
    ApacheBasic,
    /// Apache `mod_dav`, Digest authentication.
    ApacheDigest,
    /// nginx with dav-ext, Basic authentication.
    Nginx,
    /// `SeaweedFS`, S3.
    Seaweed,
    /// `rclone serve s3`.
    RcloneS3,
    /// Garage, S3: built once by `make test-servers`.
    Garage,
    /// A folder of this machine: no server at all.
    Folder,
}

impl Kind {
    /// Those that `make test` starts. The two that need root fail, not skip, without it.
    pub const ALL: [Self; 8] = [
        Self::Sshd,
        Self::SshdChroot,
        Self::SshdPassword,
        Self::ApacheBasic,
        Self::ApacheDigest,
        Self::Nginx,
        Self::Seaweed,
        Self::RcloneS3,
    ];

    /// Its name in `targets.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sshd => "sshd",
            Self::SshdChroot => "sshd-chroot",
            Self::SshdPassword => "sshd-password",
            Self::ApacheBasic => "apache-basic",
            Self::ApacheDigest => "apache-digest",
            Self::Nginx => "nginx",
            Self::Seaweed => "seaweed",
            Self::RcloneS3 => "rclone-s3",
            Self::Garage => "garage",
            Self::Folder => "folder",
        }
    }

    /// Starts it over an empty folder.
    pub fn start(self) -> Mirror {
        match self {
            Self::Sshd => Sshd::start().mirror(),
            Self::SshdChroot => ChrootSshd::start().mirror_by_key(),
            Self::SshdPassword => ChrootSshd::start().mirror_by_password(),
            Self::ApacheBasic => Apache::start().mirror_basic(),
            Self::ApacheDigest => Apache::start().mirror_digest(),
            Self::Nginx => Nginx::start().mirror(),
            Self::Seaweed => Seaweed::start().mirror(),
            Self::RcloneS3 => RcloneS3::start().mirror(),
            Self::Garage => Garage::start().mirror(),
            Self::Folder => super::folder::mirror(),
        }
    }
}

/// What keeps a mirror running: dropped with it, in this order.
#[derive(Debug)]
pub struct Running {
    /// The server's process; a folder has none.
    pub server: Option<Server>,
    /// The readers' side, where the server itself has none.
    pub face: Option<Face>,
    /// What else has to be undone (a user, a root-owned folder), after the server is gone.
    pub cleanup: Option<Box<dyn std::fmt::Debug + Send + Sync>>,
    /// Its configuration, keys, logs and data.
    pub folder: tempfile::TempDir,
}

/// A running server to push to and to read from.
#[derive(Debug)]
pub struct Mirror {
    /// Which program.
    pub kind: Kind,
    /// The protocol's settings as the lines below `- name: ...`, indented by four.
    pub settings: String,
    /// What readers use, with a slash at the end.
    pub public_url: String,
    /// The folder on this machine that holds the mirror's files under their natural names, if there is one.
    pub root: Option<PathBuf>,
    /// The lines of an rclone remote that reaches the same tree by the same protocol.
    pub rclone_remote: String,
    /// The path within that remote.
    pub rclone_path: String,
    /// What keeps it running.
    pub running: Running,
}

impl Mirror {
    /// Its entry for the list `targets:`, indented by two.
    pub fn yaml_entry(&self) -> String {
        format!("  - name: {}\n    public_url: {}\n{}", self.kind.name(), self.public_url, self.settings)
    }

    /// The server's folder for configuration, keys and logs.
    pub fn folder(&self) -> &Path {
        self.running.folder.path()
    }

    /// The server's process.
    pub fn server(&self) -> &Server {
        self.running.server.as_ref().expect("this kind of mirror has a server, and it was not stopped")
    }

    /// Stops the server: from now on nothing answers on its port.
    pub fn stop(&mut self) {
        self.running.server = None;
    }

    /// Where readers get the file of this path.
    pub fn url_of(&self, path: &str) -> String {
        use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
        const WITHIN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
        format!("{}{}", self.public_url, utf8_percent_encode(path, WITHIN_PATHS))
    }
}

/// Writes a secret where a `file:` reference may read it: mode 0600.
pub fn secret_file(folder: &Path, name: &str, secret: &str) -> PathBuf {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.join(name);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path).expect("the secret file is new");
    file.write_all(secret.as_bytes()).expect("the secret file can be written");
    path
}
