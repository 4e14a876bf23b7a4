//! Small pieces of text that several reports share.

use jiff::{SignedDuration, Timestamp};

use crate::base::{AlertRules, BundleName, Level, Quorum, TargetName};
use crate::transfer::FailureRecord;

/// What stands where nothing is known.
pub(super) const NOTHING: &str = "-";

/// That a round saw nothing by our own fault, in a sentence for a line of its own.
#[must_use]
pub fn own_fault(what: &str) -> String {
    format!("our own fault: {what}; nothing is held against the mirrors, and every condition stays as it was")
}

/// A level's word, or a dash.
pub(super) fn level(level: Option<Level>) -> String {
    level.map_or_else(|| NOTHING.to_owned(), |level| level.to_string())
}

/// A bundle's name, or a dash.
pub(super) fn release(release: Option<&BundleName>) -> String {
    release.map_or_else(|| NOTHING.to_owned(), ToString::to_string)
}

/// A moment to the minute, in UTC.
#[must_use]
pub fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%MZ").to_string()
}

/// A duration in the largest unit that keeps it readable: `0.4 s`, `61.0 s`, `12 min`, `3 h 20 min`.
pub(super) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..=119 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1 file`, `2 files`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What the copies found amount to.
pub(super) fn quorum(quorum: Quorum) -> &'static str {
    match quorum {
        Quorum::All => "all",
        Quorum::Met => "enough",
        Quorum::Missed => "too few",
    }
}

/// How long ago `moment` was, in one unit.
pub(super) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(moment).as_secs() / 60;
    match minutes {
        // A clock that was set back makes moments of the future; they are not worth a word of their own.
        ..=0 => "just now".to_owned(),
        1..120 => format!("{minutes} min ago"),
        120..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

/// How long it has been, in one unit: `12 d`, `3 h`, `20 min`.
pub(super) fn span(since: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(since).as_secs() / 60;
    match minutes {
        ..120 => format!("{} min", minutes.max(0)),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

/// How far away `end` is, in days that have begun: `in 7 days`.
#[must_use]
pub fn in_days(end: Timestamp, now: Timestamp) -> String {
    let seconds = end.duration_since(now).as_secs().max(0);
    match (seconds + 86_399) / 86_400 {
        0 => "now".to_owned(),
        1 => "within a day".to_owned(),
        days => format!("in {days} days"),
    }
}

/// When something ends, if that is no further away than the first reminder of it; `None`: later, or it is over.
#[must_use]
pub fn ends_soon(end: Timestamp, now: Timestamp) -> Option<String> {
    let first = SignedDuration::from_hours(24 * i64::from(AlertRules::REMINDERS[0]));
    let left = end.duration_since(now);
    (left > SignedDuration::ZERO && left <= first).then(|| format!("ends {}, {}", moment(end), in_days(end, now)))
}

/// Whole days until `end`, or that it is over.
pub(super) fn days_until(end: Timestamp, now: Timestamp) -> String {
    let seconds = end.duration_since(now).as_secs();
    if seconds <= 0 { "ended".to_owned() } else { format!("{} d", seconds / 86_400) }
}

/// The first message of a failure, or its code if it has none, for a line that names the target already.
pub(super) fn reason<'a>(failure: &'a FailureRecord, target: &TargetName) -> &'a str {
    without_target(failure.messages.first().unwrap_or(&failure.code), target)
}

/// A message without the target's name at its beginning: messages of stores carry it.
pub(super) fn without_target<'a>(message: &'a str, target: &TargetName) -> &'a str {
    message.strip_prefix(target.as_str()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_in_days_that_have_begun_and_from_the_first_reminder_on() {
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let hours = |hours| now + SignedDuration::from_hours(hours);
        for (left, words) in
            [(-1, "now"), (0, "now"), (1, "within a day"), (24, "within a day"), (25, "in 2 days"), (720, "in 30 days")]
        {
            assert_eq!(in_days(hours(left), now), words, "{left} h");
        }
        assert_eq!(ends_soon(hours(720), now).as_deref(), Some("ends 2026-03-31 10:00Z, in 30 days"));
        for none in [-1, 0, 721] {
            assert_eq!(ends_soon(hours(none), now), None, "{none} h");
        }
    }
}
