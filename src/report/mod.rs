//! How it is told.
//!
//! Purpose: records as text: tables and headlines for people, JSON for programs, errors with hints, progress.
//! Comes in: records of `transfer`, `health` and `history`. Goes out: strings, and on stderr the progress of a run.
//! Must not know: how any of it came about. Formats only, decides nothing.
//!
//! Text from strangers was made safe when it was received; here it passes [`crate::base::escape`] once more, so that
//! nothing but line feeds and our own colours ever reaches a terminal.

mod advice;
mod check;
mod error;
mod explain;
mod fleet;
mod headline;
mod json;
mod nagios;
mod probes;
pub mod progress;
mod prometheus;
mod resilience;
mod run;
mod runs;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use check::check_table;
pub use error::{hints, render_error};
pub use explain::{explanation, explanation_json};
pub use fleet::{Fleet, FleetMirror, Observer};
pub use headline::{round_headline, run_headline, status_headline};
pub use json::{check_json, object, run_json, status_json};
pub use nagios::{NagiosState, nagios, nagios_unknown};
pub use prometheus::prometheus;
pub use resilience::{resilience_json, resilience_text};
pub use run::run_table;
pub use runs::runs_table;
pub use status::status_table;
pub use table::Style;
