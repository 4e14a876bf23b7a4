//! How every mirror is over time, for people at a terminal.

use jiff::Timestamp;

use super::fleet::{Fleet, FleetMirror};
use super::page::{Mood, mood_of, percent};
use super::table::{Style, Table, Tone};
use super::words;

/// Heights of a line of blocks, lowest first.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Nothing was measured in that hour.
const GAP: char = '·';
/// Hours that a block stands for: twelve blocks for a day fit beside the rest.
const HOURS: usize = 2;

/// First-byte times of a mirror by the hour, oldest first.
pub type FirstBytes = Vec<(Timestamp, Option<u32>)>;

/// A row per mirror, worst first. `first_bytes` is in the order of the fleet.
#[must_use]
pub fn health_table(fleet: &Fleet, first_bytes: &[FirstBytes], style: Style) -> String {
    let mut sorted: Vec<(&FleetMirror, &FirstBytes)> = fleet.mirrors.iter().zip(first_bytes).collect();
    sorted.sort_by_key(|(mirror, _)| (!mirror.lifecycle.is_listed(), mirror.standing.condition, &mirror.name));
    let titles = ["mirror", "condition", ">since", "release", ">lag", "level", ">first byte", ">cert", ">up 30 d", "24 h"];
    let mut table = Table::new(style, &titles);
    for (mirror, hours) in sorted {
        let tone = match mood_of(mirror.standing.condition) {
            Mood::Good => Tone::Good,
            Mood::Doubtful | Mood::Unknown => Tone::Doubtful,
            Mood::Bad => Tone::Bad,
        };
        table.row(&cells(fleet, mirror, hours), (1, tone));
    }
    table.render()
}

fn cells(fleet: &Fleet, mirror: &FleetMirror, hours: &FirstBytes) -> [String; 10] {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| words::NOTHING.to_owned());
    let look = mirror.seen.as_ref().map(|seen| &seen.look);
    let condition = mirror.standing.condition.to_string();
    let lag = mirror.lag.filter(|lag| !lag.is_zero());
    [
        mirror.name.to_string(),
        if mirror.lifecycle.is_listed() { condition } else { mirror.lifecycle.to_string() },
        or_nothing(mirror.standing.seen_at.map(|_| words::span(mirror.standing.since, fleet.at))),
        words::release(look.and_then(|look| look.release.as_ref())),
        or_nothing(lag.map(|lag| words::duration(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)))),
        words::level(look.and_then(|look| look.level)),
        or_nothing(mirror.first_byte_ms().map(|ms| format!("{ms} ms"))),
        or_nothing(mirror.certificate_ends().map(|end| words::days_until(end, fleet.at))),
        or_nothing(mirror.uptime[2].ratio.map(percent)),
        blocks(hours),
    ]
}

/// First-byte times as blocks, the slowest hour full height; nothing when nothing was measured.
fn blocks(hours: &FirstBytes) -> String {
    let Some(highest) = hours.iter().filter_map(|(_, value)| *value).max() else { return words::NOTHING.to_owned() };
    let block = |piece: &[(Timestamp, Option<u32>)]| {
        let slowest = piece.iter().filter_map(|(_, value)| *value).max();
        slowest.map_or(GAP, |value| BLOCKS[usize::try_from(u64::from(value) * 7 / u64::from(highest.max(1))).unwrap_or(7).min(7)])
    };
    hours.chunks(HOURS).map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_hours_are_high_and_silent_ones_are_dots() {
        let hours =
            |values: &[Option<u32>]| -> FirstBytes { values.iter().map(|value| (Timestamp::UNIX_EPOCH, *value)).collect() };
        let day = hours(&[Some(10), Some(80), None, None, Some(80), Some(20), Some(10), None, Some(0), None]);
        assert_eq!(blocks(&day), "█·█▁▁");
        assert_eq!(blocks(&hours(&[None, None])), "-");
    }
}
