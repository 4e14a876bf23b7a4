//! One target, from connecting to its outcome.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::carry::{Carrier, Stop, unless_cancelled};
use super::look::{look, with_folders};
use super::watch::Watch;
use super::{Ending, Events, FailureRecord, Journal, Look, Originals, Outcome, Settled, Stage};
use crate::base::{ByteCount, Clock, Hinted as _, Holds, Level, RetryPolicy, TargetLimits, TargetName, Timeouts, causes};
use crate::bundle::{BundleEntry, Release};
use crate::plan::{Pointer, expected_bundles, expected_objects, plan};
use crate::store::{Bandwidth, ErrorKind, Limited, Retries, Retrying, Space, Store, StoreError, SwapClass, Tap};

/// Calls under way on one target, at most. A backend asks for fewer by its [`crate::store::Capabilities`]; this only
/// bounds what the pieces of a run can add up to.
const CALLS: usize = 512;
/// How long connections may take to end in good order; less once the run is cancelled.
const CLOSING: Duration = Duration::from_secs(5);
const CLOSING_IN_HASTE: Duration = Duration::from_secs(1);

/// Reaches a target. What it gives is not yet limited or retried: that is done here, once for all protocols.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Connects and authenticates.
    async fn connect(&self) -> Result<Arc<dyn Store>, StoreError>;
}

/// One target's part in a run.
pub struct Job {
    /// Its name.
    pub target: TargetName,
    /// `folder`, `s3`, `sftp` or `webdav`, for the report.
    pub protocol: String,
    /// How to reach it.
    pub connector: Box<dyn Connector>,
    /// How much it holds.
    pub holds: Holds,
    /// What the volunteer allows.
    pub limits: TargetLimits,
    /// It takes no part at present.
    pub paused: bool,
    /// What a probe found out about its swap, if it was probed.
    pub swap: Option<SwapClass>,
    /// How closely to look at what it holds.
    pub look: Look,
}

/// What is the same for all targets of a run.
pub struct Common {
    /// What every target should hold.
    pub release: Arc<Release>,
    /// `1.root.json`: what authentic means.
    pub pin: Bytes,
    /// Retries.
    pub retry: RetryPolicy,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Refuse targets whose swap is not atomic.
    pub require_atomic: bool,
    /// Slows all targets together.
    pub bandwidth: Option<Arc<dyn Tap>>,
    /// What interrupted runs had sent.
    pub journal: Arc<dyn Journal>,
    /// Our own objects, as far as this run has read them.
    pub originals: Originals,
    /// What time it is.
    pub clock: Clock,
    /// Who listens.
    pub events: Events,
    /// Cancels the run.
    pub cancel: CancellationToken,
}

/// Works on one target until there is an outcome; whatever happens is in it.
pub(super) async fn work(common: &Common, job: &Job, watch: &Arc<Watch>) -> Outcome {
    let begun = Instant::now();
    let verdict = if job.paused {
        Conclusion::of(Ending::Paused)
    } else if !may_push_now(common, job) {
        watch.note("outside the hours its operator allows".to_owned());
        Conclusion::of(Ending::Deferred)
    } else {
        attempt(common, job, watch).await
    };
    if watch.is_swapping() {
        watch.note("stopped while the pointer was being swapped: whether readers get the new state is not known".to_owned());
    }
    Outcome {
        target: job.target.clone(),
        protocol: job.protocol.clone(),
        ending: verdict.ending,
        level: verdict.level,
        swap: verdict.swap,
        objects_sent: watch.objects(),
        bytes_sent: watch.bytes(),
        retries: watch.retries(),
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        notes: watch.notes(),
        failure: verdict.failure,
    }
}

struct Conclusion {
    ending: Ending,
    level: Option<Level>,
    swap: Option<SwapClass>,
    failure: Option<FailureRecord>,
}

impl Conclusion {
    fn of(ending: Ending) -> Self {
        Self { ending, level: None, swap: None, failure: None }
    }

    fn failed(code: &str, message: String, hint: Option<String>) -> Self {
        let failure = FailureRecord { code: code.to_owned(), messages: vec![message], hint };
        Self { failure: Some(failure), ..Self::of(Ending::Failed) }
    }
}

impl From<Stop> for Conclusion {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::of(Ending::Cancelled),
            Stop::Overtaken { version } => Self {
                failure: Some(FailureRecord {
                    code: "conflict".to_owned(),
                    messages: vec![format!("version {version} was published meanwhile")],
                    hint: None,
                }),
                ..Self::of(Ending::Conflict)
            },
            Stop::Store(error) => Self { failure: Some(record(&error)), ..Self::of(Ending::Failed) },
        }
    }
}

