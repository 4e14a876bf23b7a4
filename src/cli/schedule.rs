//! `spartacus schedule`: rounds, deep looks, repairs and renewals on time, in one process.

use std::io::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::alert::Watch;
use super::alone::alone;
use super::args::{Global, Schedule};
use super::cancel::Cancel;
use super::check::look_at_mirrors;
use super::exit::{self, Ended, Failure};
use super::fleet::fleet;
use super::mend::{mend, repair_due};
use super::offers::settle;
use super::outputs::Outputs;
use super::probing::Looking;
use super::renew::renewal;
use super::session::{Session, bundle_failure, hinted};
use super::surface::{Surface, complain, fail, say};
use crate::base::{Sha256, causes};
use crate::bundle::{BundleError, Heartbeat};
use crate::config::{Target, TargetState};
use crate::health::{Condition, Depth, ReasonCode};
use crate::history::JobRecord;
use crate::report;
use crate::schedule::{Due, Job, JobEnd, MirrorPast, Past, Rhythm, Work, keep_time, plan};

/// The errand that schedules lock for: one of them for a project.
const ERRAND: &str = "schedule";
/// Records of rounds and runs are kept this long.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often the sign of life is written while a job takes its time.
const PULSE: Duration = Duration::from_secs(30);

/// Does what is due until it is stopped, or once; or tells what is due when.
pub async fn schedule(surface: &Surface, global: &Global, order: &Schedule) -> Ended {
    let session = Session::open(surface, global)?;
    session.selected(&[])?;
    let seed = u64::from_le_bytes(first_bytes(&session.project.pin().map_err(bundle_failure)?));
    if order.dry_run {
        return forecast(surface, &session, seed).await;
    }
    let outputs = Outputs::wanted(global, order.prometheus.as_deref(), order.html.as_deref())?;
    let cancel = Cancel::on_signals(surface)?;
    let _only = session.project.lock_for(ERRAND).map_err(|error| match &error {
        BundleError::Locked { holder, .. } => {
            let who = holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            Failure::told(exit::CONFLICT, format!("{who} keeps this project's schedule already"))
        }
        _ => bundle_failure(error),
    })?;
    let pulse = Pulse::begin(session.project.state().join("schedule.json"));
    let read = digest(&global.config);
    let mut desk = Desk { surface: surface.clone(), global, outputs, session, read, cancel: cancel.clone(), pulse };
    let all_done = keep_time(&mut desk, seed, order.once, &cancel.token).await;
    desk.pulse.end().await;
    match cancel.code() {
        Some(code) => Ok(code),
        None if all_done => Ok(exit::OK),
        None => Err(Failure::told(exit::PARTIAL, "not every job could be done; each is tried again when it is due")),
    }
}

/// The project's pin decides the moments, so that a restart keeps them and other projects have others.
fn first_bytes(pin: &Sha256) -> [u8; 8] {
    let mut bytes = [0; 8];
    // Hexadecimal digits by their construction.
    let _ = hex::decode_to_slice(&pin.to_string()[..16], &mut bytes);
    bytes
}

async fn forecast(surface: &Surface, session: &Session, seed: u64) -> Ended {
    let (past, rhythm) = known(session).await?;
    let now = session.clock.now();
    let jobs = plan(&past, rhythm, seed, now);
    if surface.json {
        let jobs: Vec<_> = jobs.iter().map(|due| json!({ "job": due.job.to_string(), "at": due.at })).collect();
        say(&report::object("spartacus.schedule/1", &json!({ "generated": now, "jobs": jobs })));
    } else {
        let lines: Vec<(Timestamp, String)> = jobs.into_iter().map(|due| (due.at, due.job.to_string())).collect();
        say(&report::schedule_table(&lines, now, surface.style));
        say("dry run: nothing was done");
    }
    Ok(exit::OK)
}

/// The one process that does the jobs.
struct Desk<'a> {
    surface: Surface,
    global: &'a Global,
    outputs: Outputs<'a>,
    session: Session,
    /// The digest of the configuration that was tried last.
    read: Option<Sha256>,
    cancel: Cancel,
    pulse: Pulse,
}

