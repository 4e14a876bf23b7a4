//! `spartacus status`: what is remembered, without network.

use super::args::Global;
use super::exit::{self, Ended};
use super::session::{Session, hinted};
use super::surface::{Surface, say};
use crate::config::Target;
use crate::history::MirrorState;
use crate::report;

/// Runs that are shown.
const RUNS: u32 = 5;

/// Tells the last known state of every target.
pub fn status(surface: &Surface, global: &Global) -> Ended {
    let session = Session::open(surface, global)?;
    let targets = session.selected(&global.only)?;
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let known = session.history.last_state().map_err(fail)?;
    let runs = session.history.last_runs(RUNS).map_err(fail)?;
    let mirrors: Vec<MirrorState> = targets.iter().map(|target| state_of(target, &known)).collect();
    let newest = runs.first();
    let (release, version) = (newest.and_then(|run| run.start.release.as_ref()), newest.map_or(0, |run| run.start.version));
    let wanted = session.config.policy.replicas.wanted(mirrors.len());
    if surface.json {
        say(&report::status_json(session.clock.now(), release, version, wanted, &mirrors, &runs));
    } else {
        say(&report::status_table(&mirrors, session.clock.now(), surface.style));
        say(&report::runs_table(&runs, surface.style));
        say(&report::status_headline(release, version, wanted, &mirrors));
    }
    Ok(exit::OK)
}

fn state_of(target: &Target, known: &[MirrorState]) -> MirrorState {
    let never = MirrorState { target: target.name.clone(), check: None, outcome: None, altered: 0 };
    known.iter().find(|state| state.target == target.name).cloned().unwrap_or(never)
}