/// A store's error as it is told and stored.
#[must_use]
pub fn record(error: &StoreError) -> FailureRecord {
    FailureRecord { code: error.kind.code().to_owned(), messages: causes(error), hint: error.hint() }
}

fn may_push_now(common: &Common, job: &Job) -> bool {
    let now = common.clock.now();
    job.limits.windows.is_empty() || job.limits.windows.iter().any(|window| window.contains(now))
}

/// Connects, works, closes the connection whatever came of it, and remembers how the target did.
async fn attempt(common: &Common, job: &Job, watch: &Arc<Watch>) -> Conclusion {
    let earlier = common.journal.breaker(&job.target);
    let retries = Retries::new(&job.target, common.retry, fastrand::u64(..)).observed(watch.clone()).until(&common.cancel);
    let retries = Arc::new(retries.remembering(earlier.failures, earlier.opened_at.is_some()));
    let conclusion = connected(common, job, watch, &retries).await;
    let after = earlier.after(&retries, common.clock.now());
    if after != earlier {
        common.journal.set_breaker(&job.target, after);
    }
    if let (Some(since), Ending::Failed, Some(_)) = (earlier.opened_at, conclusion.ending, after.opened_at) {
        let since = since.strftime("%Y-%m-%d %H:%MZ");
        watch.note(format!("failing since {since}, so it was tried once; the next run tries it once again"));
    }
    conclusion
}

async fn connected(common: &Common, job: &Job, watch: &Arc<Watch>, retries: &Arc<Retries>) -> Conclusion {
    let deadline = common.timeouts.target.map(|limit| Instant::now() + limit);
    watch.enter(Stage::Connecting).await;
    // A server that drops the first of many callers takes the second.
    let connecting = unless_cancelled(&common.cancel, retries.connect(|| job.connector.connect()));
    let raw = match before(deadline, connecting).await {
        Some(Ok(Ok(store))) => store,
        Some(Ok(Err(error))) => return Stop::Store(error).into(),
        Some(Err(stop)) => return stop.into(),
        None => return too_late(common, job),
    };
    let mut limited = Limited::new(raw, CALLS).tapped(watch.pulse());
    for tap in job.limits.bandwidth.map(|limit| Bandwidth::new(limit) as Arc<dyn Tap>).into_iter().chain(common.bandwidth.clone())
    {
        limited = limited.tapped(tap);
    }
    let store = Retrying::with(limited, retries.clone());
    let conclusion = match before(deadline, with_store(common, job, watch, &store)).await {
        Some(Ok(conclusion) | Err(conclusion)) => conclusion,
        None => too_late(common, job),
    };
    let closing = if common.cancel.is_cancelled() { CLOSING_IN_HASTE } else { CLOSING };
    // A connection that does not end in good order ends with the process.
    let _ = tokio::time::timeout(closing, store.close()).await;
    conclusion
}

/// `None` when the deadline came first; the work is dropped then.
async fn before<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(moment) => tokio::time::timeout_at(moment, work).await.ok(),
        None => Some(work.await),
    }
}

fn too_late(common: &Common, job: &Job) -> Conclusion {
    let seconds = common.timeouts.target.unwrap_or_default().as_secs();
    Conclusion::failed("deadline", format!("{}: not finished within {seconds} s", job.target), None)
}

/// The heart of a push, on one target: look, plan, carry out.
async fn with_store(common: &Common, job: &Job, watch: &Arc<Watch>, store: &dyn Store) -> Result<Conclusion, Conclusion> {
    let swap = job.swap.unwrap_or(store.capabilities().swap);
    refuse_or_note_swap(common, job, watch, swap)?;

    watch.enter(Stage::Inventory).await;
    let known = common.journal.settled(&job.target);
    let looking = look(store, &common.release, &common.pin, job.holds, common.journal.as_ref(), &job.look);
    let found = unless_cancelled(&common.cancel, looking).await?.map_err(Stop::from)?;
    found.notes.into_iter().for_each(|note| watch.note(note));
    if let Pointer::Newer { version } = found.inventory.pointer {
        return Err(conflict(common, job, version));
    }

    let plan = plan(&common.release, job.holds, &found.inventory);
    let (objects, bytes) = plan.size();
    watch.planned(objects, bytes).await;
    let settled = Settled { version: common.release.version, holds: job.holds };
    if plan.is_empty() {
        if known != Some(settled) {
            common.journal.settle(&job.target, settled);
        }
        return Ok(Conclusion { level: Some(found.level), swap: Some(swap), ..Conclusion::of(Ending::Unchanged) });
    }
    unless_cancelled(&common.cancel, refuse_if_too_much(common, job, (objects, bytes.0), store)).await??;

    let carrier = Carrier {
        store,
        journal: common.journal.as_ref(),
        originals: &common.originals,
        watch,
        cancel: &common.cancel,
        release: &common.release,
        pin: &common.pin,
        settled,
        seen: found.pointer,
    };
    match carrier.carry_out(&plan).await {
        Err(Stop::Overtaken { version }) => return Err(conflict(common, job, version)),
        other => other?,
    }
    // Where only files were missing no pointer was swapped.
    common.journal.settle(&job.target, settled);
    Ok(Conclusion { level: Some(found.level), swap: Some(swap), ..Conclusion::of(Ending::Done) })
}

