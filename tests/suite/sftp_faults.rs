//! The SFTP store against servers with fewer talents, and against hostile ones.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use spartacus::base::{ObjectPath, Secret, Sha256};
use spartacus::store::sftp::{SftpAuth, SftpStore};
use spartacus::store::{Body, ErrorKind, Meter, Retry, Store, StoreError, SwapClass, Write, contract};

use crate::sftp_peer::{Habit, Peer};
use crate::sshd::{new_key, target};

fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).expect("a path")
}

async fn connect(peer: &Peer) -> Result<SftpStore, StoreError> {
    SftpStore::connect(target(), peer.settings()).await
}

fn names(peer: &Peer) -> Vec<String> {
    let entries = std::fs::read_dir(peer.root()).expect("a folder");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_server_without_extensions_keeps_the_contract() {
    let peer = Peer::start(Habit::Plain).await;
    let store = connect(&peer).await.expect("the server lets us in");
    contract::run_all(&store).await;
    let can = store.capabilities();
    assert_eq!((can.swap, can.fsync, can.space), (SwapClass::Gap, false, false), "what it cannot do is told");
}

#[tokio::test]
async fn an_extension_that_is_only_announced_is_done_without() {
    let peer = Peer::start(Habit::Boasting).await;
    let store = connect(&peer).await.expect("the server lets us in");
    for text in ["old", "new"] {
        store.put(&path("pointer"), &Body::bytes(text), Write::Replace).await.expect("a put succeeds");
    }
    assert_eq!(std::fs::read_to_string(peer.root().join("pointer")).expect("a file"), "new");
    assert_eq!(names(&peer), ["pointer"], "neither the partial nor the old file is left");
}

#[tokio::test]
async fn a_replacement_that_was_interrupted_midway_is_finished_by_the_next() {
    let peer = Peer::start(Habit::Plain).await;
    let store = connect(&peer).await.expect("the server lets us in");
    let aside = format!(".spartacus-{}.old", &Sha256::of(b"pointer").to_string()[..16]);
    std::fs::write(peer.root().join(&aside), "older").expect("a file");
    std::fs::write(peer.root().join("pointer"), "old").expect("a file");
    store.put(&path("pointer"), &Body::bytes("new"), Write::Replace).await.expect("a put succeeds");
    assert_eq!(std::fs::read_to_string(peer.root().join("pointer")).expect("a file"), "new");
    assert_eq!(names(&peer), ["pointer"]);
}

#[tokio::test]
async fn a_server_that_spoils_resumed_uploads_is_found_out_once_and_never_asked_again() {
    let peer = Peer::start(Habit::ZeroingResume).await;
    let store = connect(&peer).await.expect("the server lets us in");
    let meter = Meter::new();
    let bytes = contract::noise(16 << 20, 5);
    let body = Body::bytes(bytes.clone()).tapped(meter.clone());
    let partial = peer.root().join(format!(".spartacus-{}.part", body.sha256()));
    std::fs::write(&partial, &bytes[..8 << 20]).expect("a partial");
    store.put(&path("large"), &body, Write::New).await.expect("a put succeeds");
    assert_eq!(Sha256::of(&std::fs::read(peer.root().join("large")).expect("a file")), body.sha256());
    assert_eq!(meter.bytes(), (12 + 16) << 20, "the resumed part, and then all of it");
    assert!(!store.capabilities().resume);

    std::fs::write(&partial, &bytes[..8 << 20]).expect("a partial");
    store.put(&path("again"), &body, Write::New).await.expect("a put succeeds");
    assert_eq!(meter.bytes(), (12 + 16 + 16) << 20, "from the start at once");
}

#[tokio::test]
async fn a_full_disk_is_permanent_and_keeps_no_partial() {
    let peer = Peer::start(Habit::FullDisk).await;
    let store = connect(&peer).await.expect("the server lets us in");
    let error = store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect_err("no room");
    assert_eq!((error.kind, error.retry), (ErrorKind::NoSpace, Retry::Never), "{error}");
    assert_eq!(names(&peer), [""; 0]);
}

#[tokio::test]
async fn a_missing_folder_is_told_as_missing() {
    let peer = Peer::start(Habit::Plain).await;
    let store = connect(&peer).await.expect("the server lets us in");
    let error = store.put(&path("no/file"), &Body::bytes("bytes"), Write::New).await.expect_err("no folder");
    assert_eq!((error.kind, error.retry), (ErrorKind::NotFound, Retry::Never), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let peer = Peer::start(Habit::Silent).await;
    let mut settings = peer.settings();
    settings.timeouts.idle = Duration::from_millis(300);
    let started = Instant::now();
    let error = SftpStore::connect(target(), settings).await.expect_err("it never answers");
    assert_eq!((error.kind, error.retry), (ErrorKind::Timeout, Retry::Later), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn packets_that_break_the_protocol_end_the_connection() {
    for habit in [Habit::HugePacket, Habit::UnaskedAnswer] {
        let peer = Peer::start(habit).await;
        let error = connect(&peer).await.expect_err("nothing can be done with it");
        assert_eq!((error.kind, error.retry), (ErrorKind::Protocol, Retry::Never), "{habit:?}: {error}");
    }
}

#[tokio::test]
async fn a_listing_without_end_is_given_up() {
    let peer = Peer::start(Habit::EndlessListing).await;
    let store = connect(&peer).await.expect("the server lets us in");
    let listed = tokio::time::timeout(Duration::from_secs(50), store.list(None)).await.expect("it ends");
    let error = listed.expect_err("that is no listing");
    assert_eq!((error.kind, error.retry), (ErrorKind::Protocol, Retry::Never), "{error}");
}

#[tokio::test]
async fn credentials_are_not_shown_to_a_server_with_another_key() {
    let peer = Peer::start(Habit::Plain).await;
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let other = new_key(camino::Utf8Path::from_path(folder.path()).expect("a UTF-8 path").join("other").as_path());
    let mut settings = peer.settings();
    settings.host_keys = vec![other.parse().expect("a pin")];
    let error = SftpStore::connect(target(), settings).await.expect_err("the key is not the pinned one");
    assert_eq!((error.kind, error.retry), (ErrorKind::HostKey, Retry::Never));
    assert_eq!(peer.authentications.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_line_cut_during_login_is_no_refusal() {
    let peer = Peer::start(Habit::CutAtLogin).await;
    let error = connect(&peer).await.expect_err("nobody is let in");
    assert_eq!((error.kind, error.retry), (ErrorKind::ConnectionLost, Retry::Later), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let peer = Peer::start(Habit::Plain).await;
    let mut settings = peer.settings();
    settings.auth = SftpAuth::Password(Secret::new("guessed-wrong".to_owned()));
    let error = SftpStore::connect(target(), settings).await.expect_err("the password is wrong");
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never), "{error}");
    assert_eq!(peer.authentications.load(Ordering::SeqCst), 1);
}
