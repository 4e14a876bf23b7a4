//! The WebDAV store against servers that are broken, hostile or merely unusual.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use spartacus::base::{Hinted as _, ObjectPath, RetryPolicy, Timeouts};
use spartacus::net::{Clients, HttpPolicy};
use spartacus::store::webdav::{AuthMode, WebdavSettings, WebdavStore};
use spartacus::store::{Body, ErrorKind, Retry, Retrying, Store, StoreError, StoreExt as _, Tap, Write, contract};

use super::scripted::{Act, Scripted, Seen, answer};
use super::webdav_servers::{PASSWORD, settings, target};

fn path(text: &str) -> ObjectPath {
    contract::path(text)
}

fn anonymous(server: &Scripted) -> WebdavStore {
    WebdavStore::new(target(), WebdavSettings { user: None, ..settings(server.base.clone()) })
}

fn known(server: &Scripted) -> WebdavStore {
    WebdavStore::new(target(), settings(server.base.clone()))
}

async fn put(store: &WebdavStore, body: &Body) -> Result<(), StoreError> {
    store.put(&path("file"), body, Write::New).await
}

/// The answer to PROPFIND for one object of this size.
fn object(size: usize) -> Act {
    multistatus(&format!(
        "<response><href>/dav/file</href><propstat><prop><getcontentlength>{size}</getcontentlength><resourcetype/></prop>\
         <status>HTTP/1.1 200 OK</status></propstat></response>"
    ))
}

fn collection() -> Act {
    multistatus(
        "<response><href>/dav/</href><propstat><prop><resourcetype><collection/></resourcetype></prop>\
         <status>HTTP/1.1 200 OK</status></propstat></response>",
    )
}

fn multistatus(inside: &str) -> Act {
    Act::Send(answer("207 Multi-Status", &[], &format!("<multistatus xmlns=\"DAV:\">{inside}</multistatus>")))
}

fn status(line: &str) -> Act {
    Act::Send(answer(line, &[], ""))
}

#[tokio::test]
async fn a_redirect_shows_nobody_our_login_or_our_bytes() {
    for code in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let other = Scripted::start(|_| status("200 OK")).await;
        let place = format!("Location: {}stolen", other.base);
        let server = Scripted::start(move |_| Act::Send(answer(code, &[&place], ""))).await;
        let mut told = settings(server.base.clone());
        told.auth = AuthMode::Basic;
        let store = WebdavStore::new(target(), told);
        let at = path("file");
        let errors = [
            put(&store, &Body::bytes("canary-bytes")).await.expect_err("a redirected put fails"),
            store.stat(&at).await.expect_err("a redirected stat fails"),
            store.get(&at, None).await.map(|_| ()).expect_err("a redirected get fails"),
            store.list(None).await.expect_err("a redirected listing fails"),
            store.delete(&at).await.expect_err("a redirected delete fails"),
            store.rename(&at, &path("other")).await.expect_err("a redirected rename fails"),
        ];
        for error in errors {
            assert_eq!((error.kind, error.retry), (ErrorKind::Redirect, Retry::Never), "{error}");
            assert!(error.detail.contains(other.base.as_str()), "the new address is told: {error}");
        }
        assert!(server.seen().iter().all(|seen| seen.header("authorization").starts_with("Basic ")));
        assert_eq!(other.connections(), 0, "{code}");
    }
}