fn refuse_or_note_swap(common: &Common, job: &Job, watch: &Watch, swap: SwapClass) -> Result<(), Conclusion> {
    if swap == SwapClass::Atomic {
        return Ok(());
    }
    let target = &job.target;
    if common.require_atomic {
        let hint = format!(
            "`spartacus target probe {target}` finds out what the server can do; `policy.require_atomic: false` accepts it"
        );
        return Err(Conclusion::failed(
            "swap",
            format!("{target}: its swap is {swap}, and policy.require_atomic asks for atomic"),
            Some(hint),
        ));
    }
    let (what, known) = match swap {
        SwapClass::Gap => ("find no pointer for a moment", "gap"),
        _ => ("find half a pointer for a moment, or after an interruption", "torn"),
    };
    let probed = if job.swap.is_some() { "" } else { " (not probed)" };
    watch.note(format!("swap: {known}{probed}: during a push readers may {what}"));
    Ok(())
}

fn conflict(common: &Common, job: &Job, version: u64) -> Conclusion {
    let ours = common.release.version;
    let message = format!("{}: it holds the authentic version {version}; ours is {ours}", job.target);
    let hint = "another machine published, push from there; to push from here, bring what it published first: \
        rsync -a --exclude state.db* --exclude lock OTHER:PROJECT/.spartacus/ .spartacus/"
        .to_owned();
    Conclusion {
        failure: Some(FailureRecord { code: "conflict".to_owned(), messages: vec![message], hint: Some(hint) }),
        ..Conclusion::of(Ending::Conflict)
    }
}

/// Neither the volunteer's limit nor the server's free space is passed knowingly.
async fn refuse_if_too_much(
    common: &Common,
    job: &Job,
    (objects, planned): (u64, u64),
    store: &dyn Store,
) -> Result<(), Conclusion> {
    let target = &job.target;
    // The limit is for all that lies there, not for what one push adds.
    if let Some(limit) = job.limits.max_bytes {
        let expected = expected_objects(&common.release, job.holds).map(|object| object.length).sum::<u64>();
        let whole = ByteCount(expected) + left_over(common, job, store).await?;
        if whole > limit {
            let message = format!("{target}: {whole} to hold, its operator allows {limit}");
            let hint = "ask its operator for more".to_owned();
            return Err(Conclusion::failed("max_bytes", message, Some(hint)));
        }
    }
    match store.space().await {
        Ok(Some(space)) if space.free_bytes < planned => {
            let message = format!("{target}: {} to send, {} free", ByteCount(planned), ByteCount(space.free_bytes));
            let hint = "ask its operator for space".to_owned();
            Err(Conclusion::failed("no_space", message, Some(hint)))
        }
        // A disk can be out of files with gigabytes to spare, and a server then says "failure" in the middle of a push.
        Ok(Some(Space { free_files: Some(free), .. })) if free < objects => {
            let message = format!("{target}: {objects} files to send, room for {free} more files on its disk");
            let hint = "ask its operator to raise the number of files (inodes)".to_owned();
            Err(Conclusion::failed("no_space", message, Some(hint)))
        }
        // Every further request would be another failed login.
        Err(error) if error.kind == ErrorKind::Unauthenticated => Err(Stop::Store(error).into()),
        // Unknown space is no reason not to try.
        _ => Ok(()),
    }
}

/// Bytes of bundles that the target is not to hold any more and still shows: nothing is ever deleted from it.
async fn left_over(common: &Common, job: &Job, store: &dyn Store) -> Result<ByteCount, Conclusion> {
    let expected = expected_bundles(&common.release, job.holds);
    let others: Vec<&BundleEntry> = common.release.bundles.iter().filter(|bundle| !expected.contains(&bundle.name)).collect();
    if !store.capabilities().read {
        return Ok(ByteCount(0));
    }
    match with_folders(store, others).await {
        Ok(shown) => Ok(ByteCount(shown.iter().flat_map(|bundle| bundle.files.iter()).map(|file| file.length).sum())),
        // Every further request would be another failed login.
        Err(error) if error.kind == ErrorKind::Unauthenticated => Err(Stop::Store(error).into()),
        // What cannot be seen cannot be counted.
        Err(_) => Ok(ByteCount(0)),
    }
}
