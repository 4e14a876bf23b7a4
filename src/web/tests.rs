//! The front without a network: requests go straight to the guard.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use camino::Utf8PathBuf;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use hyper::{Request, StatusCode, Version, header};
use jiff::Timestamp;

use super::guard::answer;
use super::routes::router;
use super::script::Script;
use super::token::Tokens;
use super::view::Web;
use crate::base::{ByteCount, Sha256};
use crate::history::{Front, FrontAbout, FrontPage, FrontPages, Received, TicketNews, TicketState};
use crate::registration::{Invite, Needs};

const TICKET: &str = "t-7k3q-9xzd-2f4h-m8vw";

/// Things that strangers write to become more than text.
const PIECES: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onfocus='alert(1)' autofocus='",
    "</textarea><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "</style><script>alert(1)</script>",
    "\u{202e}<iframe srcdoc='<script>alert(1)</script>'>\r\nSet-Cookie: a=b",
];

struct Site {
    _folder: tempfile::TempDir,
    front: Front,
    web: Arc<Web>,
}

fn site(project: &str, script: Option<&'static [u8]>) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("front.db")).unwrap();
    let front = Front::open(&path).unwrap();
    let page =
        |path: &str, kind: &str, text: String| FrontPage { path: path.to_owned(), kind: kind.to_owned(), bytes: text.into() };
    let about = FrontAbout {
        project: project.to_owned(),
        pin: Sha256::of(b"1.root.json"),
        round: Some(Timestamp::now()),
        stale_after_s: 900,
        most_waiting: 3,
    };
    let pages = vec![page("index.html", "text/html; charset=utf-8", "<style>p{}</style><p>hello".to_owned())];
    front.publish(&FrontPages { about, pages, metrics: String::new() }, Timestamp::now()).unwrap();
    let mut web = Web::open(&path, Vec::new(), Tokens::new().unwrap()).unwrap();
    web.script = script.map(Script::new);
    Site { _folder: folder, front, web: Arc::new(web) }
}

impl Site {
    /// As a request that names its host, which is not what most of these are about.
    async fn ask(&self, mut request: Request<Body>) -> (StatusCode, hyper::HeaderMap, String) {
        request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("front.test"));
        self.ask_as_it_is(request).await
    }

    async fn ask_as_it_is(&self, request: Request<Body>) -> (StatusCode, hyper::HeaderMap, String) {
        let router = router(Arc::clone(&self.web));
        let response = answer(&self.web, router, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, hyper::HeaderMap, String) {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, offer: &str) -> (StatusCode, hyper::HeaderMap, String) {
        let form =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("token", "x").append_pair("offer", offer).finish();
        let request = Request::post("/offers").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(form)).unwrap()).await
    }
}

/// The elements of a page with the names of their attributes: what a browser makes of it, without texts and values.
fn skeleton(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let mut element = String::new();
        let mut quoted = None;
        let mut end = rest.len();
        for (at, letter) in rest.char_indices() {
            match quoted {
                Some(quote) if letter == quote => quoted = None,
                Some(_) => {}
                None if letter == '"' || letter == '\'' => quoted = Some(letter),
                None if letter == '>' => {
                    end = at + 1;
                    break;
                }
                None => element.push(letter),
            }
        }
        found.push(element);
        rest = &rest[end..];
    }
    found
}

/// An invite that says `words` wherever it can.
fn invite(words: &str) -> Invite {
    let words = || words.to_owned();
    Invite {
        project: words(),
        pin: Sha256::of(b"1.root.json"),
        roots: Vec::new(),
        at: Timestamp::now(),
        expires: Timestamp::now() + jiff::SignedDuration::from_hours(24),
        needs: Needs {
            bundles: 1,
            files: 2,
            bytes: ByteCount(5_000_000),
            newest: None,
            newest_bytes: ByteCount(0),
            growth_per_year: None,
        },
        protocols: vec!["sftp".to_owned(), "s3".to_owned(), "webdav".to_owned(), words()],
        deploy_keys: vec![words()],
        from: vec![words()],
        recipients: vec![words(), words()],
        send_to: vec![words()],
        conditions: vec![words()],
    }
}

