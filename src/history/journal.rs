//! The journal of confirmed uploads: what a target certainly holds although its pointer was not swapped yet; and what it
//! held when that was last certain.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::{OptionalExtension as _, Transaction, TransactionBehavior};

use super::database::Inner;
use super::{History, HistoryError, column};
use crate::base::{ObjectPath, Sha256, TargetName};
use crate::transfer::Settled;

/// Confirmations per transaction. A commit costs one sync (milliseconds on a slow disk), an entry microseconds.
const BATCH: usize = 512;

/// A confirmation that comes later than this after the last commit is committed at once. So what is lost with the process
/// was confirmed within this time after a commit, however long the next upload takes.
const AGE: Duration = Duration::from_millis(500);

/// Confirmations that are not in the database yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    entries: Vec<Entry>,
    committed: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    target: TargetName,
    version: u64,
    path: ObjectPath,
    sha256: Sha256,
}

impl Pending {
    fn is_due(&self) -> bool {
        self.entries.len() >= BATCH || self.committed.is_none_or(|since| since.elapsed() >= AGE)
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.committed = Some(Instant::now());
    }
}

impl History {
    /// Notes that `target` confirmed the object at `path` while timestamp version `version` was being pushed.
    ///
    /// Entries that come close together gather in memory and are committed together: 512 at a time, or with the first
    /// that comes 500 ms after the last commit, or by [`flush`](Self::flush). `kill -9` loses at most what was confirmed
    /// within 500 ms after a commit, and that costs a second upload, nothing else.
    pub fn confirm(&self, target: &TargetName, version: u64, path: &ObjectPath, sha256: Sha256) -> Result<(), HistoryError> {
        self.with("write the journal", |inner| {
            inner.pending.entries.push(Entry { target: target.clone(), version, path: path.clone(), sha256 });
            if inner.pending.is_due() { write_pending(inner) } else { Ok(()) }
        })
    }

    /// Commits every confirmation made so far. What could not be written is kept for the next call.
    pub fn flush(&self) -> Result<(), HistoryError> {
        self.with("write the journal", write_pending)
    }

    /// Everything `target` has confirmed since it was last settled, whichever version was being pushed: names
    /// are immutable, so what an overtaken push sent is still right where the digests agree.
    pub fn confirmed(&self, target: &TargetName) -> Result<BTreeMap<ObjectPath, Sha256>, HistoryError> {
        self.with("read the journal", |inner| {
            write_pending(inner)?;
            let mut query = inner.connection.prepare_cached("SELECT path, sha256 FROM journal WHERE target = ?1")?;
            let rows =
                query.query_map([target.as_str()], |row| Ok((column::object(row, 0)?, Sha256::from_bytes(row.get(1)?))))?;
            rows.collect()
        })
    }

    /// Notes what `target` holds, and clears its journal: its metadata now says the rest.
    pub fn settle(&self, target: &TargetName, settled: Settled) -> Result<(), HistoryError> {
        self.with("record what a target holds", |inner| {
            inner.pending.entries.retain(|entry| entry.target != *target);
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute("DELETE FROM journal WHERE target = ?1", [target.as_str()])?;
            transaction.execute(
                "INSERT INTO settled (target, version, holds) VALUES (?1, ?2, ?3)
                 ON CONFLICT (target) DO UPDATE SET version = excluded.version, holds = excluded.holds",
                (target.as_str(), column::to_count(settled.version)?, settled.holds.to_string()),
            )?;
            transaction.commit()
        })
    }

    /// What `target` was last known to hold.
    pub fn settled(&self, target: &TargetName) -> Result<Option<Settled>, HistoryError> {
        self.with("read what a target holds", |inner| {
            inner
                .connection
                .prepare_cached("SELECT version, holds FROM settled WHERE target = ?1")?
                .query_row([target.as_str()], |row| {
                    Ok(Settled { version: column::count(row, 0)?, holds: column::parsed(row, 1)? })
                })
                .optional()
        })
    }
}

/// One transaction for all that is pending; it is cleared only after the commit.
fn write_pending(inner: &mut Inner) -> rusqlite::Result<()> {
    if inner.pending.entries.is_empty() {
        return Ok(());
    }
    let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    insert(&transaction, &inner.pending.entries)?;
    transaction.commit()?;
    inner.pending.clear();
    Ok(())
}

fn insert(transaction: &Transaction<'_>, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO journal (target, path, version, sha256) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (target, path) DO UPDATE SET version = excluded.version, sha256 = excluded.sha256",
    )?;
    for entry in entries {
        let version = column::to_count(entry.version)?;
        statement.execute((entry.target.as_str(), entry.path.as_str(), version, entry.sha256.as_bytes()))?;
    }
    Ok(())
}
