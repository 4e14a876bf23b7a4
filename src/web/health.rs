//! `/healthz`: whether this process does its work, and whether anybody still looks at the mirrors.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde_json::json;

use super::answers::object;
use super::view::Web;

/// 200 when what is shown is fresh and the database can be read, 503 otherwise. Why is said in a word, never in the system's own.
pub(super) async fn show(State(web): State<Arc<Web>>) -> Response {
    let now = web.clock.now();
    let view = web.view();
    let status = match &view {
        _ if web.trouble().is_some() => "database",
        None => "empty",
        Some(view) if view.is_stale(now) => "stale",
        Some(_) => "ok",
    };
    let body = json!({
        "status": status,
        "published": view.as_ref().map(|view| view.written),
        "round": view.as_ref().and_then(|view| view.about.round),
        "waiting": web.queue().waiting,
    });
    object(if status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body)
}
