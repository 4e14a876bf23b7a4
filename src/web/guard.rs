//! Around every request: who asks, an answer whatever happens, headers, a count.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt as _;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::service::Service as _;
use hyper::{HeaderMap, Method, Request, StatusCode, Version};
use hyper_util::service::TowerToHyperService;

use super::answers::{Refused, is_for_programs};
use super::asker::{Asker, Odd, house};
use super::view::Web;
use crate::base::AddressBlock;

/// What a page may do that says nothing else: nothing. `form-action` is not covered by `default-src`.
pub(super) const PLAIN_POLICY: &str = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// Answers one request, also when the code that should do so panics: then without a word about why.
pub(super) async fn answer(web: &Arc<Web>, router: Router, peer: IpAddr, mut request: Request<Body>) -> Response {
    let (asker, odd) = Asker::of(peer, request.headers(), &web.behind);
    if let Some(odd) = odd {
        say(web, odd, peer);
    }
    request.extensions_mut().insert(asker);
    let path = request.uri().path().to_owned();
    let is_post = request.method() == Method::POST;
    // Connections of a proxy are many people's, so it is counted here what each of them has under way.
    let mut response = match web.under_way.enter(Some(house(asker.address)), Instant::now()) {
        Ok(_) if !names_its_host(&request) => {
            Refused::new(StatusCode::BAD_REQUEST, "a request of HTTP/1.1 names its host, once").to(&path)
        }
        Ok(_seat) => {
            let work = TowerToHyperService::new(router).call(request);
            match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => broken(&path),
            }
        }
        Err(_) => Refused::new(StatusCode::TOO_MANY_REQUESTS, "too many requests of your network are under way")
            .after(Duration::from_secs(1))
            .to(&path),
    };
    dress(response.headers_mut(), asker.secure);
    web.counts.answered(&path, is_post, response.status());
    response
}

/// RFC 9112, section 3.2: whoever lets other requests pass may understand them otherwise than the proxy before it.
fn names_its_host(request: &Request<Body>) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
}

/// What the answer is when something went wrong that nobody should hear more of.
fn broken(path: &str) -> Response {
    if is_for_programs(path) {
        return Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here; it was noted").to_json();
    }
    let mut response = Response::new(Body::from("Something went wrong here. It was noted.\n"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Whoever set up the proxy finds it in the log. Once: strangers can send such headers as often as they like.
fn say(web: &Web, odd: Odd, peer: IpAddr) {
    match odd {
        Odd::Unasked if web.said.unasked.may(Instant::now()) => tracing::warn!(
            "X-Forwarded-For came from {peer}, which --behind does not name, and is not believed; if that is your proxy: --behind {}",
            AddressBlock::around(peer, u8::MAX)
        ),
        Odd::Unreadable if web.said.unreadable.may(Instant::now()) => tracing::warn!(
            "the proxy {peer} sends an X-Forwarded-For that is no address: all its visitors share one allowance (examples/web/nginx.conf)"
        ),
        _ => {}
    }
}

/// The headers that every answer has.
fn dress(headers: &mut HeaderMap, secure: bool) {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let (is_page, is_script) = (kind.starts_with(b"text/html"), kind.starts_with(b"text/javascript"));
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    set("x-content-type-options", "nosniff");
    set("x-frame-options", "DENY");
    set("cross-origin-opener-policy", "same-origin");
    // Badges and lists are made to be used on other sites; pages are not.
    set("cross-origin-resource-policy", if is_page || is_script { "same-origin" } else { "cross-origin" });
    set("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()");
    if is_page {
        set("cross-origin-embedder-policy", "require-corp");
    }
    if secure {
        set("strict-transport-security", "max-age=31536000");
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(PLAIN_POLICY));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
