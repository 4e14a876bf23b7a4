//! One test for each rule.

use super::*;
use crate::base::Audience::{Maintainer, Volunteer};

const DOWN: AlertCondition = AlertCondition::Unreachable;
const FORGED: AlertCondition = AlertCondition::Quarantined;

fn rules() -> AlertRules {
    AlertRules::of(Maintainer)
}

fn quiet(from: &str, until: &str) -> AlertRules {
    let window = crate::base::Window { from: from.parse().unwrap(), until: until.parse().unwrap(), zone: "UTC".to_owned() };
    AlertRules { quiet: vec![window], ..rules() }
}

#[test]
fn a_trouble_is_told_once_and_its_end_once() {
    let mut life = Life::new(rules(), &["paris", "lyon"]);
    assert_eq!(told(&life.round(&[])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"]);
    assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[])), ["-paris unreachable"]);
    assert_eq!(told(&life.round(&[])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"]);
}

#[test]
fn the_threshold_counts_rounds_in_a_row() {
    let mut life = Life::new(AlertRules { threshold: 3, ..rules() }, &["paris"]);
    for wrong in [&[("paris", DOWN)][..], &[("paris", DOWN)], &[], &[("paris", DOWN)], &[("paris", DOWN)]] {
        assert_eq!(told(&life.round(wrong)), Vec::<String>::new());
    }
    // The same look again is no further round.
    assert_eq!(told(&life.look(&[("paris", DOWN)])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"]);
}

#[test]
fn a_reminder_comes_after_its_time_and_never_without_one() {
    let mut life = Life::new(AlertRules { reminder: Some(minutes(12)), ..rules() }, &["paris"]);
    let mut heard = Vec::new();
    for round in 0..8 {
        if !life.round(&[("paris", DOWN)]).is_empty() {
            heard.push(round);
        }
    }
    assert_eq!(heard, [0, 3, 6]);

    let mut life = Life::new(AlertRules { reminder: None, ..rules() }, &["paris"]);
    life.round(&[("paris", DOWN)]);
    life.pass(minutes(100_000));
    assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new());
}

#[test]
fn the_end_is_told_only_where_it_is_wanted_and_only_of_what_was_told() {
    let mut life = Life::new(AlertRules { resolved: false, ..rules() }, &["paris"]);
    assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"]);
    assert_eq!(told(&life.round(&[])), Vec::<String>::new());

    let mut life = Life::new(AlertRules { threshold: 2, ..rules() }, &["paris"]);
    life.round(&[("paris", DOWN)]);
    assert_eq!(told(&life.round(&[])), Vec::<String>::new());
}

#[test]
fn another_condition_is_another_trouble_in_the_same_message() {
    let mut life = Life::new(rules(), &["paris"]);
    life.round(&[("paris", DOWN)]);
    let news = life.round(&[("paris", FORGED)]);
    assert_eq!((news.len(), told(&news)), (1, vec!["+paris quarantined".to_owned(), "-paris unreachable".to_owned()]));
}

#[test]
fn quiet_hours_hold_back_all_but_the_critical_and_end_in_one_message() {
    // Rounds begin at 00:05.
    let mut life = Life::new(quiet("00:00", "00:20"), &["paris", "lyon", "rome"]);
    assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[("paris", DOWN), ("lyon", FORGED)])), ["+lyon quarantined"]);
    assert_eq!(told(&life.round(&[("rome", DOWN), ("lyon", FORGED)])), Vec::<String>::new());
    // 00:20: what lasts, and what came and went meanwhile.
    let news = life.round(&[("rome", DOWN), ("lyon", FORGED)]);
    assert_eq!(news.len(), 1);
    assert_eq!(told(&news), ["+rome unreachable", "-paris unreachable"]);
}

#[test]
fn a_trouble_that_is_back_before_quiet_hours_end_is_the_same_one() {
    let mut life = Life::new(quiet("00:07", "00:22"), &["paris"]);
    assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"]);
    assert_eq!(told(&life.round(&[])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[])), ["-paris unreachable"]);
}

#[test]
fn many_changes_in_one_round_are_a_storm() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let wrong: Vec<(&str, AlertCondition)> = names.iter().map(|name| (*name, DOWN)).collect();
    let mut life = Life::new(rules(), &names);
    let news = life.round(&wrong[..3]);
    assert!(!news[0].storm, "three of six are none");
    let news = life.round(&wrong[..4]);
    assert!(news.len() == 1 && !news[0].storm && told(&news) == ["+d unreachable"], "only what is new counts");
    let mut life = Life::new(rules(), &names);
    let news = life.round(&wrong);
    assert!(news.len() == 1 && news[0].storm && news[0].firing.len() == 6);
    assert!(life.round(&[])[0].storm, "so is their return");
}

#[test]
fn many_reminders_at_once_are_a_summary_too() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let wrong: Vec<(&str, AlertCondition)> = names.iter().map(|name| (*name, DOWN)).collect();
    let mut life = Life::new(rules(), &names);
    for count in 1..=6 {
        life.round(&wrong[..count]);
    }
    life.pass(minutes(24 * 60));
    let news = life.round(&wrong);
    assert!(news.len() == 1 && news[0].storm && news[0].firing.len() == 6, "{:?}", told(&news));
}

