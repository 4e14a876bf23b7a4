//! Volunteers are written to, on the routes that are for them.

use crate::alert::{KeyNews, tell_of_key};
use crate::base::Audience;
use crate::cli::alert::{whereabouts, written};
use crate::cli::exit::{self, Failure};
use crate::cli::fleet::fleet;
use crate::cli::session::{Session, hinted};
use crate::config::{Target, TargetState};
use crate::history::NewMessage;

/// Writes a message for the volunteer of each of these targets who can be reached; `spartacus alert send` and the next round send
/// them. Returns how many.
pub fn write(session: &Session, targets: &[&Target], news: KeyNews<'_>) -> Result<usize, Failure> {
    let reached: Vec<&Target> =
        targets.iter().copied().filter(|target| target.contact.is_some() && target.state == TargetState::Active).collect();
    let all = fleet(session, &reached)?;
    let mut messages: Vec<NewMessage> = Vec::new();
    for route in session.config.alerts.iter().filter(|route| route.rules.audience == Audience::Volunteer) {
        for target in &reached {
            let place = whereabouts(session, &target.name);
            messages.push(written(Some(&target.name), &tell_of_key(&all, &route.name, &place, &target.name, news)));
        }
    }
    session.history.tell(session.clock.now(), &messages, &[]).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    Ok(messages.len())
}

/// How many wait, and how they are sent; empty if none does.
pub fn waiting(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "\n  spartacus alert send              sends the message to its volunteer that waits".to_owned(),
        more => format!("\n  spartacus alert send              sends the {more} messages to volunteers that wait"),
    }
}
