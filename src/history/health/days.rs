//! A mirror's days, for a bar of them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

use crate::base::TargetName;
use crate::health::Condition;
use crate::history::{History, HistoryError, column};

/// Seconds in a day, as stretches count it.
const DAY: i64 = 86_400;

/// What a mirror was like on one day (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Which day.
    pub date: Date,
    /// Looks that found right bytes.
    pub up: u32,
    /// Looks that did not.
    pub down: u32,
    /// The worst condition that it was in; `None`: nothing was seen on that day, or that was not kept yet.
    pub worst: Option<Condition>,
}

impl History {
    /// The last `count` days of `target`, today last. Days without a look are there too, with nothing in them.
    pub fn days(&self, target: &TargetName, now: Timestamp, count: u16) -> Result<Vec<Day>, HistoryError> {
        let known = self.with("read the days of a mirror", |inner| {
            let mut query = inner
                .connection
                .prepare_cached("SELECT start, up, down, worst FROM stretches WHERE target = ?1 AND width = ?2 AND start > ?3")?;
            let begin = now.as_second() - i64::from(count) * DAY;
            let rows = query.query_map((target.as_str(), DAY, begin), |row| {
                let (up, down) = (column::count(row, 1)?, column::count(row, 2)?);
                Ok((row.get::<_, i64>(0)?.div_euclid(DAY), (up, down, column::word_or_null(row, 3)?)))
            })?;
            rows.collect::<rusqlite::Result<BTreeMap<i64, (u32, u32, Option<Condition>)>>>()
        })?;
        let (today, number) = (now.to_zoned(TimeZone::UTC).date(), now.as_second().div_euclid(DAY));
        let day = |back: u16| {
            let (up, down, worst) = known.get(&(number - i64::from(back))).copied().unwrap_or_default();
            Day { date: today.saturating_sub(i64::from(back).days()), up, down, worst }
        };
        Ok((0..count).rev().map(day).collect())
    }
}