#[test]
fn whoever_hears_of_an_end_hears_of_what_lasts() {
    let mut life = Life::new(rules(), &["paris", "lyon"]);
    let both = [("paris", DOWN), ("lyon", DOWN)];
    assert!(life.round(&both)[0].lasting.is_empty());
    let news = life.round(&both[..1]);
    assert_eq!(told(&news), ["-lyon unreachable"]);
    let lasting: Vec<&str> = news[0].lasting.iter().filter_map(|lasts| Some(lasts.mirror.as_ref()?.as_str())).collect();
    assert_eq!(lasting, ["paris"]);
    let mut life = Life::new(AlertRules::of(Volunteer), &["paris", "lyon"]);
    life.round(&both);
    assert!(life.round(&both[..1])[0].lasting.is_empty(), "a volunteer hears of no other mirror");
}

#[test]
fn a_clock_that_was_ahead_for_one_round_silences_nobody() {
    for audience in [Maintainer, Volunteer] {
        let mut life = Life::new(AlertRules::of(audience), &["paris"]);
        let right = life.at;
        life.pass(minutes(60 * 24 * 365));
        assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"]);
        life.at = right;
        assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new());
        life.pass(minutes(24 * 60));
        assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"], "the reminder of {audience:?}");
    }
}

#[test]
fn volunteers_are_not_written_to_in_a_storm_but_in_the_round_after() {
    let names = ["a", "b", "c", "d"];
    let mut wrong: Vec<(&str, AlertCondition)> = names.iter().map(|name| (*name, DOWN)).collect();
    let mut life = Life::new(AlertRules::of(Volunteer), &names);
    wrong.push(("a", FORGED));
    assert_eq!(told(&life.round(&wrong)), ["+a quarantined"], "what is critical is told at once");
    let news = life.round(&wrong);
    assert_eq!(news.len(), 4, "one message for each: {:?}", told(&news));
    assert!(news.iter().all(|news| !news.storm && news.mirror.is_some()));
}

#[test]
fn a_volunteer_who_did_not_hear_of_the_beginning_does_not_hear_of_the_end() {
    let names = ["a", "b", "c", "d"];
    let wrong: Vec<(&str, AlertCondition)> = names.iter().map(|name| (*name, DOWN)).collect();
    let mut life = Life::new(AlertRules::of(Volunteer), &names);
    assert_eq!(told(&life.round(&wrong)), Vec::<String>::new(), "a storm");
    assert_eq!(told(&life.round(&[])), Vec::<String>::new(), "over before anybody was written to");
    assert_eq!(told(&life.round(&[])), Vec::<String>::new());
    assert!(life.known.is_empty(), "{:?}", life.known);
    let night = AlertRules { quiet: quiet("00:00", "00:07").quiet, ..AlertRules::of(Volunteer) };
    let mut life = Life::new(night, &["paris"]);
    assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[])), Vec::<String>::new());
}

#[test]
fn a_volunteer_hears_of_one_mirror_and_of_each_condition_once_a_day() {
    let mut life = Life::new(AlertRules { reminder: Some(minutes(5)), ..AlertRules::of(Volunteer) }, &["paris"]);
    assert_eq!(told(&life.round(&[("paris", DOWN), ("", AlertCondition::Replication)])), ["+paris unreachable"]);
    assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new(), "no reminder on the same day");
    assert_eq!(told(&life.round(&[])), ["-paris unreachable"]);
    assert_eq!(told(&life.round(&[("paris", DOWN)])), Vec::<String>::new(), "not even when it comes again");
    assert_eq!(told(&life.round(&[("paris", AlertCondition::Stale)])), ["+paris stale"], "another condition is news");
    life.round(&[("paris", DOWN)]);
    life.pass(minutes(24 * 60));
    assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"]);
}

#[test]
fn our_own_outage_is_told_once_and_changes_nothing_else() {
    let mut life = Life::new(AlertRules { reminder: Some(minutes(5)), ..rules() }, &["paris"]);
    let blind = [("", AlertCondition::Observer)];
    assert_eq!(told(&life.round(&blind)), ["+all observer"]);
    for _ in 0..5 {
        assert_eq!(told(&life.round(&blind)), Vec::<String>::new());
    }
    assert_eq!(told(&life.round(&[])), ["-all observer"]);
}

#[test]
fn what_nobody_knows_anything_of_stays_as_it_was() {
    let mut life = Life::new(rules(), &["paris"]);
    assert_eq!(told(&life.round(&[("", AlertCondition::Replication)])), ["+all replication"]);
    life.pass(ROUND);
    let nothing = Sight { at: life.at, troubles: Vec::new(), mirrors: BTreeMap::new(), assessed: BTreeMap::new() };
    assert_eq!(told(&life.decide(&nothing)), Vec::<String>::new());
    assert_eq!(told(&life.round(&[])), ["-all replication"]);
}

#[test]
fn a_paused_mirror_is_forgotten_without_a_word() {
    let mut life = Life::new(rules(), &["paris", "lyon"]);
    life.round(&[("paris", DOWN)]);
    life.mirrors.remove(&mirror("paris"));
    assert_eq!(told(&life.round(&[])), Vec::<String>::new());
    life.mirrors.insert(mirror("paris"));
    assert_eq!(told(&life.round(&[("paris", DOWN)])), ["+paris unreachable"]);
}

#[test]
fn a_route_hears_only_of_what_it_is_for() {
    let mut life = Life::new(AlertRules { on: [FORGED].into(), ..rules() }, &["paris"]);
    assert_eq!(told(&life.round(&[("paris", DOWN), ("", AlertCondition::Replication)])), Vec::<String>::new());
    assert_eq!(told(&life.round(&[("paris", FORGED)])), ["+paris quarantined"]);
}
