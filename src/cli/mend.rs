//! `spartacus repair --auto`: what rounds found is brought back, without anybody's order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8PathBuf;
use futures_util::StreamExt as _;
use jiff::Timestamp;

use super::args::Global;
use super::cancel::Cancel;
use super::deliver::{Delivery, deliver};
use super::evidence;
use super::exit::{self, Ended, Failure};
use super::push::{pin, showcase};
use super::session::{Session, bundle_failure, hinted};
use super::surface::{Surface, say};
use crate::base::{ObjectPath, TargetName, causes};
use crate::bundle::{self, Release};
use crate::config::{Target, TargetState};
use crate::health::Condition;
use crate::history::{MirrorHealth, Tries};
use crate::report::{self, Deed, UnattendedRepair};
use crate::schedule::{Choice, choose, next_try, tried_again};
use crate::transfer::{Ending, Look, Outcome, Run, RunKind};

/// Mirrors whose evidence is read at the same time.
const AT_ONCE: usize = 16;

/// What was done about every mirror that something speaks against.
pub struct Mended {
    /// A row for each of them.
    pub mirrors: Vec<UnattendedRepair>,
    /// The run that repaired some, if any were due.
    pub run: Option<Run>,
}

/// A mirror, what is chosen for it, and what that was chosen from.
struct Patient<'a> {
    target: &'a Target,
    health: MirrorHealth,
    suspects: BTreeSet<ObjectPath>,
    tries: Option<Tries>,
    choice: Choice,
}

/// Repairs what may be repaired now, and tells what was done and what was not.
pub async fn mend_and_tell(surface: &Surface, global: &Global) -> Ended {
    let session = Session::open(surface, global)?;
    let targets = session.selected(&global.only)?;
    let cancel = Cancel::on_signals(surface)?;
    let mended = mend(surface, global, &session, &targets, &cancel).await?;
    if surface.json {
        say(&report::repairs_json(&mended.mirrors, mended.run.as_ref()));
    } else {
        if let Some(run) = &mended.run {
            say(&report::run_table(run, surface.style));
        }
        say(&(report::repairs_table(&mended.mirrors, surface.style) + &report::repairs_headline(&mended.mirrors)));
    }
    let failed = mended.mirrors.iter().any(|mirror| mirror.deed == Deed::Failed);
    match cancel.code() {
        Some(code) if mended.run.as_ref().is_some_and(|run| run.cancelled) => Ok(code),
        _ => Ok(if failed { exit::PARTIAL } else { exit::OK }),
    }
}

