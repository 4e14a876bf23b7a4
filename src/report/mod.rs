//! How it is told.
//!
//! Purpose: records as text: tables and headlines for people, JSON for programs, errors with hints, progress.
//! Comes in: records of `transfer`, `health` and `history`. Goes out: strings, and on stderr the progress of a run.
//! Must not know: how any of it came about. Formats only, decides nothing.
//!
//! Text from strangers was made safe when it was received; here it passes [`crate::base::escape`] once more, so that
//! nothing but line feeds and our own colours ever reaches a terminal.

mod advice;
mod alerts;
mod badge;
mod board;
mod check;
mod error;
mod explain;
mod feed;
mod fleet;
mod headline;
mod health_table;
mod json;
mod list;
mod metalink;
mod nagios;
mod page;
mod probes;
pub mod progress;
mod prometheus;
mod public;
mod reach;
mod repairs;
mod resilience;
mod run;
mod runs;
mod schedule;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod words;
mod xml;

pub use advice::{advice, advice_about};
pub use alerts::{AlertReport, RouteReport, alerts_json, alerts_text, failing_routes};
pub use board::{Board, BoardBundle, BoardFile, Past};
pub use check::check_table;
pub use error::{hints, render_error};
pub use explain::{explanation, explanation_json};
pub use fleet::{Fleet, FleetMirror, Observer, VantageSight};
pub use headline::{round_headline, run_headline, status_headline};
pub use health_table::{FirstBytes, health_table};
pub use json::{check_json, object, run_json, status_json};
pub use list::mirrors_json;
pub use nagios::{NagiosState, nagios, nagios_unknown};
pub use page::{Mood, PageSet, banner, index_page};
pub use prometheus::{Metrics, prometheus, prometheus_alerts, prometheus_resilience};
pub use public::{content_type, public_files};
pub use repairs::{Deed, UnattendedRepair, repairs_headline, repairs_json, repairs_table};
pub use resilience::{resilience_json, resilience_text};
pub use run::run_table;
pub use runs::runs_table;
pub use schedule::schedule_table;
pub use status::status_table;
pub use table::Style;
pub use words::{ends_soon, in_days, moment, own_fault};
