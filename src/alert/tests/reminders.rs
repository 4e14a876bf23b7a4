//! Steps before an end.

use super::super::remind::step;
use super::*;

fn day(day: i64) -> Timestamp {
    "2026-01-01T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * day)
}

#[test]
fn each_step_is_told_once_and_of_those_that_were_missed_the_nearest() {
    // Agreed on day 0, ends on day 100: the steps are on days 70, 93 and 99.
    for (now, told, expected) in [
        (0, None, None),
        (69, None, None),
        (70, None, Some(30)),
        (70, Some(30), None),
        (92, Some(30), None),
        (93, Some(30), Some(7)),
        (93, Some(7), None),
        (99, Some(7), Some(1)),
        (99, Some(1), None),
        // Nobody ran us for a while.
        (95, None, Some(7)),
        (99, None, Some(1)),
        (99, Some(30), Some(1)),
        // It is over: that is told by other means.
        (100, Some(7), None),
        (400, None, None),
    ] {
        assert_eq!(step(day(0), day(100), told, day(now)), expected, "day {now}, told {told:?}");
    }
    let second = SignedDuration::from_secs(1);
    assert_eq!(step(day(0), day(100), None, day(70) - second), None);
    assert_eq!(step(day(0), day(100), Some(7), day(100) - second), Some(1));
}

#[test]
fn a_step_from_before_the_agreement_is_none() {
    for (valid, now, expected) in
        [(30, 0, None), (30, 22, None), (30, 23, Some(7)), (31, 1, Some(30)), (7, 0, None), (7, 6, Some(1)), (1, 0, None)]
    {
        assert_eq!(step(day(0), day(valid), None, day(now)), expected, "{valid} days, on day {now}");
    }
    assert_eq!(step(Timestamp::MIN, Timestamp::MIN + SignedDuration::from_hours(1), None, Timestamp::MIN), None);
}
