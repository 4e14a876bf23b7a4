//! The JSON that Alertmanager posts to webhooks (version 4), so that everything that takes its messages takes ours.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::letter::{Item, Letter, Urgency};
use crate::base::AlertCondition;

/// `endsAt` of what has not ended, as Alertmanager writes it.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The whole message. As with Alertmanager the group is all that is open on the route: what was told earlier and lasts is in
/// it, so that a receiver that goes by the group's status does not take the end of one trouble for the end of all.
pub(super) fn payload(letter: &Letter) -> Value {
    let items: Vec<&Item> = letter.items.iter().chain(&letter.lasting).collect();
    let firing = items.iter().any(|item| item.until.is_none());
    let labels: Vec<Map<String, Value>> = items.iter().map(|item| labels(letter, item)).collect();
    let apart = group(letter);
    json!({
        "version": "4",
        "groupKey": format!("spartacus/{}/{}{apart}", letter.project, letter.route),
        "truncatedAlerts": 0,
        "status": if firing { "firing" } else { "resolved" },
        "receiver": letter.route,
        "groupLabels": { "project": letter.project },
        "commonLabels": common(&labels, &letter.project),
        "commonAnnotations": { "title": letter.title, "text": letter.text },
        "externalURL": "",
        "alerts": items.iter().zip(&labels).map(|(item, labels)| alert(item, labels)).collect::<Vec<_>>(),
    })
}

/// What is no trouble is a group of its own: it must not end what others wait for, and nobody tells its own end.
fn group(letter: &Letter) -> &'static str {
    match (letter.items.is_empty(), letter.urgency) {
        (true, Urgency::Resolved) => "/test",
        (true, _) => "/notice",
        (false, _) if letter.items.iter().all(|item| item.condition == AlertCondition::Expiring) => "/expiring",
        (false, _) => "",
    }
}

fn labels(letter: &Letter, item: &Item) -> Map<String, Value> {
    let mut labels = Map::new();
    labels.insert("alertname".to_owned(), format!("Spartacus{}", capital(item.condition.word())).into());
    labels.insert("project".to_owned(), letter.project.clone().into());
    labels.insert("condition".to_owned(), item.condition.word().into());
    labels.insert("severity".to_owned(), if item.condition.is_critical() { "critical" } else { "warning" }.into());
    if let Some(mirror) = &item.mirror {
        labels.insert("mirror".to_owned(), mirror.as_str().into());
    }
    labels
}

/// The labels that all alerts of the message share. One without alerts, a test, has that of the project.
fn common(labels: &[Map<String, Value>], project: &str) -> Map<String, Value> {
    let Some((first, others)) = labels.split_first() else {
        return Map::from_iter([("project".to_owned(), project.into())]);
    };
    first
        .iter()
        .filter(|(name, value)| others.iter().all(|other| other.get(*name) == Some(value)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn alert(item: &Item, labels: &Map<String, Value>) -> Value {
    let mut annotations = Map::new();
    annotations.insert("summary".to_owned(), item.summary.clone().into());
    if !item.advice.is_empty() {
        annotations.insert("advice".to_owned(), item.advice.join(" ").into());
    }
    json!({
        "status": if item.until.is_none() { "firing" } else { "resolved" },
        "labels": labels,
        "annotations": annotations,
        "startsAt": item.since,
        "endsAt": item.until.as_ref().map_or_else(|| NEVER.to_owned(), Timestamp::to_string),
        "generatorURL": item.public_url.clone().unwrap_or_default(),
        "fingerprint": item.fingerprint,
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// How urgent a message is on ntfy's scale from 1 to 5.
pub(super) fn priority(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Critical => "5",
        Urgency::Warning => "4",
        Urgency::Resolved => "3",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Audience, RouteName};

    #[test]
    fn what_is_no_trouble_is_a_group_of_its_own() {
        let at: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let item = |condition| Item {
            mirror: None,
            condition,
            since: at,
            until: None,
            summary: String::new(),
            advice: Vec::new(),
            public_url: None,
            fingerprint: String::new(),
        };
        let letter = |urgency, items| Letter {
            id: String::new(),
            thread: String::new(),
            at,
            project: "demo".to_owned(),
            route: RouteName::new("hook").unwrap(),
            audience: Audience::Maintainer,
            urgency,
            title: String::new(),
            text: String::new(),
            items,
            lasting: Vec::new(),
        };
        let (stale, ends) = (item(AlertCondition::Stale), item(AlertCondition::Expiring));
        for (urgency, items, expected, status) in [
            (Urgency::Resolved, Vec::new(), "spartacus/demo/hook/test", "resolved"),
            (Urgency::Warning, Vec::new(), "spartacus/demo/hook/notice", "resolved"),
            (Urgency::Warning, vec![ends], "spartacus/demo/hook/expiring", "firing"),
            (Urgency::Warning, vec![stale], "spartacus/demo/hook", "firing"),
        ] {
            let told = payload(&letter(urgency, items));
            assert_eq!((&told["groupKey"], &told["status"]), (&expected.into(), &status.into()));
        }
    }
}
