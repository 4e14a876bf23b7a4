//! One round over all mirrors.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::check::{Expectation, Mirror, inspect};
use super::findings::Inspection;
use super::lists::FileLists;
use super::patience::Deadlines;
use super::{Control, Depth, Evidence, MirrorCheck, Probes, Round, Verdict};
use crate::base::{BundleName, Clock, Replicas, Sha256, TargetName, Timeouts};

/// A look at metadata is a handful of small requests, and most of its time is waiting: for a mirror that is away, half a
/// minute. Two thousand of them are to be seen within a minute although one in ten is.
pub const AT_ONCE: usize = 8;

/// What a round is about.
pub struct RoundOrders {
    /// The mirrors, in the order of the configuration.
    pub mirrors: Vec<Mirror>,
    /// What they are measured against.
    pub expected: Expectation,
    /// The bundle we presented as newest.
    pub release: Option<BundleName>,
    /// How closely to look.
    pub depth: Depth,
    /// Copies wanted.
    pub replicas: Replicas,
    /// Mirrors that are not looked at because they are paused.
    pub paused: usize,
    /// Mirrors looked at, at the same time; [`AT_ONCE`] times as many where nothing but metadata is asked for.
    pub concurrency: usize,
    /// How long one mirror (`target`) and all of them (`run`) may take; what is not looked at by then is unreadable.
    pub timeouts: Timeouts,
    /// What time it is.
    pub clock: Clock,
    /// Who is asked whether we are online; `None`: nobody.
    pub control: Option<Control>,
    /// Stops the looking; what was found until then is the round.
    pub cancel: CancellationToken,
}

/// Looks at all mirrors at once.
///
/// A mirror that shows a newer authentic state than we know of raises what the others are measured against: nobody is
/// current only because we are behind ourselves.
pub async fn round(orders: RoundOrders) -> Round {
    let started = orders.clock.now();
    let control = async {
        match &orders.control {
            Some(control) => control.online().await,
            None => None,
        }
    };
    let lists = FileLists::default();
    let deadlines = Deadlines::from_now(&orders.timeouts);
    let looks = orders.mirrors.iter().enumerate().map(|(position, mirror)| {
        let look = inspect(mirror, &orders.expected, orders.depth, &lists, deadlines);
        let stopped = orders.cancel.cancelled();
        async move {
            let found = tokio::select! {
                biased;
                () = stopped => Inspection::stopped(mirror),
                found = look => found,
            };
            (position, found)
        }
    });
    // At the same time: both are asked at the begin of a round, and nobody waits for the other.
    // Not in their order: one that is away would keep those behind it from being begun.
    let looking = stream::iter(looks).buffer_unordered(at_once(&orders)).collect();
    let (answered, mut found): (Option<bool>, Vec<(usize, Inspection)>) = tokio::join!(control, looking);
    found.sort_unstable_by_key(|(position, _)| *position);
    let mut found: Vec<Inspection> = found.into_iter().map(|(_, inspection)| inspection).collect();
    // Whoever read a mirror over the network is online, whatever has become of the places to ask.
    let online = answered.map(|answered| answered || found.iter().any(|look| reached(&look.probes)));

    let unfinished = found.iter().filter(|look| look.stopped).map(|look| look.check.target.clone()).collect();
    find_forks(&mut found, &orders.expected);
    let probes = found.iter_mut().filter_map(taken_probes).collect();
    let mut mirrors: Vec<MirrorCheck> = found.into_iter().map(|inspection| inspection.check).collect();
    let newest = mirrors.iter().filter_map(|mirror| mirror.version).max().unwrap_or(0).max(orders.expected.version);
    for mirror in &mut mirrors {
        measure_again(mirror, newest);
    }
    // A mirror counts when readers get the newest state from it, fresh.
    let good = mirrors.iter().filter(|mirror| mirror.is_good()).count();
    Round {
        depth: orders.depth,
        release: orders.release,
        version: newest,
        started,
        finished: orders.clock.now(),
        wanted: orders.replicas.wanted(mirrors.len() + orders.paused, orders.paused),
        quorum: orders.replicas.verdict(good, mirrors.len() + orders.paused, orders.paused),
        mirrors,
        probes,
        online,
        unfinished,
    }
}

fn at_once(orders: &RoundOrders) -> usize {
    let light = orders.depth == Depth::Metadata && orders.mirrors.iter().all(|mirror| mirror.probes.are_none());
    orders.concurrency.max(1) * if light { AT_ONCE } else { 1 }
}

/// Whether a mirror on another machine was read.
fn reached(probes: &Probes) -> bool {
    probes.reach.iter().any(|reach| reach.trouble.is_none() && !reach.address.is_some_and(|address| address.is_loopback()))
}

/// What the probes of a mirror saw, if any was made.
fn taken_probes(inspection: &mut Inspection) -> Option<(TargetName, Probes)> {
    let probes = std::mem::take(&mut inspection.probes);
    (probes != Probes::default()).then(|| (inspection.check.target.clone(), probes))
}

/// Finds mirrors that show one version with different contents: two machines published, or one key was stolen.
///
/// Where we know what we published, the mirrors with something else are told; where we do not, all of that version.
fn find_forks(found: &mut [Inspection], expected: &Expectation) {
    let shown = |inspection: &Inspection| Some((inspection.check.version?, inspection.snapshot?));
    let all: BTreeSet<(u64, Sha256)> = found.iter().filter_map(shown).collect();
    for inspection in found {
        let Some((version, snapshot)) = shown(inspection) else { continue };
        let ours = expected.snapshot.filter(|_| version == expected.version);
        let what = match ours {
            Some(ours) if ours == snapshot => continue,
            Some(_) => format!("version {version}, authentic, but not what we published as that version"),
            None if all.iter().filter(|(other, _)| *other == version).count() > 1 => {
                format!("version {version}, authentic, but another mirror has another content of that version")
            }
            None => continue,
        };
        let check = &mut inspection.check;
        check.level = None;
        if check.verdict >= Verdict::Mixed {
            check.verdict = Verdict::Mixed;
            check.evidence.insert(0, Evidence { path: None, what });
        }
    }
}

fn measure_again(mirror: &mut MirrorCheck, newest: u64) {
    let Some(version) = mirror.version else { return };
    let verdict = Verdict::Behind { by: newest.saturating_sub(version) };
    if newest > version && mirror.verdict != verdict && mirror.verdict > (Verdict::Behind { by: 0 }) {
        mirror.verdict = verdict;
        mirror.level = None;
        mirror.evidence.insert(0, Evidence { path: None, what: format!("version {version}, another mirror has {newest}") });
    }
}
