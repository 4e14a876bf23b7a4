//! What becomes of accepted offers from run to run: probation, renewals, pauses, ends.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::add::{become_, begin_anew};
use super::keep::{self, KEPT, TRIED};
use super::{in_turn, message, opened};
use crate::base::{ObjectPath, TargetName, causes};
use crate::bundle::{self, Release};
use crate::cli::cancel::Cancel;
use crate::cli::connect::TargetConnector;
use crate::cli::exit::{self, Failure};
use crate::cli::push::showcase;
use crate::cli::session::{Session, entry_of, hinted};
use crate::cli::surface::Surface;
use crate::config::{InvitePolicy, Target};
use crate::health::Round;
use crate::history::{MirrorHealth, OfferRecord, OfferState};
use crate::registration::{Offered, Sealed};
use crate::report;
use crate::store::{Retries, Retrying, Store as _};
use crate::transfer::{Connector as _, Erased, erase};

/// How long a new mirror has to be good before readers are sent to it, where the configuration does not say.
const PROBATION: SignedDuration = SignedDuration::from_hours(72);
/// An entry that is not there for so long was taken out. Before, it may be commented out, or the file an older one.
const MISSED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Whoever was not answered for so long has to offer it again: what nobody decides on is not kept for ever.
const UNDECIDED_FOR: SignedDuration = SignedDuration::from_hours(60 * 24);
/// In one run our files are removed for so long at most.
const ERASING_ONCE: Duration = Duration::from_mins(5);
/// A server that does not let us remove our files is tried for so long.
const ERASING: SignedDuration = SignedDuration::from_hours(72);

/// The time of probation.
fn probation(policy: Option<&InvitePolicy>) -> SignedDuration {
    policy.and_then(|policy| SignedDuration::try_from(policy.probation).ok()).unwrap_or(PROBATION)
}

/// The same in words.
#[must_use]
pub fn span(policy: Option<&InvitePolicy>) -> String {
    let hours = probation(policy).as_hours();
    if hours == 0 { format!("{} min", probation(policy).as_mins()) } else { format!("{hours} h") }
}

/// At the beginning of a run: what volunteers said and what time brought takes effect. What cannot be done now is told, and tried
/// again in the next run; it keeps nobody from the run itself for longer than [`ERASING_ONCE`].
pub async fn settle(surface: &Surface, session: &mut Session, cancel: &Cancel) -> Result<(), Failure> {
    super::front::exchange(surface, session).await;
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let mut leaving = Vec::new();
    if !session.history.offers().map_err(failed)?.is_empty() {
        let _alone = match in_turn(&session.project).await {
            Ok(alone) => alone,
            Err(failure) => {
                surface.remark(&format!("warning: what volunteers said takes effect in the next run: {}", failure.error));
                return session.follow_offers();
            }
        };
        for record in session.history.offers().map_err(failed)? {
            let after = settled(surface, session, record.clone())?;
            if after.erase {
                leaving.push(after.clone());
            }
            if after != record {
                session.history.set_offer(&after).map_err(failed)?;
            }
        }
    }
    session.follow_offers()?;
    // Others may write offers down meanwhile: a server takes its time.
    for record in leaving {
        let done = leave(surface, session, &record, cancel).await;
        // Missed: it is done once more in the next run.
        let Ok(_alone) = in_turn(&session.project).await else { continue };
        let newest = session.history.offers().map_err(failed)?.into_iter().find(|known| known.ticket == record.ticket);
        if let (true, Some(mut newest)) = (done, newest.filter(|newest| newest.sequence == record.sequence)) {
            newest.erase = false;
            let newest = ended(surface, session, newest)?;
            session.history.set_offer(&newest).map_err(failed)?;
        }
    }
    Ok(())
}

