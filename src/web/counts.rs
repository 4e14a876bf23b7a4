//! What the process counts of itself.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;

use super::gate::Refusal;
use super::view::Web;
use crate::report::Metrics;

/// Kinds of requests: a fixed list, so that strangers cannot make new series.
const ROUTES: [&str; 8] = ["page", "script", "register", "post", "ticket", "api", "healthz", "other"];
/// Kinds of answers.
const CODES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
/// What became of posts.
const POSTS: [&str; 8] = ["kept", "known", "older", "many", "full", "refused", "forged", "limited"];
/// Why a connection ended before it was answered.
const DROPS: [&str; 5] = ["address", "all", "descriptors", "time", "seat"];

/// What became of a post.
#[derive(Debug, Clone, Copy)]
pub(super) enum Post {
    Kept,
    Known,
    Older,
    Many,
    Full,
    Refused,
    Forged,
    Limited,
}

/// Why a connection was ended by us.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dropped {
    Seat(Refusal),
    Descriptors,
    Time,
    /// Somebody else needed the seat.
    Seated,
}

/// Counters since the process started.
#[derive(Debug, Default)]
pub(super) struct Counts {
    requests: [[AtomicU64; CODES.len()]; ROUTES.len()],
    posts: [AtomicU64; POSTS.len()],
    dropped: [AtomicU64; DROPS.len()],
}

impl Counts {
    pub(super) fn answered(&self, path: &str, is_post: bool, status: StatusCode) {
        let code = usize::from(status.as_u16() / 100).saturating_sub(2).min(CODES.len() - 1);
        add(&self.requests[route(path, is_post)][code]);
    }

    pub(super) fn post(&self, what: Post) {
        add(&self.posts[what as usize]);
    }

    pub(super) fn drop(&self, why: Dropped) {
        add(&self.dropped[match why {
            Dropped::Seat(Refusal::Address) => 0,
            Dropped::Seat(Refusal::All) => 1,
            Dropped::Descriptors => 2,
            Dropped::Time => 3,
            Dropped::Seated => 4,
        }]);
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn route(path: &str, is_post: bool) -> usize {
    match path {
        _ if is_post => 3,
        "/register" => 2,
        "/healthz" => 6,
        _ if path.starts_with("/api/") => 5,
        _ if path.starts_with("/offers/") => 4,
        _ if path.starts_with("/assets/") => 1,
        "/" | "/index.html" | "/mirrorlist.txt" | "/mirrors.json" | "/feed.atom" | "/invite" | "/invite.json" | "/mirrors" => 0,
        _ if ["/mirrors/", "/mirror/", "/badges/", "/feeds/", "/metalink/"].iter().any(|start| path.starts_with(start)) => 0,
        _ => 7,
    }
}

/// All metrics of this process, and after them those of the fleet as they were published.
pub(super) fn metrics(web: &Web, connections: usize) -> String {
    let mut out = Metrics::default();
    let counts = &web.counts;
    out.family("spartacus_web_requests_total", "counter", "Requests that were answered.");
    for (route, row) in ROUTES.iter().zip(&counts.requests) {
        for (code, count) in CODES.iter().zip(row) {
            out.sample("spartacus_web_requests_total", &[("route", route), ("code", code)], read(count));
        }
    }
    out.family("spartacus_web_posts_total", "counter", "Messages of volunteers that were posted, by what became of them.");
    for (result, count) in POSTS.iter().zip(&counts.posts) {
        out.sample("spartacus_web_posts_total", &[("result", result)], read(count));
    }
    out.family("spartacus_web_dropped_connections_total", "counter", "Connections that were ended without an answer.");
    for (reason, count) in DROPS.iter().zip(&counts.dropped) {
        out.sample("spartacus_web_dropped_connections_total", &[("reason", reason)], read(count));
    }
    out.family("spartacus_web_connections", "gauge", "Connections that are open.");
    out.sample("spartacus_web_connections", &[], float(connections as u64));
    let queue = web.queue();
    out.family("spartacus_web_waiting_messages", "gauge", "Messages of volunteers that no maintainer has taken yet.");
    out.sample("spartacus_web_waiting_messages", &[], f64::from(queue.waiting));
    if let Some(oldest) = queue.oldest {
        let name = "spartacus_web_oldest_message_timestamp_seconds";
        out.family(name, "gauge", "When the oldest of them came.");
        out.sample(name, &[], oldest.as_duration().as_secs_f64().round());
    }
    out.family("spartacus_web_database_readable", "gauge", "Whether the front database could be read in the last second.");
    out.sample("spartacus_web_database_readable", &[], f64::from(u8::from(web.trouble().is_none())));
    let view = web.view();
    if let Some(view) = &view {
        let name = "spartacus_web_pages_timestamp_seconds";
        out.family(name, "gauge", "When the pages were published that are shown.");
        out.sample(name, &[], view.written.as_duration().as_secs_f64().round());
    }
    out.into_text() + view.as_ref().map_or("", |view| view.metrics.as_str())
}

fn read(counter: &AtomicU64) -> f64 {
    float(counter.load(Ordering::Relaxed))
}

#[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
fn float(count: u64) -> f64 {
    count as f64
}
