//! The last runs, for people.

use super::table::{Style, Table, Tone};
use super::words;
use crate::base::Quorum;
use crate::history::{RecordedRun, RunEnd};

/// A row per run, in the order given. A run without an end is called unfinished: whether it was interrupted or is
/// still going on is known to the holder of the project's lock, not to its record.
#[must_use]
pub fn runs_table(runs: &[RecordedRun], style: Style) -> String {
    let mut table = Table::new(style, &[">run", "kind", "release", ">version", "began", "copies", "result"]);
    for run in runs {
        let good = run.outcomes.iter().filter(|outcome| outcome.is_good()).count();
        table.row(
            &[
                run.id.to_string(),
                run.start.kind.to_string(),
                words::release(run.start.release.as_ref()),
                run.start.version.to_string(),
                words::moment(run.start.started),
                format!("{good} of {}, wanted {}", run.outcomes.len(), run.start.wanted),
                result(run.end.as_ref()).to_owned(),
            ],
            (6, tone(run.end.as_ref())),
        );
    }
    table.render()
}

fn result(end: Option<&RunEnd>) -> &'static str {
    match end {
        None => "unfinished",
        Some(end) if end.cancelled => "cancelled",
        Some(end) => words::quorum(end.quorum),
    }
}

fn tone(end: Option<&RunEnd>) -> Tone {
    match end {
        Some(end) if !end.cancelled && end.quorum == Quorum::All => Tone::Good,
        Some(end) if end.quorum == Quorum::Missed => Tone::Bad,
        _ => Tone::Doubtful,
    }
}
