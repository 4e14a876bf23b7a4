//! What a message says.

mod deploy_key;
mod ending;
mod examined;
mod fleet;
mod reproduce;
mod volunteer;
mod whereabouts;

pub use deploy_key::{KeyNews, tell_of_key};
pub use ending::{Renewal, remind};
pub use examined::tell_of_examination;
pub use whereabouts::{Place, Whereabouts};

use super::decide::News;
use super::letter::{Item, Letter, Urgency};
use crate::base::{Audience, RouteName, Sha256, escape};
use crate::history::Incident;
use crate::report::{Fleet, FleetMirror, advice_about};

/// Longest title, in characters: some receivers cut earlier, none later.
const TITLE: usize = 150;

/// The message that tells `news` on a route. `whereabouts` is for volunteers, and of the mirror that `news` is about.
#[must_use]
pub fn compose(fleet: &Fleet, route: &RouteName, audience: Audience, whereabouts: &Whereabouts, news: &News) -> Letter {
    let told = || news.firing.iter().chain(&news.resolved);
    let mut items: Vec<Item> = told().map(|incident| item(fleet, incident)).collect();
    if audience == Audience::Volunteer {
        for item in &mut items {
            item.summary = whereabouts.theirs(&item.summary);
        }
    }
    let (title, text) = match audience {
        Audience::Maintainer if news.storm => fleet::storm(fleet, &items),
        Audience::Maintainer => fleet::usual(fleet, &items),
        Audience::Volunteer => volunteer::usual(fleet, whereabouts, &items),
    };
    let thread = told().next().map_or_else(String::new, |first| thread(fleet, route, first));
    let number: u32 = told().map(|incident| incident.messages).sum();
    Letter {
        id: format!("{thread}.{}.{number}", fleet.at.as_second()),
        thread,
        at: fleet.at,
        project: fleet.project.clone(),
        route: route.clone(),
        audience,
        urgency: urgency(news),
        title: cut(&escape(&format!("[{}] {title}", fleet.project))),
        text,
        items,
        lasting: news.lasting.iter().map(|incident| item(fleet, incident)).collect(),
    }
}

/// A message that says only that the route works.
#[must_use]
pub fn trial(fleet: &Fleet, route: &RouteName, audience: Audience) -> Letter {
    let thread = fingerprint(&["trial", &fleet.project, route.as_str()]);
    Letter {
        id: format!("{thread}.{}", fleet.at.as_nanosecond()),
        thread,
        at: fleet.at,
        project: fleet.project.clone(),
        route: route.clone(),
        audience,
        urgency: Urgency::Resolved,
        title: cut(&escape(&format!("[{}] a test of the route {route}", fleet.project))),
        text: format!("Somebody ran `spartacus alert test {route}`. Nothing is wrong: if you read this, the route works.\n"),
        items: Vec::new(),
        lasting: Vec::new(),
    }
}

/// A message to one volunteer about what is agreed with them; none of an incident.
fn to_volunteer(fleet: &Fleet, route: &RouteName, thread: String, title: &str, text: String) -> Letter {
    of_agreement(fleet, route, Audience::Volunteer, thread, title, text, Vec::new())
}

/// A message about what is agreed with volunteers.
fn of_agreement(
    fleet: &Fleet,
    route: &RouteName,
    audience: Audience,
    thread: String,
    title: &str,
    text: String,
    items: Vec<Item>,
) -> Letter {
    Letter {
        id: format!("{thread}.{}.1", fleet.at.as_second()),
        thread,
        at: fleet.at,
        project: fleet.project.clone(),
        route: route.clone(),
        audience,
        urgency: Urgency::Warning,
        title: cut(&escape(&format!("[{}] {title}", fleet.project))),
        text,
        items,
        lasting: Vec::new(),
    }
}

fn urgency(news: &News) -> Urgency {
    if news.firing.iter().any(|incident| incident.condition.is_critical()) {
        Urgency::Critical
    } else if news.firing.is_empty() {
        Urgency::Resolved
    } else {
        Urgency::Warning
    }
}

fn item(fleet: &Fleet, incident: &Incident) -> Item {
    let mirror = incident.mirror.as_ref().and_then(|name| fleet.mirrors.iter().find(|mirror| mirror.name == *name));
    let (summary, advice) = match mirror {
        Some(mirror) if incident.until.is_none() => of_mirror(mirror),
        Some(mirror) => (format!("it is {} now", mirror.standing.condition), Vec::new()),
        None => fleet::of_all(fleet, incident),
    };
    let name = incident.mirror.as_ref().map_or("", |name| name.as_str());
    Item {
        mirror: incident.mirror.clone(),
        condition: incident.condition,
        since: incident.since,
        until: incident.until,
        summary: escape(&summary),
        advice,
        public_url: mirror.and_then(|mirror| mirror.public_url.as_ref()).map(|url| escape(url.as_str())),
        fingerprint: fingerprint(&[&fleet.project, name, incident.condition.word()]),
    }
}

fn of_mirror(mirror: &FleetMirror) -> (String, Vec<String>) {
    let reasons = &mirror.standing.reasons;
    let summary: Vec<&str> = reasons.iter().map(|reason| reason.message.as_str()).collect();
    let advice = reasons.iter().map(|reason| advice_about(mirror, reason.code).to_owned()).collect();
    (summary.join("; "), advice)
}

fn thread(fleet: &Fleet, route: &RouteName, incident: &Incident) -> String {
    let name = incident.mirror.as_ref().map_or("", |name| name.as_str());
    fingerprint(&[&fleet.project, route.as_str(), name, incident.condition.word(), &incident.since.to_string()])
}

/// 16 hexadecimal digits that stand for these words.
fn fingerprint(words: &[&str]) -> String {
    Sha256::of(words.join("\0").as_bytes()).to_string().chars().take(16).collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= TITLE {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(TITLE - 1).collect::<String>())
    }
}

/// A list of words for a sentence, cut when it grows long.
fn listed(words: &[String], most: usize) -> String {
    match words.len().checked_sub(most) {
        None | Some(0) => words.join(", "),
        Some(more) => format!("{} and {more} more", words[..most].join(", ")),
    }
}
