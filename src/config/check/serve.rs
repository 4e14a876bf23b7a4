//! `serve:`, what the web front is given.

use std::time::Duration;

use super::super::ServePolicy;
use super::super::section::Section;
use super::local_path;
use crate::base::parse_duration;

/// Messages that may wait unless said.
const WAITING: u32 = 200;
/// A front without a newer round than this says so, unless told otherwise or rounds are rarer.
const STALE: Duration = Duration::from_mins(15);
/// Longest time that makes sense: mirrors that nobody looked at for a month are not watched.
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// Reads `serve:`. It may be empty: `serve: {}`.
pub(super) fn serve(file: &Section<'_, '_>, every: Duration) -> Option<ServePolicy> {
    file.entry("serve")?;
    let section = file.section("serve")?;
    let database = section.text("database").and_then(|text| local_path(&section, text));
    let waiting = section.number("waiting", 1..=10_000).unwrap_or(WAITING);
    let stale = section.parsed_by("stale", |text| match parse_duration(text) {
        Ok(time) if time < Duration::from_mins(1) => Err(format!("{text:?} is shorter than a minute")),
        Ok(time) if time > LONGEST => Err(format!("{text:?} is longer than 30 days")),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    });
    section.finish();
    Some(ServePolicy { database, waiting, stale: stale.unwrap_or(STALE.max(every * 3)) })
}
