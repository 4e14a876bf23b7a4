//! Looks added up over minutes, hours and days: small enough to keep for a year, exact enough for an uptime.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::{Judged, Uptime};
use crate::base::TargetName;
use crate::health::Condition;
use crate::history::{History, HistoryError, column};

/// How long a stretch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    /// Kept for a day.
    Minute,
    /// Kept for 30 days.
    Hour,
    /// Kept for 400 days.
    Day,
}

impl Width {
    const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// Seconds for which stretches of this width are kept, one more than the longest window that needs them.
    fn kept(self) -> i64 {
        match self {
            Self::Minute => 25 * 3_600,
            Self::Hour => 31 * 86_400,
            Self::Day => 400 * 86_400,
        }
    }
}

const DAY: u64 = 86_400;
/// The windows over which uptime is told, and what each is added up from.
const WINDOWS: [(Duration, Width); 4] = [
    (Duration::from_secs(DAY), Width::Minute),
    (Duration::from_secs(7 * DAY), Width::Hour),
    (Duration::from_secs(30 * DAY), Width::Hour),
    (Duration::from_secs(90 * DAY), Width::Day),
];

impl History {
    /// How often `target` served right bytes over the last 24 hours, 7, 30 and 90 days, when a look was due `every` so
    /// often.
    pub fn uptime(&self, target: &TargetName, now: Timestamp, every: Duration) -> Result<[Uptime; 4], HistoryError> {
        self.with("add up how often a mirror was up", |inner| {
            let mut found = WINDOWS.map(|(window, _)| Uptime { window, ratio: None, coverage: 0.0 });
            for (uptime, (window, width)) in found.iter_mut().zip(WINDOWS) {
                let begin = now.as_second() - i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
                // More looks than were due, by hand, are not more of the time measured.
                let every = i64::try_from(every.as_secs()).unwrap_or(i64::MAX).max(1);
                let most = (width.seconds() + every - 1) / every;
                let (up, down, looks): (u32, u32, u32) = inner
                    .connection
                    .prepare_cached(
                        "SELECT coalesce(sum(up), 0), coalesce(sum(down), 0),
                           CASE WHEN ?2 <= ?5 THEN count(DISTINCT CASE WHEN up + down > 0 THEN start / ?5 END)
                             ELSE coalesce(sum(min(up + down, ?4)), 0) END
                         FROM stretches WHERE target = ?1 AND width = ?2 AND start > ?3",
                    )?
                    .query_row((target.as_str(), width.seconds(), begin, most, every), |row| {
                        Ok((column::count(row, 0)?, column::count(row, 1)?, column::count(row, 2)?))
                    })?;
                let measured = f64::from(up) + f64::from(down);
                uptime.ratio = (measured > 0.0).then(|| f64::from(up) / measured);
                let seconds = f64::from(u32::try_from(every).unwrap_or(u32::MAX));
                uptime.coverage = (f64::from(looks) * seconds / window.as_secs_f64()).min(1.0);
            }
            Ok(found)
        })
    }
}

impl History {
    /// Hours since `since` in which `target` was looked at and right, and looks in which it was not.
    pub fn good_hours(&self, target: &TargetName, since: Timestamp) -> Result<(u32, u32), HistoryError> {
        self.with("add up how often a mirror was up", |inner| {
            inner
                .connection
                .prepare_cached(
                    "SELECT coalesce(sum(up > 0), 0), coalesce(sum(down), 0) FROM stretches
                     WHERE target = ?1 AND width = ?2 AND start > ?3",
                )?
                .query_row((target.as_str(), Width::Hour.seconds(), since.as_second()), |row| {
                    Ok((column::count(row, 0)?, column::count(row, 1)?))
                })
        })
    }
}

/// Adds a look to the stretches that it falls into, and drops those that are too old to be told.
pub(super) fn add_look(connection: &Connection, at: Timestamp, mirror: &Judged) -> rusqlite::Result<()> {
    let (standing, name) = (&mirror.after, mirror.target.as_str());
    let up = mirror.seen.as_ref().map(|_| standing.condition.is_good() && standing.answered_at == standing.seen_at);
    for width in Width::ALL {
        let start = begin_of(at, width);
        let worst = match (width, up) {
            (Width::Day, Some(_)) => Some(worst_of_day(connection, name, start, standing.condition)?),
            _ => None,
        };
        connection
            .prepare_cached(
                "INSERT INTO stretches (target, width, start, up, down, no_data, worst) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (target, width, start) DO UPDATE SET up = up + excluded.up, down = down + excluded.down,
                   no_data = no_data + excluded.no_data, worst = coalesce(excluded.worst, worst)",
            )?
            .execute((
                name,
                width.seconds(),
                start,
                up == Some(true),
                up == Some(false),
                up.is_none(),
                worst.map(Condition::word),
            ))?;
        connection.prepare_cached("DELETE FROM stretches WHERE target = ?1 AND width = ?2 AND start < ?3")?.execute((
            name,
            width.seconds(),
            at.as_second() - width.kept(),
        ))?;
    }
    Ok(())
}

/// The worse of a condition and what the day was until now. The order of conditions is ours, not one that SQL knows.
fn worst_of_day(connection: &Connection, name: &str, start: i64, now: Condition) -> rusqlite::Result<Condition> {
    let earlier: Option<Option<Condition>> = connection
        .prepare_cached("SELECT worst FROM stretches WHERE target = ?1 AND width = ?2 AND start = ?3")?
        .query_row((name, Width::Day.seconds(), start), |row| column::word_or_null(row, 0))
        .optional()?;
    Ok(earlier.flatten().map_or(now, |earlier| earlier.min(now)))
}

fn begin_of(moment: Timestamp, width: Width) -> i64 {
    moment.as_second().div_euclid(width.seconds()) * width.seconds()
}
