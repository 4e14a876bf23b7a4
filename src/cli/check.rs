//! `spartacus check`: every mirror as readers see it.

use std::sync::Arc;

use super::alert::Watch;
use super::alone::{alone, pause};
use super::args::{Check, Global};
use super::cancel::Cancel;
use super::elsewhere::Believed;
use super::exit::{self, Ended, Failure};
use super::fleet::fleet;
use super::judge::judge_round;
use super::merge::merge;
use super::mirror::{reach, source, sources_afresh};
use super::name_servers;
use super::offers::{mature, settle};
use super::outputs::Outputs;
use super::probing::{Looking, probe_orders};
use super::push::pin;
use super::session::{Session, bundle_failure, hinted, paused};
use super::surface::{Surface, fail, say};
use super::vantage::testify;
use crate::base::{ByteCount, Quorum, Sha256, TargetName};
use crate::bundle::{self, Content, Object, Published, Showcase};
use crate::config::{Target, TargetState};
use crate::health::{
    self, Companions, Condition, Control, Depth, Expectation, Mirror, ProbeOrders, Round, RoundOrders, Verdict, When,
};
use crate::history::{Trusted, Whose};
use crate::net::Contacts;
use crate::report::{self, Fleet, FleetMirror, NagiosState};
use crate::store::{Bandwidth, Tap};
use crate::trust::{FileRecord, Known};

/// Looks at all mirrors, remembers and tells what was found.
pub async fn check(surface: &Surface, global: &Global, order: &Check) -> Ended {
    if let (Some(vantage), Some(out)) = (&order.places.vantage, &order.places.out) {
        return testify(surface, global, order, vantage, out).await;
    }
    if !order.nagios {
        return look_and_tell(surface, global, order).await;
    }
    // Whatever hinders us is no news about the mirrors: to a monitoring system it is UNKNOWN.
    look_and_tell(surface, global, order).await.or_else(|failure| {
        say(&report::nagios_unknown(&failure.error.to_string()));
        Ok(NagiosState::Unknown.code())
    })
}

async fn look_and_tell(surface: &Surface, global: &Global, order: &Check) -> Ended {
    let outputs = Outputs::wanted(global, order.prometheus.as_deref(), order.html.as_deref())?;
    let mut session = Session::open(surface, global)?;
    session.selected(&global.only)?;
    let cancel = Cancel::on_signals(surface)?;
    if let Some(most) = order.jitter {
        pause(surface, most, &cancel).await?;
    }
    settle(surface, &mut session, &cancel).await?;
    let targets = session.selected(&global.only)?;
    let _alone = alone(&session)?;
    let merged = merge(surface, &session, &order.places.merge)?;
    let watch = Watch::begin(&session).await;
    let looked = look_at_mirrors(&session, &targets, &looking(order), &cancel).await;
    watch.end(&session, &looked, order.alert).await;
    let round = looked?;
    // A probation may have ended with this round.
    session.follow_offers()?;
    let targets = session.selected(&global.only)?;
    let all = fleet(&session, &targets)?;
    if order.nagios {
        let (state, line) = report::nagios(&all);
        say(&line);
        if let Err(failure) = outputs.write(&session, &targets, &all).await {
            fail(&failure);
        }
        return Ok(state.code());
    }
    tell(surface, &round, all.observer.fault.as_deref());
    for mirror in still_held(&round, &all) {
        surface.remark(&format!(
            "{} is quarantined since {}: it does not count until every byte was found right ({} times, `spartacus check --full`)",
            mirror.name,
            report::moment(mirror.standing.since),
            session.config.health.rules.clean_after
        ));
    }
    let code = merged.code(code(&round, &cancel));
    // What was seen is told first: a full disk must not hide it.
    match outputs.write(&session, &targets, &all).await {
        Err(failure) if code == exit::OK => Err(failure),
        Err(failure) => {
            fail(&failure);
            Ok(code)
        }
        Ok(()) => Ok(code),
    }
}

/// Mirrors that served wrong bytes before, and of which this round read too little to clear them.
fn still_held<'a>(round: &Round, all: &'a Fleet) -> Vec<&'a FleetMirror> {
    let right =
        |mirror: &&FleetMirror| round.mirrors.iter().any(|look| look.target == mirror.name && look.verdict == Verdict::Current);
    let held = all.mirrors.iter().filter(|mirror| mirror.standing.condition == Condition::Quarantined);
    held.filter(right).collect()
}

/// What the options ask for: probes that are due, and a canary only when it is asked for, because it takes credentials.
fn looking(order: &Check) -> Looking {
    let mut looking = Looking { write: When::Never, ..Looking::due(depth(order.files, order.full)) };
    if order.sample.is_some() {
        (looking.picks, looking.sample) = (order.sample, When::Now);
    }
    if order.throughput {
        looking.throughput = When::Now;
    }
    if order.write {
        looking.write = When::Now;
    }
    looking
}

/// The depth that the options ask for.
#[must_use]
pub fn depth(files: bool, full: bool) -> Depth {
    match (files, full) {
        (_, true) => Depth::Full,
        (true, false) => Depth::Files,
        (false, false) => Depth::Metadata,
    }
}

