//! The WebDAV store and the habits of servers in the wild that its other tests do not show.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use spartacus::base::{Hinted as _, RetryPolicy};
use spartacus::store::contract::{noise, path};
use spartacus::store::webdav::{AuthMode, WebdavSettings, WebdavStore};
use spartacus::store::{Body, ErrorKind, Retry, Retrying, Store, Write};

use crate::scripted::{Act, Scripted, Seen, answer};
use crate::webdav_servers::{settings, target};

fn status(line: &str) -> Act {
    Act::Send(answer(line, &[], ""))
}

/// PUT and MKCOL succeed; of every object it says that it has `size` bytes.
fn good(seen: &Seen, size: usize) -> Act {
    let object = format!(
        "<multistatus xmlns=\"DAV:\"><response><href>{}</href><propstat><prop><getcontentlength>{size}</getcontentlength>\
         <resourcetype/></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>",
        seen.path
    );
    match seen.method.as_str() {
        "PROPFIND" => Act::Send(answer("207 Multi-Status", &[], &object)),
        "DELETE" => status("204 No Content"),
        _ => status("201 Created"),
    }
}

fn anonymous(server: &Scripted) -> WebdavStore {
    WebdavStore::new(target(), WebdavSettings { user: None, ..settings(server.base.clone()) })
}

#[tokio::test]
async fn a_lock_of_somebody_else_is_waited_for() {
    let refused = AtomicUsize::new(0);
    let server = Scripted::start(move |seen| match seen.method.as_str() {
        "PUT" if refused.fetch_add(1, Ordering::SeqCst) < 2 => status("423 Locked"),
        _ => good(seen, 5),
    })
    .await;
    let impatient = RetryPolicy { base: Duration::from_millis(1), ..RetryPolicy::default() };
    let store = Retrying::new(anonymous(&server), impatient, 1);
    store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect("the lock goes away");
    assert_eq!((server.of("PUT").len(), store.retries()), (3, 2));
    assert!(server.of("LOCK").is_empty() && server.of("UNLOCK").is_empty(), "somebody else's lock is not touched");
}

#[tokio::test]
async fn a_lock_that_stays_is_told_as_one() {
    let server = Scripted::start(|_| status("423 Locked")).await;
    let error = anonymous(&server).put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect_err("locked");
    assert_eq!((error.kind, error.retry), (ErrorKind::Locked, Retry::Later), "{error}");
}

#[tokio::test]
async fn an_object_too_large_comes_with_advice_and_is_not_sent_twice() {
    let server = Scripted::start(|_| status("413 Content Too Large")).await;
    let store = Retrying::new(anonymous(&server), RetryPolicy::default(), 1);
    let error = store.put(&path("file"), &Body::bytes(noise(200_000, 1)), Write::New).await.expect_err("too large");
    assert_eq!((error.kind, error.retry), (ErrorKind::TooLarge, Retry::Never), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("client_max_body_size")), "{:?}", error.hint());
    assert_eq!(server.of("PUT").len(), 1);
}

#[tokio::test]
async fn a_folder_made_by_somebody_else_at_the_same_moment_is_fine() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "MKCOL" => Act::Send(answer("403 Forbidden", &[], "File exists")),
        _ => Act::Send(answer(
            "207 Multi-Status",
            &[],
            "<multistatus xmlns=\"DAV:\"><response><href>/dav/a/</href><propstat><prop><resourcetype><collection/></resourcetype>\
             </prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>",
        )),
    })
    .await;
    let store = anonymous(&server);
    let folders = [path("a")];
    for made in join_all((0..4).map(|_| store.make_collections(&folders))).await {
        made.expect("it is there");
    }
}

#[tokio::test]
async fn requests_are_as_plain_as_they_can_be() {
    let server = Scripted::start(|seen| good(seen, 3 << 20)).await;
    let store = anonymous(&server);
    let body = Body::bytes(noise(3 << 20, 1));
    store.make_collections(&[path("a b")]).await.expect("a folder");
    for write in [Write::New, Write::Replace] {
        store.put(&path("a b/file"), &body, write).await.expect("a put succeeds");
    }
    store.rename(&path("a b/file"), &path("a b/ü")).await.expect("a rename succeeds");
    store.delete(&path("a b/ü")).await.expect("a delete succeeds");
    for seen in server.seen() {
        for name in
            ["content-range", "expect", "if", "if-match", "if-none-match", "lock-token", "transfer-encoding", "x-oc-mtime"]
        {
            assert!(!seen.headers.contains_key(name), "{name} in {} {}", seen.method, seen.path);
        }
        assert!(!["LOCK", "PROPPATCH", "COPY"].contains(&seen.method.as_str()), "{}", seen.method);
        assert!(seen.header("depth") != "infinity");
    }
    let puts = server.of("PUT");
    assert!(puts.iter().all(|put| put.header("content-length") == (3 << 20).to_string()), "whole, with its length");
    let [moved] = &server.of("MOVE")[..] else { panic!("one MOVE") };
    assert_eq!(moved.header("destination"), format!("{}a%20b/%C3%BC", server.base), "an absolute URL, encoded once");
    assert_eq!(moved.header("overwrite"), "T", "said, since servers differ in what they take silence for");
    assert!(server.of("MKCOL").iter().all(|seen| seen.path.ends_with('/')), "folders have a slash");
}

/// F16: credentials that stop being good in mid-run.
#[tokio::test]
async fn an_account_that_is_closed_during_a_push_is_knocked_at_once_more_and_no_further() {
    let shown = AtomicUsize::new(0);
    let server = Scripted::start(move |seen| {
        let challenge = || Act::Send(answer("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"r\""], ""));
        // The upload and the look at what it stored are let in.
        if seen.header("authorization").is_empty() || shown.fetch_add(1, Ordering::SeqCst) >= 2 {
            return challenge();
        }
        good(seen, 5)
    })
    .await;
    let one = WebdavSettings { auth: AuthMode::Auto, connections: 1, ..settings(server.base.clone()) };
    let store = WebdavStore::new(target(), one);
    let body = Body::bytes("bytes");
    store.put(&path("first"), &body, Write::New).await.expect("let in");
    let others: Vec<_> = (0..20).map(|number| path(&format!("f{number}"))).collect();
    for put in join_all(others.iter().map(|at| store.put(at, &body, Write::New))).await {
        let error = put.expect_err("the account is closed");
        assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never), "{error}");
    }
    let shown = server.seen().iter().filter(|seen| !seen.header("authorization").is_empty()).count();
    assert_eq!(shown, 3, "twice let in, once refused");
}
