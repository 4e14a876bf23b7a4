//! Repairs that nobody started by hand, so that one trouble is not repaired over and over.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{History, HistoryError, column};
use crate::base::TargetName;

/// How often a mirror was repaired unattended, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// So often in a row.
    pub count: u32,
    /// The last time.
    pub last: Timestamp,
}

impl History {
    /// Every mirror that was ever repaired unattended.
    pub fn repair_tries(&self) -> Result<BTreeMap<TargetName, Tries>, HistoryError> {
        self.with("read what was repaired", |inner| {
            let mut query = inner.connection.prepare_cached("SELECT target, tries, last FROM repairs")?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok((column::parsed(row, 0)?, Tries { count: column::count(row, 1)?, last: column::parsed(row, 2)? }))
            };
            query.query_map([], read)?.collect()
        })
    }

    /// Notes how often `target` was tried; `None` forgets it.
    pub fn set_repair_tries(&self, target: &TargetName, tries: Option<Tries>) -> Result<(), HistoryError> {
        self.with("note what is repaired", |inner| {
            match tries {
                Some(tries) => inner
                    .connection
                    .prepare_cached(
                        "INSERT INTO repairs (target, tries, last) VALUES (?1, ?2, ?3)
                         ON CONFLICT (target) DO UPDATE SET tries = excluded.tries, last = excluded.last",
                    )?
                    .execute((target.as_str(), tries.count, tries.last.to_string()))?,
                None => inner.connection.prepare_cached("DELETE FROM repairs WHERE target = ?1")?.execute([target.as_str()])?,
            };
            Ok(())
        })
    }
}
