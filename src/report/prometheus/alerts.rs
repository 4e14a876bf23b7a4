//! What became of messages to people.

use super::{Metrics, seconds, whole_number};
use crate::history::RouteRecord;

/// A counter for each route and result, from the first round on, so that the first failure shows as an increase; what waits;
/// and since when a route fails, which is there only while it does.
#[must_use]
pub fn prometheus_alerts(routes: &[RouteRecord]) -> String {
    let mut out = Metrics::default();
    let name = "spartacus_alerts_sent_total";
    out.family(name, "counter", "Tries to send a message, and messages that were given up.");
    for record in routes {
        for (result, count) in [("ok", record.sent), ("failed", record.failed), ("given_up", record.given_up)] {
            out.sample(name, &[("route", record.route.as_str()), ("result", result)], whole_number(count));
        }
    }
    let name = "spartacus_alerts_waiting";
    out.family(name, "gauge", "Messages that wait to be sent.");
    for record in routes {
        out.sample(name, &[("route", record.route.as_str())], whole_number(record.waiting));
    }
    let name = "spartacus_alert_route_failing_since_timestamp_seconds";
    out.family(name, "gauge", "Since when what waits cannot be sent.");
    for record in routes {
        if let Some(since) = record.failing_since {
            out.sample(name, &[("route", record.route.as_str())], seconds(since));
        }
    }
    out.text
}
