//! A second opinion: the contract on servers that nobody tuned the stores for. Where a server cannot keep a promise,
//! its deviation is named here, and shown.

use std::process::Command;
use std::time::Duration;

use spartacus::base::{RetryPolicy, Secret, Sha256};
use spartacus::net::{Clients, HttpPolicy};
use spartacus::store::contract::{self, noise, path};
use spartacus::store::sftp::{SftpAuth, SftpSettings, SftpStore};
use spartacus::store::webdav::{WebdavSettings, WebdavStore};
use spartacus::store::{Body, Meter, Retrying, Store, StoreExt as _, SwapClass, Write};

use crate::support::process::{Server, Stop, wait_until};
use crate::support::seaweed::Seaweed;
use crate::support::sshd::Keys;
use crate::support::{PASSWORD, USER, http, tools};
use crate::webdav_servers::target;

/// A server with an SFTP or WebDAV face over a folder or store of its own.
struct Running {
    port: u16,
    keys: Option<Keys>,
    _server: Server,
    _behind: Option<Seaweed>,
    _folder: tempfile::TempDir,
}

/// `rclone serve` with its remembered listings: without them it reads a folder again for every packet.
fn rclone(protocol: &str, more: &[&str]) -> Running {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let base = folder.path();
    let root = base.join("root");
    std::fs::create_dir(&root).expect("the folder is new");
    let keys = (protocol == "sftp").then(|| Keys::generate(base));
    let (server, ports) = Server::start(&base.join("rclone.out"), Stop::Kill, 1, |ports| {
        let mut command = Command::new(tools::from_venv("rclone"));
        command.args(["--config", "/dev/null", "serve", protocol]).arg(&root);
        command.arg("--addr").arg(format!("127.0.0.1:{}", ports[0])).args(["--user", USER, "--pass", PASSWORD]);
        command.args(["--vfs-write-back", "0s", "--cache-dir"]).arg(base.join("cache")).args(more);
        if let Some(keys) = &keys {
            command.arg("--key").arg(&keys.host);
        }
        command
    });
    Running { port: ports[0], keys, _server: server, _behind: None, _folder: folder }
}

/// SeaweedFS's own face for `protocol`, before a filer of its own.
fn seaweed(protocol: &str) -> Running {
    let behind = Seaweed::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let base = folder.path();
    let keys = (protocol == "sftp").then(|| Keys::generate(base));
    let users = serde_json::json!([{
        "Username": USER, "Password": PASSWORD, "HomeDir": "/sftp", "Permissions": { "/sftp": ["all"] }, "Uid": 0, "Gid": 0,
    }]);
    std::fs::write(base.join("users.json"), users.to_string()).expect("a file");
    let (server, ports) = Server::start(&base.join("weed.out"), Stop::Kill, 1, |ports| {
        let mut command = Command::new(tools::from_venv("weed"));
        command.args(["-logtostderr=true", protocol, "-ip.bind=127.0.0.1"]);
        command.arg(format!("-port={}", ports[0])).arg(format!("-filer={}", behind.filer));
        if let Some(keys) = &keys {
            command.arg(format!("-sshPrivateKey={}", keys.host.display()));
            command.arg(format!("-userStoreFile={}", base.join("users.json").display()));
            command.arg(format!("-localSocket={}", base.join("socket").display()));
        } else {
            command.arg(format!("-cacheDir={}", base.join("cache").display()));
        }
        command
    });
    Running { port: ports[0], keys, _server: server, _behind: Some(behind), _folder: folder }
}

impl Running {
    async fn sftp(&self) -> SftpStore {
        let pin = self.keys.as_ref().expect("an SFTP server").fingerprint.parse().expect("a pin");
        let auth = SftpAuth::Password(Secret::new(PASSWORD.to_owned()));
        let mut settings = SftpSettings::new("127.0.0.1", USER, auth, vec![pin]);
        settings.port = self.port;
        SftpStore::connect(target(), settings).await.expect("the server lets us in")
    }

    fn webdav(&self) -> WebdavStore {
        let policy = HttpPolicy::new(&spartacus::base::Timeouts::default()).for_uploads();
        let base = format!("http://127.0.0.1:{}/", self.port).parse().expect("a URL");
        let client = Clients::default().get(&policy).expect("a client");
        let settings = WebdavSettings {
            user: Some(USER.to_owned()),
            password: Some(Secret::new(PASSWORD.to_owned())),
            ..WebdavSettings::new(base, client)
        };
        WebdavStore::new(target(), settings)
    }
}