fn settled(surface: &Surface, session: &Session, mut record: OfferRecord) -> Result<OfferRecord, Failure> {
    let now = session.clock.now();
    let name = record.target.clone().unwrap_or_else(|| record.name.clone());
    if record.paused_until.is_some_and(|until| until <= now) {
        record.paused_until = None;
        begin_anew(&mut record, now);
        surface.remark(&format!("{name}: the pause that its volunteer asked for is over"));
    }
    if record.state.is_mirror() && record.waits() {
        match renewed(surface, session, record.clone()) {
            Ok(after) => record = after,
            Err(failure) => {
                let why = causes(failure.error.as_ref()).join(": ");
                surface.remark(&format!("warning: {name}: an update of the offer cannot be used: {why}"));
            }
        }
    }
    missed(surface, session, &mut record, &name);
    if record.state == OfferState::Waiting && record.agreed.is_none() && now.duration_since(record.changed) > UNDECIDED_FOR {
        become_(&mut record, OfferState::Expired, now);
        record.words = Some("nobody decided on it within 60 days; seal and send it once more if it still stands".to_owned());
        surface.remark(&format!("{name}: nobody decided on this offer within 60 days, so it has ended"));
    }
    if matches!(record.state, OfferState::Verifying | OfferState::Probation | OfferState::Active | OfferState::Waiting)
        && record.expires <= now
    {
        record = expired(surface, session, record, &name)?;
    }
    if matches!(record.state, OfferState::Withdrawn | OfferState::Expired | OfferState::Rejected) && !record.erase {
        record = ended(surface, session, record)?;
    }
    Ok(record)
}

/// An offer ends when its entry was taken out of the list of targets, and not because it is missing for a while.
fn missed(surface: &Surface, session: &Session, record: &mut OfferRecord, name: &TargetName) {
    let now = session.clock.now();
    if !record.state.is_mirror() || record.target.is_none() || entry_of(&session.config, record).is_some() {
        record.missing_since = None;
        return;
    }
    let since = *record.missing_since.get_or_insert(now);
    if now.duration_since(since) < MISSED_FOR {
        let end = report::moment(since.saturating_add(MISSED_FOR).unwrap_or(Timestamp::MAX));
        surface.remark(&format!("{name}: its entry is not in targets.yaml any more; its offer ends {end} if that stays so"));
        return;
    }
    record.missing_since = None;
    become_(record, OfferState::Rejected, now);
    record.words = Some("its entry was taken out of the list of targets".to_owned());
    surface.remark(&format!("{name}: its entry was taken out of targets.yaml, so the offer has ended"));
}

/// What was agreed is over. An update that came in time and waits for a maintainer is an offer from now on.
fn expired(surface: &Surface, session: &Session, mut record: OfferRecord, name: &TargetName) -> Result<OfferRecord, Failure> {
    let now = session.clock.now();
    let newest = message(session, &record.file).ok().and_then(|message| Some(message.request.offered()?.expires));
    if let Some(later) = newest.filter(|later| *later > now) {
        surface.remark(&format!(
            "{name}: what was agreed has ended; an update of it waits: spartacus offers accept {}",
            record.ticket
        ));
        become_(&mut record, OfferState::Waiting, now);
        record.expires = later;
        // What was agreed with them is over; the update has its own.
        keep::forget(session, KEPT, &record.ticket)?;
        record.sealed = false;
        return Ok(record);
    }
    if record.state.is_mirror() {
        surface.remark(&format!("{name}: the offer has ended; nothing is sent to it any more"));
    }
    record.words = Some(format!("it ended {} and was not renewed", report::moment(record.expires)));
    become_(&mut record, OfferState::Expired, now);
    Ok(record)
}

/// What is known of how to log in goes, and the offer's own name for its target with it.
fn ended(surface: &Surface, session: &Session, mut record: OfferRecord) -> Result<OfferRecord, Failure> {
    let kept = keep::forget(session, KEPT, &record.ticket)?;
    keep::forget(session, TRIED, &record.ticket)?;
    let has_entry = entry_of(&session.config, &record).is_some();
    if let (true, Some(name)) = (kept || (record.agreed.is_some() && has_entry), &record.target) {
        let entry = if has_entry { "; its entry can be taken out of targets.yaml" } else { "" };
        surface.remark(&format!("{name}: what was known of how to log in is removed{entry}"));
    }
    record.forget();
    if !has_entry {
        (record.target, record.entry, record.since) = (None, None, None);
    }
    Ok(record)
}

