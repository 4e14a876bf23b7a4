//! What waits is sent: each route by itself, its messages in their order.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::way::{Told, way};
use crate::alert::{Letter, send};
use crate::base::{Audience, MailAddress, RouteName, TargetName};
use crate::cli::exit::{self, Failure};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::complain;
use crate::config::{AlertRoute, AlertWay};
use crate::history::OutboxMessage;

/// The pause after the first failure; it doubles.
const PAUSE: Duration = Duration::from_mins(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);
/// A message that could not be sent for so long tells nobody anything any more.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(7 * 24);

/// What became of the messages.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Messages that were sent.
    pub sent: usize,
    /// Routes that failed, and why.
    pub failed: Vec<(RouteName, Told)>,
}

impl Delivered {
    /// In one line.
    pub fn headline(&self) -> String {
        let sent = super::messages(self.sent);
        match self.failed.len() {
            0 => format!("{sent} sent"),
            1 => format!("{sent} sent, 1 route failed"),
            many => format!("{sent} sent, {many} routes failed"),
        }
    }

    /// On stderr: which routes failed.
    pub fn complain(&self) {
        for (route, why) in &self.failed {
            complain(&format!("alert route {route} failed, and is tried again later: {}", why.message));
            for hint in &why.hints {
                complain(&format!("hint: {hint}"));
            }
        }
    }

    /// For programs.
    pub fn failed_routes(&self) -> Vec<serde_json::Value> {
        let told = |(route, why): &(RouteName, Told)| serde_json::json!({ "route": route, "error": why.message });
        self.failed.iter().map(told).collect()
    }
}

/// Sends what is due, or with `at_once` all that waits. The first failure of a route ends its turn: the rest would meet the same.
pub async fn deliver(session: &Session, at_once: bool) -> Result<Delivered, Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let now = session.clock.now();
    let mut turns: BTreeMap<RouteName, Vec<OutboxMessage>> = BTreeMap::new();
    for message in session.history.waiting_alerts().map_err(fail)? {
        turns.entry(message.message.route.clone()).or_default().push(message);
    }
    let mut delivered = Delivered::default();
    let mut working: JoinSet<Turn> = JoinSet::new();
    for (name, messages) in turns {
        let Some(route) = session.config.alerts.iter().find(|route| route.name == name) else {
            for message in messages {
                give_up(session, &message, now, "the route is no longer in targets.yaml")?;
            }
            continue;
        };
        // Those behind one that has to wait would overtake it.
        if !at_once && messages.first().is_some_and(|message| message.due > now) {
            continue;
        }
        let mut letters = Vec::new();
        for message in messages {
            let Some(to) = recipients(session, route, message.message.mirror.as_ref()) else {
                give_up(session, &message, now, "its mirror has no contact in targets.yaml any more")?;
                continue;
            };
            let letter: Letter = serde_json::from_str(&message.message.letter)
                .map_err(|error| Failure::told(exit::UNEXPECTED, format!("message {} cannot be read: {error}", message.id)))?;
            letters.push((message, letter, to));
        }
        match way(session, route).await {
            Ok(way) => drop(working.spawn(take_turn(name, way, letters))),
            Err(why) => {
                if let Some((first, ..)) = letters.into_iter().next() {
                    failed(session, &first, &why)?;
                }
                delivered.failed.push((name, why));
            }
        }
    }
    while let Some(turn) = working.join_next().await {
        let turn = turn.map_err(|error| Failure::told(exit::UNEXPECTED, format!("a route: {error}")))?;
        for id in &turn.sent {
            session.history.alert_sent(*id, session.clock.now()).map_err(fail)?;
        }
        delivered.sent += turn.sent.len();
        if let Some((message, why)) = turn.failed {
            failed(session, &message, &why)?;
            delivered.failed.push((turn.route, why));
        }
    }
    delivered.failed.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(delivered)
}

/// What one route did.
struct Turn {
    route: RouteName,
    sent: Vec<u64>,
    failed: Option<(Box<OutboxMessage>, Told)>,
}

async fn take_turn(route: RouteName, way: crate::alert::Way, letters: Vec<(OutboxMessage, Letter, Vec<MailAddress>)>) -> Turn {
    let mut turn = Turn { route, sent: Vec::new(), failed: None };
    for (message, letter, to) in letters {
        match send(&way, &letter, &to).await {
            Ok(()) => turn.sent.push(message.id),
            Err(error) => {
                turn.failed = Some((Box::new(message), Told::of(&error)));
                break;
            }
        }
    }
    turn
}

/// Who gets a message of a route; `None`: nobody any more.
fn recipients(session: &Session, route: &AlertRoute, mirror: Option<&TargetName>) -> Option<Vec<MailAddress>> {
    match (route.rules.audience, mirror, &route.way) {
        (Audience::Volunteer, Some(mirror), _) => {
            let target = session.config.targets.iter().find(|target| target.name == *mirror)?;
            Some(vec![*target.contact.clone()?])
        }
        // The audience was changed meanwhile: what was written for others must not reach a volunteer.
        (Audience::Volunteer, None, _) | (Audience::Maintainer, Some(_), _) => None,
        (Audience::Maintainer, None, AlertWay::Smtp(smtp)) => Some(smtp.to.clone()),
        (Audience::Maintainer, None, _) => Some(Vec::new()),
    }
}

fn failed(session: &Session, message: &OutboxMessage, why: &Told) -> Result<(), Failure> {
    let now = session.clock.now();
    if now.duration_since(message.decided) >= signed(GIVEN_UP_AFTER) {
        return give_up(session, message, now, &why.message);
    }
    let pause = PAUSE.saturating_mul(1 << message.tries.min(16)).min(LONGEST_PAUSE);
    let due = now.saturating_add(signed(pause)).unwrap_or(Timestamp::MAX);
    session.history.alert_failed(message.id, now, &why.message, Some(due)).map_err(|error| hinted(exit::UNEXPECTED, error))
}

fn give_up(session: &Session, message: &OutboxMessage, now: Timestamp, why: &str) -> Result<(), Failure> {
    session.history.alert_failed(message.id, now, why, None).map_err(|error| hinted(exit::UNEXPECTED, error))
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).expect("our own pauses are short")
}
