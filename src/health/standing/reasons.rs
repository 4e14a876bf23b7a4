//! What speaks against a mirror, while it is judged.

use jiff::Timestamp;

use super::judge::condition_of;
use super::{Condition, Reason, ReasonCode, Standing};

/// Reasons in the making.
#[derive(Debug)]
pub(super) struct Reasons {
    earlier: Vec<Reason>,
    found: Vec<Reason>,
    now: Timestamp,
}

impl Reasons {
    pub(super) fn of(past: &Standing, now: Timestamp) -> Self {
        Self { earlier: past.reasons.clone(), found: Vec::new(), now }
    }

    /// Something that was seen now; a reason that stood before keeps its first moment.
    pub(super) fn tell(&mut self, code: ReasonCode, message: String) {
        let first_seen = self.earlier.iter().find(|reason| reason.code == code).map_or(self.now, |reason| reason.first_seen);
        self.add(Reason { code, message, first_seen });
    }

    /// What stood before goes on to stand, where `which` says so.
    pub(super) fn keep(&mut self, past: &Standing, which: impl Fn(ReasonCode) -> bool) {
        for reason in past.reasons.iter().filter(|reason| which(reason.code)) {
            self.add(reason.clone());
        }
    }

    /// Whether this was told or kept already.
    pub(super) fn has(&self, code: ReasonCode) -> bool {
        self.found.iter().any(|reason| reason.code == code)
    }

    fn add(&mut self, reason: Reason) {
        if !self.has(reason.code) {
            self.found.push(reason);
        }
    }

    /// The condition that the worst of them speaks for.
    pub(super) fn worst(&self) -> Condition {
        self.found.iter().map(|reason| condition_of(reason.code)).min().unwrap_or(Condition::Healthy)
    }

    pub(super) fn finish(mut self) -> Vec<Reason> {
        self.found.sort_by_key(|reason| (condition_of(reason.code), reason.first_seen));
        self.found
    }
}