#[tokio::test]
async fn a_server_says_how_long_to_wait() {
    let forms = [
        ("7", Retry::After(Duration::from_secs(7))),
        ("1000000000000", Retry::After(Duration::from_hours(24))),
        ("-1", Retry::Later),
        ("Wed, 01 Jan 2020 00:00:00 GMT", Retry::Later),
        ("soon", Retry::Later),
    ];
    for code in ["429 Too Many Requests", "503 Service Unavailable"] {
        for (form, retry) in forms {
            let header = format!("Retry-After: {form}");
            let server = Scripted::start(move |_| Act::Send(answer(code, &[&header], "busy"))).await;
            let error = put(&anonymous(&server), &Body::bytes("x")).await.expect_err("it is refused");
            assert_eq!(error.retry, retry, "{form}");
            assert!(error.detail.ends_with(": busy"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_confirmation_without_an_object_is_an_error() {
    for (code, lies_there) in [("200 OK", None), ("201 Created", None), ("201 Created", Some(0)), ("204 No Content", Some(4))] {
        let server = Scripted::start(move |seen| match (seen.method.as_str(), lies_there) {
            ("PUT", _) => status(code),
            (_, Some(size)) => object(size),
            (_, None) => status("404 Not Found"),
        })
        .await;
        let error = put(&anonymous(&server), &Body::bytes("12345")).await.expect_err("nothing was stored");
        assert_eq!(error.kind, ErrorKind::Corrupt, "{code}: {error}");
        assert!(error.hint().is_some());
    }
    for code in ["202 Accepted", "207 Multi-Status", "206 Partial Content"] {
        let server = Scripted::start(move |_| status(code)).await;
        let error = put(&anonymous(&server), &Body::bytes("12345")).await.expect_err("that is no confirmation");
        assert_eq!(error.kind, ErrorKind::Protocol, "{code}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_lied_once_is_checked_from_then_on() {
    let server = Scripted::start(|seen| if seen.method == "PUT" { status("201 Created") } else { object(4) }).await;
    let store = anonymous(&server);
    put(&store, &Body::bytes("1234")).await.expect("the size is right");
    put(&store, &Body::bytes("12345")).await.expect("only the first is looked at");
    assert_eq!(server.of("PROPFIND").len(), 1);

    let store = anonymous(&server);
    for _ in 0..2 {
        put(&store, &Body::bytes("12345")).await.expect_err("the size is wrong, again and again");
    }
}

#[tokio::test]
async fn a_drop_account_that_may_not_look_can_still_write() {
    let server = Scripted::start(|seen| if seen.method == "PUT" { status("201 Created") } else { status("403 Forbidden") }).await;
    put(&anonymous(&server), &Body::bytes("1234")).await.expect("the server's word is all there is");
}

#[tokio::test]
async fn bytes_that_break_off_are_an_error() {
    for head in
        ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort"]
    {
        let server = Scripted::start(move |_| Act::SendAndClose(head.into())).await;
        let mut stream = anonymous(&server).get(&path("file"), None).await.expect("it begins well");
        assert_eq!(stream.next().await.expect("a piece").expect("bytes"), "short");
        let error = stream.next().await.expect("an end").expect_err("not a good one");
        assert_eq!(error.kind, ErrorKind::ConnectionLost, "{error}");
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test]
async fn a_dead_kept_connection_asks_for_an_immediate_retry() {
    // The first connection answers once and dies on the second request; the next one is well.
    let server =
        Scripted::start(|seen| if seen.connection == 0 && seen.turn == 1 { Act::SendAndClose(Vec::new()) } else { object(5) })
            .await;
    let store = anonymous(&server);
    store.stat(&path("file")).await.expect("the first is answered");
    let error = store.stat(&path("file")).await.expect_err("the connection is dead");
    assert_eq!((error.kind, error.retry), (ErrorKind::ConnectionLost, Retry::Now), "{error}");
    store.stat(&path("file")).await.expect("on a fresh connection");
}

#[tokio::test]
async fn silence_ends() {
    let server = Scripted::start(|_| Act::Silence).await;
    let quick = Timeouts { first_byte: Duration::from_millis(50), idle: Duration::from_millis(50), ..Timeouts::default() };
    let store = WebdavStore::new(target(), WebdavSettings { user: None, timeouts: quick, ..settings(server.base.clone()) });
    let error = put(&store, &Body::bytes("x")).await.expect_err("nobody answers");
    assert_eq!((error.kind, error.retry), (ErrorKind::Timeout, Retry::Later), "{error}");

    let server = Scripted::start(|_| Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!".to_vec())).await;
    let store = WebdavStore::new(target(), WebdavSettings { user: None, timeouts: quick, ..settings(server.base.clone()) });
    let error = store.get_small(&path("file"), 100).await.expect_err("the second half never comes");
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
}

/// How long a client waits for a sign of life.
const SILENCE: Duration = Duration::from_secs(2);

/// Holds each piece back for longer than that.
#[derive(Debug)]
struct Slow;

#[async_trait]
impl Tap for Slow {
    async fn pass(&self, _bytes: u64) -> std::io::Result<()> {
        tokio::time::sleep(SILENCE * 3 / 2).await;
        Ok(())
    }
}

#[tokio::test]
async fn an_upload_may_take_longer_than_a_silence() {
    let server = Scripted::start(|seen| if seen.method == "PUT" { status("201 Created") } else { object(1000) }).await;
    let quick = Timeouts { first_byte: SILENCE, idle: SILENCE, ..Timeouts::default() };
    let mut policy = HttpPolicy::new(&quick).for_uploads();
    policy.idle = SILENCE;
    let with = |policy: &HttpPolicy| {
        let client = Clients::default().get(policy).expect("a client");
        let settings = WebdavSettings { timeouts: quick, ..WebdavSettings::new(server.base.clone(), client) };
        WebdavStore::new(target(), settings)
    };
    let body = Body::bytes(contract::noise(1000, 1)).tapped(Arc::new(Slow));
    put(&with(&policy), &body).await.expect("our own slowness is not the server's silence");
    policy.uploads = false;
    let error = put(&with(&policy), &body).await.expect_err("a client for reading cuts it off");
    assert_eq!(error.kind, ErrorKind::Timeout);
}

#[tokio::test]
async fn a_web_server_without_propfind_will_do() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "PROPFIND" => status("405 Method Not Allowed"),
        "HEAD" if seen.path.ends_with("missing") => Act::SendAndClose(b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec()),
        "HEAD" => Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n".to_vec()),
        _ => status("201 Created"),
    })
    .await;
    let store = anonymous(&server);
    assert!(store.capabilities().list);
    for _ in 0..3 {
        assert_eq!(store.stat(&path("file")).await.expect("HEAD tells").map(|stat| stat.size), Some(42));
        assert_eq!(store.stat(&path("missing")).await.expect("HEAD tells"), None);
    }
    assert_eq!(server.of("PROPFIND").len(), 1, "it is not asked again");
    assert!(!store.capabilities().list);
    assert_eq!(store.list(None).await.expect_err("there are no listings").kind, ErrorKind::Unsupported);
    store.delete_empty_collection(&path("folder")).await.expect("what cannot be seen to be empty stays");
    assert!(server.of("DELETE").is_empty());
}

#[tokio::test]
async fn documents_made_to_hurt_do_not() {
    let documents: [fn() -> Act; 5] = [
        || Act::Flood(b"HTTP/1.1 207 Multi-Status\r\n\r\n<multistatus>".to_vec(), vec![b' '; 1 << 20]),
        || Act::Send(answer("207 Multi-Status", &[], "<!DOCTYPE a [<!ENTITY a \"b\">]><multistatus/>")),
        || Act::Send(answer("207 Multi-Status", &[], &format!("<multistatus>{}", "<a>".repeat(100_000)))),
        || multistatus(&"<response/>".repeat(200_000)),
        || Act::Send(answer("207 Multi-Status", &[], "<html>hello</html>")),
    ];
    for document in documents {
        let server = Scripted::start(move |_| document()).await;
        let begin = Instant::now();
        let error = anonymous(&server).list(None).await.expect_err("that is no listing");
        assert_eq!((error.kind, error.retry), (ErrorKind::Protocol, Retry::Never), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(30), "{error} took {:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn an_endless_refusal_is_read_only_so_far() {
    let page = format!("<h1>no {PASSWORD}</h1>\u{1b}[2J").into_bytes();
    let server = Scripted::start(move |_| {
        Act::Flood(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n".to_vec(), page.repeat(1000))
    })
    .await;
    let mut told = settings(server.base.clone());
    told.auth = AuthMode::Basic;
    let error = put(&WebdavStore::new(target(), told), &Body::bytes("x")).await.expect_err("it is refused");
    assert_eq!(error.kind, ErrorKind::PermissionDenied);
    assert!(error.detail.contains("no [redacted]") && !error.detail.contains(['\u{1b}', '<']), "{error}");
    assert!(error.detail.chars().count() < 300, "{error}");
}

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"r\", qop=\"auth\", nonce=";

fn challenge(nonce: &str, rest: &str) -> Act {
    Act::Send(answer("401 Unauthorized", &[&format!("{CHALLENGE}\"{nonce}\"{rest}")], "who are you?"))
}

fn nonce_of(seen: &Seen) -> String {
    seen.header("authorization").split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn no_body_goes_out_before_the_login_is_settled() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        _ if seen.header("authorization").is_empty() => challenge("one", ""),
        "PUT" => status("201 Created"),
        _ => object(300_000),
    })
    .await;
    let (store, body) = (known(&server), Body::bytes(contract::noise(300_000, 1)));
    let puts = (0..20).map(|_| put(&store, &body));
    for result in futures_util::future::join_all(puts).await {
        result.expect("a put succeeds");
    }
    let naked: Vec<Seen> = server.seen().into_iter().filter(|seen| seen.header("authorization").is_empty()).collect();
    assert!(naked.len() == 1 && naked[0].body.is_empty(), "one knock without a body");
    let puts = server.of("PUT");
    assert!(
        puts.len() == 20 && puts.iter().all(|seen| seen.body.len() == 300_000 && seen.header("transfer-encoding").is_empty())
    );
    let mut counts: Vec<&str> =
        puts.iter().map(|seen| seen.header("authorization").split("nc=").nth(1).expect("a count")).collect();
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts.len(), 20, "no count is used twice");
}

/// Reading is free, only writing needs a login; and the challenge comes only with the PUT itself.
#[tokio::test]
async fn a_late_challenge_replays_the_whole_body_and_checks_it() {
    let stored = Arc::new(AtomicUsize::new(0));
    let server = Scripted::start({
        let stored = Arc::clone(&stored);
        move |seen| match seen.method.as_str() {
            "PUT" if seen.header("authorization").is_empty() => challenge("one", ""),
            "PUT" => {
                stored.store(seen.body.len(), Ordering::Relaxed);
                status("201 Created")
            }
            "MKCOL" => status("405 Method Not Allowed"),
            _ => object(stored.load(Ordering::Relaxed)),
        }
    })
    .await;
    let bytes = contract::noise(300_000, 1);
    let store = known(&server);
    put(&store, &Body::bytes(bytes.clone())).await.expect("the second try succeeds");
    let puts = server.of("PUT");
    assert_eq!(puts.len(), 2);
    assert!(puts[1].body == bytes, "the body is whole again");
    assert_eq!(server.seen().last().map(|seen| seen.method.clone()).as_deref(), Some("PROPFIND"), "and its size is checked");
    put(&store, &Body::bytes(bytes)).await.expect("the login is known now");
    assert_eq!(server.of("PUT").len(), 3);
}

/// The size check catches servers that store the empty body of a replay.
#[tokio::test]
async fn a_replay_that_stored_nothing_is_found_out() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "PUT" if seen.header("authorization").is_empty() => challenge("one", ""),
        "PUT" => status("201 Created"),
        "MKCOL" => status("405 Method Not Allowed"),
        _ => object(0),
    })
    .await;
    let error = put(&known(&server), &Body::bytes("12345")).await.expect_err("nothing was stored");
    assert_eq!(error.kind, ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_nonce_that_ages_costs_one_replay() {
    // Every fifth request finds its nonce stale.
    let current = Arc::new(AtomicU64::new(0));
    let stored = Arc::new(Mutex::new(Vec::new()));
    let server = Scripted::start({
        let stored = Arc::clone(&stored);
        move |seen| {
            let age = current.load(Ordering::Relaxed);
            let nonce = (age / 5).to_string();
            if seen.header("authorization").is_empty() {
                return challenge(&nonce, "");
            }
            if nonce_of(seen) != nonce {
                return challenge(&nonce, ", stale=true");
            }
            current.store(age + 1, Ordering::Relaxed);
            if seen.method == "PUT" {
                stored.lock().expect("no panic").push(seen.body.clone());
                return status("201 Created");
            }
            object(70_000)
        }
    })
    .await;
    let (store, bytes) = (known(&server), contract::noise(70_000, 2));
    for _ in 0..20 {
        put(&store, &Body::bytes(bytes.clone())).await.expect("a put succeeds");
    }
    let stored = stored.lock().expect("no panic");
    assert!(stored.len() == 20 && stored.iter().all(|body| *body == bytes), "every body is whole");
}

/// Every 401 brings a nonce of its own, and each is good for one request.
#[tokio::test]
async fn nonces_that_are_good_once_lock_nobody_out() {
    let given = AtomicU64::new(0);
    let used = Mutex::new(std::collections::HashSet::new());
    let server = Scripted::start(move |seen| {
        let fresh = |rest| challenge(&given.fetch_add(1, Ordering::SeqCst).to_string(), rest);
        if seen.header("authorization").is_empty() {
            return fresh("");
        }
        if !used.lock().expect("no panic").insert(nonce_of(seen)) {
            return fresh(", stale=true");
        }
        if seen.method == "PUT" { status("201 Created") } else { object(70_000) }
    })
    .await;
    let (store, body) = (known(&server), Body::bytes(contract::noise(70_000, 2)));
    for result in futures_util::future::join_all((0..40).map(|_| put(&store, &body))).await {
        result.expect("a put succeeds");
    }
}

/// One nonce at a time, for all, until somebody has used it.
#[tokio::test]
async fn a_nonce_that_another_request_used_up_is_renewed_again() {
    let current = AtomicU64::new(0);
    let hopeless = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let server = Scripted::start({
        let hopeless = Arc::clone(&hopeless);
        move |seen| {
            let age = current.load(Ordering::SeqCst);
            if seen.header("authorization").is_empty() {
                return challenge(&age.to_string(), "");
            }
            let taken = nonce_of(seen) == age.to_string()
                && !hopeless.load(Ordering::SeqCst)
                && current.compare_exchange(age, age + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok();
            match seen.method.as_str() {
                _ if !taken => challenge(&current.load(Ordering::SeqCst).to_string(), ", stale=true"),
                "PUT" => status("201 Created"),
                _ => object(5),
            }
        }
    })
    .await;
    let body = Body::bytes("12345");
    // As it is used: one that lost every race comes back later, to a target that is not shut.
    let quick = RetryPolicy { base: Duration::from_millis(1), tries: 10, ..RetryPolicy::default() };
    let several = Retrying::new(known(&server), quick, 1);
    let at = path("file");
    several.put(&at, &body, Write::New).await.expect("the password is right");
    for result in futures_util::future::join_all((0..4).map(|_| several.put(&at, &body, Write::New))).await {
        result.expect("a put succeeds");
    }
    let store = known(&server);
    put(&store, &body).await.expect("the password is right");
    hopeless.store(true, Ordering::SeqCst);
    let before = server.of("PUT").len();
    let error = put(&store, &body).await.expect_err("no nonce is ever good");
    assert_eq!((error.kind, error.retry), (ErrorKind::RateLimited, Retry::Later), "{error}");
    assert_eq!(server.of("PUT").len() - before, 5, "there is an end to it");
    hopeless.store(false, Ordering::SeqCst);
    put(&store, &body).await.expect("and the target is not shut");
}

#[tokio::test]
async fn a_login_that_is_never_right_is_tried_no_more_than_twice() {
    for rest in ["", ", stale=true"] {
        let nonces = AtomicU64::new(0);
        let server = Scripted::start(move |_| challenge(&nonces.fetch_add(1, Ordering::Relaxed).to_string(), rest)).await;
        let error = put(&known(&server), &Body::bytes("12345")).await.expect_err("it is refused");
        assert_eq!((error.kind, error.retry), (ErrorKind::Unauthenticated, Retry::Never), "{error}");
        assert!(server.of("PUT").len() <= 2, "{rest:?}: {}", server.of("PUT").len());
    }
}

#[tokio::test]
async fn parts_are_cut_out_where_ranges_are_ignored() {
    let server = Scripted::start(|_| Act::Send(answer("200 OK", &[], "0123456789"))).await;
    let store = anonymous(&server);
    let mut stream = store.get(&path("file"), Some(3..6)).await.expect("an answer");
    assert_eq!(stream.next().await.expect("a piece").expect("bytes"), "345");
    assert!(stream.next().await.is_none());
    assert!(!store.capabilities().ranges);
    assert!(store.get(&path("file"), Some(4..4)).await.expect("nothing to ask").next().await.is_none());
}

#[tokio::test]
async fn answers_to_another_question_are_refused() {
    for (line, header) in [
        ("206 Partial Content", "Content-Range: bytes 0-2/10"),
        ("206 Partial Content", "Content-Type: multipart/byteranges; boundary=x"),
        ("200 OK", "Content-Encoding: gzip"),
    ] {
        let server = Scripted::start(move |_| Act::Send(answer(line, &[header], "abc"))).await;
        let error = anonymous(&server).get(&path("file"), Some(3..6)).await.map(|_| ()).expect_err("not what was asked");
        assert_eq!(error.kind, ErrorKind::Protocol, "{header}: {error}");
        assert_eq!(server.seen()[0].header("accept-encoding"), "identity");
        assert_eq!(server.seen()[0].header("range"), "bytes=3-5");
    }
    let server = Scripted::start(|_| Act::Send(answer("416 Range Not Satisfiable", &["Content-Range: bytes */3"], ""))).await;
    assert!(anonymous(&server).get(&path("file"), Some(3..6)).await.expect("an empty part").next().await.is_none());
}

#[tokio::test]
async fn a_folder_counts_as_there_only_when_it_is_seen() {
    for code in
        ["405 Method Not Allowed", "406 Not Acceptable", "423 Locked", "403 Forbidden", "409 Conflict", "301 Moved Permanently"]
    {
        let there = Scripted::start(move |seen| if seen.method == "MKCOL" { status(code) } else { collection() }).await;
        let store = anonymous(&there);
        store.make_collections(&[path("a/b")]).await.expect("both are there");
        let asked = there.seen().len();
        store.make_collections(&[path("a"), path("a/b")]).await.expect("and known to be");
        assert_eq!(there.seen().len(), asked, "{code}: nothing is asked twice in a run");
        assert!(there.seen().iter().all(|seen| seen.path.ends_with('/')), "{code}: folders have a slash");

        let missing =
            Scripted::start(move |seen| if seen.method == "MKCOL" { status(code) } else { status("404 Not Found") }).await;
        let error = anonymous(&missing).make_collections(&[path("a")]).await.expect_err("it is not there");
        assert_ne!(error.kind, ErrorKind::Corrupt, "{code}: {error}");
        assert!(missing.of("MKCOL").len() <= 3, "{code}");
    }
}

#[tokio::test]
async fn many_requests_share_few_connections() {
    let server = Scripted::start(|seen| if seen.method == "PUT" { status("201 Created") } else { object(4) }).await;
    let store = WebdavStore::new(target(), WebdavSettings { user: None, connections: 3, ..settings(server.base.clone()) });
    assert_eq!(store.capabilities().parallel_puts, 3);
    let body = Body::bytes(Bytes::from_static(b"1234"));
    for result in futures_util::future::join_all((0..100).map(|_| put(&store, &body))).await {
        result.expect("a put succeeds");
    }
    assert!(server.connections() <= 3, "{}", server.connections());
    store.close().await;
    assert_eq!(put(&store, &body).await.expect_err("the store is closed").kind, ErrorKind::Cancelled);
}
