//! Rounds and what each check found.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

use super::{History, HistoryError, column, suspects};
use crate::base::BundleName;
use crate::health::{MirrorCheck, Round};

impl History {
    /// Records a round with all its checks, in one transaction. Of mirrors that were not looked at to the end, and of
    /// all of them when we were offline, nothing was learnt, so nothing is recorded.
    pub fn record_round(&self, round: &Round) -> Result<(), HistoryError> {
        self.with("record the round", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT INTO rounds (depth, release, version, started, finished, wanted, quorum, online)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                (
                    column::to_word(&round.depth)?,
                    round.release.as_ref().map(BundleName::as_str),
                    column::to_count(round.version)?,
                    round.started.to_string(),
                    round.finished.to_string(),
                    column::to_count(round.wanted)?,
                    column::to_word(&round.quorum)?,
                    round.online,
                ),
            )?;
            let id = transaction.last_insert_rowid();
            let known = round.mirrors.iter().filter(|_| round.online != Some(false));
            let finished = known.filter(|check| !round.unfinished.contains(&check.target));
            for (position, check) in finished.enumerate() {
                write_check(&transaction, id, column::to_count(position)?, check, round.started)?;
                suspects::write(&transaction, check, round.depth)?;
            }
            transaction.commit()
        })
    }

    /// The last rounds, newest first, at most `limit`.
    pub fn last_rounds(&self, limit: u32) -> Result<Vec<Round>, HistoryError> {
        self.with("read the rounds", |inner| {
            let mut query = inner.connection.prepare_cached(
                "SELECT depth, release, version, started, finished, wanted, quorum, id, online FROM rounds ORDER BY id DESC LIMIT ?1",
            )?;
            let rounds: Vec<(i64, Round)> =
                query.query_map([limit], |row| Ok((row.get(7)?, read_round(row)?)))?.collect::<rusqlite::Result<_>>()?;
            rounds.into_iter().map(|(id, round)| Ok(Round { mirrors: checks_of(&inner.connection, id)?, ..round })).collect()
        })
    }

    /// Removes finished runs and rounds that began before `moment`, except each target's last outcome and check
    /// and its last full verification: `status` stays as it is. Returns how many runs and rounds went.
    pub fn prune(&self, moment: Timestamp) -> Result<usize, HistoryError> {
        self.with("remove old records", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // julianday understands RFC 3339 and compares moments; the texts have fractions of different lengths.
            let rounds = transaction.execute(
                "DELETE FROM rounds WHERE julianday(started) < julianday(?1)
                   AND id NOT IN (SELECT max(round) FROM checks GROUP BY target)
                   AND id NOT IN (SELECT max(round) FROM checks WHERE level = 'verified' GROUP BY target)",
                [moment.to_string()],
            )?;
            let runs = transaction.execute(
                "DELETE FROM runs WHERE julianday(started) < julianday(?1) AND finished IS NOT NULL
                   AND id NOT IN (SELECT max(run) FROM outcomes GROUP BY target)",
                [moment.to_string()],
            )?;
            transaction.commit()?;
            Ok(rounds + runs)
        })
    }
}

/// The start of a series of equal verdicts travels with each of its checks, so that it outlives pruning.
fn write_check(
    connection: &Connection,
    round: i64,
    position: i64,
    check: &MirrorCheck,
    started: Timestamp,
) -> rusqlite::Result<()> {
    let record = column::to_json(check)?;
    let earlier: Option<String> = connection
        .prepare_cached(
            "SELECT since FROM checks WHERE target = ?1 AND verdict = json_extract(?2, '$.verdict')
               AND round = (SELECT max(round) FROM checks WHERE target = ?1 AND round < ?3)",
        )?
        .query_row((check.target.as_str(), &record, round), |row| row.get(0))
        .optional()?;
    let since = earlier.unwrap_or_else(|| started.to_string());
    connection
        .prepare_cached("INSERT INTO checks (round, target, position, since, record) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((round, check.target.as_str(), position, since, record))?;
    Ok(())
}

fn read_round(row: &Row<'_>) -> rusqlite::Result<Round> {
    Ok(Round {
        depth: column::word(row, 0)?,
        release: column::parsed_or_null(row, 1)?,
        version: column::count(row, 2)?,
        started: column::parsed(row, 3)?,
        finished: column::parsed(row, 4)?,
        wanted: column::count(row, 5)?,
        quorum: column::word(row, 6)?,
        mirrors: Vec::new(),
        // They are kept with the mirrors they are about.
        probes: BTreeMap::new(),
        online: row.get(8)?,
        unfinished: Vec::new(),
    })
}

fn checks_of(connection: &Connection, round: i64) -> rusqlite::Result<Vec<MirrorCheck>> {
    let mut query = connection.prepare_cached("SELECT record FROM checks WHERE round = ?1 ORDER BY position")?;
    query.query_map([round], |row| column::json(row, 0))?.collect()
}
