//! The SFTP store and the habits of protocol servers in the wild that its other tests do not show.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use camino::Utf8Path;
use futures_util::future::join_all;
use spartacus::base::{Hinted as _, ObjectPath, Secret};
use spartacus::store::sftp::{SftpAuth, SftpSettings, SftpStore};
use spartacus::store::{Body, ErrorKind, Retry, Store, StoreError, Write, contract};

use crate::sftp_peer::{Habit, Peer};
use crate::sshd::{self, target};
use crate::support::{process, sshd as openssh, tools};

fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).expect("a path")
}

async fn connect(peer: &Peer) -> Result<SftpStore, StoreError> {
    SftpStore::connect(target(), peer.settings()).await
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    found.sort();
    found
}

/// Terrapin, CVE-2023-48795.
#[tokio::test]
async fn a_cipher_that_can_be_tampered_with_is_refused_before_anyone_logs_in() {
    let peer = Peer::start(Habit::Tamperable).await;
    let error = connect(&peer).await.expect_err("chacha20 without strict key exchange");
    assert_eq!((error.kind, error.retry), (ErrorKind::Unsupported, Retry::Never), "{error}");
    assert!(error.to_string().contains("chacha20"), "{error}");
    assert_eq!(peer.authentications.load(Ordering::SeqCst), 0, "it never saw the password");
}

#[tokio::test]
async fn a_password_is_told_to_a_server_that_asks_for_it() {
    let peer = Peer::start(Habit::AsksForPassword).await;
    let store = connect(&peer).await.expect("the server lets us in");
    store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect("a put succeeds");

    let mut settings = peer.settings();
    settings.auth = SftpAuth::Password(Secret::new("guessed-wrong".to_owned()));
    let error = SftpStore::connect(target(), settings).await.expect_err("the password is wrong");
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never), "{error}");
}

#[tokio::test]
async fn a_drop_box_takes_everything_and_is_told_to_show_nothing() {
    let peer = Peer::start(Habit::DropBox).await;
    let store = connect(&peer).await.expect("the server lets us in");
    let can = store.capabilities();
    assert_eq!((can.read, can.list, can.ranges), (false, false, false));
    fills_a_drop_box(&store, &peer.root()).await;
}

/// The same as a hoster makes one.
#[tokio::test]
async fn a_drop_box_on_openssh_takes_everything() {
    let server = openssh::Sshd::start_with("ForceCommand internal-sftp -P read,opendir,readdir,stat,lstat,fstat\n");
    let mut settings = settings_of(&server);
    settings.base = server.root.to_str().expect("a UTF-8 path").to_owned();
    let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
    assert_eq!((store.capabilities().read, store.capabilities().list), (false, false));
    fills_a_drop_box(&store, &server.root).await;
}

async fn fills_a_drop_box(store: &SftpStore, root: &Path) {
    for _ in 0..2 {
        store.make_collections(&[path("a"), path("a/b")]).await.expect("folders, new or not");
        store.put(&path("a/b/small"), &Body::bytes("small"), Write::New).await.expect("a put succeeds");
    }
    let large = contract::noise(17 << 20, 1);
    store.put(&path("large"), &Body::bytes(large.clone()), Write::New).await.expect("a large put succeeds");
    for text in ["old", "new"] {
        store.put(&path("pointer"), &Body::bytes(text), Write::Replace).await.expect("a replacement succeeds");
    }
    assert_eq!(std::fs::read(root.join("large")).expect("a file"), large);
    assert_eq!(std::fs::read_to_string(root.join("pointer")).expect("a file"), "new");
    assert_eq!(names(root), ["a", "large", "pointer"]);
    assert_eq!(names(&root.join("a/b")), ["small"]);
    let error = store.stat(&path("large")).await.expect_err("it shows nothing");
    assert_eq!((error.kind, error.retry), (ErrorKind::PermissionDenied, Retry::Never), "{error}");
}

fn settings_of(server: &openssh::Sshd) -> SftpSettings {
    let auth = SftpAuth::Key { path: Utf8Path::from_path(&server.keys.client).expect("UTF-8").to_owned(), passphrase: None };
    let pin = server.keys.fingerprint.parse().expect("a pin");
    let mut settings = SftpSettings::new("127.0.0.1", server.user.as_str(), auth, vec![pin]);
    settings.port = server.port;
    settings
}

