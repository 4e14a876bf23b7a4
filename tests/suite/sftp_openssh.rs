//! The SFTP store against OpenSSH.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use spartacus::base::{Hinted as _, ObjectPath, Secret, Sha256};
use spartacus::store::sftp::{SftpAuth, SftpStore, scan_host_keys};
use spartacus::store::{Body, ErrorKind, Meter, Retry, Store, StoreExt as _, SwapClass, Write, contract};

use crate::delay_proxy::DelayProxy;
use crate::sshd::{Sshd, new_key, target};

fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).expect("a path")
}

/// With one channel: on a busy machine the server may seem far away, and would get more.
async fn connect(server: &Sshd) -> SftpStore {
    let mut settings = server.settings();
    settings.max_channels = 1;
    SftpStore::connect(target(), settings).await.expect("the server lets us in")
}

async fn put_many(store: &SftpStore, count: usize) {
    let bodies: Vec<_> =
        (0..count).map(|number| (path(&format!("f/{number}")), Body::bytes(contract::noise(4096, number as u64)))).collect();
    try_join_all(bodies.iter().map(|(path, body)| store.put(path, body, Write::New))).await.expect("every put succeeds");
}

fn names_in(server: &Sshd, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(server.data().join(folder)).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
}

#[tokio::test]
async fn openssh_keeps_the_contract() {
    let server = Sshd::start().await;
    let store = connect(&server).await;
    contract::run_all(&store).await;
    let can = store.capabilities();
    assert_eq!((can.swap, can.fsync, can.space, can.parallel_puts), (SwapClass::Atomic, true, true, 64));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_key_that_others_may_read_is_not_used() {
    let server = Sshd::start().await;
    let settings = server.settings();
    let key = server.root().join("user_key");
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("our own file");
    for lax in [0o644, 0o640, 0o606] {
        mode(lax);
        let error = SftpStore::connect(target(), settings.clone()).await.expect_err("a lax mode");
        assert_eq!((error.kind, error.retry), (ErrorKind::Local, Retry::Never), "{error}");
        assert!(error.to_string().contains(&format!("{key} may be read by others (mode {lax:03o})")), "{error}");
        assert_eq!(error.hint(), Some(format!("chmod 600 {key}")));
    }
    mode(0o400);
    SftpStore::connect(target(), settings).await.expect("a stricter mode");
}

#[tokio::test]
async fn five_hundred_files_take_one_connection_and_leave_nothing_else() {
    let server = Sshd::start().await;
    let store = connect(&server).await;
    store.make_collections(&[path("f")]).await.expect("a folder");
    put_many(&store, 500).await;
    let found: BTreeMap<String, u64> = store
        .list(Some(&path("f")))
        .await
        .expect("a listing")
        .into_iter()
        .map(|entry| (entry.name, entry.size.expect("a file")))
        .collect();
    assert_eq!(found.len(), 500);
    assert!(found.values().all(|size| *size == 4096), "no leftovers and no short files: {found:?}");
    assert_eq!(server.connections(), 1);
    assert_eq!(std::fs::read(server.data().join("f/499")).expect("a file"), contract::noise(4096, 499));
}

#[tokio::test]
async fn a_large_file_goes_up_and_comes_back() {
    let server = Sshd::start().await;
    let store = connect(&server).await;
    let bytes = contract::noise(64 << 20, 7);
    store.put(&path("large"), &Body::bytes(bytes.clone()), Write::New).await.expect("a put succeeds");
    let (length, digest) = store.digest(&path("large"), 1 << 30).await.expect("it can be read");
    assert_eq!((length, digest), (64 << 20, Sha256::of(&bytes)));
    assert_eq!(names_in(&server, ""), ["large"]);
}

#[tokio::test]
async fn a_broken_upload_goes_on_near_where_it_stopped() {
    let server = Sshd::start().await;
    let store = connect(&server).await;
    let bytes = contract::noise(24 << 20, 8);
    let meter = Meter::new();
    let body = Body::bytes(bytes.clone()).tapped(meter.clone());
    std::fs::write(server.data().join(format!(".spartacus-{}.part", body.sha256())), &bytes[..20 << 20]).expect("a partial");
    store.put(&path("large"), &body, Write::New).await.expect("a put succeeds");
    assert_eq!(meter.bytes(), 8 << 20, "the missing 4 MiB and one window before them");
    assert_eq!(Sha256::of(&std::fs::read(server.data().join("large")).expect("a file")), body.sha256());
    assert_eq!(names_in(&server, ""), ["large"]);
}

#[tokio::test]
async fn a_resumed_upload_of_other_bytes_is_found_out() {
    let server = Sshd::start().await;
    let store = connect(&server).await;
    let body = Body::bytes(contract::noise(17 << 20, 9));
    std::fs::write(server.data().join(format!(".spartacus-{}.part", body.sha256())), vec![0; 16 << 20]).expect("a partial");
    store.put(&path("large"), &body, Write::New).await.expect("a put succeeds");
    assert_eq!(Sha256::of(&std::fs::read(server.data().join("large")).expect("a file")), body.sha256());
    assert!(!store.capabilities().resume, "this server is not trusted with a second one");
}

#[tokio::test]
async fn another_host_key_ends_it_before_authentication() {
    let server = Sshd::start().await;
    let mut settings = server.settings();
    settings.host_keys = vec![new_key(&server.root().join("other")).parse().expect("a pin")];
    let error = SftpStore::connect(target(), settings).await.expect_err("the key is not the pinned one");
    assert_eq!((error.kind, error.retry), (ErrorKind::HostKey, Retry::Never));
    let shown = server.host_key.parse::<spartacus::store::sftp::HostKeyPin>().expect("a pin").to_string();
    assert!(error.to_string().contains(&shown), "{error}");
    assert!(!server.log().contains("userauth-request"), "{}", server.log());
}

#[tokio::test]
async fn a_scan_shows_the_key_and_asks_for_nothing() {
    let server = Sshd::start().await;
    let settings = server.settings();
    let anywhere = spartacus::net::Destinations::anywhere();
    let scanned = scan_host_keys(&target(), "127.0.0.1", server.address.port(), None, &settings.timeouts, &anywhere).await;
    let keys = scanned.expect("a key");
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].line.trim(), server.host_key.trim());
    assert_eq!(keys[0].algorithm, "ssh-ed25519");
    assert!(!server.log().contains("userauth-request"));
}