/// One round over `targets`, recorded; as much of it as there was time for when it is cancelled.
pub async fn look_at_mirrors(
    session: &Session,
    targets: &[&Target],
    looking: &Looking,
    cancel: &Cancel,
) -> Result<Round, Failure> {
    let depth = looking.depth;
    let published = Published::load(&session.project, session.clock.now()).await.map_err(bundle_failure)?;
    let policy = &session.config.policy;
    let shared = policy.bandwidth.map(|limit| Bandwidth::new(limit) as Arc<dyn Tap>);
    let needed = published.as_ref().and_then(|state| state.verified().bundles.last()).map(|bundle| ByteCount(bundle.bytes));
    let contacts = Arc::new(Contacts::new(&policy.timeouts));
    let believed = Believed::at(session, session.clock.now()).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let mut mirrors = Vec::new();
    for target in targets.iter().filter(|target| target.state == TargetState::Active) {
        mirrors.push(Mirror {
            target: target.name.clone(),
            source: source(session, target, shared.as_ref()),
            holds: target.holds,
            known: known(session, &target.name)?,
            probes: ProbeOrders {
                reread: believed.to_read_again(&target.name),
                ..probe_orders(session, target, looking, needed)?
            },
            reach: reach(session, &contacts, target),
            again: sources_afresh(session, target),
        });
    }
    let expected = Expectation {
        pin: pin(&session.project)?,
        version: published.as_ref().map_or(0, |state| state.verified().timestamp.version),
        snapshot: published.as_ref().map(|state| Sha256::of(&state.verified().snapshot.bytes)),
        companions: Arc::new(companions(session, depth).await?),
        now: session.clock.now(),
    };
    let looking = health::round(RoundOrders {
        mirrors,
        expected,
        release: published.and_then(|state| state.verified().newest.clone()),
        depth,
        replicas: policy.replicas,
        paused: paused(targets),
        concurrency: policy.concurrency,
        timeouts: policy.timeouts,
        clock: session.clock,
        control: Some(Control::new(contacts, session.config.health.control.clone())),
        cancel: cancel.token.clone(),
    });
    // At the same time: who answers for the mirrors' names has nothing to do with how they are.
    let (round, sights) = tokio::join!(looking, Box::pin(name_servers::ask(session, targets, cancel)));
    remember(session, &round)?;
    judge_round(session, &round, &believed)?;
    mature(session, &round).await?;
    let looked_into = believed.looked_into(&round);
    session.history.looked_into(&looked_into).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    // Offline, no answer says nothing, and would be believed for a day.
    let sights = sights?;
    if round.online != Some(false) && (round.online.is_some() || sights.iter().any(|sight| sight.hosts.is_ok())) {
        name_servers::remember(session, round.started, &sights)?;
    }
    Ok(round)
}

/// What we published besides what the lists name. A check of the metadata needs none of it.
async fn companions(session: &Session, depth: Depth) -> Result<Companions, Failure> {
    if depth == Depth::Metadata {
        return Ok(Companions::default());
    }
    let release = bundle::current_release(&session.project, &Showcase::default(), session.clock.now()).await;
    let Some(release) = release.map_err(bundle_failure)? else { return Ok(Companions::default()) };
    let record = |object: &Object| FileRecord {
        path: object.path.clone(),
        length: object.length,
        sha256: object.sha256,
        chunks: Vec::new(),
    };
    // The files of a bundle lie in the object store; what we made ourselves is in memory.
    let made_here = |object: &&Object| matches!(object.content, Content::Inline(_));
    let signatures = release.bundles.iter().map(|entry| {
        let made = entry.files.iter().filter(made_here).map(record).collect();
        (entry.name.clone(), made)
    });
    Ok(Companions { roots: release.roots.iter().map(record).collect(), signatures: signatures.collect() })
}

fn known(session: &Session, target: &TargetName) -> Result<Option<Known>, Failure> {
    let trusted = session.history.trusted(Whose::Mirror(target)).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    Ok(trusted.map(|seen| Known { root: seen.root, timestamp: seen.timestamp, snapshot: seen.snapshot, ..Known::default() }))
}

fn remember(session: &Session, round: &Round) -> Result<(), Failure> {
    let history = &session.history;
    let fail = |error| hinted(exit::UNEXPECTED, error);
    history.record_round(round).map_err(fail)?;
    for mirror in &round.mirrors {
        if let Some(seen) = &mirror.seen {
            let seen = Trusted { root: seen.root, timestamp: seen.timestamp, snapshot: seen.snapshot, targets: seen.targets };
            history.set_trusted(Whose::Mirror(&mirror.target), seen).map_err(fail)?;
        }
    }
    Ok(())
}

/// The table or the JSON object; the headline is the last line. `own_fault`: why what the round did not see is held against
/// nobody.
pub fn tell(surface: &Surface, round: &Round, own_fault: Option<&str>) {
    if surface.json {
        say(&report::check_json(round, own_fault));
    } else {
        say(&report::check_table(round, surface.style));
        if let Some(fault) = own_fault {
            say(&report::own_fault(fault));
        }
        say(&report::round_headline(round));
    }
}

/// How a round ends: 130 or 143 if a signal stopped it before it was done, else 6 if a mirror is forged, else 4 if copies are missing, else 7 if a mirror is unhealthy.
#[must_use]
pub fn code(round: &Round, cancel: &Cancel) -> u8 {
    if let (false, Some(code)) = (round.unfinished.is_empty(), cancel.code()) {
        return code;
    }
    let forged = |verdict| matches!(verdict, Verdict::Forged | Verdict::Mixed | Verdict::RolledBack);
    if round.mirrors.iter().any(|mirror| forged(mirror.verdict)) {
        return exit::FORGED;
    }
    match round.quorum {
        Quorum::All => exit::OK,
        Quorum::Met => exit::UNHEALTHY,
        Quorum::Missed => exit::QUORUM_MISSED,
    }
}
