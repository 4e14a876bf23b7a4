//! A real OpenSSH server: one `sshd -i` for each connection to a port of ours, so that there is no port to agree on,
//! nothing to wait for, and every connection is counted.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};
use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKey};
use spartacus::base::TargetName;
use spartacus::store::sftp::{JumpHost, SftpAuth, SftpSettings};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::support::tools;

const SSHD: &str = "/usr/sbin/sshd";

pub struct Sshd {
    folder: TempDir,
    pub address: SocketAddr,
    pub host_key: String,
    connections: Arc<AtomicUsize>,
    children: Arc<Mutex<Vec<Child>>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Sshd {
    pub async fn start() -> Self {
        Self::start_with(|_| String::new()).await
    }

    /// One that forwards connections and does nothing else: no shell, no command, no SFTP.
    pub async fn start_jump_host() -> Self {
        Self::start_with(|_| "AllowTcpForwarding local\nForceCommand /bin/false\nMaxSessions 0\nPermitTTY no\n".to_owned()).await
    }

    /// With further lines of configuration, which win: sshd takes the first value it reads. They are made when the keys are
    /// there, in the folder that is given.
    pub async fn start_with(first_lines: impl FnOnce(&Utf8Path) -> String) -> Self {
        assert!(std::path::Path::new(SSHD).exists(), "this test needs OpenSSH: apt install openssh-server");
        let folder = TempDir::new().expect("a temporary folder");
        let root = Utf8PathBuf::try_from(folder.path().to_path_buf()).expect("a UTF-8 path");
        std::fs::create_dir(root.join("data")).expect("a folder");
        tools::folder_of_sshd();
        let host_key = new_key(&root.join("host_key"));
        let user_key = new_key(&root.join("user_key"));
        write_private(&root.join("authorized_keys"), &user_key);
        let first_lines = first_lines(&root);
        let configuration = format!(
            "{first_lines}HostKey {root}/host_key\nAuthorizedKeysFile {root}/authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nUseDNS no\nLogLevel DEBUG1\n\
             Subsystem sftp internal-sftp\nForceCommand internal-sftp -d {root}/data -u 0022\n"
        );
        std::fs::write(root.join("sshd.conf"), configuration).expect("a file");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let children = Arc::new(Mutex::new(Vec::new()));
        let (count, started) = (Arc::clone(&connections), Arc::clone(&children));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let client = client.into_std().expect("a socket");
                client.set_nonblocking(false).expect("a socket");
                let output = OwnedFd::from(client.try_clone().expect("a socket"));
                let child = Command::new(SSHD)
                    .args(["-i", "-f", root.join("sshd.conf").as_str(), "-E", root.join("log").as_str()])
                    .stdin(Stdio::from(OwnedFd::from(client)))
                    .stdout(Stdio::from(output))
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("sshd starts");
                started.lock().expect("no panic before").push(child);
            }
        });
        Self { folder, address, host_key, connections, children, _accepting: AbortOnDropHandle::new(accepting) }
    }

    pub fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).expect("a UTF-8 path")
    }

    pub fn data(&self) -> Utf8PathBuf {
        self.root().join("data")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.root().join("log")).unwrap_or_default()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn settings(&self) -> SftpSettings {
        let key = SftpAuth::Key { path: self.root().join("user_key"), passphrase: None };
        let pin = self.host_key.parse().expect("a host key");
        let mut settings = SftpSettings::new("127.0.0.1", user(), key, vec![pin]);
        settings.port = self.address.port();
        settings
    }

    /// As a server on the way to another one.
    pub fn jump(&self) -> JumpHost {
        let SftpSettings { host, port, user, auth, host_keys, .. } = self.settings();
        JumpHost { host, port, user, auth, host_keys }
    }

    /// The fingerprint of the one key that it lets in, as its log tells it.
    pub fn user_fingerprint(&self) -> String {
        let line = std::fs::read_to_string(self.root().join("authorized_keys")).expect("a key");
        PublicKey::from_openssh(&line).expect("a key").fingerprint(HashAlg::Sha256).to_string()
    }

    /// Whether every connection to it has ended.
    pub fn is_idle(&self) -> bool {
        let mut children = self.children.lock().expect("no panic before");
        children.iter_mut().all(|child| child.try_wait().expect("a child of ours").is_some())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        for child in self.children.lock().expect("no panic before").iter_mut() {
            // It may have ended with its connection.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn target() -> TargetName {
    TargetName::new("mirror").expect("a name")
}

/// Writes a new private key and returns its public line.
pub fn new_key(path: &Utf8Path) -> String {
    let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).expect("a key");
    write_private(path, &key.to_openssh(LineEnding::LF).expect("a key in text"));
    key.public_key().to_openssh().expect("a key in text")
}

fn write_private(path: &Utf8Path, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).expect("a new file");
    file.write_all(text.as_bytes()).expect("a written file");
}

/// Who runs this test: the only user that an sshd without privileges can let in.
fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("`id` runs");
    String::from_utf8(output.stdout).expect("a name").trim().to_owned()
}
