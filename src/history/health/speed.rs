//! How soon mirrors answer, look by look, for a day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;

use super::Judged;
use crate::base::TargetName;
use crate::health::median;
use crate::history::{History, HistoryError, column};

/// Seconds for which looks are kept: a day, and the hour that it cuts.
const KEPT: i64 = 25 * 3_600;
/// Seconds in an hour, and the hours that are told.
const HOUR: i64 = 3_600;
const HOURS: i64 = 24;

impl History {
    /// How soon `target` sent a first byte, in milliseconds: the median of each of the last 24 hours, oldest first, each
    /// with the moment at which its hour began. `None`: no byte came in that hour, or nobody asked.
    pub fn first_bytes(&self, target: &TargetName, now: Timestamp) -> Result<Vec<(Timestamp, Option<u32>)>, HistoryError> {
        let last = now.as_second().div_euclid(HOUR);
        let first = last - HOURS + 1;
        let looks = self.with("read how soon a mirror answered", |inner| {
            let mut query = inner
                .connection
                .prepare_cached("SELECT at, ms FROM first_bytes WHERE target = ?1 AND at >= ?2 AND ms IS NOT NULL")?;
            let mut hours: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
            let mut rows = query.query((target.as_str(), first * HOUR))?;
            while let Some(row) = rows.next()? {
                hours.entry(row.get::<_, i64>(0)?.div_euclid(HOUR)).or_default().push(column::count(row, 1)?);
            }
            Ok(hours)
        })?;
        // An hour of the day before `now` is a moment wherever `now` is one, the first day of time excepted.
        let moment = |hour: i64| Timestamp::from_second(hour * HOUR).unwrap_or(Timestamp::MIN);
        Ok((first..=last).map(|hour| (moment(hour), looks.get(&hour).and_then(|all| median(all)))).collect())
    }

    /// How soon every mirror sent a first byte in each look of the 24 hours before `now`, in milliseconds and in no order.
    pub fn first_bytes_of_all(&self, now: Timestamp) -> Result<BTreeMap<TargetName, Vec<u32>>, HistoryError> {
        self.with("read how soon mirrors answered", |inner| {
            let mut query = inner
                .connection
                .prepare_cached("SELECT target, ms FROM first_bytes WHERE at > ?1 AND ms IS NOT NULL ORDER BY target")?;
            let mut found: BTreeMap<TargetName, Vec<u32>> = BTreeMap::new();
            let mut rows = query.query([now.as_second() - HOURS * HOUR])?;
            while let Some(row) = rows.next()? {
                found.entry(column::parsed(row, 0)?).or_default().push(column::count(row, 1)?);
            }
            Ok(found)
        })
    }
}

/// Adds what a look measured, and drops what is too old to be told. A mirror without a reach probe has nothing to add.
pub(super) fn add_first_byte(connection: &Connection, at: Timestamp, mirror: &Judged) -> rusqlite::Result<()> {
    let Some(seen) = mirror.seen.as_ref().filter(|seen| !seen.probes.reach.is_empty()) else { return Ok(()) };
    let milliseconds = seen.probes.first_byte_ms();
    connection.prepare_cached("INSERT OR REPLACE INTO first_bytes (target, at, ms) VALUES (?1, ?2, ?3)")?.execute((
        mirror.target.as_str(),
        at.as_second(),
        milliseconds,
    ))?;
    connection
        .prepare_cached("DELETE FROM first_bytes WHERE target = ?1 AND at < ?2")?
        .execute((mirror.target.as_str(), at.as_second() - KEPT))?;
    Ok(())
}
