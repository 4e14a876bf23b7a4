//! What comes and goes through the front database: messages of volunteers in, how their tickets stand out.

use super::add::take_in;
use super::{in_turn, report};
use crate::base::{Lifecycle, causes};
use crate::cli::exit::{self, Failure};
use crate::cli::front::front;
use crate::cli::session::{Session, hinted};
use crate::cli::surface::{Surface, complain};
use crate::history::{Front, OfferRecord, OfferState, Received, TicketState};

/// Takes in what waits, and tells every ticket how it stands; does nothing where the project has no front. A front that cannot be
/// used is told, and keeps nobody from anything else: files can be mailed, too.
pub async fn exchange(surface: &Surface, session: &Session) {
    if let Err(failure) = try_to(surface, session).await {
        complain(&format!("warning: nothing was exchanged with the web front: {}", causes(failure.error.as_ref()).join(": ")));
    }
}

async fn try_to(surface: &Surface, session: &Session) -> Result<(), Failure> {
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let Some(front) = front(&session.config, &session.project)? else { return Ok(()) };
    let waiting = front.waiting().map_err(failed)?;
    if !waiting.is_empty() {
        let _alone = in_turn(&session.project).await?;
        for message in waiting {
            take(surface, session, &front, &message)?;
        }
    }
    let now = session.clock.now();
    for record in session.history.offers().map_err(failed)? {
        let mut words = record.words.clone().unwrap_or_default();
        // Of a mirror its own page tells.
        if record.waits() {
            let answers = report::answers(&record)?;
            words += if words.is_empty() || answers.is_empty() { "" } else { "\n" };
            words += &answers;
        }
        front.tell(&record.ticket, state(&record, now), &words, record.changed).map_err(failed)?;
    }
    Ok(())
}

/// Written down first and removed then: whatever breaks off in between, it is only looked at once more.
fn take(surface: &Surface, session: &Session, front: &Front, message: &Received) -> Result<(), Failure> {
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let now = session.clock.now();
    let refused = match take_in(session, &message.bytes, message.received.min(now)) {
        // Whoever can write into the front database could have put it there under another number.
        Ok(taken) if taken.record.ticket == message.ticket => None,
        Ok(taken) => Some(format!("it came under a number that is not {}", taken.record.ticket)),
        Err(failure) if failure.code == exit::UNEXPECTED => return Err(failure),
        Err(failure) => Some(causes(failure.error.as_ref()).join(": ")),
    };
    let _was_there = front.take(&message.ticket, message.sequence, now).map_err(failed)?;
    if let Some(why) = refused {
        surface.remark(&format!("a message that came through the web front was not taken: {why}"));
        front
            .tell(&message.ticket, TicketState::Rejected, &format!("What was sent last was not taken: {why}."), now)
            .map_err(failed)?;
    }
    Ok(())
}

/// How far an offer has come, in the words that its volunteer is told.
fn state(record: &OfferRecord, now: jiff::Timestamp) -> TicketState {
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