/// Brings back stale and incomplete mirrors, and quarantined ones once what they serve was kept aside.
///
/// 1. What is known decides; most of the time nothing is to be done, and then nothing is locked or read.
/// 2. Evidence is kept, of all at once. Where that fails the mirror is left as it is.
/// 3. The tries are counted before anything is sent: a repair that takes us down is not begun again at once.
/// 4. One run repairs all of them, within their limits.
pub async fn mend(
    surface: &Surface,
    global: &Global,
    session: &Session,
    targets: &[&Target],
    cancel: &Cancel,
) -> Result<Mended, Failure> {
    let now = session.clock.now();
    let patients = patients(session, targets, now)?;
    let mut mirrors: Vec<UnattendedRepair> = Vec::new();
    let due: Vec<&Patient<'_>> =
        patients.iter().filter(|patient| matches!(patient.choice, Choice::Repair | Choice::KeepEvidence)).collect();
    mirrors.extend(patients.iter().filter_map(row_of_waiting));
    if due.is_empty() {
        return Ok(Mended { mirrors, run: None });
    }
    let Some(release) = current(session, now).await? else { return Ok(Mended { mirrors, run: None }) };
    // Who could not repair now keeps nothing aside: each time would cost an older incident its place.
    let held = session.project.lock().map_err(bundle_failure)?;
    super::newest::refuse_if_set_back(session).await?;
    drop(held);
    let keeping = evidence(session, &due, &release, now);
    let mut evidence_of = tokio::select! {
        biased;
        () = cancel.token.cancelled() => return cancel.check().map(|()| Mended { mirrors, run: None }),
        kept = keeping => kept,
    };
    let _lock = session.project.lock().map_err(bundle_failure)?;
    super::newest::refuse_if_set_back(session).await?;
    // Somebody may have published while others were read.
    let Some(release) = current(session, now).await? else { return Ok(Mended { mirrors, run: None }) };

    let mut chosen = Vec::new();
    for patient in due {
        cancel.check()?;
        let spared = match evidence_of.get(&patient.target.name) {
            Some(Ok(None)) => Some((Deed::LeftAlone, "nothing of what is wrong could be read and kept aside".to_owned())),
            Some(Err(failure)) => Some((Deed::Failed, causes(failure.error.as_ref()).join(": "))),
            Some(Ok(Some(_))) | None => None,
        };
        if let Some((deed, why)) = spared {
            // It counts as a try: a mirror that gives nothing is not to be read again every minute.
            let tries = tried_again(patient.tries, now);
            let noted = session.history.set_repair_tries(&patient.target.name, Some(tries));
            noted.map_err(|error| hinted(exit::UNEXPECTED, error))?;
            let why = Some(format!("not repaired, {why}"));
            mirrors.push(UnattendedRepair { why, ..row(patient, deed, Some(tries)) });
            continue;
        }
        let tries = tried_again(patient.tries, now);
        let noted = session.history.set_repair_tries(&patient.target.name, Some(tries));
        noted.map_err(|error| hinted(exit::UNEXPECTED, error))?;
        chosen.push((patient, tries));
    }
    if chosen.is_empty() {
        return Ok(Mended { mirrors, run: None });
    }
    let look = |patient: &Patient<'_>| Look::Sizes { suspects: patient.suspects.clone() };
    let delivery = Delivery {
        kind: RunKind::Repair,
        targets: chosen.iter().map(|(patient, _)| patient.target).collect(),
        release,
        pin: pin(&session.project)?,
        looks: chosen.iter().map(|(patient, _)| (patient.target.name.clone(), look(patient))).collect(),
        cancel,
    };
    let run = deliver(surface, global, session, delivery).await?;
    for (patient, tries) in chosen {
        let outcome = run.outcomes.iter().find(|outcome| outcome.target == patient.target.name);
        let mut told = concluded(session, patient, tries, outcome)?;
        told.evidence = evidence_of.remove(&patient.target.name).and_then(Result::ok).flatten().map(Utf8PathBuf::into_string);
        mirrors.push(told);
    }
    mirrors.sort_by(|one, other| (one.condition, &one.target).cmp(&(other.condition, &other.target)));
    Ok(Mended { mirrors, run: Some(run) })
}

async fn current(session: &Session, now: Timestamp) -> Result<Option<Arc<Release>>, Failure> {
    let release = bundle::current_release(&session.project, &showcase(session), now).await.map_err(bundle_failure)?;
    Ok(release.map(Arc::new))
}

