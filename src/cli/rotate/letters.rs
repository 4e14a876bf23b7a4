//! Volunteers are written to, on the routes that are for them.

use std::collections::BTreeSet;

use super::ask::users;
use crate::alert::{KeyNews, Letter, tell_of_key};
use crate::base::{Audience, TargetName};
use crate::bundle::Rotation;
use crate::cli::alert::{whereabouts, written};
use crate::cli::exit::{self, Failure};
use crate::cli::fleet::fleet;
use crate::cli::session::{Session, bundle_failure, hinted};
use crate::config::{Target, TargetState};
use crate::history::NewMessage;
use crate::registration::Invite;

/// What volunteers were told.
#[derive(Debug, Default)]
pub struct Told {
    /// Messages that were written.
    pub messages: usize,
    /// Targets whose volunteers are not written to.
    pub left_out: Vec<TargetName>,
    /// Both in words, a line each.
    pub words: String,
}

/// Writes to the volunteers about the key that comes, if one does. Their letter says that the newest invite proves it, so this is for
/// when there is one.
pub fn tell_of_the_next_key(session: &Session, invite: &Invite) -> Result<Told, Failure> {
    if session.project.rotation() != Rotation::UnderWay {
        return Ok(Told::default());
    }
    let every: Vec<&Target> = session.config.targets.iter().collect();
    let targets = users(session, &every);
    let pin = session.project.pin().map_err(bundle_failure)?;
    let messages = match session.project.deploy_keys().map_err(bundle_failure)?.as_slice() {
        // One that was made while this invite was signed is not in it.
        [_, next] if invite.deploy_keys.contains(next) => write(session, &targets, KeyNews::Next { line: next, pin })?,
        _ => 0,
    };
    let left_out = left_out(session, &targets);
    let words = format!("{}{}", waiting(messages), not_told(&left_out));
    let left_out = left_out.into_iter().map(|(name, _)| name.clone()).collect();
    Ok(Told { messages, left_out, words })
}

/// Writes a message for the volunteer of each of these targets who can be reached and has not heard of it; `spartacus alert send` and
/// the next round send them. Returns how many.
pub fn write(session: &Session, targets: &[&Target], news: KeyNews<'_>) -> Result<usize, Failure> {
    let reached: Vec<&Target> = targets.iter().copied().filter(|target| why_not(session, target).is_none()).collect();
    let (all, known) = (fleet(session, &reached)?, threads(session)?);
    let mut messages: Vec<NewMessage> = Vec::new();
    for route in session.config.alerts.iter().filter(|route| route.rules.audience == Audience::Volunteer) {
        for target in &reached {
            let place = whereabouts(session, &target.name);
            let letter = tell_of_key(&all, &route.name, &place, &target.name, news);
            if !known.contains(&letter.thread) {
                messages.push(written(Some(&target.name), &letter));
            }
        }
    }
    session.history.tell(session.clock.now(), &messages, &[]).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    Ok(messages.len())
}

/// Letters about a next key that there is no more are not sent, if they wait still.
pub fn take_back(session: &Session, targets: &[&Target], line: &str) -> Result<(), Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let pin = session.project.pin().map_err(bundle_failure)?;
    let all = fleet(session, targets)?;
    let mut threads: BTreeSet<String> = BTreeSet::new();
    for route in &session.config.alerts {
        for target in targets {
            let place = whereabouts(session, &target.name);
            threads.insert(tell_of_key(&all, &route.name, &place, &target.name, KeyNews::Next { line, pin }).thread);
        }
    }
    for message in session.history.waiting_alerts().map_err(fail)? {
        let letter = serde_json::from_str::<Letter>(&message.message.letter);
        if letter.is_ok_and(|letter| threads.contains(&letter.thread)) {
            let why = "the change of the deploy key was cancelled";
            session.history.alert_dropped(message.id, session.clock.now(), why).map_err(fail)?;
        }
    }
    Ok(())
}

/// What was told, or is going to be: a command that was killed can be given again, and tells nobody twice.
fn threads(session: &Session) -> Result<BTreeSet<String>, Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let mut all = session.history.waiting_alerts().map_err(fail)?;
    all.extend(session.history.past_alerts(u32::MAX).map_err(fail)?.into_iter().filter(|message| message.sent));
    let thread = |text: &String| serde_json::from_str::<Letter>(text).ok().map(|letter| letter.thread);
    Ok(all.iter().filter_map(|message| thread(&message.message.letter)).collect())
}

/// Why nobody writes to the volunteer of a target; `None`: they are written to.
fn why_not(session: &Session, target: &Target) -> Option<&'static str> {
    if target.state != TargetState::Active {
        return Some("paused");
    }
    if target.contact.is_none() {
        return Some("no contact");
    }
    let is_for_them = |audience| audience == Audience::Volunteer;
    (!session.config.alerts.iter().any(|route| is_for_them(route.rules.audience))).then_some("no route for volunteers")
}

/// Those of these targets whose volunteers are not written to, and why.
pub fn left_out<'a>(session: &Session, targets: &[&'a Target]) -> Vec<(&'a TargetName, &'static str)> {
    targets.iter().filter_map(|target| Some((&target.name, why_not(session, target)?))).collect()
}

/// The same as a line; empty if there is none.
pub fn not_told(left_out: &[(&TargetName, &'static str)]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let names: Vec<String> = left_out.iter().map(|(name, why)| format!("{name} ({why})")).collect();
    format!("\n  not written to, so tell them yourself: {}", names.join(", "))
}

/// How many wait, and how they are sent; empty if none does.
pub fn waiting(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "\n  spartacus alert send              sends the message to its volunteer that waits".to_owned(),
        more => format!("\n  spartacus alert send              sends the {more} messages to volunteers that wait"),
    }
}
