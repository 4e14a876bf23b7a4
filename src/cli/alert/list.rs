//! `spartacus alert list`: what is open, and what was told.

use crate::cli::exit::{self, Ended};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::{Surface, say};
use crate::config::AlertRoute;
use crate::history::{HistoryError, RouteRecord};
use crate::report::{self, AlertReport, RouteReport};

/// Messages that are shown.
const SHOWN: u32 = 20;

/// Tells it without network.
pub fn list(surface: &Surface, session: &Session) -> Ended {
    let told = gather(session).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    say(&if surface.json { report::alerts_json(&told) } else { report::alerts_text(&told, surface.style) });
    Ok(exit::OK)
}

fn gather(session: &Session) -> Result<AlertReport, HistoryError> {
    let history = &session.history;
    let mut routes = Vec::new();
    for (route, record) in session.config.alerts.iter().zip(route_records(session)?) {
        let open = history.incidents(&route.name)?.into_iter().filter(|incident| incident.until.is_none()).collect();
        routes.push(RouteReport { way: route.way.word(), audience: route.rules.audience, record, open });
    }
    Ok(AlertReport { at: session.clock.now(), routes, waiting: history.waiting_alerts()?, past: history.past_alerts(SHOWN)? })
}

/// What became of the messages of each route, in the order of the configuration; nothing yet for one that was never used.
pub fn route_records(session: &Session) -> Result<Vec<RouteRecord>, HistoryError> {
    let records = session.history.alert_routes()?;
    Ok(session.config.alerts.iter().map(|route| record(&records, route)).collect())
}

fn record(records: &[RouteRecord], route: &AlertRoute) -> RouteRecord {
    let unused = || RouteRecord {
        route: route.name.clone(),
        sent: 0,
        failed: 0,
        given_up: 0,
        waiting: 0,
        failing_since: None,
        error: None,
    };
    records.iter().find(|record| record.route == route.name).cloned().unwrap_or_else(unused)
}
