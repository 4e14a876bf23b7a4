//! The same for programs: `/api/v1/`.
//!
//! Posts need no token here: there is no cookie that a browser would add, and a page of another site cannot send `application/json`
//! without asking first (a preflight, which is answered with no).

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use hyper::{HeaderMap, StatusCode};
use serde_json::json;

use super::answers::{self, Refused, object};
use super::intake;
use super::offers::{asker, find};
use super::routes::{no_invite, nothing_yet};
use super::view::Web;

/// The document that describes all of this (`OpenAPI` 3.1), relative to the root of the site.
const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/v1/mirrors`
pub(super) async fn mirrors(State(web): State<Arc<Web>>, headers: HeaderMap) -> Response {
    file(&web, &headers, "mirrors.json", nothing_yet)
}

/// `GET /api/v1/invite`
pub(super) async fn invite(State(web): State<Arc<Web>>, headers: HeaderMap) -> Response {
    file(&web, &headers, "invite.json", no_invite)
}

fn file(web: &Web, headers: &HeaderMap, path: &str, missing: fn() -> Refused) -> Response {
    match web.view().as_ref().and_then(|view| view.file(path)) {
        Some(file) => answers::file(file, headers, "public, max-age=60"),
        None => missing().to_json(),
    }
}

/// `GET /api/v1/status`
pub(super) async fn status(State(web): State<Arc<Web>>) -> Response {
    let Some(view) = web.view() else { return nothing_yet().to_json() };
    let (queue, mirrors, now) = (web.queue(), &view.mirrors, web.clock.now());
    let body = json!({
        "schema": "spartacus.front/1",
        "project": view.about.project,
        "pin": view.about.pin,
        "published": view.written,
        "round": view.about.round,
        "stale": view.is_stale(now),
        "release": mirrors["release"],
        "good": mirrors["good"],
        "wanted": mirrors["wanted"],
        "mirrors": mirrors["mirrors"],
        "invites": view.invite(now).is_some(),
        "waiting": queue.waiting,
        "oldest": queue.oldest,
    });
    object(StatusCode::OK, &body)
}

/// `POST /api/v1/offers`
pub(super) async fn post_offer(State(web): State<Arc<Web>>, request: Request) -> Response {
    let asker = asker(&request);
    let taken = async {
        intake::allow(&web, asker)?;
        intake::expect_kind(&web, request.headers(), "application/json")?;
        let _room = intake::room(&web)?;
        let file = intake::body(&web, request.into_body()).await?;
        intake::take_in(&web, file).await
    };
    match taken.await {
        Ok(taken) => {
            let body = json!({
                "schema": "spartacus.received/1",
                "ticket": taken.ticket,
                "state": taken.state,
                "known": taken.known,
            });
            object(StatusCode::ACCEPTED, &body)
        }
        Err(refused) => refused.to_json(),
    }
}

/// `GET /api/v1/offers/<ticket>`
pub(super) async fn ticket(State(web): State<Arc<Web>>, path: Result<Path<String>, PathRejection>) -> Response {
    match find(&web, path).await {
        Ok((ticket, view)) => {
            let queue = web.queue();
            let body = json!({
                "schema": "spartacus.ticket/1",
                "ticket": ticket,
                "state": view.state,
                "words": view.words,
                "changed": view.changed,
                "refused": view.refused,
                "waiting": view.waiting,
                "queue": {"waiting": queue.waiting, "oldest": queue.oldest},
            });
            object(StatusCode::OK, &body)
        }
        Err(refused) => refused.to_json(),
    }
}

/// `GET /api/v1/openapi.json`
pub(super) async fn document() -> Response {
    answers::of(StatusCode::OK, "application/json", DOCUMENT.to_owned())
}
