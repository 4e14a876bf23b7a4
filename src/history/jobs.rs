//! What the schedule did, and when: so that a restart goes on where it was.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{History, HistoryError, column};
use crate::health::Depth;

/// The last time that a job was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRecord {
    /// When.
    pub began: Timestamp,
    /// How often in a row it failed; 0: the last time it did not.
    pub failures: u32,
}

/// Rounds that are looked through for the last one of each depth.
const ROUNDS: i64 = 500;

impl History {
    /// When each job was last begun, by the job's own words.
    pub fn jobs(&self) -> Result<BTreeMap<String, JobRecord>, HistoryError> {
        self.with("read what the schedule did", |inner| {
            let mut query = inner.connection.prepare_cached("SELECT job, began, failures FROM jobs")?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok((row.get(0)?, JobRecord { began: column::parsed(row, 1)?, failures: column::count(row, 2)? }))
            };
            query.query_map([], read)?.collect()
        })
    }

    /// Notes that a job was begun, or how it went.
    pub fn set_job(&self, job: &str, record: JobRecord) -> Result<(), HistoryError> {
        self.with("note what the schedule did", |inner| {
            inner
                .connection
                .prepare_cached(
                    "INSERT INTO jobs (job, began, failures) VALUES (?1, ?2, ?3)
                     ON CONFLICT (job) DO UPDATE SET began = excluded.began, failures = excluded.failures",
                )?
                .execute((job, record.began.to_string(), record.failures))?;
            Ok(())
        })
    }

    /// When the last round that looked at `mirrors` or more of them began, at least this deep, whoever started it.
    pub fn last_round_of(&self, depth: Depth, mirrors: usize) -> Result<Option<Timestamp>, HistoryError> {
        let deep_enough = |found: Depth| found >= depth;
        self.with("read when mirrors were looked at", |inner| {
            let mut query = inner.connection.prepare_cached(
                "SELECT depth, started FROM rounds WHERE id > (SELECT max(id) FROM rounds) - ?1
                   AND (SELECT count(*) FROM checks WHERE round = rounds.id) >= ?2 ORDER BY id DESC",
            )?;
            let read = |row: &rusqlite::Row<'_>| Ok((column::word(row, 0)?, column::parsed(row, 1)?));
            let rows = query.query_map((ROUNDS, column::to_count(mirrors)?), read)?;
            for row in rows {
                let (found, started): (Depth, Timestamp) = row?;
                if deep_enough(found) {
                    return Ok(Some(started));
                }
            }
            Ok(None)
        })
    }
}