#[tokio::test]
async fn a_base_that_is_not_there_is_told_at_once_and_never_made() {
    let server = sshd::Sshd::start().await;
    let mut settings = server.settings();
    settings.base = "pub/mirror".to_owned();
    let error = SftpStore::connect(target(), settings.clone()).await.expect_err("there is no such folder");
    assert_eq!((error.kind, error.retry), (ErrorKind::NotFound, Retry::Never), "{error}");
    assert!(error.to_string().contains("/data/pub/mirror is not there"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("`path`") && hint.contains("never created")), "{:?}", error.hint());
    assert!(!server.data().join("pub").exists());

    std::fs::create_dir(server.data().join("pub")).expect("a folder");
    std::fs::write(server.data().join("pub/mirror"), "no folder").expect("a file");
    let error = SftpStore::connect(target(), settings).await.expect_err("a file has that name");
    assert_eq!((error.kind, error.retry), (ErrorKind::Exists, Retry::Never), "{error}");
}

#[tokio::test]
async fn a_server_with_few_handles_is_given_fewer_files_at_once() {
    // What each halving from 64 on leaves above the server's limit is refused once: 54, 22 and 6; or 63, 31, 15, 7, 3, 1.
    // With 50 files at once that is 14 less, and there is room for the few that are refused because one more was tried.
    for (handles, most_refusals) in [(10, 82), (1, 120)] {
        let peer = Peer::start(Habit::Handles(handles)).await;
        let store = connect(&peer).await.expect("the server lets us in");
        for round in 0..4 {
            let puts = (0..50).map(|number| {
                let (store, body) = (&store, Body::bytes(contract::noise(5000, number)));
                async move { store.put(&path(&format!("{round}-{number}")), &body, Write::New).await }
            });
            for put in join_all(puts).await {
                put.expect("every put succeeds in the end");
            }
        }
        assert_eq!(names(&peer.root()).len(), 200, "no partials are left");
        let refused = peer.refusals.load(Ordering::SeqCst);
        assert!((1..=most_refusals).contains(&refused), "{handles} handles: {refused} refusals");
    }
}

#[tokio::test]
async fn a_server_that_cannot_open_a_file_at_all_is_told_as_it_is() {
    let peer = Peer::start(Habit::Handles(0)).await;
    let store = connect(&peer).await.expect("the server lets us in");
    let error = store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect_err("no handle");
    assert_eq!((error.kind, error.retry), (ErrorKind::Other, Retry::Later), "{error}");
    assert!(error.to_string().contains("SFTP status 4"), "{error}");
}

#[tokio::test]
async fn a_server_that_allows_one_session_is_content_with_one() {
    let peer = Peer::start(Habit::OneSession).await;
    let store = connect(&peer).await.expect("the server lets us in");
    assert_eq!(store.capabilities().parallel_puts, 256, "it seems far away, so more channels are wanted");
    let puts = (0..100).map(|number| {
        let (store, body) = (&store, Body::bytes(contract::noise(5000, number)));
        async move { store.put(&path(&format!("f{number}")), &body, Write::New).await }
    });
    for put in join_all(puts).await {
        put.expect("every put succeeds on the one channel");
    }
    assert_eq!(peer.refusals.load(Ordering::SeqCst), 1, "the first refusal ends the asking");
    assert_eq!(peer.authentications.load(Ordering::SeqCst), 1);
}

/// F12: the server does what it was asked, and its answer is lost.
#[tokio::test]
async fn a_rename_whose_answer_was_lost_is_not_sent_again() {
    let peer = Peer::start(Habit::SwallowsRename).await;
    let mut settings = peer.settings();
    settings.timeouts.idle = Duration::from_secs(3);
    let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
    let body = Body::bytes(contract::noise(200_000, 1));
    let error = store.put(&path("file"), &body, Write::New).await.expect_err("no answer");
    assert_eq!((error.kind, error.retry), (ErrorKind::Timeout, Retry::Later), "{error}");
    store.put(&path("file"), &body, Write::New).await.expect("it is there");
    assert_eq!(peer.written.load(Ordering::SeqCst), 200_000, "the bytes went up once");
    // Asked once more it is an ordinary put, which trusts nothing that lies there.
    store.put(&path("file"), &body, Write::New).await.expect("a put succeeds");
    assert_eq!(peer.written.load(Ordering::SeqCst), 400_000);
    assert_eq!(names(&peer.root()), ["file"]);
}

#[tokio::test]
async fn what_lies_there_after_a_lost_answer_is_hashed_and_not_believed() {
    let peer = Peer::start(Habit::SwallowsRename).await;
    let mut settings = peer.settings();
    settings.timeouts.idle = Duration::from_secs(3);
    let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
    let body = Body::bytes(contract::noise(200_000, 1));
    store.put(&path("file"), &body, Write::New).await.expect_err("no answer");
    std::fs::write(peer.root().join("file"), contract::noise(200_000, 2)).expect("other bytes of the same length");
    store.put(&path("file"), &body, Write::New).await.expect("a put succeeds");
    assert_eq!(std::fs::read(peer.root().join("file")).expect("a file"), contract::noise(200_000, 1));
}

