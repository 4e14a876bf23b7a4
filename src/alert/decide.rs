//! The pure core: what was told before, what is now, and the rules of a route make the messages that are to be sent.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::sight::{Sight, Trouble};
use crate::base::{AlertCondition, AlertRules, Audience, TargetName};
use crate::history::Incident;

/// What a route knows from now on, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// To be remembered in place of what was known before.
    pub incidents: Vec<Incident>,
    /// One message each.
    pub news: Vec<News>,
}

/// What one message tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Whose volunteer is told; `None`: the recipients of the route.
    pub mirror: Option<TargetName>,
    /// What is wrong, new or still; worst first.
    pub firing: Vec<Incident>,
    /// What is over; worst first.
    pub resolved: Vec<Incident>,
    /// What was told earlier and lasts, for programs that are told of all or nothing; not for volunteers.
    pub lasting: Vec<Incident>,
    /// So much changed at once that a summary is enough.
    pub storm: bool,
}

/// What troubles are told apart by.
type Key = (Option<TargetName>, AlertCondition);

/// Decides for one route.
///
/// Rounds are counted by the moment of each mirror's last look, so deciding twice between two rounds changes nothing. An
/// incident that is over is remembered while it limits how often a volunteer is told.
#[must_use]
pub fn decide(rules: &AlertRules, before: &[Incident], sight: &Sight) -> Decision {
    let mut incidents = lived_on(rules, before, sight);
    let due: Vec<usize> = (0..incidents.len()).filter(|place| is_due(rules, &incidents[*place], sight.at)).collect();
    let storm = is_storm(rules, &incidents, &due, sight);
    let quiet = rules.quiet.iter().any(|window| window.contains(sight.at));
    let mut told = Vec::new();
    for place in due {
        let incident = &mut incidents[place];
        let first = incident.until.is_none() && incident.told.is_none();
        // In a storm volunteers wait for the next look at their mirror, not for the next decision.
        let volunteer = first && rules.audience == Audience::Volunteer;
        let next_look = volunteer && (incident.held == Some(incident.counted) || (storm && incident.held.is_none()));
        if !incident.condition.is_critical() && (quiet || next_look) {
            if first {
                incident.held = incident.held.or(Some(incident.counted));
            }
            continue;
        }
        // What is over is told as it was; from then on it is only remembered.
        let over = incident.until.is_some();
        incident.messages += 1;
        if !over {
            (incident.told, incident.last) = (Some(sight.at), Some(sight.at));
        }
        told.push(incident.clone());
        if over {
            forget_telling(incident);
        } else {
            incident.held = None;
        }
    }
    Decision { news: grouped(rules.audience, told, storm, &incidents), incidents }
}

/// Every incident as it is now; what nobody needs to remember any more is gone.
fn lived_on(rules: &AlertRules, before: &[Incident], sight: &Sight) -> Vec<Incident> {
    let mut now: BTreeMap<Key, &Trouble> =
        sight.troubles.iter().filter(|trouble| is_told(rules, trouble)).map(|trouble| (key(trouble), trouble)).collect();
    let mut incidents: Vec<Incident> = Vec::new();
    for incident in before.iter().map(|incident| not_ahead(incident, sight.at)) {
        let incident = &incident;
        // Paused and removed mirrors, and what the route is no longer for.
        let watched = incident.mirror.as_ref().is_none_or(|mirror| sight.mirrors.contains_key(mirror));
        if !watched || !rules.on.contains(&incident.condition) {
            continue;
        }
        let trouble = now.remove(&(incident.mirror.clone(), incident.condition));
        if let Some(incident) = next(rules, incident, trouble, sight) {
            incidents.push(incident);
        }
    }
    incidents
        .extend(now.into_values().map(|trouble| begun(trouble, seen(sight, trouble.mirror.as_ref(), trouble.condition), None)));
    incidents.sort_by(|one, other| (one.condition, &one.mirror).cmp(&(other.condition, &other.mirror)));
    incidents
}

/// A clock that was wrong for a while must not silence us until its time comes.
fn not_ahead(incident: &Incident, at: Timestamp) -> Incident {
    let (counted, told, last) = (incident.counted.min(at), incident.told.map(|told| told.min(at)), incident.last);
    Incident { counted, told, last: last.map(|last| last.min(at)), ..incident.clone() }
}

fn is_told(rules: &AlertRules, trouble: &Trouble) -> bool {
    rules.on.contains(&trouble.condition) && (rules.audience == Audience::Maintainer || trouble.mirror.is_some())
}

fn key(trouble: &Trouble) -> Key {
    (trouble.mirror.clone(), trouble.condition)
}

/// As of when something is known of this; `None`: nothing new.
fn seen(sight: &Sight, mirror: Option<&TargetName>, condition: AlertCondition) -> Option<Timestamp> {
    match mirror {
        Some(mirror) => sight.mirrors.get(mirror).copied(),
        None => sight.assessed.get(&condition).copied(),
    }
}

fn begun(trouble: &Trouble, counted: Option<Timestamp>, last: Option<Timestamp>) -> Incident {
    Incident {
        mirror: trouble.mirror.clone(),
        condition: trouble.condition,
        since: trouble.since,
        until: None,
        rounds: 1,
        counted: counted.unwrap_or(trouble.since),
        told: None,
        last,
        messages: 0,
        held: None,
    }
}

