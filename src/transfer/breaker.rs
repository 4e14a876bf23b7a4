//! What one run leaves behind for the next about a target's breaker.

use jiff::Timestamp;
use serde::Serialize;

use crate::store::Retries;

/// How a target's breaker stands between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct BreakerState {
    /// Failures in a row.
    pub failures: u32,
    /// Since when the target is left alone; `None`: the breaker is closed.
    pub opened_at: Option<Timestamp>,
}

impl BreakerState {
    /// How it stands after these tries, which began with it.
    pub(super) fn after(self, retries: &Retries, now: Timestamp) -> Self {
        let opened_at = if retries.is_open() { Some(self.opened_at.unwrap_or(now)) } else { None };
        Self { failures: retries.failures(), opened_at }
    }
}
