//! What became of each target, for people.

use super::table::{Style, Table, Tone, line};
use super::words;
use crate::transfer::{Ending, Outcome, Run};

/// A row per target in the order of the configuration, then what a person should know of some of them: failures with
/// their causes and hints, and notes.
#[must_use]
pub fn run_table(run: &Run, style: Style) -> String {
    let mut table = Table::new(style, &["target", "protocol", "result", "level", ">files", ">sent", ">retries", ">time"]);
    for outcome in &run.outcomes {
        table.row(&cells(outcome), (2, tone(outcome)));
    }
    let remarks: String = run.outcomes.iter().map(remarks).collect();
    let gap = if remarks.is_empty() { "" } else { "\n" };
    format!("{}{gap}{remarks}", table.render())
}

fn cells(outcome: &Outcome) -> [String; 8] {
    [
        outcome.target.to_string(),
        outcome.protocol.clone(),
        outcome.ending.to_string(),
        words::level(outcome.level),
        outcome.objects_sent.to_string(),
        outcome.bytes_sent.to_string(),
        outcome.retries.to_string(),
        words::duration(outcome.duration_ms),
    ]
}

fn tone(outcome: &Outcome) -> Tone {
    match outcome.ending {
        Ending::Done | Ending::Unchanged => Tone::Good,
        Ending::Deferred | Ending::Paused | Ending::Cancelled => Tone::Doubtful,
        Ending::Conflict | Ending::Failed => Tone::Bad,
    }
}

fn remarks(outcome: &Outcome) -> String {
    let mut text = String::new();
    let target = &outcome.target;
    if let Some(failure) = &outcome.failure {
        text += &line(0, &format!("{target}: {}: {}", outcome.ending, words::reason(failure, target)));
        for cause in failure.messages.iter().skip(1) {
            text += &line(1, &format!("caused by: {cause}"));
        }
        if let Some(hint) = &failure.hint {
            text += &line(1, &format!("hint: {hint}"));
        }
    }
    for note in &outcome.notes {
        text += &line(0, &format!("{target}: note: {note}"));
    }
    text
}
