//! Breakers, kept so that a dead target does not cost its time-outs again in every run.

use rusqlite::OptionalExtension as _;

use super::{History, HistoryError, column};
use crate::base::TargetName;
use crate::transfer::BreakerState;

impl History {
    /// How the breaker of `target` stands. Without a record it is closed.
    pub fn breaker(&self, target: &TargetName) -> Result<BreakerState, HistoryError> {
        self.with("read a breaker", |inner| {
            let found = inner
                .connection
                .prepare_cached("SELECT failures, opened_at FROM breakers WHERE target = ?1")?
                .query_row([target.as_str()], |row| {
                    Ok(BreakerState { failures: column::count(row, 0)?, opened_at: column::parsed_or_null(row, 1)? })
                })
                .optional()?;
            Ok(found.unwrap_or_default())
        })
    }

    /// Replaces the state of the breaker of `target`.
    pub fn set_breaker(&self, target: &TargetName, state: BreakerState) -> Result<(), HistoryError> {
        self.with("record a breaker", |inner| {
            inner
                .connection
                .prepare_cached(
                    "INSERT INTO breakers (target, failures, opened_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (target) DO UPDATE SET failures = excluded.failures, opened_at = excluded.opened_at",
                )?
                .execute((target.as_str(), state.failures, state.opened_at.map(|moment| moment.to_string())))?;
            Ok(())
        })
    }
}
