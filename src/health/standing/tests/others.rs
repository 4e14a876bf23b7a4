//! What others say, rule by rule.

use jiff::SignedDuration;

use super::sight::{Life, behind, current, forged, from, look, silent, start, verified};
use crate::base::{HealthRules, Level};
use crate::health::{
    Around, Condition, Elsewhere, Observation, ReasonCode, Standing, Verdict, is_silent_elsewhere, observer_fault,
};

fn codes(standing: &Standing) -> Vec<ReasonCode> {
    standing.reasons.iter().map(|reason| reason.code).collect()
}

/// A mirror that was fine, and what these vantages say of it from now on.
fn with(elsewhere: Vec<Elsewhere>) -> Life {
    let mut life = Life::new();
    life.sees(&current());
    life.around.elsewhere = elsewhere;
    life
}

/// A right answer that shows this version.
fn showing(version: u64) -> Observation {
    let mut seen = current();
    seen.look.version = Some(version);
    seen
}

const FINE: Verdict = Verdict::Current;
const DOWN: Verdict = Verdict::Unreadable;

#[test]
fn more_than_half_must_fail_before_a_mirror_is_out_of_reach() {
    // What we see, what others see, and what that is after three rounds.
    let cases: [(bool, &[Verdict], Condition); 10] = [
        (true, &[], Condition::Healthy),
        (false, &[], Condition::Unreachable),
        (true, &[DOWN], Condition::Degraded),
        (false, &[FINE], Condition::Degraded),
        (false, &[DOWN], Condition::Unreachable),
        (true, &[DOWN, FINE], Condition::Degraded),
        (true, &[DOWN, DOWN], Condition::Unreachable),
        (false, &[DOWN, FINE], Condition::Unreachable),
        (false, &[DOWN, FINE, FINE], Condition::Degraded),
        (false, &[FINE, FINE], Condition::Degraded),
    ];
    for (here, others, expected) in cases {
        let names = ["de", "br", "us"];
        let mut life = with(names.iter().zip(others).map(|(name, verdict)| from(name, *verdict, 1)).collect());
        let seen = if here { current() } else { silent() };
        let told = life.sees_often(&seen, 3);
        assert_eq!(told.condition, expected, "here {here}, others {others:?}: {:?}", told.reasons);
    }
}

#[test]
fn a_mirror_that_some_places_do_not_reach_is_degraded_and_the_places_are_named() {
    let mut life = with(vec![from("de", DOWN, 1), from("br", FINE, 1)]);
    let told = life.sees(&current()).clone();
    assert_eq!((told.condition, codes(&told)), (Condition::Degraded, vec![ReasonCode::Regional]));
    assert_eq!(told.reasons[0].message, "unreachable from de, fine from br and here: UNREADABLE");
    assert!(told.condition.is_good() && told.answered_at == Some(life.now));
    // It ends with the word of de, or when that does not count any more.
    life.around.elsewhere.remove(0);
    assert_eq!(life.sees(&current()).condition, Condition::Healthy);
}

#[test]
fn a_regional_mirror_that_falls_silent_everywhere_stays_so_until_that_counts() {
    let mut life = with(vec![from("de", DOWN, 1), from("br", FINE, 1)]);
    life.sees(&current());
    life.around.elsewhere = vec![from("de", DOWN, 1), from("br", DOWN, 1)];
    for _ in 0..2 {
        let told = life.sees(&silent());
        assert_eq!((told.condition, codes(told)), (Condition::Degraded, vec![ReasonCode::Regional]));
    }
    let told = life.sees(&silent());
    assert_eq!((told.condition, codes(told)), (Condition::Unreachable, vec![ReasonCode::NoAnswer]));
}

#[test]
fn our_own_silence_alone_needs_as_many_rounds_as_ever() {
    let mut life = with(vec![from("de", FINE, 1), from("br", FINE, 1)]);
    assert_eq!(life.sees_often(&silent(), 2).condition, Condition::Healthy);
    let told = life.sees(&silent()).clone();
    assert_eq!((told.condition, codes(&told)), (Condition::Degraded, vec![ReasonCode::Regional]));
    assert_eq!(told.reasons[0].message, "unreachable from here, fine from de and br: UNREADABLE");
    assert_ne!(told.answered_at, Some(life.now), "it did not answer us");
    assert_eq!(life.sees(&current()).condition, Condition::Healthy);
}

#[test]
fn when_the_word_of_others_is_over_our_own_rounds_count() {
    let mut life = with(vec![from("de", FINE, 1)]);
    assert_eq!(life.sees_often(&silent(), 3).condition, Condition::Degraded);
    life.around.elsewhere.clear();
    assert_eq!(life.sees(&silent()).condition, Condition::Unreachable);
}

#[test]
fn a_mirror_that_we_never_saw_is_not_healthy_by_hearsay() {
    let mut life = Life::new();
    life.around.elsewhere = vec![from("de", FINE, 1)];
    assert_eq!(life.sees_often(&silent(), 2).condition, Condition::Unknown);
    assert_eq!(life.sees(&silent()).condition, Condition::Degraded);
}

