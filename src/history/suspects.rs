//! Objects that checks proved to be bad, until a repair or a check as deep clears them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, TransactionBehavior};

use super::{History, HistoryError, column};
use crate::base::{ObjectPath, TargetName};
use crate::health::{Depth, MirrorCheck};

impl History {
    /// What is to be sent again, by target.
    pub fn suspects(&self) -> Result<BTreeMap<TargetName, BTreeSet<ObjectPath>>, HistoryError> {
        self.with("read what checks found to be bad", |inner| {
            let mut query = inner.connection.prepare_cached("SELECT target, path FROM suspects")?;
            let rows = query.query_map([], |row| Ok((column::parsed(row, 0)?, column::object(row, 1)?)))?;
            let mut found: BTreeMap<TargetName, BTreeSet<ObjectPath>> = BTreeMap::new();
            for row in rows {
                let (target, path) = row?;
                found.entry(target).or_default().insert(path);
            }
            Ok(found)
        })
    }

    /// These objects of `target` were repaired. What a check found meanwhile stays.
    pub fn clear_suspects(&self, target: &TargetName, repaired: &BTreeSet<ObjectPath>) -> Result<(), HistoryError> {
        self.with("note what was repaired", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut delete = transaction.prepare_cached("DELETE FROM suspects WHERE target = ?1 AND path = ?2")?;
                for path in repaired {
                    delete.execute((target.as_str(), path.as_str()))?;
                }
            }
            transaction.commit()
        })
    }
}

/// How many objects of each target are known to have other bytes than were signed: only reading them again clears that.
pub(super) fn altered(connection: &Connection) -> rusqlite::Result<BTreeMap<TargetName, u64>> {
    let mut query = connection.prepare_cached("SELECT target, count(*) FROM suspects WHERE depth = ?1 GROUP BY target")?;
    let rows = query.query_map([rank(Depth::Full)], |row| Ok((column::parsed(row, 0)?, column::count(row, 1)?)))?;
    rows.collect()
}

/// A check clears what it would have found again, and adds what it found.
pub(super) fn write(connection: &Connection, check: &MirrorCheck, depth: Depth) -> rusqlite::Result<()> {
    let target = check.target.as_str();
    if check.suspects.exhaustive {
        let mut delete = connection.prepare_cached("DELETE FROM suspects WHERE target = ?1 AND depth <= ?2")?;
        delete.execute((target, rank(depth)))?;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO suspects (target, path, depth) VALUES (?1, ?2, ?3)
         ON CONFLICT (target, path) DO UPDATE SET depth = max(depth, excluded.depth)",
    )?;
    for path in &check.suspects.paths {
        // As shallow as the check that is sure to find it again: every check reads metadata, a look at sizes sees what is
        // missing, and wrong bytes are found by reading all of them, though a sample may have met them in any round.
        let found_by = match path {
            metadata if metadata.as_str().starts_with("metadata/") => Depth::Metadata,
            missing if check.suspects.missing.contains(missing) => Depth::Files,
            _ => Depth::Full,
        };
        insert.execute((target, path.as_str(), rank(found_by)))?;
    }
    Ok(())
}

fn rank(depth: Depth) -> i64 {
    match depth {
        Depth::Metadata => 0,
        Depth::Files => 1,
        Depth::Full => 2,
    }
}
