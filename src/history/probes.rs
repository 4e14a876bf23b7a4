//! What probes saw last of each mirror, when each was made, and the bytes that they read.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{History, HistoryError, column};
use crate::base::{ByteCount, Level, TargetName};
use crate::health::{FileCounts, ProbeClock, Probes, Round, Sample, Throughput, WriteProbe};

/// Hours over which the bytes of probes are added up.
const DAY: i64 = 24;
/// The probes that are not made in every round.
const FILES: &str = "files";
const SAMPLE: &str = "sample";
const THROUGHPUT: &str = "throughput";
const WRITE: &str = "write";

/// What a probe saw, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told<T> {
    /// When its round began.
    pub at: Timestamp,
    /// What it saw.
    #[serde(flatten)]
    pub saw: T,
}

/// What is remembered of a mirror's probes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LastProbes {
    /// How complete it was when every file was last looked at.
    pub files: Option<Told<FileCounts>>,
    /// The last sample.
    pub sample: Option<Told<Sample>>,
    /// The last measure of its speed.
    pub throughput: Option<Told<Throughput>>,
    /// The last canary.
    pub write: Option<Told<WriteProbe>>,
    /// Pieces that were ever sampled.
    pub pieces: Pieces,
    /// Bytes that samples and throughput have read within the last 24 hours.
    pub read: ByteCount,
}

/// Pieces that were sampled since ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pieces {
    /// With the signed bytes.
    pub good: u64,
    /// With other bytes, confirmed.
    pub bad: u64,
    /// Not read, or wrong only once.
    pub unread: u64,
}

impl History {
    /// Records what the probes of a round saw.
    pub fn record_probes(&self, round: &Round) -> Result<(), HistoryError> {
        self.with("record what the probes saw", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let nothing = Probes::default();
            for check in round.mirrors.iter().filter(|check| !round.unfinished.contains(&check.target)) {
                let probes = round.probes.get(&check.target).unwrap_or(&nothing);
                let hashed = check.level == Some(Level::Verified);
                write_all(&transaction, &check.target, round.started, probes, hashed)?;
            }
            transaction.commit()
        })
    }

    /// When the probes of a mirror were last made.
    pub fn probe_clock(&self, target: &TargetName, now: Timestamp) -> Result<ProbeClock, HistoryError> {
        self.with("read when the probes were made", |inner| {
            let connection = &inner.connection;
            Ok(ProbeClock {
                sample: moment(connection, target, SAMPLE)?,
                throughput: moment(connection, target, THROUGHPUT)?,
                write: moment(connection, target, WRITE)?,
                read: bytes_read(connection, target, now)?,
            })
        })
    }

    /// What the probes of a mirror saw last.
    pub fn last_probes(&self, target: &TargetName, now: Timestamp) -> Result<LastProbes, HistoryError> {
        self.with("read what the probes saw", |inner| {
            let connection = &inner.connection;
            Ok(LastProbes {
                files: told(connection, target, FILES)?,
                sample: told(connection, target, SAMPLE)?,
                throughput: told(connection, target, THROUGHPUT)?,
                write: told(connection, target, WRITE)?,
                pieces: pieces(connection, target)?,
                read: bytes_read(connection, target, now)?,
            })
        })
    }
}

fn write_all(connection: &Connection, target: &TargetName, at: Timestamp, probes: &Probes, hashed: bool) -> rusqlite::Result<()> {
    start_clock(connection, target, at, hashed)?;
    if let Some(files) = &probes.files {
        write(connection, target, FILES, at, files)?;
    }
    if let Some(sample) = &probes.sample {
        write(connection, target, SAMPLE, at, sample)?;
        count_pieces(connection, target, sample)?;
    }
    if let Some(throughput) = &probes.throughput {
        write(connection, target, THROUGHPUT, at, throughput)?;
    }
    if let Some(canary) = &probes.write {
        write(connection, target, WRITE, at, canary)?;
    }
    let sampled = probes.sample.as_ref().map_or(ByteCount(0), |sample| sample.bytes);
    let timed = probes.throughput.as_ref().map_or(ByteCount(0), |throughput| throughput.bytes);
    count_bytes(connection, target, at, sampled + timed)
}

