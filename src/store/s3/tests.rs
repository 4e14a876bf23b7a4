//! Against servers that answer what a test tells them to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Method, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::base::Hinted as _;
use crate::net::{Clients, HttpPolicy};
use crate::store::contract::{noise, path};
use crate::store::{Retry, StoreExt as _, Tap};

type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    uri: String,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("readable headers"))
    }

    fn is(&self, method: &Method, part: &str) -> bool {
        self.method == method && self.uri.contains(part)
    }
}

/// Everything that arrived.
type Log = Arc<Mutex<Vec<Seen>>>;

fn seen(log: &Log) -> Vec<Seen> {
    log.lock().expect("no test panics with the log").clone()
}

fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    Response::builder().status(status).body(body).expect("a response")
}

fn error(status: u16, code: &str) -> Answer {
    answer(status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>told by the test</Message></Error>"))
}

/// A server that answers each request as `script` says, counting from 0.
async fn server(script: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (log, script, count) = (Log::default(), Arc::new(script), Arc::new(AtomicUsize::new(0)));
    let returned = log.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (log, script, count) = (log.clone(), script.clone(), count.clone());
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let (log, script, count) = (log.clone(), script.clone(), count.clone());
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let one = Seen { method: head.method, uri: head.uri.to_string(), headers: head.headers, body };
                    log.lock().expect("no test panics with the log").push(one.clone());
                    Ok::<_, hyper::Error>(script(count.fetch_add(1, Ordering::Relaxed), &one))
                }
            });
            // A client that hangs up is part of several tests.
            tokio::spawn(async move {
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service).await.ok()
            });
        }
    });
    (address, returned)
}

fn patient(address: SocketAddr, timeouts: Timeouts) -> S3Store {
    let settings = S3Settings {
        endpoint: format!("http://{address}").parse().expect("a URL"),
        region: "us-east-1".to_owned(),
        bucket: "mirror".to_owned(),
        prefix: String::new(),
        addressing: Addressing::Path,
        access_key: "AKIATESTTESTTESTTEST".to_owned(),
        secret_key: Secret::new("canary-secret-9c1b".to_owned()),
        http: Clients::default().get(&HttpPolicy::new(&timeouts).for_uploads()).expect("a client"),
        timeouts,
        connections: 8,
    };
    S3Store::new("scripted".parse().expect("a name"), settings)
}

fn store(address: SocketAddr) -> S3Store {
    patient(address, Timeouts::default())
}

