//! Runs and what became of each target in them.

use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior};
use serde::Serialize;

use super::{History, HistoryError, column};
use crate::base::{BundleName, Level, Quorum};
use crate::transfer::{Outcome, Run, RunKind};

/// A run's number in the state file; grows with every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RunId(pub(super) i64);

impl std::fmt::Display for RunId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What is known of a run when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunStart {
    /// What it is for.
    pub kind: RunKind,
    /// The bundle presented as newest.
    pub release: Option<BundleName>,
    /// The timestamp version being pushed.
    pub version: u64,
    /// When it began.
    pub started: Timestamp,
    /// Copies wanted.
    pub wanted: usize,
}

/// What is known only when it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunEnd {
    /// When it ended.
    pub finished: Timestamp,
    /// The verdict over all targets.
    pub quorum: Quorum,
    /// The lowest level that all good copies reached.
    pub level: Option<Level>,
    /// It was cancelled, in good order.
    pub cancelled: bool,
}

/// A run as remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRun {
    /// Its number.
    pub id: RunId,
    /// How it began.
    pub start: RunStart,
    /// How it ended; `None` when it was interrupted (killed, power lost) or is still going on in another process.
    pub end: Option<RunEnd>,
    /// Targets that were done with, in the order of the configuration as far as known.
    pub outcomes: Vec<Outcome>,
}

impl RecordedRun {
    /// The whole record of a run that finished.
    #[must_use]
    pub fn to_run(&self) -> Option<Run> {
        let end = self.end.as_ref()?;
        Some(Run {
            kind: self.start.kind,
            release: self.start.release.clone(),
            version: self.start.version,
            started: self.start.started,
            finished: end.finished,
            wanted: self.start.wanted,
            quorum: end.quorum,
            level: end.level,
            cancelled: end.cancelled,
            outcomes: self.outcomes.clone(),
        })
    }
}

impl History {
    /// Notes that a run begins. Until [`finish_run`](Self::finish_run) it has no end: that is how an interrupted
    /// run is seen later.
    pub fn begin_run(&self, start: &RunStart) -> Result<RunId, HistoryError> {
        self.with("record the start of the run", |inner| {
            inner.connection.execute(
                "INSERT INTO runs (kind, release, version, started, wanted) VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    column::to_word(&start.kind)?,
                    start.release.as_ref().map(BundleName::as_str),
                    column::to_count(start.version)?,
                    start.started.to_string(),
                    column::to_count(start.wanted)?,
                ),
            )?;
            Ok(RunId(inner.connection.last_insert_rowid()))
        })
    }

    /// Notes what became of one target, as soon as it is known: an interrupted run keeps these.
    pub fn record_outcome(&self, run: RunId, outcome: &Outcome) -> Result<(), HistoryError> {
        self.with("record an outcome", |inner| {
            // Where it stands in the configuration is known when the run finishes; until then the order of arrival.
            let position: i64 =
                inner.connection.query_row("SELECT count(*) FROM outcomes WHERE run = ?1", [run.0], |row| row.get(0))?;
            write_outcome(&inner.connection, run, position, outcome)
        })
    }

    /// Notes the end of a run with all its outcomes, in one transaction.
    pub fn finish_run(&self, id: RunId, run: &Run) -> Result<(), HistoryError> {
        self.with("record the end of the run", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let changed = transaction.execute(
                "UPDATE runs SET kind = ?2, release = ?3, version = ?4, wanted = ?5,
                                 finished = ?6, quorum = ?7, level = ?8, cancelled = ?9 WHERE id = ?1",
                (
                    id.0,
                    column::to_word(&run.kind)?,
                    run.release.as_ref().map(BundleName::as_str),
                    column::to_count(run.version)?,
                    column::to_count(run.wanted)?,
                    run.finished.to_string(),
                    column::to_word(&run.quorum)?,
                    column::to_word(&run.level)?,
                    run.cancelled,
                ),
            )?;
            if changed == 0 {
                return Err(rusqlite::Error::QueryReturnedNoRows);
            }
            for (position, outcome) in run.outcomes.iter().enumerate() {
                write_outcome(&transaction, id, column::to_count(position)?, outcome)?;
            }
            transaction.commit()
        })
    }

    /// The last runs, newest first, at most `limit`.
    pub fn last_runs(&self, limit: u32) -> Result<Vec<RecordedRun>, HistoryError> {
        self.with("read the runs", |inner| {
            let mut query = inner.connection.prepare_cached(
                "SELECT id, kind, release, version, started, wanted, finished, quorum, level, cancelled
                 FROM runs ORDER BY id DESC LIMIT ?1",
            )?;
            let runs: Vec<RecordedRun> = query.query_map([limit], read_run)?.collect::<rusqlite::Result<_>>()?;
            runs.into_iter().map(|run| Ok(RecordedRun { outcomes: outcomes_of(&inner.connection, run.id)?, ..run })).collect()
        })
    }
}

fn write_outcome(connection: &Connection, run: RunId, position: i64, outcome: &Outcome) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO outcomes (run, target, position, record) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (run, target) DO UPDATE SET position = excluded.position, record = excluded.record",
    )?;
    statement.execute((run.0, outcome.target.as_str(), position, column::to_json(outcome)?))?;
    Ok(())
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<RecordedRun> {
    let finished: Option<Timestamp> = column::parsed_or_null(row, 6)?;
    let end = match finished {
        None => None,
        Some(finished) => {
            Some(RunEnd { finished, quorum: column::word(row, 7)?, level: column::word_or_null(row, 8)?, cancelled: row.get(9)? })
        }
    };
    Ok(RecordedRun {
        id: RunId(row.get(0)?),
        start: RunStart {
            kind: column::word(row, 1)?,
            release: column::parsed_or_null(row, 2)?,
            version: column::count(row, 3)?,
            started: column::parsed(row, 4)?,
            wanted: column::count(row, 5)?,
        },
        end,
        outcomes: Vec::new(),
    })
}

fn outcomes_of(connection: &Connection, run: RunId) -> rusqlite::Result<Vec<Outcome>> {
    let mut query = connection.prepare_cached("SELECT record FROM outcomes WHERE run = ?1 ORDER BY position, target")?;
    query.query_map([run.0], |row| column::json(row, 0))?.collect()
}
