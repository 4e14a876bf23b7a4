//! The last known state of every mirror, for `status`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use serde::Serialize;

use super::{History, HistoryError, RunId, column, suspects};
use crate::base::{Level, TargetName};
use crate::health::{Depth, MirrorCheck, Verdict};
use crate::transfer::{Ending, Outcome, RunKind};

/// What is remembered of one mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MirrorState {
    /// Which one.
    pub target: TargetName,
    /// What the last check found; `None` when it was never checked.
    pub check: Option<LastCheck>,
    /// What became of it in the last run; `None` when nothing was ever pushed to it.
    pub outcome: Option<LastOutcome>,
    /// The last run that sent something there: one that found nothing to send hides it otherwise.
    #[serde(skip)]
    pub sent: Option<LastOutcome>,
    /// Objects that a check read and found to have other bytes than were signed, and that nothing has cleared since.
    pub altered: u64,
}

impl MirrorState {
    /// How much is known of this mirror's copy of timestamp version `version`; `None` when it does not count.
    ///
    /// The later of the last check and the last run tells: a check before a push knows nothing of what was pushed. A run
    /// that sent nothing has mended nothing, and altered bytes count until they are repaired or read again.
    #[must_use]
    pub fn known_level(&self, version: u64) -> Option<Level> {
        if self.altered > 0 {
            return None;
        }
        match (&self.check, &self.outcome) {
            (Some(check), Some(last)) if last.started > check.at && last.sent_nothing() => {
                // It looked at the pointer alone, so what was known of this version before is still known.
                let mended = self.sent.as_ref().filter(|sent| sent.started > check.at);
                let before = mended.map_or_else(|| check.level_of(version), |sent| sent.level_of(version));
                if check.found_bad() && mended.is_none() { before } else { before.max(last.level_of(version)) }
            }
            (Some(check), Some(last)) if last.started > check.at => last.level_of(version),
            (Some(check), _) => check.level_of(version),
            (None, Some(last)) => last.level_of(version),
            (None, None) => None,
        }
    }
}

/// The last check of a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastCheck {
    /// When its round ended.
    pub at: Timestamp,
    /// How deep the round went.
    pub depth: Depth,
    /// Since when every check gave this verdict.
    pub since: Timestamp,
    /// When a check last hashed every byte of this mirror and found all of them right.
    pub verified_at: Option<Timestamp>,
    /// What it found.
    pub found: MirrorCheck,
}

impl LastCheck {
    fn found_bad(&self) -> bool {
        matches!(self.found.verdict, Verdict::Forged | Verdict::Mixed | Verdict::RolledBack | Verdict::Incomplete)
    }

    fn level_of(&self, version: u64) -> Option<Level> {
        let counts = self.found.is_good() && self.found.version >= Some(version);
        self.found.level.filter(|_| counts)
    }
}

/// What became of a target in the last run that reached it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastOutcome {
    /// Which run.
    pub run: RunId,
    /// What it was for.
    pub kind: RunKind,
    /// The timestamp version that it pushed.
    pub version: u64,
    /// When the run began.
    pub started: Timestamp,
    /// What became of the target.
    pub outcome: Outcome,
}

impl LastOutcome {
    fn sent_nothing(&self) -> bool {
        self.outcome.ending == Ending::Unchanged
    }

    fn level_of(&self, version: u64) -> Option<Level> {
        let counts = self.outcome.is_good() && self.version >= version;
        self.outcome.level.filter(|_| counts)
    }
}

impl History {
    /// The last known state of every target that was ever pushed to or checked, sorted by name.
    pub fn last_state(&self) -> Result<Vec<MirrorState>, HistoryError> {
        self.with("read the last known state", |inner| {
            let mut checks = last_checks(&inner.connection)?;
            let mut outcomes = last_outcomes(&inner.connection, "1")?;
            let mut sent = last_outcomes(&inner.connection, "json_extract(newer.record, '$.ending') <> 'unchanged'")?;
            let altered = suspects::altered(&inner.connection)?;
            let mut targets: Vec<TargetName> = checks.keys().chain(outcomes.keys()).cloned().collect();
            targets.sort();
            targets.dedup();
            let state = |target: TargetName| MirrorState {
                check: checks.remove(&target),
                outcome: outcomes.remove(&target),
                sent: sent.remove(&target),
                altered: altered.get(&target).copied().unwrap_or_default(),
                target,
            };
            Ok(targets.into_iter().map(state).collect())
        })
    }
}

fn last_checks(connection: &Connection) -> rusqlite::Result<BTreeMap<TargetName, LastCheck>> {
    let mut query = connection.prepare_cached(
        "SELECT checks.target, rounds.finished, rounds.depth, checks.since, checks.record,
                (SELECT finished FROM rounds WHERE id =
                    (SELECT max(round) FROM checks AS full WHERE full.target = checks.target AND full.level = 'verified'))
         FROM checks JOIN rounds ON rounds.id = checks.round
         WHERE checks.round = (SELECT max(round) FROM checks AS newer WHERE newer.target = checks.target)",
    )?;
    let rows = query.query_map([], |row| {
        let check = LastCheck {
            at: column::parsed(row, 1)?,
            depth: column::word(row, 2)?,
            since: column::parsed(row, 3)?,
            found: column::json(row, 4)?,
            verified_at: column::parsed_or_null(row, 5)?,
        };
        Ok((column::parsed(row, 0)?, check))
    })?;
    rows.collect()
}

/// The last outcome of each target of those that `which` (a condition on `newer`) holds for.
fn last_outcomes(connection: &Connection, which: &str) -> rusqlite::Result<BTreeMap<TargetName, LastOutcome>> {
    let mut query = connection.prepare_cached(&format!(
        "SELECT outcomes.target, runs.id, runs.kind, runs.started, outcomes.record, runs.version
         FROM outcomes JOIN runs ON runs.id = outcomes.run
         WHERE outcomes.run = (SELECT max(run) FROM outcomes AS newer WHERE newer.target = outcomes.target AND {which})",
    ))?;
    let rows = query.query_map([], |row| {
        let last = LastOutcome {
            run: RunId(row.get(1)?),
            kind: column::word(row, 2)?,
            started: column::parsed(row, 3)?,
            outcome: column::json(row, 4)?,
            version: column::count(row, 5)?,
        };
        Ok((column::parsed(row, 0)?, last))
    })?;
    rows.collect()
}
