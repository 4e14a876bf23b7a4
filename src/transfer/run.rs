//! All targets at once.

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::target::{Common, Job, work};
use super::watch::Watch;
use super::{Ending, Event, FailureRecord, Outcome, Run, RunKind};
use crate::base::{Level, Replicas, sanitise};

/// A run over all targets.
pub struct Orders {
    /// What it is for.
    pub kind: RunKind,
    /// What is the same for all targets.
    pub common: Common,
    /// Each target's part.
    pub jobs: Vec<Job>,
    /// Copies wanted.
    pub replicas: Replicas,
    /// Targets worked on at the same time; one that is stalled does not count.
    pub concurrency: usize,
}

/// Works on all targets at once and returns when each has its outcome.
///
/// Each target is on its own: it has its own connection, limits, retries and deadline, and whatever happens to it,
/// a panic included, ends as its outcome and nowhere else. A cancelled run returns within five seconds, with what was
/// done, even when servers do not answer: work on them is dropped, only a swap under way may end.
pub async fn run(orders: Orders) -> Run {
    let Orders { kind, common, jobs, replicas, concurrency } = orders;
    let started = common.clock.now();
    let common = Arc::new(common);
    let names: Vec<_> = jobs.iter().map(|job| (job.target.clone(), job.protocol.clone())).collect();
    common.events.tell(Event::RunStarted { targets: names.iter().map(|(name, _)| name.clone()).collect() }).await;

    let turns = Arc::new(Semaphore::new(concurrency.max(1)));
    let mut tasks = JoinSet::new();
    for (number, job) in jobs.into_iter().enumerate() {
        let (common, turns) = (common.clone(), turns.clone());
        tasks.spawn(async move {
            // The semaphore is never closed; if it were, working without a turn would still be right.
            let turn = turns.clone().acquire_owned().await.ok();
            let watch = Watch::new(job.target.clone(), common.events.clone());
            let working = async {
                tokio::select! {
                    biased;
                    outcome = work(&common, &job, &watch) => outcome,
                    never = watch.keep(&turns, turn) => match never {},
                }
            };
            let outcome = match std::panic::AssertUnwindSafe(working).catch_unwind().await {
                Ok(outcome) => outcome,
                Err(panic) => broken(&job.target, &job.protocol, &what(panic.as_ref())),
            };
            common.journal.finished(&outcome);
            common.events.tell(Event::TargetFinished { outcome: Box::new(outcome.clone()) }).await;
            (number, outcome)
        });
    }
    let deadline = deadline(&common);
    let mut outcomes: Vec<Option<Outcome>> = names.iter().map(|_| None).collect();
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            finished = tasks.join_next() => match finished {
                Some(Ok((number, outcome))) => outcomes[number] = Some(outcome),
                // The task caught its own panic, so it can only have been aborted; its place is filled below.
                Some(Err(_)) => {}
                None => break,
            },
            () = &mut deadline, if !common.cancel.is_cancelled() => common.cancel.cancel(),
        }
    }
    common.events.tell(Event::RunFinished).await;

    let outcomes: Vec<Outcome> = outcomes
        .into_iter()
        .zip(&names)
        .map(|(outcome, (target, protocol))| outcome.unwrap_or_else(|| broken(target, protocol, "its task was aborted")))
        .collect();
    conclude(kind, &common, started, outcomes, replicas)
}

async fn deadline(common: &Common) {
    match common.timeouts.run {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

fn conclude(kind: RunKind, common: &Common, started: jiff::Timestamp, outcomes: Vec<Outcome>, replicas: Replicas) -> Run {
    // A paused target takes no part, so it is not missed either.
    let (all, paused) = (outcomes.len(), outcomes.iter().filter(|outcome| outcome.ending == Ending::Paused).count());
    let good = outcomes.iter().filter(|outcome| outcome.is_good()).count();
    let level: Option<Level> = outcomes.iter().filter(|outcome| outcome.is_good()).filter_map(|outcome| outcome.level).min();
    Run {
        kind,
        release: common.release.newest.clone(),
        version: common.release.version,
        started,
        finished: common.clock.now(),
        wanted: replicas.wanted(all, paused),
        quorum: replicas.verdict(good, all, paused),
        level,
        cancelled: common.cancel.is_cancelled(),
        outcomes,
    }
}

fn broken(target: &crate::base::TargetName, protocol: &str, what: &str) -> Outcome {
    Outcome {
        target: target.clone(),
        protocol: protocol.to_owned(),
        ending: Ending::Failed,
        level: None,
        swap: None,
        objects_sent: 0,
        bytes_sent: crate::base::ByteCount(0),
        retries: 0,
        duration_ms: 0,
        notes: Vec::new(),
        failure: Some(FailureRecord {
            code: "internal".to_owned(),
            messages: vec![format!("{target}: an internal error: {}", sanitise(what))],
            hint: Some(
                "this is a bug of spartacus: please report it with the lines above; the other targets are not affected"
                    .to_owned(),
            ),
        }),
    }
}

fn what(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_owned())
}