/// What becomes of an incident; `None`: it is forgotten.
fn next(rules: &AlertRules, before: &Incident, trouble: Option<&Trouble>, sight: &Sight) -> Option<Incident> {
    let seen = seen(sight, before.mirror.as_ref(), before.condition);
    let mut incident = before.clone();
    match (trouble, before.until) {
        // It is back before its end was told: the same trouble.
        (Some(_), Some(_)) if is_untold_end(rules, before) => {
            incident.until = None;
            count(&mut incident, seen);
        }
        (Some(trouble), Some(_)) => return Some(begun(trouble, seen, before.last)),
        (Some(_), None) => count(&mut incident, seen),
        (None, None) if seen.is_some() => {
            incident.until = Some(sight.at);
            if !rules.resolved || !is_untold_end(rules, &incident) {
                forget_telling(&mut incident);
            }
        }
        // Nothing is known of it: it stays as it was.
        (None, None) => {}
        (None, Some(_)) if is_untold_end(rules, before) => {}
        (None, Some(_)) => {
            let rest = SignedDuration::try_from(AlertRules::VOLUNTEERS_REST).expect("a day is a duration");
            before.last.filter(|last| sight.at.duration_since(*last) < rest)?;
        }
    }
    Some(incident)
}

/// One more round, if there was one since the last that was counted.
fn count(incident: &mut Incident, seen: Option<Timestamp>) {
    if let Some(seen) = seen.filter(|seen| *seen > incident.counted) {
        (incident.rounds, incident.counted) = (incident.rounds.saturating_add(1), seen);
    }
}

/// Whether it is over, and somebody who heard of it has not been told. The maintainer hears of what came and went in quiet hours
/// too; to a volunteer it is no use, and after a storm it was likely our own fault.
fn is_untold_end(rules: &AlertRules, incident: &Incident) -> bool {
    let held = incident.held.is_some() && rules.audience == Audience::Maintainer;
    incident.until.is_some() && (incident.told.is_some() || held)
}

fn forget_telling(incident: &mut Incident) {
    (incident.told, incident.held) = (None, None);
}

fn is_due(rules: &AlertRules, incident: &Incident, at: Timestamp) -> bool {
    if incident.until.is_some() {
        return rules.resolved && is_untold_end(rules, incident);
    }
    let long_ago = |then: Timestamp, time: std::time::Duration| {
        SignedDuration::try_from(time).is_ok_and(|time| at.duration_since(then) >= time)
    };
    let rule_of_a_day =
        rules.audience == Audience::Maintainer || incident.last.is_none_or(|last| long_ago(last, AlertRules::VOLUNTEERS_REST));
    let again = match incident.told {
        None => true,
        // That we see nothing is told once.
        Some(_) if incident.condition == AlertCondition::Observer => false,
        Some(told) => rules.reminder.is_some_and(|reminder| long_ago(told, reminder)),
    };
    incident.rounds >= rules.threshold && rule_of_a_day && again
}

/// Whether more mirrors than usual are to be told of at once: for the maintainer reminders count too, because a message
/// with hundreds of entries is not read. For volunteers what waits already is no change.
fn is_storm(rules: &AlertRules, incidents: &[Incident], due: &[usize], sight: &Sight) -> bool {
    let is_new = |incident: &Incident| match (rules.audience, incident.until) {
        (Audience::Maintainer, _) => true,
        (Audience::Volunteer, None) => incident.told.is_none() && incident.held.is_none(),
        (Audience::Volunteer, Some(until)) => until == sight.at,
    };
    let changed: BTreeSet<&TargetName> = due
        .iter()
        .map(|place| &incidents[*place])
        .filter(|incident| is_new(incident))
        .filter_map(|incident| incident.mirror.as_ref())
        .collect();
    changed.len() > rules.storm_above(sight.mirrors.len())
}

/// One message for the maintainer; one for each mirror for volunteers.
fn grouped(audience: Audience, told: Vec<Incident>, storm: bool, known: &[Incident]) -> Vec<News> {
    let mut groups: BTreeMap<Option<TargetName>, News> = BTreeMap::new();
    let is_same = |one: &Incident, other: &Incident| one.mirror == other.mirror && one.condition == other.condition;
    let lasts = |known: &&Incident| {
        known.until.is_none() && known.told.is_some() && !told.iter().any(|told| told.until.is_none() && is_same(told, known))
    };
    let lasting: Vec<Incident> = match audience {
        Audience::Maintainer => known.iter().filter(lasts).cloned().collect(),
        Audience::Volunteer => Vec::new(),
    };
    for incident in told {
        let (mirror, storm) = match audience {
            Audience::Maintainer => (None, storm),
            Audience::Volunteer => (incident.mirror.clone(), false),
        };
        let empty = || News { mirror: mirror.clone(), firing: Vec::new(), resolved: Vec::new(), lasting: lasting.clone(), storm };
        let news = groups.entry(mirror.clone()).or_insert_with(empty);
        if incident.until.is_none() { news.firing.push(incident) } else { news.resolved.push(incident) }
    }
    groups.into_values().collect()
}
