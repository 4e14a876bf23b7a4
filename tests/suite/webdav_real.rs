//! The WebDAV store against Apache's `mod_dav` (Basic and Digest) and nginx.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future;
use spartacus::base::{ObjectPath, Secret, Sha256};
use spartacus::store::webdav::{AuthMode, WebdavStore};
use spartacus::store::{Body, ErrorKind, Retry, Store, StoreExt as _, SwapClass, Write, contract};

use super::webdav_servers::{ALL, Kind, Server, target};

fn path(text: &str) -> ObjectPath {
    contract::path(text)
}

async fn put(store: &WebdavStore, at: &str, bytes: Bytes) {
    store.put(&path(at), &Body::bytes(bytes), Write::New).await.expect("a put succeeds");
}

async fn read(store: &WebdavStore, at: &str) -> Option<Bytes> {
    store.get_small(&path(at), 1 << 30).await.expect("a read succeeds")
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_basic_keeps_the_contract() {
    keeps_the_contract(Kind::ApacheBasic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_digest_keeps_the_contract() {
    keeps_the_contract(Kind::ApacheDigest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_keeps_the_contract() {
    keeps_the_contract(Kind::Nginx).await;
}

async fn keeps_the_contract(kind: Kind) {
    let server = Server::start(kind);
    let store = server.store();
    // As a probe finds these servers, so that the contract also demands the old bytes after a broken upload.
    let probed = spartacus::store::Capabilities { swap: SwapClass::Atomic, ..store.capabilities() };
    contract::run_all(&store.with_capabilities(probed)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_cut_off_midway_leaves_the_old_bytes() {
    for kind in ALL {
        let server = Server::start(kind);
        let store = server.store();
        put(&store, "pointer", Bytes::from_static(b"old")).await;
        store.abort_half_put(&path("pointer"), &Body::bytes(contract::noise(3 << 20, 1))).await.expect("it breaks off");
        assert_eq!(read(&store, "pointer").await.as_deref(), Some(&b"old"[..]), "{kind:?}");
        store.abort_half_put(&path("fresh"), &Body::bytes(contract::noise(3 << 20, 1))).await.expect("it breaks off");
        assert_eq!(read(&store, "fresh").await, None, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_see_a_swap_happen() {
    const READS: usize = 2_000;
    const SWAPS: usize = 100;
    for kind in ALL {
        let server = Server::start(kind);
        let (writer, reader) = (server.store(), Arc::new(server.store()));
        put(&writer, "pointer", version(kind, 0)).await;
        let (seen, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (reader, seen, done) = (Arc::clone(&reader), Arc::clone(&seen), Arc::clone(&done));
                tokio::spawn(async move {
                    while !done.load(Ordering::Relaxed) {
                        let found = read(&reader, "pointer").await.expect("the name is never missing");
                        assert!(found == version(kind, found[0]), "{kind:?}: a torn read of {} bytes", found.len());
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let mut swaps = 0;
        while (seen.load(Ordering::Relaxed) < READS || swaps < SWAPS) && !readers.iter().any(tokio::task::JoinHandle::is_finished)
        {
            swaps += 1;
            let number = u8::try_from(swaps % 251).expect("small");
            writer.put(&path("pointer"), &Body::bytes(version(kind, number)), Write::Replace).await.expect("a swap succeeds");
        }
        done.store(true, Ordering::Relaxed);
        for result in future::join_all(readers).await {
            result.expect("no reader saw anything but whole versions");
        }
    }
}

/// A version of the pointer: every byte tells which. On nginx the length differs too. Not on Apache, which asks for a
/// file's length and opens it in two steps: a swap between them serves the new bytes cut to the old length.
fn version(kind: Kind, number: u8) -> Bytes {
    let more = if kind == Kind::Nginx { 300 * usize::from(number) } else { 0 };
    Bytes::from(vec![number; 20_000 + more])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_of_small_files_and_a_big_one_arrive_whole() {
    for kind in ALL {
        let server = Server::start(kind);
        let store = server.store();
        let folders: Vec<ObjectPath> = (0..20).map(|number| path(&format!("tree/{number}"))).collect();
        store.make_collections(&folders).await.expect("collections can be made");
        let files: Vec<ObjectPath> = (0..500).map(|number| path(&format!("tree/{}/file {number}", number % 20))).collect();
        let puts = files.iter().enumerate().map(|(number, at)| {
            let (store, body) = (&store, Body::bytes(contract::noise(4096, number as u64)));
            async move { store.put(at, &body, Write::New).await }
        });
        for result in future::join_all(puts).await {
            result.expect("a small put succeeds");
        }
        for folder in &folders {
            let entries = store.list(Some(folder)).await.expect("a listing");
            assert_eq!(entries.len(), 25, "{kind:?}");
            assert!(entries.iter().all(|entry| entry.size == Some(4096)), "{kind:?}: {entries:?}");
        }

        let big = contract::noise(64 << 20, 64);
        put(&store, "tree/big", big.clone()).await;
        let (length, digest) = store.digest(&path("tree/big"), 1 << 30).await.expect("it can be read");
        assert_eq!((length, digest), (64 << 20, Sha256::of(&big)), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_once_and_for_all() {
    for kind in ALL {
        let server = Server::start(kind);
        let mut settings = server.settings();
        settings.password = Some(Secret::new("not-the-password".to_owned()));
        let store = WebdavStore::new(target(), settings);
        let error = store.put(&path("file"), &Body::bytes("x"), Write::New).await.expect_err("it is refused");
        assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never), "{kind:?}: {error}");
        assert!(!server.data().join("file").exists(), "{kind:?}");

        let mut nobody = server.settings();
        nobody.user = None;
        let error = WebdavStore::new(target(), nobody).stat(&path("file")).await.expect_err("it is refused");
        assert!(error.detail.contains("none is set"), "{kind:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_only_given_as_agreed() {
    let server = Server::start(Kind::ApacheBasic);
    let mut settings = server.settings();
    settings.auth = AuthMode::Digest;
    let error = WebdavStore::new(target(), settings).stat(&path("file")).await.expect_err("the server has no Digest");
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    let mut settings = server.settings();
    settings.auth = AuthMode::Basic;
    assert_eq!(WebdavStore::new(target(), settings).stat(&path("file")).await.expect("it is let in"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_and_files_are_never_confused() {
    for kind in ALL {
        let server = Server::start(kind);
        let store = server.store();
        store.make_collections(&[path("folder")]).await.expect("a collection");
        put(&store, "folder/file", Bytes::from_static(b"kept")).await;
        put(&store, "file", Bytes::from_static(b"kept")).await;

        let error = store.delete(&path("folder")).await.expect_err("a folder is no object");
        assert_eq!(error.kind, ErrorKind::Exists, "{kind:?}: {error}");
        let error = store.make_collections(&[path("file")]).await.expect_err("a file is in the way");
        assert_eq!(error.retry, Retry::Never, "{kind:?}: {error}");
        assert_eq!(read(&store, "folder/file").await.as_deref(), Some(&b"kept"[..]), "{kind:?}");
        assert_eq!(read(&store, "file").await.as_deref(), Some(&b"kept"[..]), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_above_is_told_or_made() {
    for kind in ALL {
        let server = Server::start(kind);
        let store = server.store();
        let error = store.put(&path("no/such/file"), &Body::bytes("x"), Write::New).await.expect_err("nothing lies above");
        if kind != Kind::Nginx {
            // nginx says 500.
            assert_eq!(error.kind, ErrorKind::NotFound, "{kind:?}: {error}");
        }
        // Somebody removes a folder that this store has made: it is made again on the way to the next one.
        store.make_collections(&[path("one/two")]).await.expect("collections");
        std::fs::remove_dir_all(server.data().join("one")).expect("a folder goes");
        store.make_collections(&[path("one/two/three")]).await.expect("collections again");

        // A base that does not exist yet.
        let mut settings = server.settings();
        settings.base = settings.base.join("mirror/").expect("a URL");
        let below = WebdavStore::new(target(), settings);
        below.make_collections(&[path("releases/v1")]).await.expect("the base is made too");
        put(&below, "releases/v1/file", Bytes::from_static(b"x")).await;
        assert!(server.data().join("mirror/releases/v1/file").exists(), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_goes_only_when_nothing_can_hide_in_it() {
    for kind in ALL {
        let server = Server::start(kind);
        let store = server.store();
        store.make_collections(&[path("empty"), path("hiding"), path("full")]).await.expect("collections");
        put(&store, "full/file", Bytes::from_static(b"kept")).await;
        put(&store, "hiding/.kept", Bytes::from_static(b"kept")).await;
        for folder in ["empty", "hiding", "full", "missing"] {
            store.delete_empty_collection(&path(folder)).await.expect("it is removed or left alone");
        }
        assert!(server.data().join("hiding/.kept").exists() && server.data().join("full/file").exists(), "{kind:?}");
        // nginx lists no name with a leading dot, so nothing there is certainly empty.
        assert_eq!(server.data().join("empty").exists(), kind == Kind::Nginx, "{kind:?}");
        assert!(!server.data().join("empty/.spartacus-empty-check").exists(), "{kind:?}: nothing of ours stays behind");
        assert!(!server.data().join("missing").exists(), "{kind:?}");
    }
}
