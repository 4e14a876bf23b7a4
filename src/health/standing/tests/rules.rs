//! Each rule by itself.

use std::time::Duration;

use super::sight::{Life, behind, canary, complete, current, forged, incomplete, look, silent, start, verified};
use crate::base::HealthRules;
use crate::health::{
    Around, Condition, Evidence, Observation, Probes, ReasonCode, Sample, Standing, Verdict, WriteStep, judge, observer_fault,
};

fn codes(standing: &Standing) -> Vec<ReasonCode> {
    standing.reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn a_mirror_is_unknown_until_it_answers() {
    let mut life = Life::new();
    assert_eq!(life.standing.condition, Condition::Unknown);
    assert_eq!(life.sees(&silent()).condition, Condition::Unknown);
    assert_eq!(life.sees(&current()).condition, Condition::Healthy);
    assert_eq!(life.standing.answered_at, Some(life.now));
}

#[test]
fn three_silent_rounds_make_it_unreachable_and_two_do_not() {
    let mut life = Life::new();
    life.sees(&current());
    assert_eq!(life.sees_often(&silent(), 2).condition, Condition::Healthy);
    let gone = life.sees(&silent()).clone();
    assert_eq!((gone.condition, codes(&gone)), (Condition::Unreachable, vec![ReasonCode::NoAnswer]));
    assert_eq!(gone.since, life.now);
    assert!(gone.reasons[0].message.contains("3 rounds"), "{}", gone.reasons[0].message);
    // The moment at which it began stays, however long it lasts.
    assert_eq!(life.sees_often(&silent(), 20).since, gone.since);
}

#[test]
fn an_answer_in_between_starts_the_count_again() {
    let mut life = Life::new();
    life.sees(&current());
    for _ in 0..10 {
        life.sees_often(&silent(), 2);
        assert_eq!(life.sees(&current()).condition, Condition::Healthy);
    }
}

#[test]
fn a_mirror_that_comes_back_is_verified_before_it_counts() {
    let mut life = Life::new();
    life.sees(&current());
    life.sees_often(&silent(), 3);
    assert_eq!(life.sees(&current()).condition, Condition::Unreachable, "one answer is not enough");
    let back = life.sees(&current());
    assert_eq!((back.condition, codes(back)), (Condition::Degraded, vec![ReasonCode::Reverifying]));
    assert_eq!(life.sees_often(&current(), 50).condition, Condition::Degraded, "time does not verify");
    assert_eq!(life.sees(&verified()).condition, Condition::Healthy);
}

#[test]
fn our_own_outage_changes_nothing() {
    let mut life = Life::new();
    life.sees(&current());
    life.sees_often(&silent(), 2);
    let before = life.standing.clone();
    for _ in 0..50 {
        assert_eq!(*life.sees_nothing(), before);
    }
}

#[test]
fn one_wrong_byte_quarantines_and_two_clean_verifications_lead_out() {
    let mut life = Life::new();
    life.sees(&current());
    assert_eq!(life.sees(&forged()).condition, Condition::Quarantined);
    assert_eq!(life.sees_often(&complete(), 1000).condition, Condition::Quarantined, "never by time");
    assert_eq!(life.sees(&verified()).condition, Condition::Quarantined);
    assert_eq!(life.sees(&verified()).condition, Condition::Healthy);
}

#[test]
fn a_relapse_in_quarantine_starts_the_count_again() {
    let mut life = Life::new();
    life.sees(&forged());
    life.sees(&verified());
    life.sees(&forged());
    assert_eq!(life.sees(&verified()).condition, Condition::Quarantined);
    assert_eq!(life.sees(&verified()).condition, Condition::Healthy);
}

#[test]
fn a_quarantined_mirror_that_falls_silent_stays_quarantined() {
    let mut life = Life::new();
    life.sees(&forged());
    let silent = life.sees_often(&silent(), 5);
    assert_eq!((silent.condition, codes(silent)), (Condition::Quarantined, vec![ReasonCode::Altered, ReasonCode::NoAnswer]));
}

#[test]
fn mixed_and_rolled_back_states_quarantine_too() {
    for (verdict, code) in [(Verdict::Mixed, ReasonCode::Mixed), (Verdict::RolledBack, ReasonCode::RolledBack)] {
        let mut life = Life::new();
        let caught = life.sees(&look(verdict, None));
        assert_eq!((caught.condition, codes(caught)), (Condition::Quarantined, vec![code]));
    }
}

#[test]
fn lag_counts_after_the_grace_time_and_a_second_look() {
    let mut life = Life::new();
    life.sees(&current());
    life.around.due_since = Some(life.now);
    // Five and ten minutes after the push it may lag; at fifteen it is over time, at twenty for the second time.
    assert_eq!(life.sees_often(&behind(1), 3).condition, Condition::Healthy);
    let stale = life.sees(&behind(1));
    assert_eq!((stale.condition, codes(stale)), (Condition::Stale, vec![ReasonCode::Behind]));
    assert_eq!(life.sees(&current()).condition, Condition::Healthy, "a signature is proof");
}

#[test]
fn an_expired_pointer_is_stale_at_once() {
    let mut life = Life::new();
    let since = start() - Duration::from_hours(1);
    assert_eq!(life.sees(&look(Verdict::Stale { since }, Some(crate::base::Level::Current))).condition, Condition::Stale);
}

#[test]
fn missing_files_count_when_they_stay_missing() {
    let mut life = Life::new();
    life.sees(&complete());
    assert_eq!(life.sees(&incomplete()).condition, Condition::Healthy);
    assert_eq!(life.sees(&incomplete()).condition, Condition::Healthy, "five minutes are too short");
    assert_eq!(life.sees(&incomplete()).condition, Condition::Incomplete);
    assert_eq!(life.sees_often(&current(), 10).condition, Condition::Incomplete, "metadata does not tell");
    assert_eq!(life.sees(&complete()).condition, Condition::Healthy);
}

#[test]
fn a_push_that_did_not_fit_makes_it_full_and_it_goes_on_serving() {
    let mut life = Life::new();
    life.around.no_room = Some("2.0 GiB to send, 1.0 GiB free".to_owned());
    assert_eq!(life.sees(&current()).condition, Condition::Full);
    assert!(life.standing.condition.is_good());
    life.around.no_room = None;
    assert_eq!(life.sees(&current()).condition, Condition::Healthy);
}

#[test]
fn the_worst_reason_names_the_condition_and_all_are_told() {
    let mut life = Life::new();
    life.around.no_room = Some("no room".to_owned());
    let worst = life.sees_often(&behind(2), 2);
    assert_eq!((worst.condition, codes(worst)), (Condition::Stale, vec![ReasonCode::Behind, ReasonCode::NoSpace]));
}

#[test]
fn a_reason_keeps_its_first_moment() {
    let mut life = Life::new();
    life.sees_often(&behind(1), 2);
    let first = life.standing.reasons[0].first_seen;
    life.sees_often(&behind(2), 5);
    assert_eq!((life.standing.reasons[0].first_seen, &*life.standing.reasons[0].message), (first, "2 publishes behind"));
}

#[test]
fn a_flapping_mirror_is_told_once_until_it_is_calm() {
    let mut life = Life::new();
    life.sees(&current());
    life.rules = HealthRules { stale_after: 1, ..life.rules };
    let mut told = Vec::new();
    for _ in 0..10 {
        told.push(life.sees(&behind(1)).condition);
        told.push(life.sees(&current()).condition);
    }
    assert_eq!(told[..4], [Condition::Stale, Condition::Healthy, Condition::Stale, Condition::Healthy]);
    assert!(told[5..].iter().all(|condition| *condition == Condition::Stale), "{told:?}");
    assert!(codes(&life.standing).contains(&ReasonCode::Flapping));
    // Six hours without a change.
    assert_eq!(life.sees_often(&current(), 71).condition, Condition::Stale);
    let calm = life.sees_often(&current(), 2);
    assert_eq!((calm.condition, codes(calm)), (Condition::Healthy, vec![]));
}

#[test]
fn a_clock_set_back_does_no_harm() {
    let mut life = Life::new();
    life.sees(&complete());
    life.sees(&incomplete());
    let earlier = judge(&life.standing, Some(&incomplete()), &Around::default(), &life.rules, start() - Duration::from_hours(48));
    assert_eq!(earlier.condition, Condition::Healthy);
}

/// What was known of ten mirrors that answered, and what they do now.
fn ten(failing: usize) -> (Vec<Standing>, Vec<Observation>) {
    let mut life = Life::new();
    life.sees(&current());
    let seen = (0..10).map(|number| if number < failing { silent() } else { current() }).collect();
    (vec![life.standing; 10], seen)
}

#[test]
fn most_failing_at_once_is_our_fault() {
    let rules = HealthRules::default();
    for (failing, ours) in [(0, false), (5, false), (6, true), (10, true)] {
        let (before, seen) = ten(failing);
        let fault = observer_fault(&before.iter().collect::<Vec<_>>(), &seen.iter().collect::<Vec<_>>(), None, &rules);
        assert_eq!(fault.is_some(), ours, "{failing} fail: {fault:?}");
    }
}

#[test]
fn others_that_answer_or_not_tell_whose_fault_it_is() {
    let rules = HealthRules::default();
    for (failing, online, ours) in [(10, true, false), (6, true, false), (0, false, true), (1, false, true), (10, false, true)] {
        let (before, seen) = ten(failing);
        let fault = observer_fault(&before.iter().collect::<Vec<_>>(), &seen.iter().collect::<Vec<_>>(), Some(online), &rules);
        assert_eq!(fault.is_some(), ours, "{failing} fail, online: {online}: {fault:?}");
    }
}

#[test]
fn mirrors_that_were_away_say_nothing_about_us() {
    let mut away = Life::new();
    away.sees(&current());
    away.sees_often(&silent(), 3);
    let (before, seen) = (vec![away.standing; 5], vec![silent(); 5]);
    let fault =
        observer_fault(&before.iter().collect::<Vec<_>>(), &seen.iter().collect::<Vec<_>>(), None, &HealthRules::default());
    assert_eq!(fault, None);
}

#[test]
fn what_a_canary_told_stands_until_the_next() {
    let cases = [
        (WriteStep::Connect, ReasonCode::CannotWrite),
        (WriteStep::Write, ReasonCode::CannotWrite),
        (WriteStep::ReadBack, ReasonCode::CannotWrite),
        (WriteStep::Readers, ReasonCode::NotShown),
        (WriteStep::Remove, ReasonCode::CannotWrite),
    ];
    for (step, code) in cases {
        let mut life = Life::new();
        life.sees(&current());
        let told = life.sees(&canary(Some(step), None)).clone();
        assert_eq!((told.condition, codes(&told)), (Condition::Degraded, vec![code]), "{step:?}");
        assert_eq!(codes(life.sees_often(&current(), 70)), [code], "rounds without a canary say nothing");
        // Nor does silence, which is judged by itself.
        assert_eq!(codes(life.sees_often(&silent(), 2)), [code]);
        assert_eq!(life.sees(&canary(None, None)).condition, Condition::Healthy);
        assert_eq!(life.sees_often(&current(), 3).condition, Condition::Healthy);
    }
}

#[test]
fn a_mirror_without_room_for_the_next_release_is_full_until_there_is() {
    let mut life = Life::new();
    life.sees(&canary(None, Some(100)));
    assert_eq!(life.standing.condition, Condition::Healthy, "exactly enough is enough");
    let full = life.sees(&canary(None, Some(99))).clone();
    assert_eq!((full.condition, codes(&full)), (Condition::Full, vec![ReasonCode::NoSpace]));
    assert_eq!(life.sees_often(&current(), 10).condition, Condition::Full);
    // A canary that could not ask knows nothing new of the room.
    assert_eq!(codes(life.sees(&canary(Some(WriteStep::Connect), None))), [ReasonCode::NoSpace, ReasonCode::CannotWrite]);
    assert_eq!(life.sees(&canary(None, Some(5000))).condition, Condition::Healthy);
}

#[test]
fn one_wrong_piece_of_a_sample_is_enough() {
    let bad = vec![Evidence { path: None, what: "altered: bytes 0 to 9".to_owned() }];
    let sample = Sample { chunks: 1, bytes: crate::base::ByteCount(10), bad, unread: Vec::new() };
    let mut life = Life::new();
    life.sees(&current());
    let seen = Observation { probes: Probes { sample: Some(sample), ..Probes::default() }, ..current() };
    let caught = life.sees(&seen).clone();
    assert_eq!((caught.condition, codes(&caught)), (Condition::Quarantined, vec![ReasonCode::Altered]));
    assert!(caught.reasons[0].message.contains("bytes 0 to 9"));
    assert_eq!(life.sees_often(&current(), 100).condition, Condition::Quarantined);
}
