//! The SFTP store behind jump hosts: real OpenSSH servers that forward connections and do nothing else.

use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use spartacus::base::{Hinted as _, ObjectPath, Sha256};
use spartacus::store::sftp::{SftpSettings, SftpStore};
use spartacus::store::{Body, ErrorKind, Retry, Store, StoreError, StoreExt as _, Write, contract};

use crate::delay_proxy::DelayProxy;
use crate::sshd::{Sshd, target};
use crate::support::process::wait_until;
use crate::support::project::Project;
use crate::support::sshd as openssh;

fn path(text: &str) -> ObjectPath {
    ObjectPath::new(text).expect("a path")
}

/// The way to `server` by way of these, one after the other.
fn through(jumps: &[&Sshd], server: &Sshd) -> SftpSettings {
    let mut settings = server.settings();
    settings.jump = jumps.iter().map(|jump| jump.jump()).collect();
    settings
}

async fn refused(settings: SftpSettings) -> StoreError {
    SftpStore::connect(target(), settings).await.expect_err("somebody on the way refuses")
}

#[tokio::test]
async fn a_server_behind_a_jump_host_that_only_forwards_keeps_the_contract() {
    let (jump, server) = (Sshd::start_jump_host().await, Sshd::start().await);
    let mut settings = through(&[&jump], &server);
    settings.max_channels = 1;
    let store = SftpStore::connect(target(), settings).await.expect("both let us in");
    contract::run_all(&store).await;
    assert_eq!((jump.connections(), server.connections()), (1, 1));
    store.close().await;
    drop(store);
    wait_until("both connections have ended", || jump.is_idle() && server.is_idle());
    for log in [jump.log(), server.log()] {
        assert!(log.contains("Received disconnect from 127.0.0.1") && log.contains("11: done"), "a good-bye is missing:\n{log}");
    }
}

#[tokio::test]
async fn a_store_that_is_dropped_leaves_no_session_on_the_way() {
    let (first, second, server) = (Sshd::start_jump_host().await, Sshd::start_jump_host().await, Sshd::start().await);
    let store = SftpStore::connect(target(), through(&[&first, &second], &server)).await.expect("all let us in");
    store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect("a put succeeds");
    assert!(!first.is_idle() && !second.is_idle() && !server.is_idle());
    drop(store);
    let ended = tokio::task::spawn_blocking(move || {
        wait_until("all connections have ended", || first.is_idle() && second.is_idle() && server.is_idle());
    });
    ended.await.expect("they end");
}

/// Far away, with every channel busy in both directions: what waits on one session must not hold up the one below it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_jump_hosts_far_away_carry_much_in_both_directions() {
    const LARGE: usize = 20 << 20;
    let (first, second, server) = (Sshd::start_jump_host().await, Sshd::start_jump_host().await, Sshd::start().await);
    let proxy = DelayProxy::to(first.address, Duration::from_millis(40)).await;
    let mut settings = through(&[&first, &second], &server);
    settings.jump[0].port = proxy.address.port();
    let store = SftpStore::connect(target(), settings).await.expect("all let us in");
    assert_eq!(store.capabilities().parallel_puts, 256, "the distance is seen through the jump hosts");
    store.make_collections(&[path("f")]).await.expect("a folder");
    let there = contract::noise(LARGE, 1);
    std::fs::write(server.data().join("there"), &there).expect("a file");
    let small: Vec<_> =
        (0..300).map(|number| (path(&format!("f/{number}")), Body::bytes(contract::noise(5000, number)))).collect();
    let large: Vec<_> =
        (0..2).map(|number| (path(&format!("large-{number}")), Body::bytes(contract::noise(LARGE, 7 + number)))).collect();
    let up = try_join_all(small.iter().chain(&large).map(|(path, body)| store.put(path, body, Write::New)));
    let there_path = path("there");
    let down = try_join_all((0..4).map(|_| store.digest(&there_path, 1 << 30)));
    let (_, read) = try_join(up, down).await.expect("everything arrives");
    assert!(read.iter().all(|found| *found == (LARGE as u64, Sha256::of(&there))));
    for (path, body) in small.iter().chain(&large) {
        let found = std::fs::read(server.data().join(path.as_str())).expect("a file");
        assert_eq!(Sha256::of(&found), body.sha256(), "{path}");
    }
    assert_eq!((proxy.connections(), second.connections(), server.connections()), (1, 1, 1));
}

#[tokio::test]
async fn a_way_that_breaks_midway_is_taken_anew_by_the_next_call() {
    let (jump, server) = (Sshd::start_jump_host().await, Sshd::start().await);
    let proxy = DelayProxy::to(jump.address, Duration::ZERO).await;
    let mut settings = through(&[&jump], &server);
    settings.jump[0].port = proxy.address.port();
    let store = SftpStore::connect(target(), settings).await.expect("both let us in");
    proxy.cut_after(6 << 20);
    let body = Body::bytes(contract::noise(20 << 20, 4));
    let error = store.put(&path("large"), &body, Write::New).await.expect_err("the connection to the jump host breaks");
    assert_eq!((error.kind, error.retry), (ErrorKind::ConnectionLost, Retry::Later), "{error}");
    store.put(&path("large"), &body, Write::New).await.expect("the next call connects again");
    assert_eq!(Sha256::of(&std::fs::read(server.data().join("large")).expect("a file")), body.sha256());
    assert_eq!((proxy.connections(), server.connections()), (2, 2));
}

