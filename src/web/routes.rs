//! What is where. A test holds this list against the `OpenAPI` document and against a list of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use hyper::{Method, StatusCode};

use super::gate::Gate;
use super::view::Web;
use super::{answers, api, counts, health, offers, register};

/// Pages change with a round, which comes every few minutes.
const A_MINUTE: &str = "public, max-age=60";

/// Everything on the public listener.
pub(super) fn router(web: Arc<Web>) -> Router {
    Router::new()
        .route("/register", get(register::show))
        .route("/assets/{name}", get(register::script))
        .route("/offers", get(offers::to_form).post(offers::post_form))
        .route("/offers/{ticket}", get(offers::show))
        .route("/healthz", get(health::show))
        .route("/api/v1/mirrors", get(api::mirrors))
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/invite", get(api::invite))
        .route("/api/v1/offers", post(api::post_offer))
        .route("/api/v1/offers/{ticket}", get(api::ticket))
        .route("/api/v1/openapi.json", get(api::document))
        .method_not_allowed_fallback(other_method)
        .fallback(published)
        .with_state(web)
}

/// Everything on the listener of metrics.
pub(super) fn metrics_router(web: Arc<Web>, gate: Arc<Gate>) -> Router {
    let metrics = move |State(web): State<Arc<Web>>| async move {
        answers::of(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", counts::metrics(&web, gate.taken()))
    };
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(health::show)).with_state(web)
}

/// The files of the public folder, at their own paths, and shorter names for some.
async fn published(State(web): State<Arc<Web>>, request: Request) -> Response {
    let path = request.uri().path();
    let up = answers::up(path);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return other_method(request).await;
    }
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        "invite" => "invite.html",
        "mirrors" | "mirrors/" => {
            return answers::redirect(StatusCode::PERMANENT_REDIRECT, if up.is_empty() { "./" } else { &up });
        }
        name => name,
    };
    let Some(view) = web.view() else { return nothing_yet().to(path) };
    if let Some(file) = view.file(name) {
        return answers::file(file, request.headers(), A_MINUTE);
    }
    let short = name.strip_prefix("mirror/").map(|mirror| format!("mirrors/{mirror}.html"));
    if let Some(page) = short.filter(|page| view.file(page).is_some()) {
        return answers::redirect(StatusCode::PERMANENT_REDIRECT, &format!("{up}{page}"));
    }
    if name == "invite.html" || name == "invite.json" {
        return no_invite().to(path);
    }
    answers::Refused::new(StatusCode::NOT_FOUND, "there is nothing at this address").to(path)
}

/// Something is sent to an address that is only read, or the other way round.
async fn other_method(request: Request) -> Response {
    let words = format!("{} is not what can be done at this address", request.method());
    answers::Refused::new(StatusCode::METHOD_NOT_ALLOWED, words).to(request.uri().path())
}

/// Before the first round.
pub(super) fn nothing_yet() -> answers::Refused {
    answers::Refused::new(StatusCode::SERVICE_UNAVAILABLE, "nothing was published yet")
        .hint("It comes with the first round over the mirrors.")
        .after(std::time::Duration::from_mins(1))
}

/// The project invites nobody, or its invite is over.
pub(super) fn no_invite() -> answers::Refused {
    answers::Refused::new(StatusCode::NOT_FOUND, "this project invites nobody at the moment")
}
