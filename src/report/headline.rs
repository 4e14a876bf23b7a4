//! The one line that is read when nothing else is. It is the last line on stdout.

use crate::base::{BundleName, Level};
use crate::health::{MirrorCheck, Round};
use crate::history::MirrorState;
use crate::transfer::Run;

/// `demo-1 complete on 2 of 3 mirrors, wanted 3`: names the lowest level that the counted copies reached.
#[must_use]
pub fn run_headline(run: &Run) -> String {
    let good = run.outcomes.iter().filter(|outcome| outcome.is_good()).count();
    let line = sentence(run.release.as_ref(), run.version, run.level, good, run.outcomes.len(), run.wanted);
    if run.cancelled { format!("{line} (cancelled)") } else { line }
}

/// The same for a round of checks.
#[must_use]
pub fn round_headline(round: &Round) -> String {
    let good: Vec<&MirrorCheck> = round.mirrors.iter().filter(|check| check.is_good()).collect();
    let level = good.iter().filter_map(|check| check.level).min();
    // What mirrors show beyond our own last publish has another name than ours.
    let shown = |check: &&MirrorCheck| check.version == Some(round.version) && check.release.is_some();
    let named = round.mirrors.iter().find(shown).map_or(round.release.as_ref(), |check| check.release.as_ref());
    let line = sentence(named, round.version, level, good.len(), round.mirrors.len(), round.wanted);
    if round.unfinished.is_empty() { line } else { format!("{line} (cancelled)") }
}

/// The same from memory ([`MirrorState::known_level`]). `wanted` copies are asked for now; `release` and `version` are
/// what was published last.
#[must_use]
pub fn status_headline(release: Option<&BundleName>, version: u64, wanted: usize, mirrors: &[MirrorState]) -> String {
    let good: Vec<Level> = mirrors.iter().filter_map(|mirror| mirror.known_level(version)).collect();
    format!("last known: {}", sentence(release, version, good.iter().min().copied(), good.len(), mirrors.len(), wanted))
}

fn sentence(release: Option<&BundleName>, version: u64, level: Option<Level>, good: usize, all: usize, wanted: usize) -> String {
    let what = match (release, version) {
        (Some(name), _) => name.to_string(),
        // Nothing was published, or nothing could be read.
        (None, 0) => "no release".to_owned(),
        (None, _) => format!("version {version}"),
    };
    // Of no copies the weakest word is true.
    let level = level.unwrap_or(Level::Current);
    let mirrors = if all == 1 { "mirror" } else { "mirrors" };
    let line = format!("{what} {level} on {good} of {all} {mirrors}");
    if good < wanted { format!("{line}, wanted {wanted}") } else { line }
}