/// Go's WebDAV library, in both, locks what is being written for a moment longer than an upload that broke off.
fn patient(store: WebdavStore) -> Retrying<WebdavStore> {
    Retrying::new(store, RetryPolicy { tries: 10, base: Duration::from_millis(50), ..RetryPolicy::default() }, 1)
}

/// Puts an object whose first half an earlier try has left under the temporary name; returns how many bytes went up.
async fn resumes(server: &Running, store: &SftpStore) -> u64 {
    let bytes = noise(20 << 20, 3);
    let meter = Meter::new();
    let body = Body::bytes(bytes.clone()).tapped(meter.clone());
    let partial = path(&format!(".spartacus-{}.part", body.sha256()));
    // Over another connection, and not behind the server's back: it remembers what lies there.
    let left = server.sftp().await.put(&partial, &Body::bytes(bytes.slice(..12 << 20)), Write::New).await;
    left.expect("a put succeeds");
    store.put(&path("resumed"), &body, Write::New).await.expect("a put succeeds");
    let found = store.digest(&path("resumed"), 1 << 30).await.expect("it can be read");
    assert_eq!(found, (bytes.len() as u64, Sha256::of(&bytes)), "whatever the server makes of it, the object is right");
    meter.bytes()
}

/// Deviation: it writes at no offset ("illegal seek"), so that nothing is resumed.
#[tokio::test]
async fn rclone_serves_sftp() {
    let server = rclone("sftp", &[]);
    let store = server.sftp().await;
    contract::run_all(&store).await;
    let can = store.capabilities();
    assert_eq!((can.swap, can.fsync, can.space, can.resume), (SwapClass::Atomic, false, true, true));
    let sent = resumes(&server, &store).await;
    assert!(sent >= 20 << 20, "all of it went up: {sent}");
    assert!(!store.capabilities().resume, "and it is not asked again");
}

#[tokio::test]
async fn rclone_with_a_cache_serves_sftp_and_resumes() {
    let server = rclone("sftp", &["--vfs-cache-mode", "full"]);
    let store = server.sftp().await;
    contract::run_all(&store).await;
    assert_eq!(resumes(&server, &store).await, 12 << 20, "the missing 8 MiB and one window before them");
    assert!(store.capabilities().resume);
}

/// Deviations: an upload that breaks off leaves a short file, so that a swap is torn, which the store says before any
/// probe; and a lock (423) for a moment, which a push waits out.
#[tokio::test]
async fn rclone_serves_webdav() {
    let server = rclone("webdav", &[]);
    let store = patient(server.webdav());
    assert_eq!(store.capabilities().swap, SwapClass::Torn);
    contract::run_all(&store).await;
    assert_eq!(store.capabilities().swap, SwapClass::Torn);
}

/// Deviations: it takes an offset and fills what lies before it with zeros, which is found out by reading back; it has
/// no statvfs, which it announces, and no fsync.
#[tokio::test]
async fn seaweedfs_serves_sftp() {
    let server = seaweed("sftp");
    let store = server.sftp().await;
    contract::run_all(&store).await;
    let can = store.capabilities();
    assert_eq!((can.swap, can.fsync), (SwapClass::Atomic, false));
    let sent = resumes(&server, &store).await;
    assert_eq!(sent, (12 + 20) << 20, "what was missing, and then all of it");
    assert!(!store.capabilities().resume, "it is not asked again");
}

/// Deviation: after an upload that broke off, the object is locked for a moment (423), which a push waits out.
#[tokio::test]
async fn seaweedfs_serves_webdav() {
    let server = seaweed("webdav");
    let url = format!("http://127.0.0.1:{}/", server.port);
    let ready = || http::request("PROPFIND", &url, "Depth: 0\r\n").is_some_and(|answer| answer.status == 207);
    wait_until("SeaweedFS serves WebDAV", ready);
    let store = patient(server.webdav());
    contract::run_all(&store).await;
    assert_eq!(store.capabilities().swap, SwapClass::Torn);
}
