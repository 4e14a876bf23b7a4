//! OpenSSH as an ordinary user: key authentication, no chroot, no password.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::face::Face;
use super::mirror::{Kind, Mirror, Running};
use super::process::{self, Server, Stop};
use super::tools;

/// A running `sshd` whose login folder is [`Sshd::root`]. The only login is whoever runs the tests.
#[derive(Debug)]
pub struct Sshd {
    pub server: Server,
    pub port: u16,
    pub user: String,
    pub root: PathBuf,
    pub keys: Keys,
    pub folder: tempfile::TempDir,
}

/// What a client needs to know and the server's own key.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The client's private key.
    pub client: PathBuf,
    /// The server's private key.
    pub host: PathBuf,
    /// The host key's fingerprint, `SHA256:...`.
    pub fingerprint: String,
}

impl Keys {
    /// Makes fresh ones in `folder`, and `authorized_keys`.
    pub fn generate(folder: &Path) -> Self {
        let (client, host) = (folder.join("id_ed25519"), folder.join("hostkey"));
        for key in [&client, &host] {
            process::run(Command::new(tools::program("ssh-keygen")).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key));
        }
        std::fs::copy(folder.join("id_ed25519.pub"), folder.join("authorized_keys")).expect("the key can be copied");
        let shown = process::run(Command::new(tools::program("ssh-keygen")).arg("-lf").arg(folder.join("hostkey.pub")));
        let fingerprint = shown.split_whitespace().nth(1).expect("ssh-keygen shows a fingerprint").to_owned();
        Self { client, host, fingerprint }
    }
}

impl Sshd {
    /// Starts it with `internal-sftp`.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts it with further lines of configuration, which win: sshd takes the first value it reads.
    pub fn start_with(first_lines: &str) -> Self {
        tools::folder_of_sshd();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path();
        let keys = Keys::generate(base);
        let root = base.join("root");
        std::fs::create_dir(&root).expect("the folder is new");
        let (server, ports) = Server::start(&base.join("sshd.out"), Stop::Term, 1, |ports| {
            let config = format!(
                "{first_lines}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {base}/hostkey\nPidFile none\n\
                 AuthorizedKeysFile {base}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
                 KbdInteractiveAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n\
                 ForceCommand internal-sftp -d {root} -u 0022\nMaxStartups 100:30:200\nMaxSessions 50\nUseDNS no\n",
                port = ports[0],
                base = base.display(),
                root = root.display(),
            );
            command(base, &config)
        });
        Self { server, port: ports[0], user: tools::own_login(), root, keys, folder }
    }

    /// As a target and a mirror.
    pub fn mirror(self) -> Mirror {
        let face = Face::over(&self.root);
        Mirror {
            kind: Kind::Sshd,
            settings: settings(self.port, &self.user, &self.root.display().to_string(), &self.keys)
                + &format!("      key: {}\n", self.keys.client.display()),
            public_url: face.url().to_owned(),
            rclone_remote: remote(self.port, &self.user) + &format!("key_file = {}\n", self.keys.client.display()),
            rclone_path: self.root.display().to_string(),
            root: Some(self.root),
            running: Running { server: Some(self.server), face: Some(face), cleanup: None, folder: self.folder },
        }
    }
}

/// `sshd` in the foreground with this configuration.
pub fn command(base: &Path, config: &str) -> Command {
    std::fs::write(base.join("sshd_config"), config).expect("the configuration can be written");
    // A path of its own is what sshd insists on: it runs itself again for each connection.
    let mut command = Command::new(tools::file("/usr/sbin/sshd"));
    command.arg("-D").arg("-f").arg(base.join("sshd_config")).arg("-E").arg(base.join("sshd.log"));
    command
}

/// The target's settings, without the means of authentication.
pub fn settings(port: u16, user: &str, path: &str, keys: &Keys) -> String {
    format!(
        "    sftp:\n      host: 127.0.0.1\n      port: {port}\n      user: {user}\n      path: {path}\n      host_keys:\n        - {}\n",
        keys.fingerprint
    )
}

/// The rclone remote, without the means of authentication.
pub fn remote(port: u16, user: &str) -> String {
    format!("type = sftp\nhost = 127.0.0.1\nport = {port}\nuser = {user}\nshell_type = none\n")
}