impl Desk<'_> {
    /// Takes a changed configuration over; a broken one is told once, and the old one goes on.
    fn read_again(&mut self) {
        let found = digest(&self.global.config);
        if found == self.read {
            return;
        }
        self.read = found;
        let opened = Session::open(&self.surface, self.global).and_then(|session| {
            session.selected(&[])?;
            Ok(session)
        });
        match opened {
            Ok(session) => {
                self.session = session;
                self.log(&format!("{} was changed, and is followed from now on", self.global.config));
            }
            Err(failure) => {
                fail(&failure);
                self.log(&format!("{} was changed, but it cannot be used: the old one goes on", self.global.config));
            }
        }
    }

    /// A line of the log, on stderr as all that is no data.
    fn log(&self, text: &str) {
        self.surface.remark(&format!("{} {text}", self.session.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")));
    }

    fn active(&self) -> Vec<&Target> {
        self.session.config.targets.iter().filter(|target| target.state == TargetState::Active).collect()
    }

    async fn round(&self, targets: &[&Target], depth: Depth) -> Result<Result<(), String>, Failure> {
        let _alone = match alone(&self.session) {
            Err(failure) if failure.code == exit::CONFLICT => return Ok(Err(failure.error.to_string())),
            taken => taken?,
        };
        // A deep look at one mirror is no round: what it finds is told at the end of the next one.
        let watch = if depth == Depth::Full { None } else { Some(Watch::begin(&self.session).await) };
        let looked = look_at_mirrors(&self.session, targets, &Looking::due(depth), &self.cancel).await;
        if let Some(watch) = watch {
            watch.end(&self.session, &looked, true).await;
        }
        let round = looked?;
        let about = match (depth, targets) {
            (Depth::Full, [target]) => format!("every byte of {}: ", target.name),
            _ => String::new(),
        };
        self.log(&format!("{about}{}", report::round_headline(&round)));
        let all: Vec<&Target> = self.session.config.targets.iter().collect();
        // The round is made and remembered; a file that cannot be written is no reason to look less often.
        if let Err(failure) = self.outputs.write(&self.session, &all, &fleet(&self.session, &all)?).await {
            fail(&failure);
        }
        Ok(Ok(()))
    }

    async fn repair(&self) -> Result<(), Failure> {
        let mended = mend(&self.surface.silent(), self.global, &self.session, &self.active(), &self.cancel).await?;
        for mirror in &mended.mirrors {
            let why = mirror.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let evidence = mirror.evidence.as_ref().map(|folder| format!("; what it served is kept in {folder}"));
            self.log(&format!("{} ({}) {}{why}{}", mirror.target, mirror.condition, mirror.deed, evidence.unwrap_or_default()));
        }
        Ok(())
    }

    async fn job(&self, job: &Job) -> Result<Result<(), String>, Failure> {
        match job {
            Job::Round => self.round(&self.active(), Depth::Metadata).await,
            Job::Files => self.round(&self.active(), Depth::Files).await,
            Job::Full(name) => {
                let only: Vec<&Target> = self.active().into_iter().filter(|target| target.name == *name).collect();
                self.round(&only, Depth::Full).await
            }
            Job::Repair => self.repair().await.map(Ok),
            Job::Renew => {
                let (surface, targets) = (self.surface.silent(), self.active());
                let run = renewal(&surface, self.global, &self.session, &targets, false, &self.cancel).await?;
                self.log(&report::run_headline(&run));
                Ok(Ok(()))
            }
            Job::Tidy => {
                let before = self.session.clock.now().saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
                let history = &self.session.history;
                let removed = history.prune(before).and_then(|records| Ok(records + history.prune_alerts(before)?));
                let removed = removed.map_err(|error| hinted(exit::UNEXPECTED, error))?;
                if removed > 0 {
                    self.log(&format!("{removed} records of more than 30 days ago were removed"));
                }
                Ok(Ok(()))
            }
        }
    }
}

#[async_trait(?Send)]
impl Work for Desk<'_> {
    fn now(&self) -> Timestamp {
        self.session.clock.now()
    }

    async fn past(&mut self) -> Result<(Past, Rhythm), ()> {
        self.read_again();
        let (surface, cancel) = (self.surface.clone(), self.cancel.clone());
        settle(&surface, &mut self.session, &cancel).await.map_err(|failure| fail(&failure))?;
        known(&self.session).await.map_err(|failure| fail(&failure))
    }

    async fn carry_out(&mut self, job: &Job) -> JobEnd {
        self.pulse.doing(&job.to_string());
        match self.job(job).await {
            Ok(Ok(())) => JobEnd::Done,
            Ok(Err(why)) => JobEnd::Skipped(why),
            // Somebody pushes or renews: that is no trouble.
            Err(failure) if failure.code == exit::CONFLICT => JobEnd::Skipped(causes(failure.error.as_ref()).join(": ")),
            Err(failure) => {
                fail(&failure);
                JobEnd::Failed(causes(failure.error.as_ref()).join(": "))
            }
        }
    }

    async fn note(&mut self, job: &Job, record: JobRecord) {
        if let Err(error) = self.session.history.set_job(&job.to_string(), record) {
            complain(&format!("warning: what is done cannot be noted: {}", causes(&error).join(": ")));
        }
    }

    fn told(&mut self, job: &Job, end: &JobEnd) {
        match end {
            JobEnd::Done => {}
            JobEnd::Skipped(why) => self.log(&format!("{job} is skipped: {why}")),
            JobEnd::Failed(why) => self.log(&format!("{job} failed, and is tried again later: {why}")),
        }
    }

    fn waiting(&mut self, next: Option<&Due>) {
        self.pulse.doing(&next.map_or_else(|| "waiting".to_owned(), |due| format!("waiting for {} at {}", due.job, due.at)));
    }
}

