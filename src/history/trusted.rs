//! The newest metadata that was trusted: what tells a mirror that went back from one that never was further.

use rusqlite::OptionalExtension as _;
use serde::Serialize;

use super::{History, HistoryError, column};
use crate::base::TargetName;

/// Whose metadata it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// The project's own: the newest that we made or saw anywhere.
    Project,
    /// What this mirror served.
    Mirror(&'a TargetName),
}

impl Whose<'_> {
    /// No target's name holds a colon, so the key of a mirror never equals the project's.
    fn key(self) -> String {
        match self {
            Self::Project => "project".to_owned(),
            Self::Mirror(target) => format!("mirror:{target}"),
        }
    }
}

/// Versions of roles that verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Trusted {
    /// Root.
    pub root: u64,
    /// Timestamp.
    pub timestamp: u64,
    /// Snapshot.
    pub snapshot: u64,
    /// Targets: the list of bundles.
    pub targets: u64,
}

impl History {
    /// The newest versions trusted so far, if any were.
    pub fn trusted(&self, whose: Whose<'_>) -> Result<Option<Trusted>, HistoryError> {
        self.with("read the trusted versions", |inner| {
            inner
                .connection
                .prepare_cached("SELECT root, timestamp, snapshot, targets FROM trusted WHERE whose = ?1")?
                .query_row([whose.key()], |row| {
                    Ok(Trusted {
                        root: column::count(row, 0)?,
                        timestamp: column::count(row, 1)?,
                        snapshot: column::count(row, 2)?,
                        targets: column::count(row, 3)?,
                    })
                })
                .optional()
        })
    }

    /// Notes versions that verified. Each role's version only grows (TUF 1.0, section 5: rollback checks): an older
    /// one is not recorded, whoever asks first.
    pub fn set_trusted(&self, whose: Whose<'_>, seen: Trusted) -> Result<(), HistoryError> {
        self.with("record the trusted versions", |inner| {
            inner
                .connection
                .prepare_cached(
                    "INSERT INTO trusted (whose, root, timestamp, snapshot, targets) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (whose) DO UPDATE SET root = max(root, excluded.root),
                         timestamp = max(timestamp, excluded.timestamp),
                         snapshot = max(snapshot, excluded.snapshot), targets = max(targets, excluded.targets)",
                )?
                .execute((
                    whose.key(),
                    column::to_count(seen.root)?,
                    column::to_count(seen.timestamp)?,
                    column::to_count(seen.snapshot)?,
                    column::to_count(seen.targets)?,
                ))?;
            Ok(())
        })
    }
}
