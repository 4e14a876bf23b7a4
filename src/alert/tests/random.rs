//! Random lives: nothing is lost, nothing is told twice within its time.

use proptest::prelude::*;

use super::*;
use crate::base::{Audience, Window};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const CONDITIONS: [AlertCondition; 3] = [AlertCondition::Unreachable, AlertCondition::Stale, AlertCondition::Quarantined];

/// For each round and mirror: which condition, if any (mostly as in the round before, for troubles that last).
fn lives() -> impl Strategy<Value = Vec<Vec<Option<usize>>>> {
    let change = proptest::option::weighted(0.3, proptest::option::of(0..CONDITIONS.len()));
    proptest::collection::vec(proptest::collection::vec(change, NAMES.len()), 1..120).prop_map(|changes| {
        let mut now = vec![None; NAMES.len()];
        let step = |changes: Vec<Option<Option<usize>>>| {
            for (place, change) in now.iter_mut().zip(changes) {
                *place = change.unwrap_or(*place);
            }
            now.clone()
        };
        changes.into_iter().map(step).collect()
    })
}

fn rules() -> impl Strategy<Value = AlertRules> {
    let quiet = proptest::option::of((0..23_u16, 0..60_u16));
    (1..4_u32, proptest::option::of(5..90_u64), any::<bool>(), any::<bool>(), quiet).prop_map(
        |(threshold, reminder, resolved, volunteer, quiet)| {
            let audience = if volunteer { Audience::Volunteer } else { Audience::Maintainer };
            let quiet = quiet.map(|(hour, minute)| Window {
                from: format!("{hour:02}:{minute:02}").parse().unwrap(),
                until: format!("{:02}:{minute:02}", hour + 1).parse().unwrap(),
                zone: "UTC".to_owned(),
            });
            let quiet = quiet.into_iter().collect();
            AlertRules { threshold, reminder: reminder.map(minutes), resolved, quiet, ..AlertRules::of(audience) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_message_is_lost_and_none_is_told_twice_within_its_time(rules in rules(), rounds in lives()) {
        let mut life = Life::new(rules.clone(), &NAMES);
        let mut last: BTreeMap<(Option<TargetName>, AlertCondition, Timestamp), Timestamp> = BTreeMap::new();
        let mut open: BTreeSet<(Option<TargetName>, AlertCondition)> = BTreeSet::new();
        let mut lasting: BTreeMap<(TargetName, AlertCondition), u32> = BTreeMap::new();
        for round in &rounds {
            let wrong: Vec<(&str, AlertCondition)> =
                NAMES.iter().zip(round).filter_map(|(name, what)| Some((*name, CONDITIONS[(*what)?]))).collect();
            let news = life.round(&wrong);
            for incident in news.iter().flat_map(|news| &news.firing) {
                let key = (incident.mirror.clone(), incident.condition);
                let again = last.insert((key.0.clone(), key.1, incident.since), life.at);
                if let Some(before) = again {
                    let reminder = rules.reminder.expect("told twice without a reminder");
                    prop_assert!(life.at.duration_since(before) >= SignedDuration::try_from(reminder).unwrap());
                }
                open.insert(key);
            }
            for incident in news.iter().flat_map(|news| &news.resolved) {
                let key = (incident.mirror.clone(), incident.condition);
                // Told as over only after it was told; to the maintainer also what was held back in quiet hours.
                let held = !rules.quiet.is_empty() && rules.audience == Audience::Maintainer;
                prop_assert!(open.remove(&key) || held);
                prop_assert!(rules.resolved);
            }
            // Everything that lasts for long enough has been told, unless it is quiet or the volunteer heard today.
            lasting.retain(|(name, condition), _| wrong.contains(&(name.as_str(), *condition)));
            for (name, condition) in &wrong {
                let rounds = lasting.entry((mirror(name), *condition)).or_insert(0);
                *rounds += 1;
                let quiet = rules.quiet.iter().any(|window| window.contains(life.at)) && !condition.is_critical();
                if rules.audience == Audience::Maintainer && *rounds >= rules.threshold && !quiet {
                    let known = life.known.iter().find(|known| known.mirror == Some(mirror(name)) && known.condition == *condition);
                    prop_assert!(known.is_some_and(|known| known.told.is_some()), "{name} {condition} was not told");
                }
            }
        }
        // A volunteer heard of each condition at most once a day: no two within 24 hours, over all incidents.
        if rules.audience == Audience::Volunteer {
            let mut told: BTreeMap<(Option<TargetName>, AlertCondition), Vec<Timestamp>> = BTreeMap::new();
            for ((name, condition, _), at) in last {
                told.entry((name, condition)).or_default().push(at);
            }
            for moments in told.values_mut() {
                moments.sort();
                prop_assert!(moments.windows(2).all(|two| two[1].duration_since(two[0]) >= SignedDuration::from_hours(24)));
            }
        }
    }

    #[test]
    fn a_restart_between_two_rounds_changes_nothing(rules in rules(), rounds in lives()) {
        let (mut whole, mut restarted) = (Life::new(rules.clone(), &NAMES), Life::new(rules, &NAMES));
        for round in &rounds {
            let wrong: Vec<(&str, AlertCondition)> =
                NAMES.iter().zip(round).filter_map(|(name, what)| Some((*name, CONDITIONS[(*what)?]))).collect();
            let text = serde_json::to_string(&restarted.known).unwrap();
            restarted.known = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(whole.round(&wrong), restarted.round(&wrong));
            // Nor does deciding twice.
            prop_assert_eq!(restarted.look(&wrong), Vec::new());
            whole.known.clone_from(&restarted.known);
        }
    }
}
