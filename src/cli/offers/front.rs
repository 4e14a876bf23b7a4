//! What comes and goes through the front database: messages of volunteers in, how their tickets stand out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::add::take_in;
use super::{in_turn, report};
use crate::base::{Lifecycle, causes};
use crate::cli::exit::{self, Failure};
use crate::cli::front::{FrontDoor, front};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::{Surface, complain};
use crate::history::{Front, OfferRecord, OfferState, Received, TicketNews, TicketState};

/// Nobody works on the project for longer than this because of messages: what is left comes the next time.
const LONGEST: Duration = Duration::from_secs(30);
/// Tickets of offers that have ended are told of for so long.
const TOLD_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Takes in what waits, and tells every ticket how it stands; does nothing where the project has no front. A front that cannot be
/// used is told, and keeps nobody from anything else: files can be mailed, too.
pub async fn exchange(surface: &Surface, session: &Session) {
    if let Err(failure) = try_to(surface, session).await {
        complain(&format!("warning: nothing was exchanged with the web front: {}", causes(failure.error.as_ref()).join(": ")));
        failure.hints.iter().for_each(|hint| complain(&format!("hint: {hint}")));
    }
}

async fn try_to(surface: &Surface, session: &Session) -> Result<(), Failure> {
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let (Some(policy), Some(front)) = (&session.config.serve, front(&session.config, &session.project)?) else { return Ok(()) };
    let waiting = front.ask(Front::waiting)?;
    let begun = Instant::now();
    let all = session.history.offers().map_err(failed)?;
    let mut undecided = all.iter().filter(|record| record.state == OfferState::Waiting).count();
    let goes_on = |record: &OfferRecord| record.state == OfferState::Waiting || record.state.is_mirror();
    let mut known: BTreeSet<String> = all.into_iter().filter(goes_on).map(|record| record.ticket).collect();
    for message in waiting.into_iter().take_while(|_| begun.elapsed() < LONGEST) {
        // What nobody decides on must not pile up on this side either: it waits at the front, which takes no more at some point.
        let is_new = !known.contains(&message.ticket);
        if is_new && undecided >= usize::try_from(policy.waiting).unwrap_or(usize::MAX) {
            continue;
        }
        let ticket = message.ticket.clone();
        if take(surface, session, &front, message).await? && is_new {
            known.insert(ticket);
            undecided += 1;
        }
    }
    let now = session.clock.now();
    let mut news = Vec::new();
    for record in session.history.offers().map_err(failed)? {
        if told(&record, now) {
            news.push(TicketNews {
                state: state(&record, now),
                words: words(&record)?,
                changed: record.changed,
                taken: record.sequence,
                is_mirror: record.state.is_mirror(),
                ticket: record.ticket,
            });
        }
    }
    front.ask(move |front| front.tell(&news, now))
}

fn told(record: &OfferRecord, now: Timestamp) -> bool {
    let has_ended = matches!(record.state, OfferState::Rejected | OfferState::Withdrawn | OfferState::Expired);
    !has_ended || record.erase || now.duration_since(record.changed) < TOLD_FOR
}

fn words(record: &OfferRecord) -> Result<String, Failure> {
    let mut words = record.words.clone().unwrap_or_default();
    // Of a mirror its own page tells.
    if record.waits() {
        let tried = report::in_short(record)?;
        words += if words.is_empty() || tried.is_empty() { "" } else { "\n" };
        words += &tried;
    }
    Ok(words)
}

/// Written down first and removed then: whatever breaks off in between, it is only looked at once more. True when it was taken.
async fn take(surface: &Surface, session: &Session, front: &FrontDoor, message: Received) -> Result<bool, Failure> {
    let now = session.clock.now();
    let taken = {
        let _alone = in_turn(&session.project).await?;
        take_in(session, &message.bytes, Some(&message.ticket), now)
    };
    let refused = match taken {
        Ok(_) => None,
        Err(failure) if failure.code == exit::UNEXPECTED => return Err(failure),
        Err(failure) => Some(causes(failure.error.as_ref()).join(": ")),
    };
    if let Some(why) = &refused {
        surface.remark(&format!("a message that came through the web front was not taken: {why}"));
    }
    let is_taken = refused.is_none();
    front.ask(move |front| front.take(&message, refused.as_deref(), now))?;
    Ok(is_taken)
}

/// How far an offer has come, in the words that its volunteer is told.
fn state(record: &OfferRecord, now: Timestamp) -> TicketState {
    match (record.state, record.lifecycle(now)) {
        (OfferState::Rejected, _) => TicketState::Rejected,
        (OfferState::Withdrawn | OfferState::Expired, _) if record.erase => TicketState::Draining,
        (OfferState::Withdrawn | OfferState::Expired, _) | (_, Some(Lifecycle::Retired)) => TicketState::Retired,
        (_, Some(Lifecycle::Paused)) => TicketState::Paused,
        (OfferState::Waiting, _) => TicketState::Offered,
        (OfferState::Verifying, _) => TicketState::Verifying,
        (OfferState::Probation, _) => TicketState::Probation,
        (OfferState::Active, _) => TicketState::Active,
    }
}
