//! The loop: asks what is due, has it done, waits.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::plan::{Due, Job, Past, Rhythm, plan};
use crate::history::JobRecord;

/// The longest sleep: a machine that was suspended, a clock that was set and a changed configuration are noticed after it.
const NAP: Duration = Duration::from_secs(30);

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Done, whatever it found.
    Done,
    /// Somebody else is at it: later.
    Skipped(String),
    /// It could not be done: later, and each time later.
    Failed(String),
}

/// Whoever does the jobs.
#[async_trait(?Send)]
pub trait Work {
    /// What time it is.
    fn now(&self) -> Timestamp;
    /// What was done, and the rhythm of what is to be done. Called before every decision; an error is told by whoever
    /// implements this, and asked again later.
    async fn past(&mut self) -> Result<(Past, Rhythm), ()>;
    /// Does one job. It ends early when the loop is cancelled.
    async fn carry_out(&mut self, job: &Job) -> JobEnd;
    /// Keeps when a job was begun and how often in a row it failed.
    async fn note(&mut self, job: &Job, record: JobRecord);
    /// Told how each job ended.
    fn told(&mut self, job: &Job, end: &JobEnd);
    /// Told before each wait what is due next.
    fn waiting(&mut self, next: Option<&Due>);
}

/// Does what is due, when it is due, until cancelled; with `once` all that is due now, each job once. Tells whether every job
/// that was begun could be done.
///
/// A job that fails ends nothing. It is noted as failed before it begins, so that one which takes the whole process down is
/// not the first thing that the next process does.
pub async fn keep_time(work: &mut dyn Work, seed: u64, once: bool, cancel: &CancellationToken) -> bool {
    let mut all_done = true;
    let mut finished = BTreeSet::new();
    while !cancel.is_cancelled() {
        let Ok((past, rhythm)) = work.past().await else {
            all_done = false;
            if once || nap(NAP, cancel).await {
                break;
            }
            continue;
        };
        let now = work.now();
        let jobs = plan(&past, rhythm, seed, now);
        let open = |due: &&Due| due.at <= now && !(once && finished.contains(&due.job));
        if let Some(due) = jobs.iter().find(open) {
            let failures = past.jobs.get(&due.job.to_string()).map_or(0, |record| record.failures);
            all_done &= carry_out(work, &due.job, failures, cancel).await;
            finished.insert(due.job.clone());
            continue;
        }
        if once {
            break;
        }
        let next = jobs.first();
        work.waiting(next);
        let wait = next.map_or(NAP, |due| Duration::try_from(due.at.duration_since(now)).unwrap_or_default());
        // Never nothing: a clock that goes backwards between two questions must not make this a busy loop.
        nap(wait.clamp(Duration::from_millis(100), NAP), cancel).await;
    }
    all_done
}

async fn carry_out(work: &mut dyn Work, job: &Job, failures: u32, cancel: &CancellationToken) -> bool {
    let began = work.now();
    work.note(job, JobRecord { began, failures: failures.saturating_add(1) }).await;
    let end = work.carry_out(job).await;
    let failures = match &end {
        JobEnd::Done => 0,
        JobEnd::Failed(_) if !cancel.is_cancelled() => failures.saturating_add(1),
        JobEnd::Skipped(_) | JobEnd::Failed(_) => failures,
    };
    work.note(job, JobRecord { began, failures }).await;
    work.told(job, &end);
    !matches!(end, JobEnd::Failed(_))
}

/// Waits; tells whether it was cancelled.
async fn nap(span: Duration, cancel: &CancellationToken) -> bool {
    tokio::select! {
        () = cancel.cancelled() => true,
        () = tokio::time::sleep(span) => false,
    }
}
