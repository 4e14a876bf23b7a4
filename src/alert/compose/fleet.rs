//! For whoever looks after the project: all mirrors.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Item, listed};
use crate::base::AlertCondition;
use crate::history::Incident;
use crate::report::{Fleet, moment};

/// Troubles named in a title.
const TITLED: usize = 3;
/// Mirrors named in a summary.
const NAMED: usize = 20;

/// What is wrong with all, or with ourselves, in words, and what to do.
pub(super) fn of_all(fleet: &Fleet, incident: &Incident) -> (String, Vec<String>) {
    let (good, watched) = good(fleet);
    let over = incident.until.is_some();
    let (summary, advice) = match incident.condition {
        AlertCondition::Replication => (
            format!("{good} of {watched} mirrors are good, {} wanted", fleet.wanted),
            "`spartacus status` tells which are not; `spartacus repair` brings what they lack to those that can be reached.",
        ),
        AlertCondition::Observer if over => ("the mirrors are seen again".to_owned(), ""),
        AlertCondition::Observer => (
            format!(
                "{}: nothing is held against the mirrors, and nothing is known",
                fleet.observer.fault.as_deref().unwrap_or("the fault is ours")
            ),
            "See that this machine is online, that its clock is right, and that names resolve.",
        ),
        AlertCondition::Round if over => ("rounds are made again".to_owned(), ""),
        AlertCondition::Round => {
            ("a round over the mirrors could not be made".to_owned(), "Run `spartacus check` by hand: it says what hinders it.")
        }
        other => (other.to_string(), ""),
    };
    let advice = if over || advice.is_empty() { Vec::new() } else { vec![advice.to_owned()] };
    (summary, advice)
}

/// Each trouble with its evidence.
pub(super) fn usual(fleet: &Fleet, items: &[Item]) -> (String, String) {
    let heads: Vec<String> = items.iter().map(head).collect();
    let mut text = String::new();
    for item in items {
        let _ = match item.until {
            None => writeln!(text, "{}, since {}.", head(item), moment(item.since)),
            Some(until) => writeln!(text, "{}; it lasted from {} to {}.", head(item), moment(item.since), moment(until)),
        };
        if !item.summary.is_empty() {
            let _ = writeln!(text, "  {}", item.summary);
        }
        for advice in &item.advice {
            let _ = writeln!(text, "  What to do: {advice}");
        }
        if let (Some(mirror), None) = (&item.mirror, item.until) {
            let _ = writeln!(text, "  More: spartacus status --explain {mirror}");
        }
        text.push('\n');
    }
    text.push_str(&overview(fleet));
    (listed(&heads, TITLED), text)
}

/// So many at once that each alone says little.
pub(super) fn storm(fleet: &Fleet, items: &[Item]) -> (String, String) {
    let mut counts: BTreeMap<(bool, AlertCondition), Vec<String>> = BTreeMap::new();
    for item in items {
        let name = item.mirror.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string);
        counts.entry((item.until.is_some(), item.condition)).or_default().push(name);
    }
    let count = |(over, condition): &(bool, AlertCondition), names: &[String]| {
        let many = names.len();
        match (over, condition.is_of_fleet()) {
            (false, true) => fleet_head(*condition).to_owned(),
            (true, true) => format!("over: {}", fleet_head(*condition)),
            (false, false) => format!("{many} {condition}"),
            (true, false) => format!("{many} no longer {condition}"),
        }
    };
    let heads: Vec<String> = counts.iter().map(|(what, names)| count(what, names)).collect();
    let mut text = "Many mirrors at once. A common cause is likelier than as many single ones: look at what they share, and \
                    at this machine's own line, before writing to anybody.\n\n"
        .to_owned();
    for (what, names) in &counts {
        let mirrors = if what.1.is_of_fleet() { String::new() } else { format!(": {}", listed(names, NAMED)) };
        let _ = writeln!(text, "{}{mirrors}", count(what, names));
    }
    let _ = write!(text, "\nEach of them: spartacus status\n\n{}", overview(fleet));
    (format!("many mirrors at once: {}", listed(&heads, heads.len())), text)
}

fn head(item: &Item) -> String {
    match (&item.mirror, item.until) {
        (Some(mirror), None) => format!("{mirror} is {}", item.condition),
        (Some(mirror), Some(_)) => format!("{mirror} is no longer {}", item.condition),
        (None, None) => fleet_head(item.condition).to_owned(),
        (None, Some(_)) => format!("over: {}", fleet_head(item.condition)),
    }
}

fn fleet_head(condition: AlertCondition) -> &'static str {
    match condition {
        AlertCondition::Replication => "too few good copies",
        AlertCondition::Observer => "we see no mirrors, by our own fault",
        AlertCondition::Round => "a round failed",
        other => other.word(),
    }
}

pub(super) fn overview(fleet: &Fleet) -> String {
    let (good, watched) = good(fleet);
    let release = fleet.release.as_ref().map_or_else(|| "nothing yet".to_owned(), ToString::to_string);
    format!("{good} of {watched} mirrors are good, {} wanted. Published: {release}.\n", fleet.wanted)
}

fn good(fleet: &Fleet) -> (usize, usize) {
    let watched = fleet.mirrors.iter().filter(|mirror| mirror.lifecycle.is_watched());
    (watched.clone().filter(|mirror| fleet.counts(mirror)).count(), watched.count())
}
