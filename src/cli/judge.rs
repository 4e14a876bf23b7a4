//! What a round means for each mirror, over time: judged and remembered.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::elsewhere::Believed;
use super::exit::{self, Failure};
use super::session::{Session, hinted};
use crate::base::TargetName;
use crate::health::{
    Around, Family, MirrorCheck, Observation, Probes, Round, Standing, is_silent_elsewhere, judge, observer_fault, paces,
};
use crate::history::{Event, EventKind, History, HistoryError, Judged, LastOutcome, MirrorState};

/// Runs that are looked through for when the newest state was first pushed.
const RUNS: u32 = 50;
/// Failures of a push that say that there is no room (docs/json.md).
const NO_ROOM: [&str; 2] = ["no_space", "max_bytes"];

/// Judges what a round saw, by the rules of the configuration, and records it.
pub fn judge_round(session: &Session, round: &Round, believed: &Believed) -> Result<(), Failure> {
    let history = &session.history;
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let known: BTreeMap<TargetName, Standing> =
        history.mirrors_health().map_err(fail)?.into_iter().map(|mirror| (mirror.target, mirror.standing)).collect();
    let mut around = around(session, round)?;
    let mut first_bytes = history.first_bytes_of_all(round.started).map_err(fail)?;
    // What is no mirror any more is nothing to be measured against.
    first_bytes.retain(|name, _| session.config.targets.iter().any(|target| target.name == *name));
    let paces = paces(&first_bytes);
    let looks = round.mirrors.iter().filter(|look| !round.unfinished.contains(&look.target));
    let observations: Vec<Observation> =
        looks.map(|look| Observation { at: round.started, look: look.clone(), probes: probes_of(round, look) }).collect();
    let before: Vec<Standing> = observations
        .iter()
        .map(|seen| known.get(&seen.look.target).cloned().unwrap_or_else(|| Standing::unknown(round.started)))
        .collect();

    let rules = &session.config.health.rules;
    for seen in &observations {
        let target = &seen.look.target;
        around.entry(target.clone()).or_default().elsewhere = believed.of(target);
    }
    // Mirrors that fail elsewhere too say nothing about us.
    let silent = |seen: &Observation| around.get(&seen.look.target).is_some_and(|around| is_silent_elsewhere(seen, around));
    let (known, seen): (Vec<&Standing>, Vec<&Observation>) =
        before.iter().zip(&observations).filter(|(_, seen)| !silent(seen)).unzip();
    let fault = observer_fault(&known, &seen, round.online, rules);
    let out_of_reach = out_of_reach(&observations);
    let judged: Vec<Judged> = before
        .into_iter()
        .zip(observations)
        .map(|(before, seen)| {
            let target = seen.look.target.clone();
            let seen = Some(seen).filter(|_| fault.is_none());
            let mut around = around.get(&target).cloned().unwrap_or_default();
            around.pace = paces.get(&target).copied();
            around.out_of_reach.clone_from(&out_of_reach);
            let after = judge(&before, seen.as_ref(), &around, rules, round.finished);
            Judged { target, before, after, seen }
        })
        .collect();
    let blind_before = matches!(
        history.events_about_ourselves(1).map_err(fail)?.first(),
        Some(Event { what: EventKind::ObserverFault { .. }, .. })
    );
    let happened = match fault {
        Some(_) if blind_before => Vec::new(),
        Some(what) => vec![EventKind::ObserverFault { what }],
        None if blind_before => vec![EventKind::ObserverBack],
        None => Vec::new(),
    };
    history.record_probes(round).map_err(fail)?;
    history.record_health(round.started, &judged, &happened).map_err(fail)
}

/// Families over which no mirror was reached.
fn out_of_reach(observations: &[Observation]) -> Vec<Family> {
    let reached = |family| {
        let all = observations.iter().flat_map(|seen| &seen.probes.reach);
        all.into_iter().any(|reach| reach.family == family && reach.trouble.is_none())
    };
    [Family::Ipv4, Family::Ipv6].into_iter().filter(|family| !reached(*family)).collect()
}

fn probes_of(round: &Round, look: &MirrorCheck) -> Probes {
    round.probes.get(&look.target).cloned().unwrap_or_default()
}

/// What runs tell about each mirror: since when it should show the newest version, and whether the last push fitted.
fn around(session: &Session, round: &Round) -> Result<BTreeMap<TargetName, Around>, Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let due = due_since(&session.history, round.version).map_err(fail)?;
    let of = |state: MirrorState| {
        let last = state.outcome.as_ref();
        let failure = last.and_then(|last| last.outcome.failure.as_ref()).filter(|failure| NO_ROOM.contains(&&*failure.code));
        let around = Around {
            due_since: due.get(&state.target).copied(),
            no_room: failure.map(|failure| failure.messages.first().unwrap_or(&failure.code).clone()),
            ..Around::default()
        };
        (state.target, around)
    };
    Ok(session.history.last_state().map_err(fail)?.into_iter().map(of).collect())
}

/// Since when each mirror should show `version`: since we brought it there, else since that was first pushed anywhere.
pub fn due_since(history: &History, version: u64) -> Result<BTreeMap<TargetName, Timestamp>, HistoryError> {
    let runs = history.last_runs(RUNS)?;
    let first = runs.iter().rev().find(|run| run.start.version >= version).map(|run| run.start.started);
    let brought = |last: &LastOutcome| (last.outcome.is_good() && last.version >= version).then_some(last.started);
    let of = |state: MirrorState| Some((state.target, state.outcome.as_ref().and_then(brought).or(first)?));
    Ok(history.last_state()?.into_iter().filter_map(of).collect())
}