/// What was done and how mirrors stand, put together for the plan.
async fn known(session: &Session) -> Result<(Past, Rhythm), Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let (history, now) = (&session.history, session.clock.now());
    let tells = session.config.project.publish_status;
    let heartbeat = Heartbeat::of(&session.project, now, tells).await.map_err(bundle_failure)?;
    let active = || session.config.targets.iter().filter(|target| target.state == TargetState::Active);
    let count = active().count();
    let standings: std::collections::BTreeMap<_, _> =
        history.mirrors_health().map_err(fail)?.into_iter().map(|mirror| (mirror.target, mirror.standing)).collect();
    let of = |target: &Target| {
        let standing = standings.get(&target.name);
        let on_trial = standing.and_then(|standing| {
            let reverifying = |code| code == ReasonCode::Reverifying;
            let must =
                standing.condition == Condition::Quarantined || standing.reasons.iter().any(|reason| reverifying(reason.code));
            must.then_some(standing.since)
        });
        MirrorPast {
            name: target.name.clone(),
            answers: standing.is_none_or(|standing| standing.counters.failed == 0),
            verified: standing.and_then(|standing| standing.verified_at),
            on_trial,
        }
    };
    let past = Past {
        round: history.last_round_of(Depth::Metadata, count).map_err(fail)?,
        files: history.last_round_of(Depth::Files, count).map_err(fail)?,
        pushed: history.last_runs(1).map_err(fail)?.first().and_then(|run| run.end.as_ref()).map(|end| end.finished),
        renewal: heartbeat.map(|heartbeat| heartbeat.due),
        repair: repair_due(session, now)?,
        mirrors: active().map(of).collect(),
        jobs: history.jobs().map_err(fail)?,
    };
    Ok((past, Rhythm { every: session.config.health.every }))
}

fn digest(path: &Utf8Path) -> Option<Sha256> {
    std::fs::read(path).ok().map(|bytes| Sha256::of(&bytes))
}

/// A sign of life that is written while the process works and while it waits: whoever watches the file's age sees a process
/// that is gone or hangs.
struct Pulse {
    doing: tokio::sync::watch::Sender<String>,
    beating: tokio::task::JoinHandle<()>,
    path: Utf8PathBuf,
}

impl Pulse {
    fn begin(path: Utf8PathBuf) -> Self {
        let (doing, mut receiver) = tokio::sync::watch::channel("starting".to_owned());
        let place = path.clone();
        let beating = tokio::spawn(async move {
            loop {
                let doing = receiver.borrow_and_update().clone();
                if let Err(error) = beat(&place, &doing) {
                    tracing::warn!(path = %place, %error, "the sign of life cannot be written");
                }
                tokio::select! {
                    changed = receiver.changed() => if changed.is_err() { break },
                    () = tokio::time::sleep(PULSE) => {}
                }
            }
        });
        Self { doing, beating, path }
    }

    fn doing(&self, what: &str) {
        self.doing.send_replace(what.to_owned());
    }

    /// The last sign: whoever looks later sees that it ended in good order.
    async fn end(self) {
        drop(self.doing);
        // It ends by itself now; had it panicked, that was told.
        let _ = self.beating.await;
        if let Err(error) = beat(&self.path, "ended") {
            tracing::warn!(path = %self.path, %error, "the sign of life cannot be written");
        }
    }
}

/// Written beside and renamed: whoever reads it finds all of it.
fn beat(path: &Utf8Path, doing: &str) -> std::io::Result<()> {
    let beside = path.with_extension("json.tmp");
    let text = json!({ "at": Timestamp::now(), "pid": std::process::id(), "doing": doing });
    let mut file = std::fs::File::create(&beside)?;
    writeln!(file, "{text}")?;
    std::fs::rename(&beside, path)
}
