//! What others see of a mirror from elsewhere.
//!
//! 1. A mirror is out of reach when more than half of all who looked do not reach it, us included.
//! 2. When fewer do not, or when old or missing content is seen from some places only, it is degraded: readers there are worse
//!    off, and the mirror is not down.
//! 3. Wrong bytes that others report count only once they were seen from here. Until then it is degraded, with what they say.

use super::judge::{Around, is_over};
use super::reasons::Reasons;
use super::{Condition, Counters, ReasonCode};
use crate::base::HealthRules;
use crate::health::{Elsewhere, Observation, Verdict};

/// Who looked at a mirror, and who reached it.
#[derive(Debug)]
pub(super) struct Eyes<'a> {
    /// We did.
    pub here: bool,
    failing: Vec<&'a Elsewhere>,
    reaching: Vec<&'a Elsewhere>,
}

impl<'a> Eyes<'a> {
    pub fn of(seen: &Observation, elsewhere: &'a [Elsewhere]) -> Self {
        let (failing, reaching) = elsewhere.iter().partition(|other| other.glance.verdict == Verdict::Unreadable);
        Self { here: seen.look.verdict != Verdict::Unreadable, failing, reaching }
    }

    /// Whether not more than half fail. Nobody else: whether we reached it.
    pub fn is_reached(&self) -> bool {
        let failing = self.failing.len() + usize::from(!self.here);
        failing * 2 <= self.failing.len() + self.reaching.len() + 1
    }

    /// Whether nobody else looked.
    pub fn are_ours_alone(&self) -> bool {
        self.failing.is_empty() && self.reaching.is_empty()
    }

    /// From where it is not reached, and what was met there first; nothing when nobody else looked.
    pub fn silence(&self, seen: &Observation) -> Option<(String, String)> {
        if self.are_ours_alone() {
            return None;
        }
        let mut places = names(&self.failing);
        places.extend((!self.here).then_some("here"));
        let mut fine = names(&self.reaching);
        fine.extend(self.here.then_some("here"));
        let fine = if fine.is_empty() { String::new() } else { format!(", fine from {}", listed(&fine)) };
        let what = if self.here { self.failing.first().and_then(|other| first_fact(other)) } else { our_fact(seen) };
        Some((format!("from {}{fine}", listed(&places)), what.unwrap_or_default()))
    }
}

/// Whether we do not reach it, others neither, and we are the majority together: then its silence says nothing about us. What
/// we reach does say something, whatever others say.
#[must_use]
pub fn is_silent_elsewhere(seen: &Observation, around: &Around) -> bool {
    let eyes = Eyes::of(seen, &around.elsewhere);
    !eyes.here && !eyes.failing.is_empty() && !eyes.is_reached()
}

/// Whether `others` alone decides about this reason.
pub(super) fn is_of_others(code: ReasonCode) -> bool {
    matches!(code, ReasonCode::Regional | ReasonCode::Unconfirmed)
}

/// Tells where others disagree with us, and what they report that we do not see.
pub(super) fn others(
    reasons: &mut Reasons,
    counters: &Counters,
    eyes: &Eyes<'_>,
    seen: &Observation,
    around: &Around,
    rules: &HealthRules,
) {
    if around.elsewhere.is_empty() {
        return;
    }
    regional(reasons, counters, eyes, seen, around, rules);
    unconfirmed(reasons, seen, around);
}

fn regional(
    reasons: &mut Reasons,
    counters: &Counters,
    eyes: &Eyes<'_>,
    seen: &Observation,
    around: &Around,
    rules: &HealthRules,
) {
    // Our own silence needs as many rounds as ever. Others tried twice before they signed, and say it once in a while.
    let unseen = counters.unseen >= rules.unreachable_after;
    if reasons.has(ReasonCode::NoAnswer) || !(eyes.is_reached() || unseen) {
        return;
    }
    let mut places = names(&eyes.failing);
    places.extend(unseen.then_some("here"));
    let (odd, fine): (Vec<&Elsewhere>, Vec<&Elsewhere>) =
        eyes.reaching.iter().copied().partition(|other| oddity(other, eyes, seen, around, rules).is_some());
    let of = |kind: &str| -> Vec<&Elsewhere> {
        odd.iter().copied().filter(|other| oddity(other, eyes, seen, around, rules) == Some(kind)).collect()
    };
    let (older, incomplete) = (of(OLDER), of(INCOMPLETE));
    let mut fine = names(&fine);
    fine.extend(eyes.here.then_some("here"));
    let parts = [("unreachable", places), (OLDER, names(&older)), (INCOMPLETE, names(&incomplete))];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, places)| !places.is_empty())
        .map(|(what, places)| format!("{what} from {}", listed(places)))
        .collect();
    if parts.is_empty() {
        return;
    }
    let fine = if fine.is_empty() { String::new() } else { format!(", fine from {}", listed(&fine)) };
    let fact = eyes.failing.iter().chain(&odd).find_map(|other| first_fact(other));
    let fact = fact.or_else(|| our_fact(seen).filter(|_| unseen)).map(|fact| format!(": {fact}")).unwrap_or_default();
    reasons.tell(ReasonCode::Regional, format!("{}{fine}{fact}", parts.join(", ")));
}

const OLDER: &str = "older";
const INCOMPLETE: &str = "incomplete";

/// What somebody who reached it saw that we did not; nothing within the grace time after a push, because they looked at
/// another moment than we did.
fn oddity(other: &Elsewhere, eyes: &Eyes<'_>, seen: &Observation, around: &Around, rules: &HealthRules) -> Option<&'static str> {
    let overdue = around.due_since.is_some_and(|due| is_over(other.at.duration_since(due), rules.grace));
    if !eyes.here || !overdue {
        return None;
    }
    if other.glance.verdict == Verdict::Incomplete && seen.look.verdict != Verdict::Incomplete {
        return Some(INCOMPLETE);
    }
    (other.glance.version.is_some() && other.glance.version < seen.look.version).then_some(OLDER)
}

/// Wrong bytes that only others saw. Nobody can quarantine a mirror by saying so.
fn unconfirmed(reasons: &mut Reasons, seen: &Observation, around: &Around) {
    let speaks = |verdict| matches!(verdict, Verdict::Forged | Verdict::Mixed | Verdict::RolledBack);
    if speaks(seen.look.verdict) || reasons.worst() == Condition::Quarantined {
        return;
    }
    let by: Vec<&Elsewhere> = around.elsewhere.iter().filter(|other| speaks(other.glance.verdict)).collect();
    let Some(first) = by.first() else { return };
    let what = first_fact(first).unwrap_or_else(|| first.glance.verdict.to_string());
    reasons.tell(ReasonCode::Unconfirmed, format!("reported from {}, not confirmed from here: {what}", listed(&names(&by))));
}

fn first_fact(other: &Elsewhere) -> Option<String> {
    other.glance.evidence.first().map(ToString::to_string)
}

fn our_fact(seen: &Observation) -> Option<String> {
    seen.look.evidence.first().map(ToString::to_string)
}

fn names<'a>(others: &[&'a Elsewhere]) -> Vec<&'a str> {
    others.iter().map(|other| other.vantage.as_str()).collect()
}

/// `de, br and here`
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