#[tokio::test]
async fn a_fingerprint_pins_as_well_as_a_line() {
    let server = Sshd::start().await;
    let mut settings = server.settings();
    let print = settings.host_keys[0].to_string();
    settings.host_keys = vec![print.parse().expect("a fingerprint")];
    SftpStore::connect(target(), settings).await.expect("the server lets us in");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_unknown_key_is_refused_for_good() {
    let server = Sshd::start().await;
    let mut settings = server.settings();
    new_key(&server.root().join("stranger"));
    settings.auth = SftpAuth::Key { path: server.root().join("stranger"), passphrase: None };
    let error = SftpStore::connect(target(), settings).await.expect_err("the key is unknown");
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never));
}

/// Keys as `ssh-keygen` makes them: encrypted, and RSA (which must be signed with SHA-2).
#[tokio::test]
async fn encrypted_and_rsa_keys_work() {
    let server = Sshd::start().await;
    for (name, kind, passphrase) in [("encrypted", "ed25519", "open sesame"), ("rsa", "rsa", "")] {
        let file = server.root().join(name);
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-N", passphrase, "-f", file.as_str()])
            .status()
            .expect("`ssh-keygen` runs");
        assert!(made.success());
        let public = std::fs::read(format!("{file}.pub")).expect("a public key");
        std::fs::write(server.root().join("authorized_keys"), public).expect("a file");
        let mut settings = server.settings();
        let secret = (!passphrase.is_empty()).then(|| Secret::new(passphrase.to_owned()));
        settings.auth = SftpAuth::Key { path: file.clone(), passphrase: secret };
        SftpStore::connect(target(), settings).await.expect("the server lets us in");
        if !passphrase.is_empty() {
            let mut settings = server.settings();
            settings.auth = SftpAuth::Key { path: file, passphrase: Some(Secret::new("not it".to_owned())) };
            let error = SftpStore::connect(target(), settings).await.expect_err("a wrong passphrase");
            assert_eq!(error.kind, ErrorKind::Local, "{error}");
        }
    }
}

/// The model: 12 round trips to connect and prepare, then 3 for each 64 files (open, write and close, rename).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distance_costs_three_round_trips_for_each_sixty_four_files() {
    const ROUND_TRIP: Duration = Duration::from_millis(50);
    const FILES: u32 = 500;
    let server = Sshd::start().await;
    let proxy = DelayProxy::to(server.address, ROUND_TRIP).await;
    let mut settings = server.settings();
    settings.port = proxy.address.port();
    settings.max_channels = 1;
    let started = Instant::now();
    let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
    let connected = started.elapsed();
    store.make_collections(&[path("f")]).await.expect("a folder");
    put_many(&store, FILES as usize).await;
    let wall = started.elapsed();
    let model = ROUND_TRIP * (12 + 3 * FILES.div_ceil(64));
    eprintln!("connected in {connected:?}, all in {wall:?}, model {model:?}");
    // One file after the other would take 75 s, and eight at a time 9 s: the bound needs no quiet machine.
    assert!(wall < model * 4, "{wall:?} against a model of {model:?}");
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_distant_server_gets_more_channels_on_the_same_connection() {
    let server = Sshd::start().await;
    let proxy = DelayProxy::to(server.address, Duration::from_millis(40)).await;
    let mut settings = server.settings();
    settings.port = proxy.address.port();
    let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
    assert_eq!(store.capabilities().parallel_puts, 256);
    store.make_collections(&[path("f")]).await.expect("a folder");
    put_many(&store, 500).await;
    let bytes = contract::noise(20 << 20, 3);
    store.put(&path("large"), &Body::bytes(bytes.clone()), Write::New).await.expect("a put succeeds");
    assert_eq!(Sha256::of(&std::fs::read(server.data().join("large")).expect("a file")), Sha256::of(&bytes));
    assert_eq!(proxy.connections(), 1);
    assert_eq!(server.log().matches("Starting session: forced-command").count(), 4, "{}", server.log());
}

#[tokio::test]
async fn a_connection_that_breaks_midway_is_replaced_by_the_next_call() {
    let server = Sshd::start().await;
    let proxy = DelayProxy::to(server.address, Duration::ZERO).await;
    let mut settings = server.settings();
    settings.port = proxy.address.port();
    let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
    proxy.cut_after(6 << 20);
    let meter = Meter::new();
    let body = Body::bytes(contract::noise(20 << 20, 4)).tapped(meter.clone());
    let error = store.put(&path("large"), &body, Write::New).await.expect_err("the connection breaks");
    assert_eq!((error.kind, error.retry), (ErrorKind::ConnectionLost, Retry::Later), "{error}");
    store.put(&path("large"), &body, Write::New).await.expect("the next call connects again");
    assert_eq!(store.stat(&path("large")).await.expect("a stat").map(|stat| stat.size), Some(20 << 20));
    assert_eq!(Sha256::of(&std::fs::read(server.data().join("large")).expect("a file")), body.sha256());
    assert_eq!(proxy.connections(), 2);
}
