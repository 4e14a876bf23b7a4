//! Answers of every kind.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use maud::html;
use serde_json::{Value, json};

use super::frame;
use super::view::Asset;

/// Somebody is told no: how, why, and what helps.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    /// For people, safe to show.
    pub(super) words: String,
    /// What helps.
    pub(super) hint: Option<String>,
    /// When to come again.
    pub(super) after: Option<Duration>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into(), hint: None, after: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn after(self, after: Duration) -> Self {
        Self { after: Some(after), ..self }
    }

    /// As an object.
    pub(super) fn to_json(&self) -> Response {
        let body = json!({"schema": "spartacus.refused/1", "error": self.words, "hint": self.hint});
        self.timed(object(self.status, &body))
    }

    /// As a page; `up` leads from it to the root.
    pub(super) fn to_page(&self, up: &str) -> Response {
        let body = html! {
            h1 { "That did not work" }
            p role="alert" { (self.words) "." }
            @if let Some(hint) = &self.hint { p { (hint) } }
        };
        self.timed(page(self.status, "That did not work", up, &body))
    }

    /// As whoever asks for `path` expects it.
    pub(super) fn to(&self, path: &str) -> Response {
        if is_for_programs(path) { self.to_json() } else { self.to_page(&up(path)) }
    }

    /// Says when to come again.
    pub(super) fn timed(&self, mut response: Response) -> Response {
        if let Some(after) = self.after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// A page of our own.
pub(super) fn page(status: StatusCode, title: &str, up: &str, body: &maud::Markup) -> Response {
    let mut response = of(status, "text/html; charset=utf-8", frame::page(title, up, body, &html! {}));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, frame::policy(false));
    response
}

/// An object for programs.
pub(super) fn object(status: StatusCode, body: &Value) -> Response {
    of(status, "application/json", format!("{body}\n"))
}

/// Any text.
pub(super) fn of(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// To another place of this site, by a relative reference: we may lie below any path of a proxy.
pub(super) fn redirect(status: StatusCode, place: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// A file, or that the browser has it already. `lasts`: for how many seconds it need not ask again.
pub(super) fn file(asset: &Asset, asked: &HeaderMap, lasts: &'static str) -> Response {
    let same = |value: &HeaderValue| {
        let bare = |tag: &str| tag.trim().trim_start_matches("W/") == asset.etag.to_str().unwrap_or_default();
        value.to_str().is_ok_and(|tags| tags.trim() == "*" || tags.split(',').any(bare))
    };
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(same);
    let mut response = Response::new(if known { Body::empty() } else { Body::from(asset.bytes.clone()) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, asset.kind.clone());
    headers.insert(header::ETAG, asset.etag.clone());
    headers.insert(header::CONTENT_SECURITY_POLICY, asset.policy.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasts));
    response
}

/// Whether what is answered at `path` is for programs.
pub(super) fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/")
}

/// What leads from `path` to the root of the site.
pub(super) fn up(path: &str) -> String {
    "../".repeat(path.matches('/').count().saturating_sub(1).min(16))
}
