//! One release to all targets: what push and repair have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufWriter;
use std::sync::Arc;

use bytes::Bytes;

use super::args::Global;
use super::cancel::Cancel;
use super::connect::TargetConnector;
use super::exit::{self, Failure};
use super::journal::StateJournal;
use super::outputs::show;
use super::push::tell;
use super::session::{Session, file_failure, hinted, paused, refuse_own_files};
use super::surface::Surface;
use super::target::place::place_digest;
use crate::base::{Quorum, TargetName};
use crate::bundle::Release;
use crate::config::{Target, TargetState};
use crate::history::RunStart;
use crate::report::progress::{EventWriter, Progress, follow};
use crate::store::{Bandwidth, Tap};
use crate::transfer::{self, Common, Ending, Events, Job, Look, Orders, Originals, Run, RunKind};

/// Events that may wait for a slow terminal.
const EVENT_ROOM: usize = 1024;

/// What to deliver.
pub struct Delivery<'a> {
    /// What for.
    pub kind: RunKind,
    /// To which targets.
    pub targets: Vec<&'a Target>,
    /// What.
    pub release: Arc<Release>,
    /// `1.root.json`.
    pub pin: Bytes,
    /// How closely to look at each target; what is not named is looked at by its pointer.
    pub looks: BTreeMap<TargetName, Look>,
    /// Stops it.
    pub cancel: &'a Cancel,
}

/// Works on all targets, shows progress, and writes down what became of each.
pub async fn deliver(surface: &Surface, global: &Global, session: &Session, order: Delivery<'_>) -> Result<Run, Failure> {
    // Outputs are opened before long work starts.
    let log = match &global.events {
        Some(path) => {
            refuse_own_files(global, "--events", path)?;
            let file = std::fs::File::create(path).map_err(|error| file_failure("write", path, error))?;
            let writer = EventWriter::begin(BufWriter::new(file), session.clock);
            Some(writer.map_err(|error| file_failure("write", path, error))?)
        }
        None => None,
    };
    let policy = &session.config.policy;
    let history = &session.history;
    let start = RunStart {
        kind: order.kind,
        release: order.release.newest.clone(),
        version: order.release.version,
        started: session.clock.now(),
        wanted: policy.replicas.wanted(order.targets.len(), paused(&order.targets)),
    };
    let id = history.begin_run(&start).map_err(|error| hinted(exit::UNEXPECTED, error))?;

    let (sender, receiver) = tokio::sync::mpsc::channel(EVENT_ROOM);
    let listener = tokio::spawn(follow(receiver, Progress::on_stderr(surface.quiet()), log));
    let jobs = order.targets.iter().map(|target| job(session, target, &order.looks)).collect::<Result<_, Failure>>()?;
    let common = Common {
        release: order.release.clone(),
        pin: order.pin,
        retry: policy.retry,
        timeouts: policy.timeouts,
        require_atomic: policy.require_atomic,
        bandwidth: policy.bandwidth.map(|limit| Bandwidth::new(limit) as Arc<dyn Tap>),
        journal: Arc::new(StateJournal::new(history.clone(), id, order.release.version)),
        originals: Originals::default(),
        clock: session.clock,
        events: Events::to(sender),
        cancel: order.cancel.token.clone(),
    };
    let orders = Orders { kind: order.kind, common, jobs, replicas: policy.replicas, concurrency: policy.concurrency };
    let mut run = transfer::run(orders).await;
    note_suspects(session, &mut run)?;

    if let Err(error) = listener.await? {
        surface.remark(&format!("warning: progress could not be written: {error}"));
    }
    if let Err(error) = history.flush().and_then(|()| history.finish_run(id, &run)) {
        // What became of the mirrors is worth more than the failure to write it down.
        tell(surface, &run);
        return Err(hinted(exit::UNEXPECTED, error));
    }
    show(session).await;
    Ok(run)
}

/// Where nothing was sent nothing was looked at but the pointer: what a check found wrong there is still wrong.
fn note_suspects(session: &Session, run: &mut Run) -> Result<(), Failure> {
    let suspects = session.history.suspects().map_err(|error| hinted(exit::UNEXPECTED, error))?;
    for outcome in run.outcomes.iter_mut().filter(|outcome| outcome.ending == Ending::Unchanged && run.kind != RunKind::Repair) {
        if let Some(count) = suspects.get(&outcome.target).map(BTreeSet::len).filter(|count| *count > 0) {
            let what =
                format!("a check found {count} of its objects missing or altered: spartacus repair --only {}", outcome.target);
            outcome.notes.push(what);
        }
    }
    Ok(())
}

fn job(session: &Session, target: &Target, looks: &BTreeMap<TargetName, Look>) -> Result<Job, Failure> {
    let profile =
        session.history.profile(&target.name, place_digest(&target.kind)).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    Ok(Job {
        target: target.name.clone(),
        protocol: target.kind.word().to_owned(),
        connector: Box::new(TargetConnector::new(session, target)),
        holds: target.holds,
        limits: target.limits.clone(),
        paused: target.state == TargetState::Paused,
        swap: profile.map(|profile| profile.capabilities.swap),
        look: looks.get(&target.name).cloned().unwrap_or_default(),
    })
}

/// How a run ends, by its verdict (docs/exit-codes.md).
#[must_use]
pub fn code(run: &Run, cancel: &Cancel) -> u8 {
    if let (true, Some(code)) = (run.cancelled, cancel.code()) {
        return code;
    }
    let ended = |ending| run.outcomes.iter().any(|outcome| outcome.ending == ending);
    match run.quorum {
        Quorum::All => exit::OK,
        // Two publishers: the next push of either would go over the other's, whatever the number of copies.
        _ if ended(Ending::Conflict) => exit::CONFLICT,
        Quorum::Met => exit::PARTIAL,
        Quorum::Missed => exit::QUORUM_MISSED,
    }
}
