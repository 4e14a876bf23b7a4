//! OpenSSH as root, as a hoster runs it: a user without shell, locked into a chroot, by key or by password.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::face::Face;
use super::mirror::{Kind, Mirror, Running, secret_file};
use super::process::{self, Server, Stop};
use super::sshd::{self, Keys};
use super::{PASSWORD, rclone, tools};

/// A running `sshd`; its user sees the chroot as `/` and may write below `/data` only.
#[derive(Debug)]
pub struct ChrootSshd {
    pub server: Server,
    pub port: u16,
    pub jail: Jail,
    pub keys: Keys,
    pub folder: tempfile::TempDir,
}

impl ChrootSshd {
    /// Starts it. Fails the test without root.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts it with further lines of configuration, which win: sshd takes the first value it reads.
    pub fn start_with(first_lines: &str) -> Self {
        tools::require_root("sshd with ChrootDirectory");
        tools::folder_of_sshd();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path();
        let keys = Keys::generate(base);
        // The session reads the authorised keys as the user it is for.
        open_to_all(base);
        let jail = Jail::new();
        let (server, ports) = Server::start(&base.join("sshd.out"), Stop::Term, 1, |ports| {
            let config = format!(
                "{first_lines}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {base}/hostkey\nPidFile none\n\
                 AuthorizedKeysFile {base}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication yes\n\
                 KbdInteractiveAuthentication no\nAllowUsers {user}\nChrootDirectory {jail}\n\
                 Subsystem sftp internal-sftp\nForceCommand internal-sftp -u 0022\nAllowTcpForwarding no\nX11Forwarding no\n\
                 MaxStartups 100:30:200\nMaxSessions 50\nUseDNS no\n",
                port = ports[0],
                base = base.display(),
                user = jail.user,
                jail = jail.path.display(),
            );
            sshd::command(base, &config)
        });
        Self { server, port: ports[0], jail, keys, folder }
    }

    /// As a target that is reached by key.
    pub fn mirror_by_key(self) -> Mirror {
        let key = self.keys.client.display().to_string();
        self.mirror(Kind::SshdChroot, &format!("      key: {key}\n"), &format!("key_file = {key}\n"))
    }

    /// As a target that is reached by password.
    pub fn mirror_by_password(self) -> Mirror {
        let password = secret_file(self.folder.path(), "password", PASSWORD).display().to_string();
        let obscured = rclone::obscure(PASSWORD);
        self.mirror(Kind::SshdPassword, &format!("      password: file:{password}\n"), &format!("pass = {obscured}\n"))
    }

    fn mirror(self, kind: Kind, authentication: &str, remote: &str) -> Mirror {
        let root = self.jail.data();
        let face = Face::over(&root);
        Mirror {
            kind,
            settings: sshd::settings(self.port, &self.jail.user, "/data", &self.keys) + authentication,
            public_url: face.url().to_owned(),
            rclone_remote: sshd::remote(self.port, &self.jail.user) + remote,
            rclone_path: "/data".to_owned(),
            root: Some(root),
            running: Running {
                server: Some(self.server),
                face: Some(face),
                cleanup: Some(Box::new(self.jail)),
                folder: self.folder,
            },
        }
    }
}

/// Where chroots lie: sshd wants every folder above one owned by root and closed to others' writing, so not `/tmp`.
const PARENT: &str = "/var/lib";
/// Begins the name of a chroot and of its user; the id of the test's process follows.
const PREFIX: &str = "spartacus-test-";

/// A system user and its root-owned chroot, both removed when dropped.
#[derive(Debug)]
pub struct Jail {
    pub user: String,
    pub path: PathBuf,
}

impl Jail {
    fn new() -> Self {
        remove_leftovers();
        let user = format!("{PREFIX}{}-{:04x}", std::process::id(), fastrand::u16(..));
        let path = PathBuf::from(PARENT).join(&user);
        process::run(Command::new(tools::program("useradd")).args([
            "-M",
            "-d",
            "/nonexistent",
            "-s",
            "/usr/sbin/nologin",
            &user,
        ]));
        let jail = Self { user, path };
        jail.set_password();
        std::fs::create_dir_all(jail.data()).expect("root may make the chroot");
        process::run(Command::new(tools::program("chown")).arg(&jail.user).arg(jail.data()));
        jail
    }

    /// The one folder in it that the user may write to.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    fn set_password(&self) {
        let mut child = Command::new(tools::program("chpasswd")).stdin(Stdio::piped()).spawn().expect("chpasswd starts");
        let mut input = child.stdin.take().expect("its input is a pipe");
        writeln!(input, "{}:{PASSWORD}", self.user).expect("chpasswd reads");
        drop(input);
        assert!(child.wait().expect("chpasswd ends").success(), "chpasswd failed");
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        remove(&self.user);
    }
}

/// Best effort: a panic in a drop would hide the test's own, and another test may be removing the same leftovers.
fn remove(user: &str) {
    let _ = std::fs::remove_dir_all(Path::new(PARENT).join(user));
    let _ = Command::new(tools::program("userdel")).arg("-f").arg(user).stderr(Stdio::null()).status();
}

/// What a test left that was killed: no guard ran, and neither the user nor the chroot dies with a process.
fn remove_leftovers() {
    for entry in std::fs::read_dir(PARENT).expect("the folder is there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((id, _)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')) else { continue };
        if !Path::new("/proc").join(id).exists() {
            remove(&name);
        }
    }
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("our own folder");
}