/// Takes our files off a place whose volunteer wants that. True when it need not be tried again.
async fn leave(surface: &Surface, session: &Session, record: &OfferRecord, cancel: &Cancel) -> bool {
    let name = record.target.as_ref().unwrap_or(&record.name);
    let Some(target) = entry_of(&session.config, record) else {
        surface.remark(&format!("{name}: its volunteer wants our files removed, but its entry is not in targets.yaml any more"));
        return true;
    };
    let over = session.clock.now() > record.changed + ERASING;
    match take_back(session, target, cancel).await {
        Ok(erased) => {
            surface.remark(&match erased {
                Erased::Listed(count) => format!("{name}: withdrawn, and {count} files of ours were removed from it"),
                Erased::ByName => format!(
                    "{name}: withdrawn, and the files that we know of were removed by their names, for its server tells no lists; empty folders are left"
                ),
            });
            true
        }
        Err(failure) => {
            let (why, next) = (causes(failure.error.as_ref()).join(": "), if over { "given up" } else { "tried again" });
            surface.remark(&format!("warning: {name}: our files could not be removed, which is {next}: {why}"));
            over
        }
    }
}

async fn take_back(session: &Session, target: &Target, cancel: &Cancel) -> Result<Erased, Failure> {
    let connector = TargetConnector::new(session, target);
    // For servers that cannot tell what lies there.
    let release = bundle::current_release(&session.project, &showcase(session), session.clock.now()).await;
    let mut known: Vec<ObjectPath> =
        release.map(|release| release.iter().flat_map(Release::all_versions).collect()).unwrap_or_default();
    // One run may not get to the end: the next one shall not begin with what is gone.
    fastrand::shuffle(&mut known);
    let removing = async {
        let retries = Arc::new(Retries::new(&target.name, session.config.policy.retry, fastrand::u64(..)));
        let store = retries.connect(|| connector.connect()).await?;
        let store = Retrying::with(store, retries);
        let removed = erase(&store, &known).await;
        store.close().await;
        removed
    };
    tokio::select! {
        biased;
        () = cancel.token.cancelled() => Err(Failure::told(exit::INTERRUPTED, "cancelled while our files were removed")),
        () = tokio::time::sleep(ERASING_ONCE) => Err(Failure::told(exit::PARTIAL, "it takes too long; the next run goes on")),
        removed = removing => removed.map_err(|error| hinted(exit::PARTIAL, error)),
    }
}

/// An update that changes neither the place nor what is public of it takes effect by itself: another end, other secrets. Anything
/// else waits for the maintainer, for it would lead us somewhere else.
fn renewed(surface: &Surface, session: &Session, mut record: OfferRecord) -> Result<OfferRecord, Failure> {
    let message = message(session, &record.file)?;
    let (Some(offered), Some(name)) = (message.request.offered(), record.target.clone()) else { return Ok(record) };
    let sealed = opened(session, &message)?;
    if likeness(session, &record, &sealed) != Likeness::Whole {
        return Ok(record);
    }
    keep::keep(session, &sealed, KEPT, &record.ticket)?;
    (record.expires, record.sealed) = (offered.expires, !sealed.secrets.is_empty());
    record.agreed = Some(record.file.clone());
    record.words = None;
    surface.remark(&format!("{name}: renewed by its volunteer until {}", report::moment(record.expires)));
    Ok(record)
}

/// How far the newest message of a record is about what was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// In everything but its end, its notes and the secrets themselves.
    Whole,
    /// Readers find it, and we get in, where they did before.
    Place,
    /// It leads elsewhere, or nobody can tell.
    None,
}

