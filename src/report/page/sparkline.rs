//! First-byte times of a day as a line, broken where nothing was measured.

use std::fmt::Write as _;

use jiff::Timestamp;
use maud::{Markup, PreEscaped};

/// A line, or nothing when fewer than two hours have something to show.
pub(super) fn sparkline(hours: &[(Timestamp, Option<u32>)], class: &str) -> Markup {
    let Some((low, high)) = bounds(hours) else { return PreEscaped(String::new()) };
    // A line that never strays far lies low instead of shaking.
    let span = (high - low).max(low / 2).max(1);
    let (mut path, mut broken) = (String::new(), true);
    for (index, (_, value)) in hours.iter().enumerate() {
        if let Some(value) = value {
            // Between 1 and 19, so that the stroke stays inside.
            let y = 19 - u64::from(value - low) * 18 / u64::from(span);
            let _ = write!(path, "{}{} {y}", if broken { "M" } else { "L" }, index * 200 / (hours.len() - 1));
        }
        broken = value.is_none();
    }
    PreEscaped(format!(
        "<svg class=\"{class}\" viewBox=\"0 0 200 20\" role=\"img\" preserveAspectRatio=\"none\"><title>First byte: {low} to {high} ms</title>\
         <path vector-effect=\"non-scaling-stroke\" d=\"{path}\"/></svg>"
    ))
}

/// The fastest and the slowest hour; `None` with fewer than two.
pub(super) fn bounds(hours: &[(Timestamp, Option<u32>)]) -> Option<(u32, u32)> {
    let values: Vec<u32> = hours.iter().filter_map(|(_, value)| *value).collect();
    if values.len() < 2 {
        return None;
    }
    Some((*values.iter().min()?, *values.iter().max()?))
}