#[tokio::test]
async fn each_server_on_the_way_sees_its_own_credential_only() {
    let (jump, server) = (Sshd::start_jump_host().await, Sshd::start().await);
    SftpStore::connect(target(), through(&[&jump], &server)).await.expect("both let us in").close().await;
    let (of_jump, of_server) = (jump.user_fingerprint(), server.user_fingerprint());
    assert!(jump.log().contains(&of_jump) && !jump.log().contains(&of_server), "{}", jump.log());
    assert!(server.log().contains(&of_server) && !server.log().contains(&of_jump), "{}", server.log());
}

#[tokio::test]
async fn another_key_of_the_jump_host_ends_it_before_authentication() {
    let (jump, server) = (Sshd::start_jump_host().await, Sshd::start().await);
    let mut settings = through(&[&jump], &server);
    // The target's own key, which is pinned for the target alone.
    settings.jump[0].host_keys.clone_from(&settings.host_keys);
    let error = refused(settings).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::HostKey, Retry::Never), "{error}");
    assert!(error.to_string().contains("jump host 127.0.0.1: the server shows the ssh-ed25519 key SHA256:"), "{error}");
    let hint = error.hint().expect("a hint");
    assert!(hint.contains("the host key of jump host 127.0.0.1 is now") && hint.contains("that entry of `jump`"), "{hint}");
    assert!(!jump.log().contains("userauth-request"), "{}", jump.log());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn another_key_behind_the_jump_host_ends_it_before_authentication() {
    let (jump, server) = (Sshd::start_jump_host().await, Sshd::start().await);
    let mut settings = through(&[&jump], &server);
    settings.host_keys.clone_from(&settings.jump[0].host_keys);
    let error = refused(settings).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::HostKey, Retry::Never), "{error}");
    assert!(!error.to_string().contains("jump host"), "{error}");
    assert!(!server.log().contains("userauth-request"), "{}", server.log());
}

#[tokio::test]
async fn a_jump_host_that_refuses_us_is_named_and_nobody_behind_it_is_asked() {
    let (jump, server) = (Sshd::start_jump_host().await, Sshd::start().await);
    let mut settings = through(&[&jump], &server);
    // The key that the target would let in.
    settings.jump[0].auth = settings.auth.clone();
    let error = refused(settings).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never), "{error}");
    assert!(error.to_string().contains("jump host 127.0.0.1: the server accepts publickey"), "{error}");
    assert_eq!((jump.connections(), server.connections()), (1, 0));
}

#[tokio::test]
async fn a_jump_host_that_does_not_forward_is_told_with_what_to_change() {
    let (jump, server) = (Sshd::start_with(|_| "AllowTcpForwarding no\n".to_owned()).await, Sshd::start().await);
    let error = refused(through(&[&jump], &server)).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::PermissionDenied, Retry::Never), "{error}");
    let place = format!("127.0.0.1:{}", server.address.port());
    assert!(error.to_string().contains(&format!("jump host 127.0.0.1: it does not forward connections to {place}")), "{error}");
    let hint = error.hint().expect("a hint");
    assert!(hint.contains(&format!("AllowTcpForwarding local, PermitOpen {place}")), "{hint}");
    assert_eq!(server.connections(), 0);
}

/// What the jump host may open is a name, and it is compared with what we asked for.
#[tokio::test]
async fn the_name_is_resolved_by_the_jump_host() {
    let server = Sshd::start().await;
    let port = server.address.port();
    let open = format!("PermitOpen localhost:{port} mirror.invalid:{port}\nAddressFamily inet\n");
    let jump = Sshd::start_with(|_| open).await;
    let mut settings = through(&[&jump], &server);
    settings.host = "localhost".to_owned();
    SftpStore::connect(target(), settings.clone()).await.expect("both let us in").close().await;
    assert!(jump.log().contains(&format!("target localhost port {port}")), "{}", jump.log());

    settings.host = "mirror.invalid".to_owned();
    let error = refused(settings).await;
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.to_string().contains(&format!("jump host 127.0.0.1: it cannot connect to mirror.invalid:{port}")), "{error}");
}

/// The whole program: probe and push by way of a jump host that is written in `targets.yaml`.
#[test]
fn a_push_through_a_jump_host_ends_on_the_mirror() {
    let jump = openssh::Sshd::start_with("AllowTcpForwarding local\nForceCommand /bin/false\nMaxSessions 0\nPermitTTY no\n");
    let mut mirror = openssh::Sshd::start().mirror();
    let hop = format!(
        "      jump:\n        - host: localhost\n          port: {}\n          user: {}\n          key: {}\n          host_keys: [\"{}\"]\n",
        jump.port,
        jump.user,
        jump.keys.client.display(),
        jump.keys.fingerprint
    );
    mirror.settings.push_str(&hop);
    let project = Project::with_mirrors([&mirror]);
    let tree = project.beside("tree");
    std::fs::write(tree.join("file"), contract::noise(5 << 20, 1)).expect("a file");
    project.run(&["target", "probe"]).ends_with(0).says("swap atomic");
    project.push(&tree, "v1").ends_with(0).says("1 of 1 mirror");
    let log = std::fs::read_to_string(jump.folder.path().join("sshd.log")).expect("sshd logs");
    assert_eq!(log.matches("Accepted publickey").count(), 2, "{log}");

    project.reconfigure(&jump.keys.fingerprint, &format!("SHA256:{}", "A".repeat(43)));
    project.push(&tree, "v2").ends_with(4).says("jump host localhost: the server shows the ssh-ed25519 key");
}