async fn broken() -> &'static str {
    panic!("secret-path/routes.rs:12")
}

#[tokio::test]
async fn what_goes_wrong_inside_is_told_to_nobody_outside() {
    let site = site("demo", None);
    let router: Router = Router::new().route("/broken", get(broken)).route("/api/v1/broken", get(broken));
    for path in ["/broken", "/api/v1/broken"] {
        let request = Request::get(path).header(header::HOST, "front.test").body(Body::empty()).unwrap();
        let response = answer(&site.web, router.clone(), IpAddr::V4(Ipv4Addr::LOCALHOST), request).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-frame-options"], "DENY");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if path == "/broken" {
            assert_eq!(body, Bytes::from_static(b"Something went wrong here. It was noted.\n"));
        } else {
            let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let words = "something went wrong here; it was noted";
            assert_eq!(told, serde_json::json!({"schema": "spartacus.refused/1", "error": words, "hint": null}));
        }
    }
}

#[tokio::test]
async fn behind_a_proxy_each_address_has_so_many_requests_under_way_and_no_more() {
    let mut site = site("demo", None);
    Arc::get_mut(&mut site.web).unwrap().behind = vec!["127.0.0.0/8".parse().unwrap()];
    let router: Router = Router::new().route("/slow", get(std::future::pending::<&str>)).route("/", get(async || "here"));
    let ask = |path: &str, who: &str| {
        let request = Request::get(path).header(header::HOST, "front.test").header("x-forwarded-for", who);
        let request = request.body(Body::empty()).unwrap();
        Box::pin(answer(&site.web, router.clone(), IpAddr::V4(Ipv4Addr::LOCALHOST), request))
    };
    // Of one /64, as one machine may have it.
    let mut held: Vec<_> = (0..32).map(|number| ask("/slow", &format!("2001:db8::{number:x}"))).collect();
    for request in &mut held {
        assert!(request.as_mut().now_or_never().is_none(), "it is under way");
    }
    let refused = ask("/", "2001:db8::ffff").await;
    assert_eq!(
        (refused.status(), &refused.headers()[header::RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap())
    );
    let refused = ask("/api/v1/status", "2001:db8::ffff").await;
    assert_eq!(
        (refused.status(), &refused.headers()[header::CONTENT_TYPE]),
        (StatusCode::TOO_MANY_REQUESTS, &"application/json".parse().unwrap())
    );
    assert_eq!(ask("/", "2001:db8:0:1::1").await.status(), StatusCode::OK, "somebody else");
    held.pop();
    assert_eq!(ask("/", "2001:db8::ffff").await.status(), StatusCode::OK, "one has ended");
}

/// The project says these words of the offer, and of its last message.
fn tell(site: &Site, words: &str) {
    let now = Timestamp::now();
    let (ticket, state, words) = (TICKET.to_owned(), TicketState::Rejected, words.to_owned());
    let last = Received { ticket: ticket.clone(), sequence: 1, received: now, bytes: Bytes::new() };
    site.front.take(&last, Some(&words), now).unwrap();
    site.front.tell(&[TicketNews { ticket, state, words, changed: now, taken: 1, is_mirror: false }], now).unwrap();
}

#[tokio::test]
async fn words_of_strangers_stay_words_on_every_page() {
    let plain = site("demo", None);
    tell(&plain, "no");
    let register = skeleton(&plain.get("/register").await.2);
    let again = skeleton(&plain.post("text").await.2);
    let ticket = skeleton(&plain.get(&format!("/offers/{TICKET}")).await.2);
    let missing = skeleton(&plain.get("/nothing").await.2);
    assert!(register.len() > 15 && again.len() > register.len() && ticket.len() > 15 && missing.len() > 10);
    for number in 0..100 {
        // Each piece before and behind each other one.
        let words = format!("{}{}", PIECES[number / 10], PIECES[number % 10]);
        let site = site(&words, None);
        tell(&site, &words.replace(['\r', '\n'], " "));
        assert_eq!(skeleton(&site.get("/register").await.2), register, "{words}");
        assert_eq!(skeleton(&site.post(&words).await.2), again, "{words}");
        let (_, headers, page) = site.get(&format!("/offers/{TICKET}")).await;
        assert_eq!(skeleton(&page), ticket, "{words}");
        assert!(headers.get("set-cookie").is_none());
        let path: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
        assert_eq!(skeleton(&site.get(&format!("/{path}")).await.2), missing, "{words}");
        let (status, _, page) = site.get(&format!("/offers/{path}")).await;
        assert_eq!((status, skeleton(&page).len()), (StatusCode::NOT_FOUND, missing.len() + 2), "{words}: with a hint");
    }
}

#[tokio::test]
async fn words_of_an_invite_stay_words_on_the_form_that_the_script_fills() {
    let page = async |words: &str| {
        let site = site("demo", Some(b"console.log(1)"));
        site.web.show_invite(invite(words));
        let (status, headers, page) = site.get("/register").await;
        assert!(status == StatusCode::OK && page.contains("<script") && page.contains("data-field=\"s3.secret_key\""), "{page}");
        assert!(!headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("unsafe"));
        (skeleton(&page), skeleton(&site.post(words).await.2))
    };
    let plain = page("demo").await;
    assert!(plain.0.len() > 100 && plain.1.len() > plain.0.len(), "{plain:?}");
    for piece in PIECES {
        assert_eq!(page(piece).await, plain, "{piece}");
    }
}

#[tokio::test]
async fn a_post_needs_the_token_of_the_form_and_keeps_what_was_pasted() {
    let site = site("demo", None);
    let (status, _, page) = site.post("my file").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(page.contains(">my file</textarea>"), "{page}");
    // The form in the answer works: what is wrong now is the file.
    let token = page.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let form = format!("token={token}&offer=my+file");
    let request = || Request::post("/offers").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let (status, _, page) = site.ask(request().body(Body::from(form.clone())).unwrap()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("this was not taken: it is no offer"), "{page}");
    // Over plain http this is all that browsers say of a form of ours.
    let quiet = request().header("origin", "null").header("host", "m.example").body(Body::from(form.clone())).unwrap();
    assert_eq!(site.ask(quiet).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    // A proxy that renames the host makes our own form look like another site's; only then is it given back.
    for (token, is_shown) in [(token, true), ("x", false)] {
        let form = Body::from(format!("token={token}&offer=my+file"));
        let forged = request().header("sec-fetch-site", "cross-site").body(form).unwrap();
        let (status, _, page) = site.ask(forged).await;
        assert_eq!((status, page.contains(">my file</textarea>")), (StatusCode::FORBIDDEN, is_shown), "{page}");
    }
    assert_eq!(site.front.queue().unwrap().waiting, 0);
}

#[tokio::test]
async fn without_an_invite_there_is_nothing_to_seal_for_and_the_script_is_sent_with_its_digest() {
    let site = site("demo", Some(b"console.log(1)"));
    let (_, headers, page) = site.get("/register").await;
    // Otherwise browsers would not say either where the form is posted from.
    assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
    assert!(!page.contains("name=\"referrer\""), "{page}");
    assert_eq!(site.get("/nothing").await.1[header::REFERRER_POLICY], "no-referrer");
    assert!(!page.contains("<script") && !page.contains("data-field"), "{page}");
    assert!(!headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("script-src"));
    site.web.show_invite(invite("demo"));
    let page = site.get("/register").await.2;
    let name = page.split("src=\"assets/").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let digest = hex::encode(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"console.log(1)").as_ref()[..8]);
    assert_eq!(name, format!("register-{digest}.js"));
    let (status, headers, script) = site.get(&format!("/assets/{name}")).await;
    assert_eq!((status, script.as_str()), (StatusCode::OK, "console.log(1)"));
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    // Another script has another name, and an old name never gets it.
    assert_ne!(Script::new(b"console.log(2)").name, name);
    for other in ["register.js", "register-0000000000000000.js", "%FF"] {
        let (status, headers, _) = site.get(&format!("/assets/{other}")).await;
        assert_eq!((status, &headers[header::CACHE_CONTROL]), (StatusCode::NOT_FOUND, &"no-store".parse().unwrap()), "{other}");
    }
    let plain = self::site("demo", None);
    assert_eq!(plain.get(&format!("/assets/{name}")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_an_address_is_answered_as_what_is_not_there() {
    let site = site("demo", None);
    let (status, headers, page) = site.get("/offers/%FF").await;
    assert_eq!((status, &headers[header::CONTENT_TYPE]), (StatusCode::NOT_FOUND, &"text/html; charset=utf-8".parse().unwrap()));
    assert!(page.contains("there is no such ticket"), "{page}");
    let told = site.get("/api/v1/offers/%FF").await;
    assert_eq!((told.0, &told.1[header::CONTENT_TYPE]), (StatusCode::NOT_FOUND, &"application/json".parse().unwrap()));
    assert!(site.get("/api/v1/nothing").await.2.contains("\"error\":\"there is nothing at this address\""));
    for (method, path, allowed) in
        [("DELETE", "/register", "GET,HEAD"), ("PUT", "/offers", "GET,HEAD,POST"), ("PUT", "/api/v1/offers", "POST")]
    {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let (status, headers, words) = site.ask(request).await;
        assert_eq!((status, headers[header::ALLOW].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, allowed), "{path}");
        assert!(words.contains(&format!("{method} is not what can be done at this address")), "{path}: {words}");
    }
}

#[tokio::test]
async fn only_so_much_is_taken_of_one_network() {
    let site = site("demo", None);
    for _ in 0..10 {
        assert_eq!(site.post("x").await.0, StatusCode::FORBIDDEN);
    }
    let (status, headers, page) = site.post("my <file>").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let after: u64 = headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&after), "{after}");
    assert!(page.contains(">my &lt;file&gt;</textarea>"), "it is not lost: {page}");
    // But what another site wrote is not laid before a visitor to be sent with one click.
    let forged = Request::post("/offers").header("sec-fetch-site", "cross-site");
    let forged =
        forged.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from("offer=theirs")).unwrap();
    let (status, _, page) = site.ask(forged).await;
    assert!(status == StatusCode::TOO_MANY_REQUESTS && !page.contains("theirs"), "{page}");
}

#[tokio::test]
async fn a_form_that_finds_no_room_is_given_back_and_one_that_is_too_long_is_told_another_way() {
    let site = site("demo", None);
    let held = site.web.reading.try_acquire_many(64).unwrap();
    let (status, headers, page) = site.post("my file").await;
    assert_eq!((status, headers[header::RETRY_AFTER].to_str().unwrap()), (StatusCode::SERVICE_UNAVAILABLE, "10"));
    assert!(page.contains(">my file</textarea>"), "{page}");
    let also = site.web.refusing.try_acquire_many(8).unwrap();
    let (status, _, page) = site.post("my file").await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && !page.contains("my file"), "nobody reads it: {page}");
    drop((held, also));
    // Each of these letters is three in a form.
    let (status, _, page) = site.post(&"{".repeat(30_000)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.contains("--data-binary @offer.json https://THIS-SITE/api/v1/offers"), "{page}");
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let site = site("hosts", None);
    let asked = |version: Version, hosts: &[&str]| {
        let mut request = Request::get("/healthz").version(version);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        site.ask_as_it_is(request.body(Body::empty()).unwrap())
    };
    for (version, hosts, expected) in [
        (Version::HTTP_11, &["front.test"][..], StatusCode::OK),
        (Version::HTTP_11, &[], StatusCode::BAD_REQUEST),
        (Version::HTTP_11, &["front.test", "other.test"], StatusCode::BAD_REQUEST),
        (Version::HTTP_10, &[], StatusCode::OK),
        (Version::HTTP_10, &["front.test", "front.test"], StatusCode::BAD_REQUEST),
    ] {
        let (status, headers, body) = asked(version, hosts).await;
        assert_eq!(status, expected, "{version:?} {hosts:?}: {body}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
