//! Lists of mirrors: for programs and for scripts.

use jiff::Timestamp;
use serde::Serialize;

use super::board::Board;
use super::fleet::FleetMirror;
use super::json::object;
use super::page::PageSet;
use crate::base::{BundleName, Lifecycle};
use crate::health::Condition;

/// One mirror as everybody may see it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    url: Option<&'a str>,
    country: Option<&'a str>,
    lifecycle: Lifecycle,
    condition: Condition,
    since: Timestamp,
    good: bool,
    release: Option<&'a BundleName>,
    answered_at: Option<Timestamp>,
    verified_at: Option<Timestamp>,
    first_byte_ms: Option<u32>,
    certificate_ends: Option<Timestamp>,
    uptime: serde_json::Value,
}

/// `mirrors.json` and `mirrorlist.txt`.
pub(super) fn add_lists(set: &mut PageSet, board: &Board) {
    set.add("mirrors.json", mirrors_json(board));
    set.add("mirrorlist.txt", mirrorlist(board));
}

/// `spartacus.mirrors/1`: every mirror and how it is, for everybody.
///
/// # Panics
/// Never: records have text keys and finite numbers.
#[must_use]
pub fn mirrors_json(board: &Board) -> String {
    let fleet = &board.fleet;
    let mirrors: Vec<Listed<'_>> = fleet.mirrors.iter().map(listed).collect();
    object(
        "spartacus.mirrors/1",
        &serde_json::json!({
            "project": fleet.project,
            "generated": fleet.at,
            "checked": fleet.observer.round_at,
            "release": fleet.release,
            "wanted": fleet.wanted,
            "good": board.good(),
            "mirrors": mirrors,
        }),
    )
}

fn listed(mirror: &FleetMirror) -> Listed<'_> {
    let windows = ["24h", "7d", "30d", "90d"].iter().zip(&mirror.uptime);
    let uptime: serde_json::Map<String, serde_json::Value> =
        windows.map(|(name, uptime)| ((*name).to_owned(), serde_json::json!(uptime))).collect();
    Listed {
        name: mirror.name.as_str(),
        url: mirror.public_url.as_ref().map(url::Url::as_str),
        country: mirror.country.as_deref(),
        lifecycle: mirror.lifecycle,
        condition: mirror.standing.condition,
        since: mirror.standing.since,
        good: mirror.serves(crate::base::Level::Current),
        release: mirror.seen.as_ref().and_then(|seen| seen.look.release.as_ref()),
        answered_at: mirror.standing.answered_at,
        verified_at: mirror.standing.verified_at,
        first_byte_ms: mirror.first_byte_ms(),
        certificate_ends: mirror.certificate_ends(),
        uptime: uptime.into(),
    }
}

/// Addresses of good mirrors, one a line, fastest first: for scripts that know nothing else.
fn mirrorlist(board: &Board) -> String {
    let mut good: Vec<&FleetMirror> =
        board.fleet.mirrors.iter().filter(|mirror| mirror.serves(crate::base::Level::Current)).collect();
    good.sort_by_key(|mirror| (mirror.first_byte_ms().unwrap_or(u32::MAX), &mirror.name));
    good.iter().filter_map(|mirror| mirror.public_url.as_ref()).flat_map(|url| [url.as_str(), "\n"]).collect()
}
