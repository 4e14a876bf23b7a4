//! What is wrong now, in the words of alerts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::base::{AlertCondition, TargetName};
use crate::health::Condition;
use crate::report::{Fleet, FleetMirror};

/// One thing that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Of which mirror; `None`: of all, or of ourselves.
    pub mirror: Option<TargetName>,
    /// What.
    pub condition: AlertCondition,
    /// Since when.
    pub since: Timestamp,
}

/// What is known at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The moment.
    pub at: Timestamp,
    /// Everything that is wrong.
    pub troubles: Vec<Trouble>,
    /// Mirrors that are watched, and when each was last looked at; of others nothing is told.
    pub mirrors: BTreeMap<TargetName, Timestamp>,
    /// Troubles of all or of ourselves about which something is known, and as of when; the others stay as they were.
    pub assessed: BTreeMap<AlertCondition, Timestamp>,
}

impl Sight {
    /// What the memory of all mirrors amounts to. `failed_round`: whether a round that was just tried failed; `None` when
    /// none was tried.
    #[must_use]
    pub fn of(fleet: &Fleet, failed_round: Option<bool>) -> Self {
        let mut sight = Self { at: fleet.at, troubles: Vec::new(), mirrors: BTreeMap::new(), assessed: BTreeMap::new() };
        let round_at = fleet.observer.round_at.unwrap_or(fleet.at);
        if let Some(failed) = failed_round {
            sight.assess(AlertCondition::Round, failed, fleet.at);
        }
        if fleet.observer.round_at.is_some() {
            sight.assess(AlertCondition::Observer, !fleet.observer.saw, round_at);
        }
        let watched: Vec<&FleetMirror> = fleet.mirrors.iter().filter(|mirror| mirror.lifecycle.is_watched()).collect();
        // Who saw nothing cannot count copies, and before the first release there are none to count.
        if fleet.observer.round_at.is_some() && fleet.observer.saw && fleet.release.is_some() {
            let good = watched.iter().filter(|mirror| fleet.counts(mirror)).count();
            sight.assess(AlertCondition::Replication, good < fleet.wanted, round_at);
        }
        for mirror in watched {
            sight.mirrors.insert(mirror.name.clone(), mirror.standing.seen_at.unwrap_or(mirror.standing.since));
            if let Some(condition) = trouble_of(mirror.standing.condition) {
                sight.troubles.push(Trouble { mirror: Some(mirror.name.clone()), condition, since: mirror.standing.since });
            }
        }
        sight
    }

    /// The same about these mirrors alone.
    #[must_use]
    pub fn only(&self, mirrors: &BTreeSet<TargetName>) -> Self {
        let mut sight = self.clone();
        sight.mirrors.retain(|name, _| mirrors.contains(name));
        sight.troubles.retain(|trouble| trouble.mirror.as_ref().is_some_and(|name| mirrors.contains(name)));
        sight
    }

    fn assess(&mut self, condition: AlertCondition, wrong: bool, as_of: Timestamp) {
        self.assessed.insert(condition, as_of);
        if wrong {
            self.troubles.push(Trouble { mirror: None, condition, since: as_of });
        }
    }
}

/// What is told of a mirror in this condition. One that was never right yet is no news: it counts in the number of copies.
fn trouble_of(condition: Condition) -> Option<AlertCondition> {
    match condition {
        Condition::Quarantined => Some(AlertCondition::Quarantined),
        Condition::Unreachable => Some(AlertCondition::Unreachable),
        Condition::Incomplete => Some(AlertCondition::Incomplete),
        Condition::Stale => Some(AlertCondition::Stale),
        Condition::Full => Some(AlertCondition::Full),
        Condition::Degraded => Some(AlertCondition::Degraded),
        Condition::Unknown | Condition::Healthy => None,
    }
}
