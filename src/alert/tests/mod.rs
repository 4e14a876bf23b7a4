//! Who is told what and when, tried with made-up rounds.

mod program;
mod random;
mod reminders;
mod rules;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::decide::{News, decide};
use super::sight::{Sight, Trouble};
use crate::base::{AlertCondition, AlertRules, TargetName};
use crate::history::Incident;

/// Time between two rounds.
const ROUND: Duration = Duration::from_mins(5);

fn mirror(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

/// A route through many rounds.
struct Life {
    rules: AlertRules,
    mirrors: BTreeSet<TargetName>,
    at: Timestamp,
    known: Vec<Incident>,
    since: BTreeMap<(Option<TargetName>, AlertCondition), Timestamp>,
}

impl Life {
    fn new(rules: AlertRules, mirrors: &[&str]) -> Self {
        let mirrors = mirrors.iter().map(|name| mirror(name)).collect();
        Self { rules, mirrors, at: "2026-01-01T00:00:00Z".parse().unwrap(), known: Vec::new(), since: BTreeMap::new() }
    }

    fn pass(&mut self, time: Duration) {
        self.at += SignedDuration::try_from(time).unwrap();
    }

    /// A round that finds this; what is told then.
    fn round(&mut self, wrong: &[(&str, AlertCondition)]) -> Vec<News> {
        self.pass(ROUND);
        self.look(wrong)
    }

    /// The same without time between.
    fn look(&mut self, wrong: &[(&str, AlertCondition)]) -> Vec<News> {
        let keys: Vec<(Option<TargetName>, AlertCondition)> =
            wrong.iter().map(|(name, condition)| ((!name.is_empty()).then(|| mirror(name)), *condition)).collect();
        self.since.retain(|key, _| keys.contains(key));
        let troubles = keys.iter().map(|key| {
            let since = *self.since.entry(key.clone()).or_insert(self.at);
            Trouble { mirror: key.0.clone(), condition: key.1, since }
        });
        let fleet = [AlertCondition::Replication, AlertCondition::Observer, AlertCondition::Round];
        let sight = Sight {
            at: self.at,
            troubles: troubles.collect(),
            mirrors: self.mirrors.iter().map(|name| (name.clone(), self.at)).collect(),
            assessed: fleet.into_iter().map(|condition| (condition, self.at)).collect(),
        };
        self.decide(&sight)
    }

    fn decide(&mut self, sight: &Sight) -> Vec<News> {
        let decision = decide(&self.rules, &self.known, sight);
        self.known = decision.incidents;
        decision.news
    }
}

/// `+` told as wrong, `-` told as over.
fn told(news: &[News]) -> Vec<String> {
    let word = |incident: &Incident| {
        let sign = if incident.until.is_none() { '+' } else { '-' };
        format!("{sign}{} {}", incident.mirror.as_ref().map_or("all", |name| name.as_str()), incident.condition)
    };
    news.iter().flat_map(|news| news.firing.iter().chain(&news.resolved).map(word)).collect()
}
