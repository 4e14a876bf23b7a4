//! When a target is left alone for a while.

use std::time::Duration;

use tokio::time::Instant;

use super::{ErrorKind, StoreError};
use crate::base::Breaker;

/// Counts failures in a row. Open, it refuses every call; after a pause it lets one through to see.
///
/// Calls that are under way together fall together: one dropped connection ends 64 puts and is one failure, not 64. So
/// the row is as long as that of the call which failed most often in it.
#[derive(Debug)]
pub(super) struct Circuit {
    limit: u32,
    pause: Duration,
    failures: u32,
    /// Counts the answers: what failed before one is no longer in a row with what fails after it.
    answers: u64,
    /// When the next probe may go, while open. A probe that never comes back must not shut the door for ever, so
    /// admitting one only moves this on.
    probe_at: Option<Instant>,
    kind: ErrorKind,
    detail: String,
}

/// One call's place in the row of failures: those that it knew of when it began, and its own since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    failures: u32,
    answers: u64,
}

/// Whether a call may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may.
    Granted,
    /// It may not, because of these failures.
    Refused {
        /// The last failure's kind.
        kind: ErrorKind,
        /// How many there were in a row.
        failures: u32,
        /// What the last one said.
        detail: String,
    },
}

impl Circuit {
    /// Closed. `pause` is the time between opening and the first probe.
    pub(super) fn new(breaker: Breaker, pause: Duration) -> Self {
        let detail = "in an earlier run".to_owned();
        Self {
            limit: breaker.failures.max(1),
            pause,
            failures: 0,
            answers: 0,
            probe_at: None,
            kind: ErrorKind::Unavailable,
            detail,
        }
    }

    /// As earlier runs left it; open, with a probe allowed at once.
    pub(super) fn remember(&mut self, failures: u32, open: bool) {
        self.failures = failures;
        self.probe_at = open.then(Instant::now);
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// The call that was let through asked nobody, so the next may go in its place.
    pub(super) fn is_still_to_be_probed(&mut self) {
        self.probe_at = self.probe_at.map(|_| Instant::now());
    }

    /// Whether a call may go now.
    pub(super) fn admit(&mut self) -> Admission {
        match self.probe_at {
            Some(moment) if Instant::now() < moment => {
                Admission::Refused { kind: self.kind, failures: self.failures, detail: self.detail.clone() }
            }
            Some(_) => {
                self.probe_at = Some(Instant::now() + self.pause);
                Admission::Granted
            }
            None => Admission::Granted,
        }
    }

    /// Where a call that begins now stands.
    pub(super) fn row(&self) -> Row {
        Row { failures: self.failures, answers: self.answers }
    }

    /// The target answered.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.answers += 1;
        self.probe_at = None;
    }

    /// It did not, or said that it cannot now. Tells whether that is news: the first failure of those that fell together.
    pub(super) fn failed(&mut self, row: &mut Row, error: &StoreError) -> bool {
        if row.answers != self.answers {
            *row = Row { failures: 0, answers: self.answers };
        }
        row.failures = row.failures.saturating_add(1);
        let news = row.failures > self.failures;
        self.failures = self.failures.max(row.failures);
        self.kind = error.kind;
        self.detail = match error.detail.as_str() {
            "" => format!("{}", error.kind),
            said => format!("{} ({said})", error.kind),
        };
        if self.failures >= self.limit {
            self.probe_at = Some(Instant::now() + self.pause);
        }
        news
    }

    /// Whether calls are refused (but for probes).
    pub(super) fn is_open(&self) -> bool {
        self.probe_at.is_some()
    }
}
