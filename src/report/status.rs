//! What is remembered of every mirror, for people.

use jiff::Timestamp;

use super::check::tone;
use super::table::{Style, Table, Tone};
use super::words;
use crate::health::Verdict;
use crate::history::{LastCheck, LastOutcome, MirrorState};

/// A row per mirror, worst first; those that were never checked come last. Ages are counted back from `now`.
#[must_use]
pub fn status_table(mirrors: &[MirrorState], now: Timestamp, style: Style) -> String {
    let mut sorted: Vec<&MirrorState> = mirrors.iter().collect();
    sorted.sort_by_key(|mirror| {
        let found = mirror.check.as_ref().map(|check| (check.found.verdict, check.found.level));
        (found.is_none(), found, &mirror.target)
    });
    let mut table = Table::new(style, &["mirror", "verdict", "level", "since", "checked", "verified", "last run"]);
    for mirror in sorted {
        let [verdict, level, since, checked, verified] = check_cells(mirror.check.as_ref(), now);
        let verdict = if mirror.altered == 0 { verdict } else { format!("{verdict}, {} altered", mirror.altered) };
        let last_run = mirror.outcome.as_ref().map_or_else(|| words::NOTHING.to_owned(), |last| last_run(last, now));
        let tone = match &mirror.check {
            _ if mirror.altered > 0 => tone(Verdict::Forged),
            Some(check) => tone(check.found.verdict),
            None => Tone::Doubtful,
        };
        table.row(&[mirror.target.to_string(), verdict, level, since, checked, verified, last_run], (1, tone));
    }
    table.render()
}

fn check_cells(check: Option<&LastCheck>, now: Timestamp) -> [String; 5] {
    let nothing = || words::NOTHING.to_owned();
    let Some(check) = check else {
        return ["never checked".to_owned(), nothing(), nothing(), nothing(), nothing()];
    };
    [
        check.found.verdict.to_string(),
        words::level(check.found.level),
        words::ago(check.since, now),
        words::ago(check.at, now),
        check.verified_at.map_or_else(nothing, |moment| words::ago(moment, now)),
    ]
}

fn last_run(last: &LastOutcome, now: Timestamp) -> String {
    format!("{} {} {}", last.kind, last.outcome.ending, words::ago(last.started, now))
}