#[tokio::test]
async fn a_full_disk_is_told_by_its_figures() {
    let peer = Peer::start(Habit::FullByFigures).await;
    let store = connect(&peer).await.expect("the server lets us in");
    let error = store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect_err("no room");
    assert_eq!((error.kind, error.retry), (ErrorKind::NoSpace, Retry::Never), "{error}");
    let large = Body::bytes(contract::noise(17 << 20, 1));
    let error = store.put(&path("large"), &large, Write::New).await.expect_err("no room");
    assert_eq!(error.kind, ErrorKind::NoSpace, "{error}");
    assert_eq!(names(&peer.root()), [""; 0]);
}

/// A file system of a few MiB; unmounted with this value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Self {
        tools::require_root("a file system of its own");
        process::run(Command::new(tools::program("mount")).args(["-t", "tmpfs", "-o", "size=4m,mode=0777", "small"]).arg(folder));
        Self(folder.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may still stand in it.
        process::output(Command::new(tools::program("umount")).arg("-l").arg(&self.0));
    }
}

/// OpenSSH says "failure" and no more; the file system itself tells why.
#[tokio::test]
async fn a_really_full_disk_is_permanent_and_what_was_there_stays() {
    let server = sshd::Sshd::start().await;
    let disk = server.data().join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let _mounted = SmallDisk::mount(disk.as_std_path());
    let mut settings = server.settings();
    settings.base = "disk".to_owned();
    let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
    store.put(&path("pointer"), &Body::bytes("old"), Write::Replace).await.expect("there is room for this");
    for (name, length) in [("new", 8 << 20), ("newer", 20 << 20)] {
        let body = Body::bytes(contract::noise(length, 1));
        let error = store.put(&path(name), &body, Write::New).await.expect_err("4 MiB cannot hold it");
        assert_eq!((error.kind, error.retry), (ErrorKind::NoSpace, Retry::Never), "{name}: {error}");
    }
    assert_eq!(names(disk.as_std_path()), ["pointer"], "our own partials are gone");
    store.put(&path("pointer"), &Body::bytes("new"), Write::Replace).await.expect("there is room for this");
    assert_eq!(std::fs::read_to_string(disk.join("pointer")).expect("a file"), "new");
}

#[tokio::test]
async fn a_read_only_folder_is_a_refusal_that_stays() {
    let server = sshd::Sshd::start().await;
    let mut settings = server.settings();
    settings.base = "/proc/self".to_owned();
    let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
    let error = store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect_err("nobody writes there");
    assert_eq!(error.retry, Retry::Never, "{error}");
}

#[tokio::test]
async fn new_files_can_be_read_by_the_web_server_and_written_by_nobody_else() {
    let server = sshd::Sshd::start().await;
    let store = SftpStore::connect(target(), server.settings()).await.expect("the server lets us in");
    store.make_collections(&[path("f")]).await.expect("a folder");
    store.put(&path("f/file"), &Body::bytes("bytes"), Write::New).await.expect("a put succeeds");
    let mode = |name: &str| std::fs::metadata(server.data().join(name)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode("f"), mode("f/file")), (0o755, 0o644));
}

/// F16: credentials that stop being good in mid-run.
#[tokio::test]
async fn an_account_that_is_closed_during_a_push_is_knocked_at_once_more_and_no_further() {
    let peer = Peer::start(Habit::LetsInOnce).await;
    let store = connect(&peer).await.expect("the server lets us in");
    store.close().await;
    let bodies: Vec<_> = (0..20).map(|number| (path(&format!("f{number}")), Body::bytes("bytes"))).collect();
    for _ in 0..2 {
        for put in join_all(bodies.iter().map(|(path, body)| store.put(path, body, Write::New))).await {
            let error = put.expect_err("the account is closed");
            assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never), "{error}");
        }
    }
    assert_eq!(peer.authentications.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn settings_are_shown_without_the_proxys_password() {
    let peer = Peer::start(Habit::Plain).await;
    let mut settings = peer.settings();
    settings.proxy = Some("socks5h://anna:canary-7@127.0.0.1:9050".parse().expect("a URL"));
    let shown = format!("{settings:?}");
    assert!(shown.contains("socks5h://127.0.0.1:9050") && !shown.contains("canary-7") && !shown.contains("anna"), "{shown}");
}
