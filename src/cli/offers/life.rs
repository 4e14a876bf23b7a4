//! What becomes of accepted offers from run to run: probation, renewals, pauses, ends.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::add::become_;
use super::keep::{self, KEPT};
use super::{in_turn, message, opened};
use crate::base::causes;
use crate::cli::cancel::Cancel;
use crate::cli::connect::TargetConnector;
use crate::cli::exit::{self, Failure};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::Surface;
use crate::config::{InvitePolicy, Target};
use crate::history::{MirrorHealth, OfferRecord, OfferState};
use crate::registration::{Offered, Sealed};
use crate::report;
use crate::store::{Retries, Retrying, Store as _};
use crate::transfer::{Connector as _, erase};

/// How long a new mirror has to be good before readers are sent to it, where the configuration does not say.
const PROBATION: SignedDuration = SignedDuration::from_hours(72);
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
/// again in the next run; it keeps nobody from the run itself.
pub async fn settle(surface: &Surface, session: &mut Session, cancel: &Cancel) -> Result<(), Failure> {
    let failed = |error| hinted(exit::UNEXPECTED, error);
    if !session.history.offers().map_err(failed)?.is_empty() {
        let _alone = in_turn(&session.project).await?;
        for record in session.history.offers().map_err(failed)? {
            match settled(surface, session, record.clone(), cancel).await {
                Ok(after) if after != record => session.history.set_offer(&after).map_err(failed)?,
                Ok(_) => {}
                Err(failure) => {
                    let name = record.target.as_ref().unwrap_or(&record.name);
                    surface.remark(&format!("warning: {name}: {}", causes(failure.error.as_ref()).join(": ")));
                }
            }
        }
    }
    session.follow_offers()
}

async fn settled(surface: &Surface, session: &Session, mut record: OfferRecord, cancel: &Cancel) -> Result<OfferRecord, Failure> {
    let now = session.clock.now();
    let name = record.target.clone().unwrap_or_else(|| record.name.clone());
    if record.paused_until.is_some_and(|until| until <= now) {
        record.paused_until = None;
        surface.remark(&format!("{name}: the pause that its volunteer asked for is over"));
    }
    if record.state.is_mirror() && record.waits() {
        record = renewed(surface, session, record)?;
    }
    if record.state.is_mirror() && record.expires <= now {
        become_(&mut record, OfferState::Expired, now);
        record.words = Some(format!("it ended {} and was not renewed", report::moment(record.expires)));
        surface.remark(&format!("{name}: the offer has ended; nothing is sent to it any more"));
    }
    if record.state == OfferState::Waiting && record.expires <= now {
        become_(&mut record, OfferState::Expired, now);
    }
    if matches!(record.state, OfferState::Withdrawn | OfferState::Expired) {
        record = ended(surface, session, record, cancel).await?;
    }
    Ok(record)
}

/// Our files go first, if that is wanted; then what is known of how to log in.
async fn ended(surface: &Surface, session: &Session, mut record: OfferRecord, cancel: &Cancel) -> Result<OfferRecord, Failure> {
    let Some(name) = record.target.clone() else { return Ok(record) };
    if record.erase {
        let target = session.config.targets.iter().find(|target| target.name == name);
        let over = session.clock.now() > record.changed + ERASING;
        match target {
            Some(target) => match take_back(session, target, cancel).await {
                Ok(count) => {
                    surface.remark(&format!("{name}: withdrawn, and {count} files of ours were removed from it"));
                    record.erase = false;
                }
                Err(failure) if over => {
                    surface.remark(&format!("{name}: our files could not be removed, and this is given up: {}", failure.error));
                    record.erase = false;
                }
                Err(failure) => return Err(failure),
            },
            None => record.erase = false,
        }
    }
    if record.sealed {
        keep::forget(session, KEPT, name.as_str())?;
        record.sealed = false;
        surface
            .remark(&format!("{name}: what was known of how to log in is removed; its entry can be taken out of targets.yaml"));
    }
    Ok(record)
}

async fn take_back(session: &Session, target: &Target, cancel: &Cancel) -> Result<u64, Failure> {
    let connector = TargetConnector::new(session, target);
    let removing = async {
        let retries = Arc::new(Retries::new(&target.name, session.config.policy.retry, fastrand::u64(..)));
        let store = retries.connect(|| connector.connect()).await?;
        let store = Retrying::with(store, retries);
        let removed = erase(&store).await;
        store.close().await;
        removed
    };
    tokio::select! {
        biased;
        () = cancel.token.cancelled() => Err(Failure::told(exit::INTERRUPTED, "cancelled while our files were removed")),
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
    keep::keep(session, &sealed, KEPT, name.as_str())?;
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

/// At the end of a round: a new mirror that is whole is on probation, and one that was good for long enough takes part.
pub fn mature(session: &Session) -> Result<(), Failure> {
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let growing = |record: &OfferRecord| matches!(record.state, OfferState::Verifying | OfferState::Probation);
    let records: Vec<OfferRecord> = session.history.offers().map_err(failed)?.into_iter().filter(growing).collect();
    if records.is_empty() {
        return Ok(());
    }
    let healths = session.history.mirrors_health().map_err(failed)?;
    let (now, wanted) = (session.clock.now(), probation(session.config.invite.as_ref()));
    for record in records {
        let Some(health) = healths.iter().find(|health| Some(&health.target) == record.target.as_ref()) else { continue };
        if let Some(after) = grown(&record, health, now, wanted) {
            session.history.set_offer(&after).map_err(failed)?;
            tracing::info!(target = %health.target, state = after.state.word(), "an offered mirror goes on");
        }
    }
    Ok(())
}

/// One step further, if it is time.
fn grown(record: &OfferRecord, health: &MirrorHealth, now: Timestamp, wanted: SignedDuration) -> Option<OfferRecord> {
    let since = record.since?;
    let standing = &health.standing;
    let mut after = record.clone();
    match record.state {
        OfferState::Verifying => {
            let verified = standing.verified_at.filter(|verified| *verified >= since)?;
            become_(&mut after, OfferState::Probation, now);
            after.since = Some(verified);
        }
        OfferState::Probation => {
            // Whoever was not good in between begins anew.
            let good_since = since.max(standing.since);
            if !standing.condition.is_good() || now.duration_since(good_since) < wanted {
                return None;
            }
            become_(&mut after, OfferState::Active, now);
            after.since = None;
        }
        _ => return None,
    }
    Some(after)
}