/// Compares what was agreed with the newest message, of which this is sealed.
pub fn likeness(session: &Session, record: &OfferRecord, sealed: &Sealed) -> Likeness {
    let Some(agreed) = &record.agreed else { return Likeness::None };
    let compared = || -> Result<Likeness, Failure> {
        let (before, after) = (message(session, agreed)?, message(session, &record.file)?);
        let inside = opened(session, &before)?;
        let (Some(one), Some(other)) = (before.request.offered(), after.request.offered()) else { return Ok(Likeness::None) };
        let plain = |offered: &Offered| Offered { expires: Timestamp::UNIX_EPOCH, sealed: Vec::new(), ..offered.clone() };
        let same_way_in = inside.place == sealed.place && inside.secrets.keys().eq(sealed.secrets.keys());
        Ok(match (plain(one) == plain(other) && inside.contact == sealed.contact, one.public_url == other.public_url) {
            (true, _) if same_way_in => Likeness::Whole,
            (_, true) if same_way_in => Likeness::Place,
            _ => Likeness::None,
        })
    };
    // An offline identity may be all that still opens the old one: then a maintainer looks at it.
    compared().unwrap_or(Likeness::None)
}

/// At the end of a round: a new mirror that is whole is on probation, and one that was good for long enough takes part. Only those
/// that this round saw.
pub async fn mature(session: &Session, round: &Round) -> Result<(), Failure> {
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let growing = |record: &OfferRecord| matches!(record.state, OfferState::Verifying | OfferState::Probation);
    if !session.history.offers().map_err(failed)?.iter().any(growing) {
        return Ok(());
    }
    // Missed: the next round sees the same.
    let Ok(_alone) = in_turn(&session.project).await else { return Ok(()) };
    let healths = session.history.mirrors_health().map_err(failed)?;
    for record in session.history.offers().map_err(failed)?.into_iter().filter(growing) {
        if entry_of(&session.config, &record).is_none() {
            continue;
        }
        let Some(health) = healths.iter().find(|health| Some(&health.target) == record.target.as_ref()) else { continue };
        // Of others nothing new is known.
        if !round.mirrors.iter().any(|look| look.target == health.target) || health.standing.seen_at < Some(round.started) {
            continue;
        }
        if let Some(after) = grown(session, &record, health)? {
            session.history.set_offer(&after).map_err(failed)?;
            tracing::info!(target = %health.target, state = after.state.word(), "an offered mirror goes on");
        }
    }
    Ok(())
}

/// One step further, if it is time.
fn grown(session: &Session, record: &OfferRecord, health: &MirrorHealth) -> Result<Option<OfferRecord>, Failure> {
    let (now, wanted) = (session.clock.now(), probation(session.config.invite.as_ref()));
    let (standing, Some(since)) = (&health.standing, record.since) else { return Ok(None) };
    let mut after = record.clone();
    match record.state {
        OfferState::Verifying => {
            let Some(verified) = standing.verified_at.filter(|verified| *verified >= since) else { return Ok(None) };
            become_(&mut after, OfferState::Probation, now);
            after.since = Some(verified);
        }
        OfferState::Probation => {
            // Whoever was not good in between begins anew.
            let good_since = since.max(standing.since);
            if !standing.condition.is_good() || now.duration_since(good_since) < wanted {
                return Ok(None);
            }
            let (hours, _) =
                session.history.good_hours(&health.target, good_since).map_err(|error| hinted(exit::UNEXPECTED, error))?;
            if hours < hours_wanted(wanted, session.config.health.every) {
                return Ok(None);
            }
            become_(&mut after, OfferState::Active, now);
            after.since = None;
        }
        _ => return Ok(None),
    }
    Ok(Some(after))
}

/// In how many hours there has to be a good look: half of those in which one was due, and one at least.
fn hours_wanted(wanted: SignedDuration, every: Duration) -> u32 {
    let due = every.as_secs().max(3600);
    u32::try_from(wanted.as_secs().unsigned_abs() / due / 2).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_looks_that_were_due_are_wanted() {
        let wanted = |probation, every| hours_wanted(SignedDuration::from_secs(probation), Duration::from_secs(every));
        assert_eq!(wanted(72 * 3600, 300), 36, "several looks an hour count once");
        assert_eq!(wanted(72 * 3600, 12 * 3600), 3);
        assert_eq!(wanted(72 * 3600, 30 * 24 * 3600), 1);
        assert_eq!(wanted(0, 300), 1);
    }
}
