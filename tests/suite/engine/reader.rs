//! Reading over HTTP from servers that mean no good.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use spartacus::base::{Sha256, Timeouts};
use spartacus::net::{Clients, HttpPolicy};
use spartacus::reader::{HttpSource, Part, PartOrder, Source as _};
use spartacus::trust::Fetch as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::world::path;
use crate::scripted::{Act, Scripted, Seen, answer};

fn source(base: &Url) -> HttpSource {
    let client = Clients::default().get(&HttpPolicy::new(&Timeouts::default())).expect("a client");
    HttpSource::new(client, base.clone())
}

async fn serving(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> (Scripted, HttpSource) {
    let server = Scripted::start(script).await;
    let source = source(&server.base);
    (server, source)
}

#[tokio::test]
async fn altered_bytes_have_another_digest() {
    let (_server, source) = serving(|_| Act::Send(answer("200 OK", &[], "other bytes"))).await;
    let found = source.digest(&path("releases/v1/a"), 100).await.expect("it reads");
    assert_eq!(found, Some((11, Sha256::of(b"other bytes"))));
}

#[tokio::test]
async fn endless_bodies_end_at_their_cap() {
    let (_server, source) =
        serving(|_| Act::Flood(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'x'; 65_536])).await;
    let error = source.fetch(&path("metadata/timestamp.json"), 16_384).await.expect_err("too long");
    assert!(error.reason.contains("longer than the 16384 bytes"), "{error}");
    let (length, _) = source.digest(&path("releases/v1/a"), 100_000).await.expect("it reads").expect("it is there");
    assert_eq!(length, 100_001);
}

/// Sends a byte now and then, for ever.
async fn trickle(pause: Duration) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // The client takes an answer that comes before its question for a broken connection.
                let _ = stream.read(&mut [0; 4096]).await;
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await;
                while sent.is_ok() {
                    tokio::time::sleep(pause).await;
                    sent = stream.write_all(b"x").await;
                }
            });
        }
    });
    Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a URL")
}

