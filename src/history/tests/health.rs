//! What is remembered of mirrors over hours and days.

use jiff::ToSpan as _;

use super::*;
use crate::health::{Condition, Family, Observation, Phases, Probes, Reach, Standing, Trouble, TroubleClass};
use crate::history::Judged;

/// A look at `a` that found this condition, and a first byte after so many milliseconds.
fn judged(moment: Timestamp, condition: Condition, first_byte: Option<u64>) -> Judged {
    let before = Standing::unknown(moment);
    let after = Standing { condition, seen_at: Some(moment), answered_at: Some(moment), ..before.clone() };
    let phase = crate::health::Phase::Connect;
    let trouble = Trouble { phase, class: TroubleClass::Refused, what: "refused".into() };
    let reach = Reach {
        family: Family::Ipv4,
        address: Some([127, 0, 0, 1].into()),
        from: None,
        phases: Phases { first_byte_ms: first_byte, ..Phases::default() },
        trouble: first_byte.is_none().then_some(trouble),
    };
    let look = check("a", Verdict::Current, Some(Level::Current));
    let seen = Observation { at: moment, look, probes: Probes { reach: vec![reach], ..Probes::default() } };
    Judged { target: target("a"), before, after, seen: Some(seen) }
}

fn record(history: &History, moment: Timestamp, condition: Condition, first_byte: Option<u64>) {
    history.record_health(moment, &[judged(moment, condition, first_byte)], &[]).unwrap();
}

#[test]
fn first_bytes_are_told_as_the_median_of_each_hour_of_a_day() {
    let (_folder, history) = fresh();
    let now = at("2026-03-02T10:30:00Z");
    for (moment, first_byte) in [
        ("2026-03-01T09:59:00Z", Some(1)),
        ("2026-03-01T11:00:00Z", Some(40)),
        ("2026-03-02T08:00:00Z", None),
        ("2026-03-02T10:00:00Z", Some(90)),
        ("2026-03-02T10:05:00Z", Some(10)),
        ("2026-03-02T10:10:00Z", Some(30)),
    ] {
        record(&history, at(moment), Condition::Healthy, first_byte);
    }
    let series = history.first_bytes(&target("a"), now).unwrap();
    assert_eq!(series.len(), 24);
    assert_eq!(series[0], (at("2026-03-01T11:00:00Z"), Some(40)));
    assert_eq!(series[21], (at("2026-03-02T08:00:00Z"), None));
    assert_eq!(series[23], (at("2026-03-02T10:00:00Z"), Some(30)));
    assert!(history.first_bytes(&target("b"), now).unwrap().iter().all(|(_, median)| median.is_none()));

    let mut all = history.first_bytes_of_all(now).unwrap();
    all.get_mut(&target("a")).unwrap().sort_unstable();
    assert_eq!(all, [(target("a"), vec![10, 30, 40, 90])].into());
    // What is older than a day goes when the next look is written.
    record(&history, now + 72.hours(), Condition::Healthy, Some(5));
    assert_eq!(history.first_bytes_of_all(at("2026-03-01T10:00:00Z")).unwrap()[&target("a")], [5]);
}

#[test]
fn a_look_without_a_reach_probe_tells_nothing_about_speed() {
    let (_folder, history) = fresh();
    let now = at("2026-03-02T10:30:00Z");
    let mut look = judged(now, Condition::Healthy, Some(5));
    look.seen.as_mut().unwrap().probes = Probes::default();
    history.record_health(now, &[look], &[]).unwrap();
    assert!(history.first_bytes_of_all(now).unwrap().is_empty());
}

#[test]
fn a_day_keeps_its_worst_hour() {
    let (_folder, history) = fresh();
    for (moment, condition) in [
        ("2026-02-28T12:00:00Z", Condition::Healthy),
        ("2026-03-02T01:00:00Z", Condition::Healthy),
        ("2026-03-02T02:00:00Z", Condition::Unreachable),
        ("2026-03-02T03:00:00Z", Condition::Stale),
        ("2026-03-02T04:00:00Z", Condition::Healthy),
    ] {
        record(&history, at(moment), condition, Some(1));
    }
    // A round in which the fault was ours says nothing.
    let moment = at("2026-03-02T05:00:00Z");
    let ours = Judged { seen: None, ..judged(moment, Condition::Quarantined, None) };
    history.record_health(moment, &[ours], &[]).unwrap();

    let days = history.days(&target("a"), at("2026-03-02T23:59:59Z"), 4).unwrap();
    let told: Vec<_> = days.iter().map(|day| (day.date.to_string(), day.up, day.down, day.worst)).collect();
    let expected = [
        ("2026-02-27", 0, 0, None),
        ("2026-02-28", 1, 0, Some(Condition::Healthy)),
        ("2026-03-01", 0, 0, None),
        ("2026-03-02", 2, 2, Some(Condition::Unreachable)),
    ];
    assert_eq!(told, expected.map(|(date, up, down, worst)| (date.to_owned(), up, down, worst)));
    assert_eq!(history.days(&target("a"), at("2026-03-02T12:00:00Z"), 90).unwrap().len(), 90);
}