#[test]
fn what_was_known_of_its_content_stays_while_only_others_reach_it() {
    let mut life = with(Vec::new());
    life.sees_often(&behind(1), 2);
    life.around.elsewhere = vec![from("de", FINE, 1)];
    assert_eq!(codes(life.sees_often(&silent(), 2)), [ReasonCode::Behind]);
    let mut life = with(vec![from("de", FINE, 1)]);
    life.sees(&forged());
    assert_eq!(life.sees_often(&silent(), 50).condition, Condition::Quarantined);
}

#[test]
fn who_sees_a_mirror_that_most_do_not_is_named_too() {
    let mut life = with(vec![from("de", DOWN, 1), from("br", DOWN, 1)]);
    assert_eq!(life.sees_often(&current(), 2).condition, Condition::Healthy);
    let told = life.sees(&current()).clone();
    assert_eq!(told.reasons[0].message, "no right answer in 3 rounds from de and br, fine from here: UNREADABLE");
    // It is verified before it counts again, as any that was away.
    life.around.elsewhere.clear();
    life.sees(&current());
    assert_eq!(codes(life.sees(&current())), [ReasonCode::Reverifying]);
    assert_eq!(life.sees(&verified()).condition, Condition::Healthy);
}

#[test]
fn an_older_state_elsewhere_counts_after_the_grace_time() {
    let mut life = with(vec![from("de", Verdict::Behind { by: 1 }, 3), from("br", FINE, 4)]);
    let told = life.sees(&showing(4)).clone();
    assert_eq!(told.reasons[0].message, "older from de, fine from br and here: BEHIND 1");
    assert_eq!(life.sees(&showing(3)).condition, Condition::Healthy, "no older than what we see");
    // They looked before we brought it the newest state.
    life.around.due_since = Some(start() - SignedDuration::from_mins(10));
    assert_eq!(life.sees(&showing(4)).condition, Condition::Healthy);
    life.around.due_since = None;
    assert_eq!(life.sees(&showing(4)).condition, Condition::Healthy, "nobody knows since when it should");
}

#[test]
fn files_that_are_missing_elsewhere_are_told_until_we_miss_them_ourselves() {
    let mut life = with(vec![from("de", Verdict::Incomplete, 1), from("br", DOWN, 1)]);
    let told = life.sees(&current()).clone();
    assert_eq!(told.reasons[0].message, "unreachable from br, incomplete from de, fine from here: UNREADABLE");
    assert_eq!(told.condition, Condition::Degraded);
}

#[test]
fn wrong_bytes_that_only_others_saw_quarantine_nobody() {
    for verdict in [Verdict::Forged, Verdict::Mixed, Verdict::RolledBack] {
        let mut life = with(vec![from("de", verdict, 1), from("br", FINE, 1)]);
        let told = life.sees_often(&current(), 20).clone();
        assert_eq!((told.condition, codes(&told)), (Condition::Degraded, vec![ReasonCode::Unconfirmed]));
        assert_eq!(told.reasons[0].message, format!("reported from de, not confirmed from here: {verdict}"));
        // Not while nothing is known of it from here, either.
        let silent = life.sees_often(&silent(), 2).clone();
        assert_eq!((silent.condition, codes(&silent)), (Condition::Degraded, vec![ReasonCode::Unconfirmed]));
        // Seen from here: at once, and for our own reasons.
        let caught = life.sees(&forged()).clone();
        assert_eq!((caught.condition, codes(&caught)), (Condition::Quarantined, vec![ReasonCode::Altered]));
        // And the word of others does not lead out again.
        life.around.elsewhere = vec![from("de", FINE, 1), from("br", FINE, 1)];
        assert_eq!(life.sees_often(&look(FINE, Some(Level::Complete)), 50).condition, Condition::Quarantined);
    }
}

#[test]
fn mirrors_that_fail_elsewhere_as_well_say_nothing_about_us() {
    let around = |words: &[Verdict]| Around {
        elsewhere: ["de", "br"].iter().zip(words).map(|(name, verdict)| from(name, *verdict, 1)).collect(),
        ..Around::default()
    };
    for (words, shared) in [(&[][..], false), (&[FINE], false), (&[DOWN], true), (&[DOWN, FINE], true), (&[FINE, FINE], false)] {
        assert_eq!(is_silent_elsewhere(&silent(), &around(words)), shared, "{words:?}");
    }
    for words in [&[DOWN][..], &[DOWN, DOWN]] {
        assert!(!is_silent_elsewhere(&current(), &around(words)), "what we reach says something, whatever others say");
    }
    // Left out of the count, they are no sign of our own outage.
    let known = with(Vec::new()).standing;
    let (before, seen) = (vec![&known; 4], [silent(), silent(), silent(), current()]);
    let all: Vec<&Observation> = seen.iter().collect();
    assert!(observer_fault(&before, &all, None, &HealthRules::default()).is_some());
    assert!(observer_fault(&before[..1], &all[3..], None, &HealthRules::default()).is_none());
    // Those that only others have reached for a while are no news, either: else a vantage could blind us for good.
    let mut life = with(vec![from("de", FINE, 1)]);
    let away = life.sees_often(&silent(), 5).clone();
    assert_eq!((away.counters.failed, away.counters.unseen), (0, 5));
    assert!(observer_fault(&[&away, &away, &away, &known], &all, None, &HealthRules::default()).is_none());
}
