//! What waits is sent: each route by itself, its messages in their order, each marked as soon as it was sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::way::{Told, way};
use crate::alert::{Letter, Way, send};
use crate::base::{Audience, Clock, MailAddress, RouteName, TargetName};
use crate::cli::exit::{self, Failure};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::complain;
use crate::config::{AlertRoute, AlertWay, TargetState};
use crate::history::{History, HistoryError, OutboxMessage};

/// The pause after the first failure; it doubles. Shorter than the time between two rounds, so that the next one tries.
const PAUSE: Duration = Duration::from_mins(4);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);
/// A message that could not be sent for so long tells nobody anything any more.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(7 * 24);
/// So many volunteers in a row who could not be reached, and it is the route.
const PATIENCE: usize = 3;

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

/// A message with its contents, and who gets it.
type Ready = (OutboxMessage, Letter, Vec<MailAddress>);

/// Sends what is due, or with `at_once` all that waits. The first failure ends the turn of whoever it was for: the rest would
/// meet the same, and must not overtake it. The others of the route still get theirs.
pub async fn deliver(session: &Session, at_once: bool) -> Result<Delivered, Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let mut turns: BTreeMap<RouteName, Vec<OutboxMessage>> = BTreeMap::new();
    for message in session.history.waiting_alerts().map_err(fail)? {
        turns.entry(message.message.route.clone()).or_default().push(message);
    }
    let ledger = Ledger { history: session.history.clone(), clock: session.clock };
    let mut delivered = Delivered::default();
    let mut working: JoinSet<(RouteName, Turn)> = JoinSet::new();
    for (name, messages) in turns {
        let Some(route) = session.config.alerts.iter().find(|route| route.name == name) else {
            for message in messages {
                ledger.dropped(&message, "the route is no longer in targets.yaml").map_err(fail)?;
            }
            continue;
        };
        let queues = queues(session, &ledger, route, messages, at_once).map_err(fail)?;
        let Some((first, ..)) = queues.iter().flatten().next() else { continue };
        match way(session, route).await {
            Ok(way) => {
                let ledger = ledger.clone();
                working.spawn(async move { (name, take_turn(&ledger, &way, &queues).await) });
            }
            Err(why) => {
                ledger.failed(first, &why).map_err(fail)?;
                delivered.failed.push((name, why));
            }
        }
    }
    let mut lost = None;
    while let Some(turn) = working.join_next().await {
        let (name, turn) = turn.map_err(|error| Failure::told(exit::UNEXPECTED, format!("a route: {error}")))?;
        delivered.sent += turn.sent;
        delivered.failed.extend(turn.failed.map(|why| (name, why)));
        lost = lost.or(turn.lost);
    }
    delivered.failed.sort_by(|one, other| one.0.cmp(&other.0));
    // Told only now: the other routes were to come to their end.
    lost.map_or(Ok(delivered), |error| Err(fail(error)))
}

/// The messages of a route that are due, one queue for each of those who get them.
fn queues(
    session: &Session,
    ledger: &Ledger,
    route: &AlertRoute,
    messages: Vec<OutboxMessage>,
    at_once: bool,
) -> Result<Vec<Vec<Ready>>, HistoryError> {
    let mut queues: BTreeMap<Option<TargetName>, Vec<Ready>> = BTreeMap::new();
    for message in messages {
        let mirror = message.message.mirror.clone();
        let to = recipients(session, route, mirror.as_ref()).map_err(str::to_owned);
        let read = || serde_json::from_str(&message.message.letter).map_err(|error| format!("it cannot be read: {error}"));
        match to.and_then(|to| Ok((to, read()?))) {
            Ok((to, letter)) => queues.entry(mirror).or_default().push((message, letter, to)),
            // One that nobody can get or read must not hold up those behind it.
            Err(why) => ledger.dropped(&message, &why)?,
        }
    }
    let now = session.clock.now();
    let mut due: Vec<Vec<Ready>> = queues.into_values().filter(|queue| at_once || is_due(&queue[0].0, now)).collect();
    // Those who failed before come last: they must not use up the patience with the route again and again.
    due.sort_by_key(|queue| (queue[0].0.tries, queue[0].0.id));
    Ok(due)
}

/// Those behind one that has to wait would overtake it. A pause that is too long is one that a wrong clock made.
fn is_due(first: &OutboxMessage, now: Timestamp) -> bool {
    first.due <= now || first.due.duration_since(now) > signed(LONGEST_PAUSE)
}

/// What one route did.
#[derive(Default)]
struct Turn {
    sent: usize,
    /// The first failure.
    failed: Option<Told>,
    /// Something could not be marked; nothing more was sent then, because it would be sent again.
    lost: Option<HistoryError>,
}

async fn take_turn(ledger: &Ledger, way: &Way, queues: &[Vec<Ready>]) -> Turn {
    let (mut turn, mut in_a_row) = (Turn::default(), 0);
    for queue in queues {
        for (message, letter, to) in queue {
            let result = send(way, letter, to).await.map_err(|error| Told::of(&error));
            let marked = match &result {
                Ok(()) => ledger.sent(message),
                Err(why) => ledger.failed(message, why),
            };
            if let Err(error) = marked {
                turn.lost = Some(error);
                return turn;
            }
            match result {
                Ok(()) => (turn.sent, in_a_row) = (turn.sent + 1, 0),
                Err(why) => {
                    turn.failed.get_or_insert(why);
                    in_a_row += 1;
                    break;
                }
            }
        }
        if in_a_row == PATIENCE {
            break;
        }
    }
    turn
}

/// Where it is written down what became of a message, at once: a kill between two messages must not send the first again.
#[derive(Clone)]
struct Ledger {
    history: Arc<History>,
    clock: Clock,
}

impl Ledger {
    fn sent(&self, message: &OutboxMessage) -> Result<(), HistoryError> {
        self.history.alert_sent(message.id, self.clock.now())
    }

    fn failed(&self, message: &OutboxMessage, why: &Told) -> Result<(), HistoryError> {
        let now = self.clock.now();
        let old = now.duration_since(message.decided) >= signed(GIVEN_UP_AFTER);
        let pause = PAUSE.saturating_mul(1 << message.tries.min(16)).min(LONGEST_PAUSE);
        let due = now.saturating_add(signed(pause)).unwrap_or(Timestamp::MAX);
        self.history.alert_failed(message.id, now, &why.message, (!old).then_some(due))
    }

    fn dropped(&self, message: &OutboxMessage, why: &str) -> Result<(), HistoryError> {
        self.history.alert_dropped(message.id, self.clock.now(), why)
    }
}

/// Who gets a message of a route, or why nobody does any more.
fn recipients(session: &Session, route: &AlertRoute, mirror: Option<&TargetName>) -> Result<Vec<MailAddress>, &'static str> {
    match (route.rules.audience, mirror, &route.way) {
        (Audience::Volunteer, Some(mirror), _) => {
            let target = session.config.targets.iter().find(|target| target.name == *mirror);
            let target = target.ok_or("its mirror is no longer in targets.yaml")?;
            if target.state == TargetState::Paused {
                return Err("its mirror is paused");
            }
            Ok(vec![target.contact.as_deref().cloned().ok_or("its mirror has no contact in targets.yaml any more")?])
        }
        // What was written for others must not reach a volunteer.
        (Audience::Volunteer, None, _) | (Audience::Maintainer, Some(_), _) => Err("the route is for another audience now"),
        (Audience::Maintainer, None, AlertWay::Smtp(smtp)) => Ok(smtp.to.clone()),
        (Audience::Maintainer, None, _) => Ok(Vec::new()),
    }
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).expect("our own pauses are short")
}
