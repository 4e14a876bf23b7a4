//! What everybody may see: the files of the public folder, replaced as a whole after each round.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::Front;
use crate::base::Sha256;
use crate::history::{HistoryError, column};

/// Most pages that are read: each of some thousand mirrors has three files.
const MOST_PAGES: u32 = 50_000;
/// Longest page that is read, in bytes.
const LONGEST_PAGE: u32 = 32 << 20;

/// Everything that the web process shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontPages {
    /// What it has to know besides.
    pub about: FrontAbout,
    /// The files.
    pub pages: Vec<FrontPage>,
    /// Metrics of the fleet in the text format of Prometheus: for the listener of metrics, never for the public one.
    pub metrics: String,
}

/// What the web process has to know of the project; it reads no `targets.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontAbout {
    /// The project's name.
    pub project: String,
    /// The project's pin, for which offers have to be meant.
    pub pin: Sha256,
    /// When the last round ended; `None`: there was none.
    pub round: Option<Timestamp>,
    /// Rounds that are older than so many seconds mean that nobody looks any more.
    pub stale_after_s: u64,
    /// Most messages that wait for a maintainer.
    pub most_waiting: u32,
}

/// One file that everybody may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontPage {
    /// Path below the root of the web, without a slash at its beginning: `mirrors/paris.html`.
    pub path: String,
    /// Its content type.
    pub kind: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What is shown, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Grows with each publication.
    pub generation: u64,
    /// When it was published.
    pub written: Timestamp,
    /// What is shown.
    pub content: FrontPages,
}

impl Front {
    /// Whether the file is for the project with this pin: two that share one would take one another's messages.
    ///
    /// # Errors
    /// [`HistoryError::FrontOfAnother`] when it is for another one.
    pub fn belongs_to(&self, pin: Sha256) -> Result<(), HistoryError> {
        let about: Option<FrontAbout> = self.with("read whose it is", TransactionBehavior::Deferred, |connection| {
            let text = "SELECT about FROM shown WHERE octet_length(about) <= 65536";
            connection.query_row(text, [], |row| column::json(row, 0)).optional()
        })?;
        match about {
            Some(about) if about.pin != pin => Err(HistoryError::FrontOfAnother { path: self.path.clone(), pin: about.pin }),
            _ => Ok(()),
        }
    }

    /// Replaces everything that is shown, in one transaction: whoever reads meanwhile sees the old or the new state.
    pub fn publish(&self, pages: &FrontPages, now: Timestamp) -> Result<(), HistoryError> {
        self.with("publish pages", TransactionBehavior::Immediate, |connection| {
            connection.execute("DELETE FROM pages", [])?;
            let mut insert = connection.prepare_cached("INSERT INTO pages (path, kind, bytes) VALUES (?1, ?2, ?3)")?;
            for page in &pages.pages {
                insert.execute((&page.path, &page.kind, page.bytes.as_ref()))?;
            }
            connection.execute(
                "INSERT INTO shown (one, generation, written, about, metrics) VALUES (1, 1, ?1, ?2, ?3)
                 ON CONFLICT (one) DO UPDATE SET generation = shown.generation + 1, written = excluded.written,
                   about = excluded.about, metrics = excluded.metrics",
                (now.to_string(), column::to_json(&pages.about)?, &pages.metrics),
            )?;
            Ok(())
        })
    }

    /// What is shown, unless it is the generation that the caller has already, or nothing was published yet.
    pub fn pages(&self, known: Option<u64>) -> Result<Option<Shown>, HistoryError> {
        self.with("read pages", TransactionBehavior::Deferred, |connection| {
            let found: Option<u64> = connection
                .prepare_cached("SELECT generation FROM shown")?
                .query_row([], |row| column::count(row, 0))
                .optional()?;
            let Some(generation) = found.filter(|found| Some(*found) != known) else { return Ok(None) };
            let (written, about, metrics) = connection
                .prepare_cached("SELECT written, about, metrics FROM shown")?
                .query_row([], |row| Ok((column::parsed(row, 0)?, column::json(row, 1)?, row.get(2)?)))?;
            let mut query = connection
                .prepare_cached("SELECT path, kind, bytes FROM pages WHERE length(bytes) <= ?1 ORDER BY path LIMIT ?2")?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(FrontPage { path: row.get(0)?, kind: row.get(1)?, bytes: row.get::<_, Vec<u8>>(2)?.into() })
            };
            let pages = query.query_map((LONGEST_PAGE, MOST_PAGES), read)?.collect::<rusqlite::Result<_>>()?;
            Ok(Some(Shown { generation, written, content: FrontPages { about, pages, metrics } }))
        })
    }
}