#[tokio::test]
async fn a_trickle_is_cut_in_its_first_window_and_so_is_silence() {
    let window = Duration::from_millis(300);
    for pause in [Duration::from_millis(20), Duration::from_hours(1)] {
        let slow = source(&trickle(pause).await).with_slowest(1000, window);
        let begun = Instant::now();
        let error = slow.digest(&path("releases/v1/a"), 2_000_000).await.expect_err("too slow");
        assert!(error.reason.contains("slower than 1000 bytes"), "{error}");
        // The whole file would take hours.
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_slow_mirror_that_is_fast_enough_is_read_to_its_end() {
    let base = trickle(Duration::from_millis(5)).await;
    let slow = source(&base).with_slowest(3, Duration::from_secs(1));
    // Over more than two windows.
    let (length, _) = slow.digest(&path("releases/v1/a"), 400).await.expect("it reads").expect("it is there");
    assert_eq!(length, 401);
}

#[tokio::test]
async fn compressed_answers_are_refused_and_were_not_asked_for() {
    let (server, source) = serving(|_| Act::Send(answer("200 OK", &["Content-Encoding: gzip"], "bomb"))).await;
    let error = source.fetch(&path("metadata/timestamp.json"), 100).await.expect_err("compressed");
    assert!(error.reason.contains("sent compressed (gzip)"), "{error}");
    assert_eq!(server.seen()[0].header("accept-encoding"), "identity");
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    let (elsewhere, _) = serving(|_| Act::Send(answer("200 OK", &[], "stolen"))).await;
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let to = format!("Location: {}", elsewhere.base);
        let (_server, source) = serving(move |_| Act::Send(answer(status, &[&to], ""))).await;
        for error in [
            source.fetch(&path("metadata/timestamp.json"), 100).await.map(drop),
            source.digest(&path("releases/v1/a"), 100).await.map(drop),
            source.size(&path("releases/v1/a")).await.map(drop),
        ] {
            let error = error.expect_err("a redirect");
            assert!(error.reason.contains("redirected to"), "{status}: {error}");
        }
    }
    assert_eq!(elsewhere.seen().len(), 0);
}

#[tokio::test]
async fn hostile_words_in_a_location_cannot_reach_a_terminal() {
    let (_server, source) = serving(|_| Act::Send(answer("302 Found", &["Location: /\u{1b}]0;owned\u{7}"], ""))).await;
    let error = source.fetch(&path("metadata/timestamp.json"), 100).await.expect_err("a redirect");
    assert!(!error.reason.chars().any(char::is_control), "{error:?}");
}

#[tokio::test]
async fn a_parking_page_is_no_metadata() {
    let (_server, source) = serving(|_| Act::Send(answer("200 OK", &["Content-Type: Text/HTML; charset=x"], "<html>"))).await;
    let error = source.fetch(&path("metadata/timestamp.json"), 100).await.expect_err("a page");
    assert!(error.reason.contains("HTML page"), "{error}");
}

#[tokio::test]
async fn only_certain_absence_is_absence() {
    let cases = [
        ("404 Not Found", true, true),
        ("410 Gone", true, true),
        ("403 Forbidden", false, true),
        ("503 Busy", false, false),
        ("401 No", false, false),
    ];
    for (status, missing, missing_on_s3) in cases {
        let (_server, source) = serving(move |_| Act::Send(answer(status, &[], ""))).await;
        for (source, missing) in [(source.clone(), missing), (source.with_forbidden_as_missing(), missing_on_s3)] {
            let found = source.fetch(&path("metadata/timestamp.json"), 100).await;
            assert_eq!(matches!(found, Ok(None)), missing, "{status}: {found:?}");
            assert_eq!(found.is_err(), !missing, "{status}");
        }
    }
}

#[tokio::test]
async fn sizes_come_by_every_way_that_servers_know() {
    let head = |text: &str| text.as_bytes().to_vec();
    let by_head = head("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n");
    let (server, source) = serving(move |_| Act::Send(by_head.clone())).await;
    assert_eq!(source.size(&path("a")).await.expect("a size"), Some(77));
    assert_eq!((server.of("HEAD").len(), server.of("GET").len()), (1, 0));

    let cases = [
        (answer("206 Partial Content", &["Content-Range: bytes 0-0/99"], "x"), Some(Some(99))),
        (answer("416 Range Not Satisfiable", &["Content-Range: bytes */0"], ""), Some(Some(0))),
        (answer("200 OK", &[], "abc"), Some(Some(3))),
        (answer("404 Not Found", &[], ""), Some(None)),
        // One byte came; that says nothing about the whole.
        (answer("206 Partial Content", &["Content-Range: bytes 0-0/*"], "x"), None),
        (answer("416 Range Not Satisfiable", &["Content-Range: bytes */5"], ""), None),
    ];
    for (bytes, expected) in cases {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let no_head = head("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
        let (_server, source) =
            serving(move |seen| Act::SendAndClose(if seen.method == "HEAD" { no_head.clone() } else { bytes.clone() })).await;
        assert_eq!(source.size(&path("a")).await.ok(), expected, "{shown}");
    }
}

/// Length and digest of the part, bytes read for it, and the length of the whole.
type Came = (u64, Sha256, u64, Option<u64>);

/// Eight bytes from the third on.
fn eight() -> PartOrder {
    PartOrder { start: 3, length: 8, most: 100, past_caches: false }
}

#[tokio::test]
async fn a_part_is_read_by_every_way_that_servers_know_and_no_further() {
    let right = Sha256::of(b"defghijk");
    let part = |bytes: &str, headers: &[&str]| answer("206 Partial Content", headers, bytes);
    let cases: Vec<(&str, Vec<u8>, Option<Came>)> = vec![
        ("as asked", part("defghijk", &["Content-Range: bytes 3-10/26"]), Some((8, right, 8, Some(26)))),
        ("a length nobody tells", part("defghijk", &["Content-Range: bytes 3-10/*"]), Some((8, right, 8, None))),
        ("the end comes first", part("de", &["Content-Range: bytes 3-4/5"]), Some((2, Sha256::of(b"de"), 2, Some(5)))),
        (
            "nothing is there",
            answer("416 Range Not Satisfiable", &["Content-Range: bytes */2"], ""),
            Some((0, Sha256::of(b""), 0, Some(2))),
        ),
        ("the whole", answer("200 OK", &[], "abcdefghijklm"), Some((8, right, 13, Some(13)))),
        ("another part", part("abcdefgh", &["Content-Range: bytes 0-7/26"]), None),
        ("a part without a place", part("defghijk", &[]), None),
        ("several parts", part("--x", &["Content-Type: multipart/byteranges; boundary=x"]), None),
        ("compressed", part("defghijk", &["Content-Range: bytes 3-10/26", "Content-Encoding: gzip"]), None),
    ];
    for (case, bytes, expected) in cases {
        let (server, source) = serving(move |_| Act::SendAndClose(bytes.clone())).await;
        let found = source.part(&path("releases/v1/a"), eight()).await;
        let seen = found.ok().flatten().map(|Part { length, sha256, read, whole, .. }| (length, sha256, read, whole));
        assert_eq!(seen, expected, "{case}");
        assert_eq!(server.seen()[0].header("range"), "bytes=3-10", "{case}");
    }
    let (_server, source) = serving(|_| Act::Send(answer("404 Not Found", &[], ""))).await;
    assert_eq!(source.part(&path("releases/v1/a"), eight()).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_server_that_knows_no_parts_is_not_read_beyond_what_may_be_spent() {
    let (_server, source) =
        serving(|_| Act::Flood(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'x'; 65_536])).await;
    let far = PartOrder { start: 1 << 30, length: 8, most: 1 << 20, past_caches: false };
    let error = source.part(&path("releases/v1/a"), far).await.expect_err("too far");
    assert!(error.reason.contains("is not sent in parts"), "{error}");
    // What lies within the budget is read through, and no more than that.
    let near = PartOrder { start: 100_000, ..far };
    let part = source.part(&path("releases/v1/a"), near).await.expect("it reads").expect("it is there");
    assert_eq!((part.length, part.sha256), (8, Sha256::of(b"xxxxxxxx")));
    assert!((100_008..1 << 20).contains(&part.read), "{}", part.read);
}

#[tokio::test]
async fn a_second_look_takes_a_connection_of_its_own_and_no_copy_of_a_cache() {
    let (server, source) =
        serving(|_| Act::Send(answer("206 Partial Content", &["Content-Range: bytes 3-10/26"], "defghijk"))).await;
    let fresh = Clients::default().get(&HttpPolicy { pool: 0, ..HttpPolicy::new(&Timeouts::default()) }).expect("a client");
    let source = source.with_fresh(fresh);
    for past_caches in [false, false, true] {
        source.part(&path("releases/v1/a"), PartOrder { past_caches, ..eight() }).await.expect("it reads");
    }
    let seen = server.seen();
    let (first, again, past) = (&seen[0], &seen[1], &seen[2]);
    assert_eq!(first.connection, again.connection, "a kept connection is used again");
    assert_ne!(first.connection, past.connection);
    assert_eq!(
        (past.header("cache-control"), past.header("pragma"), past.path.as_str()),
        ("no-cache", "no-cache", "/dav/releases/v1/a")
    );
    assert_eq!(first.header("cache-control"), "");
}
