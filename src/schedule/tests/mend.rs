//! Which mirrors are brought back.

use jiff::{SignedDuration, Timestamp};

use super::at;
use crate::health::{Reason, ReasonCode, Standing};
use crate::history::Tries;
use crate::schedule::{Choice, Restraint, choose, next_try, tried_again};

const NOW: &str = "2026-03-05T12:00:00Z";

/// A mirror against which these reasons speak.
fn standing(codes: &[ReasonCode]) -> Standing {
    let reason = |code: &ReasonCode| Reason { code: *code, message: "why".into(), first_seen: at(NOW) };
    Standing { reasons: codes.iter().map(reason).collect(), ..Standing::unknown(at(NOW)) }
}

#[test]
fn each_reason_decides_what_is_done() {
    let silent = Choice::LeftAlone(Restraint::Silent);
    for (codes, suspects, expected) in [
        (&[][..], 0, Choice::Nothing),
        (&[ReasonCode::Reverifying], 0, Choice::Nothing),
        (&[ReasonCode::Flapping], 0, Choice::Nothing),
        (&[ReasonCode::Behind], 0, Choice::Repair),
        (&[ReasonCode::Expired], 0, Choice::Repair),
        (&[ReasonCode::Missing], 0, Choice::Repair),
        (&[ReasonCode::NoAnswer], 0, silent),
        (&[ReasonCode::NoAnswer, ReasonCode::Missing], 0, silent),
        (&[ReasonCode::Altered, ReasonCode::NoAnswer], 1, silent),
        (&[ReasonCode::NoSpace], 0, Choice::LeftAlone(Restraint::NoRoom)),
        (&[ReasonCode::Missing, ReasonCode::NoSpace], 3, Choice::LeftAlone(Restraint::NoRoom)),
        (&[ReasonCode::Altered], 1, Choice::KeepEvidence),
        (&[ReasonCode::Altered, ReasonCode::NoSpace], 1, Choice::KeepEvidence),
        (&[ReasonCode::RolledBack, ReasonCode::Behind], 0, Choice::KeepEvidence),
        (&[ReasonCode::Altered], 0, Choice::LeftAlone(Restraint::AwaitsVerification)),
    ] {
        assert_eq!(choose(&standing(codes), None, suspects, None, at(NOW)), expected, "{codes:?}, {suspects} suspects");
    }
}

#[test]
fn a_mirror_that_just_fell_silent_is_left_alone() {
    let mut silent = standing(&[ReasonCode::Behind]);
    silent.counters.failed = 1;
    assert_eq!(choose(&silent, None, 0, None, at(NOW)), Choice::LeftAlone(Restraint::Silent));
}

#[test]
fn tries_come_further_and_further_apart_and_at_least_once_a_day() {
    let minutes = |count| {
        let next = next_try(Tries { count, last: at(NOW) });
        next.duration_since(at(NOW)).as_mins()
    };
    let found: Vec<i64> = [1, 2, 3, 4, 7, 8, 9, 40, u32::MAX].into_iter().map(minutes).collect();
    assert_eq!(found, [15, 30, 60, 120, 960, 1440, 1440, 1440, 1440]);
}

#[test]
fn a_mirror_is_not_repaired_over_and_over() {
    let stale = standing(&[ReasonCode::Behind]);
    let (mut now, mut tries, mut repairs) = (at(NOW), None, 0);
    // A week of rounds every five minutes, at a mirror that no repair helps.
    for _ in 0..7 * 24 * 12 {
        match choose(&stale, None, 0, tries, now) {
            Choice::Repair => {
                tries = Some(tried_again(tries, now));
                repairs += 1;
            }
            Choice::Later(next) => assert!(next > now),
            other => panic!("{other:?}"),
        }
        now = now.saturating_add(SignedDuration::from_mins(5)).unwrap();
    }
    // 0, 15, 45, 105, 225, 465, 945, 1905 minutes; then once a day.
    assert_eq!(repairs, 8 + 5);
}

#[test]
fn what_is_long_past_is_another_story() {
    let (stale, tries) = (standing(&[ReasonCode::Behind]), Some(Tries { count: 9, last: at(NOW) }));
    let later = |hours| at(NOW).saturating_add(SignedDuration::from_hours(hours)).unwrap();
    let told = |now: Timestamp| (choose(&stale, None, 0, tries, now), tried_again(tries, now).count);
    assert_eq!(told(later(23)), (Choice::Later(later(24)), 10));
    assert_eq!(told(later(25)), (Choice::Repair, 10));
    assert_eq!(told(later(48)), (Choice::Repair, 1));
}
