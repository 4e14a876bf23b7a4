//! `limits:` of a target: what its volunteer allows.

use jiff::tz;

use super::super::nearest::nearest;
use super::super::section::Section;
use crate::base::{ByteCount, TargetLimits, Window};

/// Reads `limits:`; nothing is limited unless said.
pub(super) fn limits(target: &Section<'_, '_>) -> TargetLimits {
    let Some(section) = target.section("limits") else { return TargetLimits::default() };
    let limits = TargetLimits {
        max_bytes: section.parsed_by("max_bytes", bytes),
        bandwidth: rate(&section, "bandwidth"),
        connections: section.number("connections", 1..=1000),
        windows: section.sections("windows", "the window").unwrap_or_default().into_iter().filter_map(window).collect(),
        verify_bytes_per_day: section.parsed_by("verify_bytes_per_day", bytes),
        metered: section.flag("metered").unwrap_or(false),
    };
    section.finish();
    limits
}

/// Bytes per second: a size, with or without `/s`.
pub(super) fn rate(section: &Section<'_, '_>, key: &'static str) -> Option<ByteCount> {
    section.parsed_by(key, |text| bytes(text.strip_suffix("/s").unwrap_or(text)))
}

pub(super) fn bytes(text: &str) -> Result<ByteCount, String> {
    match text.parse() {
        Ok(ByteCount(0)) => Err("zero would let nothing through; leave the key out for no limit".to_owned()),
        Ok(count) => Ok(count),
        Err(_) if text.contains("bit") => Err(format!("{text:?} counts bits: write bytes, such as 12 MB/s for 100 Mbit/s")),
        Err(_) if text.contains('.') => Err(format!("{text:?} is not a whole number: take a smaller unit, such as 1500 GB")),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn window(section: Section<'_, '_>) -> Option<Window> {
    section.require("from", "22:00");
    section.require("until", "06:00");
    let (from, until) = (section.parsed("from"), section.parsed("until"));
    let zone = zone(&section);
    if from.is_some() && from == until {
        section.wrong(section.span(), "the window begins when it ends", "", Some("for the whole day write 00:00 and 24:00"));
    }
    section.finish();
    Some(Window { from: from?, until: until?, zone: zone? })
}

/// A name of the IANA time zone database, as this machine knows it.
fn zone(section: &Section<'_, '_>) -> Option<String> {
    let name = section.required("zone", "Europe/Berlin")?;
    // The file is refused already, and looking for a zone that is not there costs a look at the disk.
    if section.review().is_full() {
        return None;
    }
    if tz::TimeZone::get(name.text).is_ok() {
        return Some(name.text.to_owned());
    }
    let known: Vec<String> = tz::db().available().map(|zone| zone.to_string()).collect();
    let hint = nearest(name.text, known.iter().map(String::as_str)).map_or_else(
        || "write a name such as Europe/Berlin, America/New_York or UTC".to_owned(),
        |zone| format!("did you mean {zone}?"),
    );
    section.wrong(name.span, "`zone` is not a time zone of this machine", "unknown time zone", Some(&hint));
    None
}
