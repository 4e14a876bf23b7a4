//! The front without a network: requests go straight to the guard.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use camino::Utf8PathBuf;
use http_body_util::BodyExt as _;
use hyper::{Request, StatusCode, header};
use jiff::Timestamp;

use super::guard::answer;
use super::routes::router;
use super::script::Script;
use super::token::Tokens;
use super::view::Web;
use crate::base::Sha256;
use crate::history::{Front, FrontAbout, FrontPage, FrontPages, TicketNews, TicketState};

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
    async fn ask(&self, request: Request<Body>) -> (StatusCode, hyper::HeaderMap, String) {
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

async fn broken() -> &'static str {
    panic!("secret-path/routes.rs:12")
}

#[tokio::test]
async fn what_goes_wrong_inside_is_told_to_nobody_outside() {
    let site = site("demo", None);
    let router: Router = Router::new().route("/broken", get(broken));
    let request = Request::get("/broken").body(Body::empty()).unwrap();
    let response = answer(&site.web, router, IpAddr::V4(Ipv4Addr::LOCALHOST), request).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["x-frame-options"], "DENY");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, Bytes::from_static(b"Something went wrong here. It was noted.\n"));
}

fn rejected(words: &str) -> TicketNews {
    TicketNews {
        ticket: TICKET.to_owned(),
        state: TicketState::Rejected,
        words: words.to_owned(),
        changed: Timestamp::now(),
        taken: 1,
        is_mirror: false,
    }
}

#[tokio::test]
async fn words_of_strangers_stay_words_on_every_page() {
    let plain = site("demo", None);
    plain.front.tell(&[rejected("no")], Timestamp::now()).unwrap();
    let register = skeleton(&plain.get("/register").await.2);
    let again = skeleton(&plain.post("text").await.2);
    let ticket = skeleton(&plain.get(&format!("/offers/{TICKET}")).await.2);
    let missing = skeleton(&plain.get("/nothing").await.2);
    assert!(register.len() > 15 && again.len() > register.len() && ticket.len() > 15 && missing.len() > 10);
    for number in 0..100 {
        // Each piece before and behind each other one.
        let words = format!("{}{}", PIECES[number / 10], PIECES[number % 10]);
        let site = site(&words, None);
        site.front.tell(&[rejected(&words.replace(['\r', '\n'], " "))], Timestamp::now()).unwrap();
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
    let forged = request().header("sec-fetch-site", "cross-site").body(Body::from(form)).unwrap();
    assert_eq!(site.ask(forged).await.0, StatusCode::FORBIDDEN);
    assert_eq!(site.front.queue().unwrap().waiting, 0);
}

#[tokio::test]
async fn without_an_invite_there_is_nothing_to_seal_for_and_the_script_is_sent_with_its_digest() {
    let site = site("demo", Some(b"console.log(1)"));
    let (_, headers, page) = site.get("/register").await;
    assert!(!page.contains("<script") && !page.contains("data-field"), "{page}");
    assert!(!headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("script-src"));
    let (status, headers, script) = site.get("/assets/register.js").await;
    assert_eq!((status, script.as_str()), (StatusCode::OK, "console.log(1)"));
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    let plain = self::site("demo", None);
    assert_eq!(plain.get("/assets/register.js").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_so_much_is_taken_of_one_network() {
    let site = site("demo", None);
    for _ in 0..10 {
        assert_eq!(site.post("x").await.0, StatusCode::FORBIDDEN);
    }
    let (status, headers, _) = site.post("x").await;
    assert_eq!((status, headers[header::RETRY_AFTER].to_str().unwrap()), (StatusCode::TOO_MANY_REQUESTS, "60"));
}
