//! Configuration and memory, put together for everything that tells of all mirrors.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::elsewhere::{glances, known as known_testimonies};
use super::exit::{self, Failure};
use super::judge::due_since;
use super::session::{Session, hinted, paused};
use crate::base::TargetName;
use crate::config::Target;
use crate::health::{Elsewhere, Observation, Standing, Verdict, is_blind};
use crate::history::{EventKind, History, HistoryError, LastTestimony, MirrorHealth};
use crate::report::{Fleet, FleetMirror, Observer, VantageSight};

/// All that is known of `targets`, without network.
pub fn fleet(session: &Session, targets: &[&Target]) -> Result<Fleet, Failure> {
    gather(session, targets).map_err(|error| hinted(exit::UNEXPECTED, error))
}

fn gather(session: &Session, targets: &[&Target]) -> Result<Fleet, HistoryError> {
    let (history, now) = (&session.history, session.clock.now());
    let mut known: BTreeMap<TargetName, MirrorHealth> =
        history.mirrors_health()?.into_iter().map(|mirror| (mirror.target.clone(), mirror)).collect();
    let last_round = history.last_rounds(1)?.pop();
    let last_run = history.last_runs(1)?.pop();
    let every = session.config.health.every;
    let due = due_since(history, last_round.as_ref().map_or(0, |round| round.version))?;
    let spoken = known_testimonies(session)?;
    let mut elsewhere: BTreeMap<TargetName, Vec<Elsewhere>> = BTreeMap::new();
    for (target, other) in spoken.iter().flat_map(|last| glances(last, targets)) {
        elsewhere.entry(target.name.clone()).or_default().push(other);
    }
    let fault = own_fault(history)?;
    let mut mirrors = Vec::new();
    for target in targets {
        let health = known.remove(&target.name);
        let probes = history.last_probes(&target.name, now)?;
        let (standing, seen) = health.map_or_else(|| (Standing::unknown(now), None), |health| (health.standing, health.seen));
        mirrors.push(FleetMirror {
            name: target.name.clone(),
            protocol: target.kind.word().to_owned(),
            public_url: target.public_url.clone(),
            country: target.country.clone(),
            lifecycle: session.lifecycle(target),
            behind: seen.as_ref().and_then(behind),
            lag: seen.as_ref().and_then(behind).and_then(|by| lag(by, due.get(&target.name).copied(), now)),
            standing,
            seen,
            probes,
            elsewhere: elsewhere.remove(&target.name).unwrap_or_default(),
            uptime: history.uptime(&target.name, now, every)?,
        });
    }
    Ok(Fleet {
        project: session.config.project.name.clone(),
        at: now,
        release: last_run.as_ref().and_then(|run| run.start.release.clone()),
        wanted: session.config.policy.replicas.wanted(mirrors.len(), paused(targets)),
        observer: Observer {
            saw: fault.is_none(),
            fault,
            online: last_round.as_ref().and_then(|round| round.online),
            round_at: last_round.as_ref().map(|round| round.finished),
            round_ms: last_round.as_ref().map(|round| milliseconds(round.started, round.finished)),
            every,
            patience: session.config.health.rules.unreachable_after,
        },
        vantages: spoken.iter().map(|last| sight(session, last)).collect(),
        mirrors,
    })
}

fn sight(session: &Session, last: &LastTestimony) -> VantageSight {
    let said = &last.testimony;
    let saw = !is_blind(said, &session.config.health.rules);
    VantageSight { name: said.vantage.clone(), at: said.at, expires: said.expires, saw }
}

/// Why the last round did not see the mirrors, if so: the newest word about ourselves tells.
pub fn own_fault(history: &History) -> Result<Option<String>, HistoryError> {
    let last = history.events_about_ourselves(1)?.pop();
    Ok(last.and_then(|event| match event.what {
        EventKind::ObserverFault { what } => Some(what),
        _ => None,
    }))
}

/// Publishes that a mirror lacked when it was last seen; `None`: that could not be told.
fn behind(seen: &Observation) -> Option<u64> {
    match seen.look.verdict {
        Verdict::Behind { by } => Some(by),
        Verdict::Current | Verdict::Stale { .. } => Some(0),
        _ => None,
    }
}

fn lag(behind: u64, due: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    if behind == 0 {
        return Some(Duration::ZERO);
    }
    Duration::try_from(now.duration_since(due?)).ok()
}

fn milliseconds(from: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.duration_since(from).as_millis()).unwrap_or(0)
}