#[tokio::test]
async fn a_put_is_as_plain_as_it_can_be() {
    let (address, log) = server(|_, _| answer(200, "")).await;
    let body = Body::bytes("hello");
    store(address).put(&path("a/ü +.html"), &body, Write::Replace).await.expect("a put succeeds");
    let [request] = &seen(&log)[..] else { panic!("one request") };
    assert_eq!((request.method.clone(), request.uri.as_str()), (Method::PUT, "/mirror/a/%C3%BC%20%2B.html"));
    assert_eq!(request.body, "hello");
    for (name, value) in [
        ("content-length", "5"),
        ("x-amz-content-sha256", body.sha256().to_string().as_str()),
        ("x-amz-meta-sha256", body.sha256().to_string().as_str()),
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("user-agent", concat!("spartacus/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    for name in [
        "content-encoding",
        "transfer-encoding",
        "expect",
        "x-amz-acl",
        "x-amz-trailer",
        "x-amz-checksum-crc32",
        "x-amz-sdk-checksum-algorithm",
        "accept-encoding",
    ] {
        assert!(!request.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect() {
    for status in [301, 302, 307, 308] {
        let (thief, stolen) = server(|_, _| answer(200, "")).await;
        let (address, _) = server(move |_, _| {
            let mut found = error(status, "TemporaryRedirect");
            let headers = found.headers_mut();
            headers.insert("location", format!("http://{thief}/mirror/a").parse().expect("a header"));
            headers.insert("x-amz-bucket-region", "eu-west-3".parse().expect("a header"));
            found
        })
        .await;
        let store = store(address);
        let put = store.put(&path("a"), &Body::bytes("x"), Write::New).await.expect_err("sent elsewhere");
        let stat = store.stat(&path("a")).await.expect_err("sent elsewhere");
        let get = store.get_small(&path("a"), 10).await.expect_err("sent elsewhere");
        for told in [put, stat, get] {
            assert_eq!((told.kind, told.retry), (ErrorKind::Redirect, Retry::Never), "{told}");
            assert!(told.hint().is_some_and(|hint| hint.contains("eu-west-3")));
        }
        assert!(seen(&stolen).is_empty(), "nothing reaches the other server");
    }
}

#[tokio::test]
async fn a_missing_bucket_is_explained() {
    let (address, _) = server(|_, _| error(404, "NoSuchBucket")).await;
    let store = store(address);
    let told = store.put(&path("a"), &Body::bytes("x"), Write::New).await.expect_err("no bucket");
    assert_eq!(told.kind, ErrorKind::NotFound);
    assert!(told.hint().is_some_and(|hint| hint.contains("bucket")));
    store.delete(&path("a")).await.expect_err("no bucket is not the same as no object");
    store.list(None).await.expect_err("no bucket is not the same as an empty one");
}

#[tokio::test]
async fn slow_down_is_obeyed_by_its_words() {
    let (address, log) = server(|_, _| {
        let mut found = error(503, "SlowDown");
        found.headers_mut().insert("retry-after", "9".parse().expect("a header"));
        found
    })
    .await;
    let told = store(address).put(&path("a"), &Body::bytes("x"), Write::New).await.expect_err("too fast");
    assert_eq!((told.kind, told.retry), (ErrorKind::RateLimited, Retry::After(Duration::from_secs(9))));
    assert_eq!(seen(&log).len(), 1, "the SDK itself does not try again");
}

#[tokio::test]
async fn an_endless_error_is_cut() {
    let (address, _) = server(|_, _| {
        let piece = Bytes::from(vec![b'x'; 64 << 10]);
        let endless = stream::repeat_with(move || Ok(http_body::Frame::data(piece.clone())));
        Response::builder().status(500).body(BodyExt::boxed_unsync(StreamBody::new(endless))).expect("a response")
    })
    .await;
    let store = store(address);
    let told = timeout(Duration::from_secs(20), store.stat(&path("a"))).await.expect("it ends").expect_err("a 500");
    assert_eq!(told.kind, ErrorKind::Unavailable);
    let told = timeout(Duration::from_secs(20), store.get(&path("a"), None)).await.expect("it ends").err().expect("a 500");
    assert_eq!(told.kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_listing_in_circles_ends() {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>\
                <Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>";
    let (address, log) = server(move |_, _| answer(200, page)).await;
    let told = store(address).list(None).await.expect_err("a listing in circles");
    assert_eq!((told.kind, told.retry), (ErrorKind::Protocol, Retry::Never));
    assert_eq!(seen(&log).len(), 2);
}

#[tokio::test]
async fn a_range_is_cut_out_of_an_answer_that_ignores_it() {
    let whole = noise(5000, 1);
    let served = whole.clone();
    let (address, _) = server(move |_, request| match request.method {
        Method::HEAD => {
            let mut found = answer(200, "");
            found.headers_mut().insert("content-length", "5000".parse().expect("a header"));
            found
        }
        _ => answer(200, served.clone()),
    })
    .await;
    let store = store(address);
    for range in [0..10, 100..200, 4990..9000, 4999..5000] {
        let pieces: Vec<_> = store.get(&path("a"), Some(range.clone())).await.expect("a get succeeds").collect().await;
        let found: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.expect("a piece").to_vec()).collect();
        let end = usize::try_from(range.end.min(5000)).expect("small");
        assert_eq!(found, whole[usize::try_from(range.start).expect("small")..end], "{range:?}");
    }
}

/// Takes parts; answers `CompleteMultipartUpload` with `completed`, and `HEAD` as if `held` lay there.
async fn joins(completed: fn() -> Answer, held: Option<Body>) -> (SocketAddr, Log) {
    server(move |_, request| match &held {
        _ if request.is(&Method::GET, "uploads") => error(501, "NotImplemented"),
        _ if request.is(&Method::POST, "uploads") => {
            answer(200, "<InitiateMultipartUpload><UploadId>u-1</UploadId></InitiateMultipartUpload>")
        }
        _ if request.is(&Method::PUT, "partNumber") => {
            let mut found = answer(200, "");
            found.headers_mut().insert("etag", "\"tag\"".parse().expect("a header"));
            found
        }
        _ if request.is(&Method::POST, "uploadId") => completed(),
        _ if request.method == Method::DELETE => answer(204, ""),
        Some(body) if request.method == Method::HEAD => {
            let mut found = answer(200, "");
            found.headers_mut().insert("content-length", body.length().into());
            found.headers_mut().insert("x-amz-meta-sha256", body.sha256().to_string().parse().expect("a header"));
            found
        }
        _ => answer(404, ""),
    })
    .await
}

#[tokio::test]
async fn parts_are_signed_with_their_digest_where_nothing_else_protects_them() {
    let (address, log) = joins(|| answer(200, "<CompleteMultipartUploadResult/>"), None).await;
    let bytes = noise((16 << 20) + 5, 1);
    store(address).put(&path("a"), &Body::bytes(bytes.clone()), Write::New).await.expect("a put succeeds");
    let mut parts: Vec<Seen> = seen(&log).into_iter().filter(|request| request.is(&Method::PUT, "partNumber")).collect();
    parts.sort_by(|one, other| one.uri.cmp(&other.uri));
    assert_eq!(parts.len(), 2);
    assert_eq!((&parts[0].body, &parts[1].body), (&bytes.slice(..16 << 20), &bytes.slice(16 << 20..)));
    for part in parts {
        assert_eq!(part.header("x-amz-content-sha256"), crate::base::Sha256::of(&part.body).to_string());
        assert_eq!(part.header("content-length"), part.body.len().to_string());
    }
}

#[tokio::test]
async fn a_pointer_is_never_written_in_parts() {
    let (address, log) = server(|_, _| answer(200, "")).await;
    store(address).put(&path("a"), &Body::bytes(noise(17 << 20, 1)), Write::Replace).await.expect("a put succeeds");
    assert_eq!(seen(&log).len(), 1);
}

#[tokio::test]
async fn success_with_an_error_inside_is_no_success() {
    let body = Body::bytes(noise(16 << 20, 1));
    let (address, log) = joins(|| error(200, "InternalError"), None).await;
    let told = store(address).put(&path("a"), &body, Write::New).await.expect_err("nothing arrived");
    assert_eq!(told.retry, Retry::Later, "{told}");
    assert!(seen(&log).iter().any(|request| request.method == Method::DELETE), "nothing is left that cannot be found again");

    let leftover = Body::bytes(noise(16 << 20, 2));
    let (address, _) = joins(|| error(200, "InternalError"), Some(leftover)).await;
    store(address).put(&path("a"), &body, Write::New).await.expect_err("other bytes of the same size");
}

#[tokio::test]
async fn an_unclear_completion_is_looked_at_before_it_is_believed() {
    let body = Body::bytes(noise(16 << 20, 1));
    for completed in
        [|| error(200, "InternalError"), || error(404, "NoSuchUpload"), || error(502, ""), || answer(200, "  garbage")]
    {
        let (address, _) = joins(completed, Some(body.clone())).await;
        store(address).put(&path("a"), &body, Write::New).await.expect("it arrived");
    }
}

#[tokio::test]
async fn whole_objects_where_parts_are_unknown() {
    let (address, log) =
        server(|_, request| if request.uri.contains("uploads") { answer(200, "<Nonsense/>") } else { answer(200, "") }).await;
    let store = store(address);
    for name in ["a", "b"] {
        store.put(&path(name), &Body::bytes(noise(16 << 20, 1)), Write::New).await.expect("a put succeeds");
    }
    let begun = seen(&log).iter().filter(|request| request.is(&Method::POST, "uploads")).count();
    assert_eq!(begun, 1, "asked once, then remembered");
}

/// Holds each piece back.
#[derive(Debug)]
struct Slow(Duration);

#[async_trait]
impl Tap for Slow {
    async fn pass(&self, _bytes: u64) -> std::io::Result<()> {
        tokio::time::sleep(self.0).await;
        Ok(())
    }
}

fn short() -> Timeouts {
    Timeouts { first_byte: Duration::from_millis(150), idle: Duration::from_millis(150), ..Timeouts::default() }
}

#[tokio::test]
async fn our_own_slowness_is_not_the_peers() {
    let (address, _) = server(|_, _| answer(200, "")).await;
    let silence = Duration::from_secs(2);
    let body = Body::bytes(noise(150_000, 1)).tapped(Arc::new(Slow(silence * 3 / 2)));
    patient(address, Timeouts { first_byte: silence, idle: silence, ..Timeouts::default() })
        .put(&path("a"), &body, Write::New)
        .await
        .expect("only the peer's turns are timed");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let store = patient(listener.local_addr().expect("an address"), short());
    let told = timeout(Duration::from_secs(20), store.stat(&path("a"))).await.expect("it ends").expect_err("no answer");
    assert_eq!((told.kind, told.retry), (ErrorKind::Timeout, Retry::Later));
    drop(listener);
    let told = store.stat(&path("a")).await.expect_err("nobody listens");
    assert_eq!(told.kind, ErrorKind::Unreachable, "{told}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_resent_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let told = store(address).stat(&path("a")).await.expect_err("hung up");
    assert_eq!((told.kind, told.retry), (ErrorKind::ConnectionLost, Retry::Now), "{told}");
}

#[test]
fn a_name_in_use_is_written_in_parts_only_where_one_request_cannot() {
    const GIB: u64 = 1 << 30;
    assert!(super::goes_in_parts(GIB, Write::New) && !super::goes_in_parts(GIB, Write::Replace));
    assert!(!super::goes_in_parts(5 * GIB, Write::Replace) && super::goes_in_parts(5 * GIB + 1, Write::Replace));
}