/// What became of the evidence of each mirror that needs some. All are read at once and without the project's lock: a server
/// that takes its time holds up nobody else.
async fn evidence(
    session: &Session,
    due: &[&Patient<'_>],
    release: &Release,
    now: Timestamp,
) -> BTreeMap<TargetName, Result<Option<Utf8PathBuf>, Failure>> {
    let bad = due.iter().filter(|patient| patient.choice == Choice::KeepEvidence);
    let keeping = bad.map(async |patient| {
        let kept = evidence::keep(session, patient.target, &patient.health, &patient.suspects, release, now).await;
        (patient.target.name.clone(), kept)
    });
    futures_util::stream::iter(keeping).buffer_unordered(AT_ONCE).collect().await
}

/// From when on a mirror may be repaired; `None`: none needs it, or a repair would not help.
pub fn repair_due(session: &Session, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let targets: Vec<&Target> = session.config.targets.iter().collect();
    let moments = patients(session, &targets, now)?.into_iter().filter_map(|patient| match patient.choice {
        Choice::Repair | Choice::KeepEvidence => Some(now),
        Choice::Later(moment) => Some(moment),
        Choice::Nothing | Choice::LeftAlone(_) => None,
    });
    Ok(moments.min())
}

fn patients<'a>(session: &Session, targets: &[&'a Target], now: Timestamp) -> Result<Vec<Patient<'a>>, Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let history = &session.history;
    let mut known: BTreeMap<TargetName, MirrorHealth> =
        history.mirrors_health().map_err(fail)?.into_iter().map(|mirror| (mirror.target.clone(), mirror)).collect();
    let (mut suspects, tries) = (history.suspects().map_err(fail)?, history.repair_tries().map_err(fail)?);
    let of = |target: &&'a Target| {
        let health = known.remove(&target.name)?;
        let suspects = suspects.remove(&target.name).unwrap_or_default();
        let tries = tries.get(&target.name).copied();
        let choice = choose(&health.standing, health.seen.as_ref(), suspects.len(), tries, now);
        Some(Patient { target, health, suspects, tries, choice })
    };
    Ok(targets.iter().filter(|target| target.state == TargetState::Active).filter_map(of).collect())
}

fn row(patient: &Patient<'_>, deed: Deed, tries: Option<Tries>) -> UnattendedRepair {
    UnattendedRepair {
        target: patient.target.name.clone(),
        condition: patient.health.standing.condition,
        deed,
        why: None,
        evidence: None,
        tries: tries.map_or(0, |tries| tries.count),
        next_try: tries.map(next_try),
    }
}

fn row_of_waiting(patient: &Patient<'_>) -> Option<UnattendedRepair> {
    match patient.choice {
        Choice::Later(_) => Some(row(patient, Deed::Later, patient.tries)),
        Choice::LeftAlone(restraint) => {
            Some(UnattendedRepair { why: Some(restraint.to_string()), next_try: None, ..row(patient, Deed::LeftAlone, None) })
        }
        Choice::Nothing | Choice::Repair | Choice::KeepEvidence => None,
    }
}

/// What became of a mirror that was to be repaired: remembered and told.
fn concluded(
    session: &Session,
    patient: &Patient<'_>,
    tries: Tries,
    outcome: Option<&Outcome>,
) -> Result<UnattendedRepair, Failure> {
    let (fail, name) = (|error| hinted(exit::UNEXPECTED, error), &patient.target.name);
    let ending = outcome.map_or(Ending::Cancelled, |outcome| outcome.ending);
    if outcome.is_some_and(Outcome::is_good) {
        session.history.clear_suspects(name, &patient.suspects).map_err(fail)?;
        let nothing_sent = patient.health.standing.condition == Condition::Quarantined
            && outcome.is_some_and(|outcome| outcome.objects_sent == 0);
        let why =
            nothing_sent.then(|| "nothing was wrong where we write: something in front of it alters what readers get".to_owned());
        return Ok(UnattendedRepair { why, ..row(patient, Deed::Repaired, Some(tries)) });
    }
    if matches!(ending, Ending::Deferred | Ending::Paused | Ending::Cancelled) {
        // Nothing was tried, so it does not count.
        session.history.set_repair_tries(name, patient.tries).map_err(fail)?;
        let why = outcome.and_then(|outcome| outcome.failure.as_ref()).and_then(|failure| failure.messages.first().cloned());
        let why = why.unwrap_or_else(|| format!("{ending} before anything was sent"));
        return Ok(UnattendedRepair { why: Some(why), ..row(patient, Deed::Later, patient.tries) });
    }
    let why = outcome.and_then(|outcome| outcome.failure.as_ref()).map(|failure| failure.messages.join(": "));
    Ok(UnattendedRepair { why, ..row(patient, Deed::Failed, Some(tries)) })
}
