//! `spartacus alert`, and what is told at the end of a round.

mod deliver;
mod list;
mod reminders;
mod test;
mod watch;
mod way;
mod whereabouts;

use std::collections::BTreeSet;

use super::args::{Alert, Global};
use super::exit::{self, Ended, Failure};
use super::fleet::fleet;
use super::session::{Session, bundle_failure, hinted};
use super::surface::{Surface, answer, say};
use crate::alert::{Letter, News, Sight, compose, decide};
use crate::base::{Audience, RouteName, TargetName};
use crate::bundle::{BundleError, ProjectLock};
use crate::config::{AlertRoute, Target};
use crate::history::{Incident, NewMessage};
use crate::report::Fleet;

pub use deliver::Delivered;
pub use list::route_records;
use reminders::{Reminders, reminders};
pub use watch::Watch;
pub use way::hand_over;
pub use whereabouts::whereabouts;

/// The errand that whoever sends locks for.
const SENDING: &str = "alerts";

/// What led to telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A round ended.
    Round,
    /// A round was tried and could not be made.
    FailedRound,
    /// None of both: what is remembered, and what waits.
    Memory,
}

/// `spartacus alert`
pub async fn alert(surface: &Surface, global: &Global, order: &Alert) -> Ended {
    let session = Session::open(surface, global)?;
    match order {
        Alert::List => list::list(surface, &session),
        Alert::Test { routes } => test::test(surface, &session, routes).await,
        Alert::Send { dry_run: true } => rehearse(surface, &session),
        Alert::Send { dry_run: false } => {
            some_route(&session)?;
            let delivered = send_alerts(&session, Occasion::Memory).await?;
            let fields = serde_json::json!({ "sent": delivered.sent, "failed": delivered.failed_routes() });
            answer(surface, "spartacus.alert_send/1", &fields, &delivered.headline());
            delivered.complain();
            Ok(if delivered.failed.is_empty() { exit::OK } else { exit::UNHEALTHY })
        }
    }
}

/// Decides, writes down, sends and marks: whatever is due on every route, and what waits from earlier. A route that fails is
/// in the result, and its messages wait for the next time.
///
/// This is what a round ends with, in `check --alert` and in a process that makes rounds by itself.
pub async fn send_alerts(session: &Session, occasion: Occasion) -> Result<Delivered, Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let _alone = alone(session)?;
    for told in due(session, occasion)? {
        let messages: Vec<NewMessage> = told.letters.iter().map(|(mirror, letter)| written(mirror.as_ref(), letter)).collect();
        session.history.decide_alerts(session.clock.now(), &told.route, &told.incidents, &messages).map_err(fail)?;
        let reminders = &told.reminders;
        let messages: Vec<NewMessage> =
            reminders.letters.iter().map(|(mirror, letter)| written(mirror.as_ref(), letter)).collect();
        if !messages.is_empty() {
            session.history.tell(session.clock.now(), &messages, &reminders.told).map_err(fail)?;
        }
    }
    deliver::deliver(session, occasion == Occasion::Memory).await
}

/// Two processes that decide at once would tell the same twice.
fn alone(session: &Session) -> Result<ProjectLock, Failure> {
    session.project.lock_for(SENDING).map_err(|error| match &error {
        BundleError::Locked { holder, .. } => {
            let who = holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            Failure::told(exit::CONFLICT, format!("{who} sends alerts already")).hint("what it sent: spartacus alert list")
        }
        _ => bundle_failure(error),
    })
}

/// What a route is to tell, and what it knows from then on.
struct Told {
    route: RouteName,
    incidents: Vec<Incident>,
    letters: Vec<(Option<TargetName>, Letter)>,
    reminders: Reminders,
}

fn due(session: &Session, occasion: Occasion) -> Result<Vec<Told>, Failure> {
    let targets: Vec<&Target> = session.config.targets.iter().collect();
    let all = fleet(session, &targets)?;
    let sight = Sight::of(
        &all,
        match occasion {
            Occasion::Round => Some(false),
            Occasion::FailedRound => Some(true),
            Occasion::Memory => None,
        },
    );
    session.config.alerts.iter().map(|route| due_on(session, route, &all, &sight)).collect()
}

fn due_on(session: &Session, route: &AlertRoute, all: &Fleet, sight: &Sight) -> Result<Told, Failure> {
    let before = session.history.incidents(&route.name).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let decision = match route.rules.audience {
        Audience::Maintainer => decide(&route.rules, &before, sight),
        Audience::Volunteer => decide(&route.rules, &before, &sight.only(&reachable(session, all))),
    };
    let letter = |news: &News| {
        let whereabouts = news.mirror.as_ref().map(|mirror| whereabouts(session, mirror)).unwrap_or_default();
        compose(all, &route.name, route.rules.audience, &whereabouts, news)
    };
    let letters = decision.news.iter().map(|news| (news.mirror.clone(), letter(news))).collect();
    let reminders = reminders(session, route, all)?;
    Ok(Told { route: route.name.clone(), incidents: decision.incidents, letters, reminders })
}

/// Mirrors whose volunteers said where they are reached. What our own rule about addresses kept us from is nothing of theirs.
fn reachable(session: &Session, all: &Fleet) -> BTreeSet<TargetName> {
    let ours = |target: &Target| all.mirrors.iter().any(|mirror| mirror.name == target.name && mirror.is_refused_by_us());
    let told = session.config.targets.iter().filter(|target| target.contact.is_some() && !ours(target));
    told.map(|target| target.name.clone()).collect()
}

/// A message as it is written down.
pub fn written(mirror: Option<&TargetName>, letter: &Letter) -> NewMessage {
    NewMessage {
        route: letter.route.clone(),
        mirror: mirror.cloned(),
        title: letter.title.clone(),
        letter: serde_json::to_string(letter).expect("records have text keys and finite numbers"),
    }
}

/// Says what would be sent; writes and sends nothing.
fn rehearse(surface: &Surface, session: &Session) -> Ended {
    some_route(session)?;
    let waiting = session.history.waiting_alerts().map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let told: Vec<Told> = due(session, Occasion::Memory)?;
    let letters: Vec<&(Option<TargetName>, Letter)> =
        told.iter().flat_map(|told| told.letters.iter().chain(&told.reminders.letters)).collect();
    if surface.json {
        let messages: Vec<serde_json::Value> = letters
            .iter()
            .map(|(mirror, letter)| {
                serde_json::json!({ "route": letter.route, "mirror": mirror, "title": letter.title, "text": letter.text })
            })
            .collect();
        let fields = serde_json::json!({ "waiting": waiting.len(), "messages": messages });
        answer(surface, "spartacus.alert_rehearsal/1", &fields, "");
        return Ok(exit::OK);
    }
    for (mirror, letter) in &letters {
        let to = mirror.as_ref().map_or_else(String::new, |mirror| format!(", to the volunteer of {mirror}"));
        say(&format!("--- on {}{to}: {}\n{}", letter.route, letter.title, letter.text));
    }
    say(&format!("{} would be written, {} wait from before; nothing was sent", messages(letters.len()), messages(waiting.len())));
    Ok(exit::OK)
}

fn messages(count: usize) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

/// Whoever asks for alerts can do nothing without a route.
fn some_route(session: &Session) -> Result<(), Failure> {
    if session.config.alerts.is_empty() {
        return Err(Failure::told(exit::USAGE, format!("there are no routes for alerts in {}", session.config.path))
            .hint("add `alerts:`, see targets.example.yaml"));
    }
    Ok(())
}