/// From its first round on a mirror can be sampled; a round that hashed every byte does the work of a sample.
fn start_clock(connection: &Connection, target: &TargetName, at: Timestamp, hashed: bool) -> rusqlite::Result<()> {
    let otherwise = if hashed { "DO UPDATE SET at = excluded.at" } else { "DO NOTHING" };
    let text = format!("INSERT INTO probes (target, probe, at) VALUES (?1, ?2, ?3) ON CONFLICT (target, probe) {otherwise}");
    connection.prepare_cached(&text)?.execute((target.as_str(), SAMPLE, at.to_string()))?;
    Ok(())
}

fn write(connection: &Connection, target: &TargetName, probe: &str, at: Timestamp, saw: &impl Serialize) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO probes (target, probe, at, record) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (target, probe) DO UPDATE SET at = excluded.at, record = excluded.record",
        )?
        .execute((target.as_str(), probe, at.to_string(), column::to_json(saw)?))?;
    Ok(())
}

fn moment(connection: &Connection, target: &TargetName, probe: &str) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT at FROM probes WHERE target = ?1 AND probe = ?2")?
        .query_row((target.as_str(), probe), |row| column::parsed(row, 0))
        .optional()
}

fn told<T: DeserializeOwned>(connection: &Connection, target: &TargetName, probe: &str) -> rusqlite::Result<Option<Told<T>>> {
    connection
        .prepare_cached("SELECT at, record FROM probes WHERE target = ?1 AND probe = ?2 AND record IS NOT NULL")?
        .query_row((target.as_str(), probe), |row| Ok(Told { at: column::parsed(row, 0)?, saw: column::json(row, 1)? }))
        .optional()
}

fn hour(moment: Timestamp) -> i64 {
    moment.as_second().div_euclid(3600)
}

fn count_bytes(connection: &Connection, target: &TargetName, at: Timestamp, bytes: ByteCount) -> rusqlite::Result<()> {
    if bytes == ByteCount(0) {
        return Ok(());
    }
    connection
        .prepare_cached("DELETE FROM probe_bytes WHERE target = ?1 AND hour <= ?2")?
        .execute((target.as_str(), hour(at) - DAY))?;
    connection
        .prepare_cached(
            "INSERT INTO probe_bytes (target, hour, bytes) VALUES (?1, ?2, ?3)
             ON CONFLICT (target, hour) DO UPDATE SET bytes = bytes + excluded.bytes",
        )?
        .execute((target.as_str(), hour(at), column::to_count(bytes.0)?))?;
    Ok(())
}

fn bytes_read(connection: &Connection, target: &TargetName, now: Timestamp) -> rusqlite::Result<ByteCount> {
    connection
        .prepare_cached("SELECT coalesce(sum(bytes), 0) FROM probe_bytes WHERE target = ?1 AND hour > ?2")?
        .query_row((target.as_str(), hour(now) - DAY), |row| Ok(ByteCount(column::count(row, 0)?)))
}

fn count_pieces(connection: &Connection, target: &TargetName, sample: &Sample) -> rusqlite::Result<()> {
    let bad = sample.bad.len();
    let good = usize::try_from(sample.chunks).unwrap_or(usize::MAX).saturating_sub(bad);
    connection
        .prepare_cached(
            "INSERT INTO pieces (target, good, bad, unread) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (target)
             DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad, unread = unread + excluded.unread",
        )?
        .execute((target.as_str(), column::to_count(good)?, column::to_count(bad)?, column::to_count(sample.unread.len())?))?;
    Ok(())
}

fn pieces(connection: &Connection, target: &TargetName) -> rusqlite::Result<Pieces> {
    let found = connection
        .prepare_cached("SELECT good, bad, unread FROM pieces WHERE target = ?1")?
        .query_row([target.as_str()], |row| {
            Ok(Pieces { good: column::count(row, 0)?, bad: column::count(row, 1)?, unread: column::count(row, 2)? })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}
