//! The transfer's journal, kept in the project's state file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{ObjectPath, Sha256, TargetName};
use crate::history::{History, RunId};
use crate::transfer::{BreakerState, Journal, Outcome, Settled};

/// Writes the journal of one run. A journal that cannot be written costs uploads, not correctness, so troubles are
/// logged and the push goes on.
#[derive(Debug)]
pub struct StateJournal {
    history: Arc<History>,
    run: Option<RunId>,
    version: u64,
}

impl StateJournal {
    /// The journal of this run, which pushes this timestamp version.
    #[must_use]
    pub fn new(history: Arc<History>, run: RunId, version: u64) -> Self {
        Self { history, run: Some(run), version }
    }

    /// What earlier runs left, for a look that sends nothing.
    #[must_use]
    pub fn of_earlier_runs(history: Arc<History>, version: u64) -> Self {
        Self { history, run: None, version }
    }
}

impl Journal for StateJournal {
    fn confirmed(&self, target: &TargetName) -> BTreeMap<ObjectPath, Sha256> {
        self.history.confirmed(target).unwrap_or_else(|error| {
            tracing::warn!(%target, %error, "the journal cannot be read; everything is sent again");
            BTreeMap::new()
        })
    }

    fn confirm(&self, target: &TargetName, path: &ObjectPath, sha256: Sha256) {
        if let Err(error) = self.history.confirm(target, self.version, path, sha256) {
            tracing::warn!(%target, %error, "the journal cannot be written");
        }
    }

    fn finished(&self, outcome: &Outcome) {
        let Some(run) = self.run else { return };
        // The end of the run writes all of them again, and does not pass over trouble.
        if let Err(error) = self.history.record_outcome(run, outcome) {
            tracing::warn!(target = %outcome.target, %error, "the outcome cannot be written");
        }
    }

    fn settle(&self, target: &TargetName, settled: Settled) {
        if let Err(error) = self.history.settle(target, settled) {
            tracing::warn!(%target, %error, "the journal cannot be cleared");
        }
    }

    fn settled(&self, target: &TargetName) -> Option<Settled> {
        self.history.settled(target).unwrap_or_else(|error| {
            tracing::warn!(%target, %error, "what the target holds is not remembered; its pointer is believed");
            None
        })
    }

    fn breaker(&self, target: &TargetName) -> BreakerState {
        self.history.breaker(target).unwrap_or_else(|error| {
            tracing::warn!(%target, %error, "how the target did in earlier runs cannot be read");
            BreakerState::default()
        })
    }

    fn set_breaker(&self, target: &TargetName, state: BreakerState) {
        if let Err(error) = self.history.set_breaker(target, state) {
            tracing::warn!(%target, %error, "how the target did cannot be written down");
        }
    }
}
