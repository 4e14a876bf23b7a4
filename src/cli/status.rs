//! `spartacus status`: what is remembered, without network.

use super::args::{Global, Status};
use super::exit::{self, Ended, Failure};
use super::fleet::fleet;
use super::session::{Session, hinted};
use super::surface::{Surface, say};
use crate::base::sanitise;
use crate::config::Target;
use crate::history::MirrorState;
use crate::report;

/// Runs that are shown.
const RUNS: u32 = 5;

/// Events that are told of one mirror.
const EVENTS: u32 = 10;

/// Tells the last known state of every target, or everything about one.
pub fn status(surface: &Surface, global: &Global, order: &Status) -> Ended {
    let session = Session::open(surface, global)?;
    if let Some(name) = &order.explain {
        return explain(surface, &session, name);
    }
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

fn explain(surface: &Surface, session: &Session, name: &str) -> Ended {
    let Some(target) = session.config.targets.iter().find(|target| target.name.as_str() == name) else {
        let known: Vec<&str> = session.config.targets.iter().map(|target| target.name.as_str()).collect();
        return Err(Failure::told(exit::USAGE, format!("there is no mirror {}", sanitise(name)))
            .hint(format!("mirrors are: {}", known.join(", "))));
    };
    let events = session.history.events_of(&target.name, EVENTS).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let all = fleet(session, &[target])?;
    let mirror = &all.mirrors[0];
    if surface.json {
        say(&report::explanation_json(&all, mirror, &events));
    } else {
        say(report::explanation(&all, mirror, &events).trim_end());
    }
    Ok(exit::OK)
}

fn state_of(target: &Target, known: &[MirrorState]) -> MirrorState {
    let never = MirrorState { target: target.name.clone(), check: None, outcome: None, altered: 0 };
    known.iter().find(|state| state.target == target.name).cloned().unwrap_or(never)
}
