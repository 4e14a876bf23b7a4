//! Certificate, families and speed.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::SignedDuration;

use super::sight::{Life, current, silent, verified};
use crate::health::{
    CertificateSight, Condition, Family, Observation, Pace, Phase, Phases, Reach, ReasonCode, Standing, Trouble, TroubleClass,
};

fn reach(family: Family, trouble: Option<TroubleClass>) -> Reach {
    let address = match family {
        Family::Ipv4 => Ipv4Addr::LOCALHOST.into(),
        Family::Ipv6 => Ipv6Addr::LOCALHOST.into(),
    };
    let trouble = trouble.map(|class| Trouble { phase: Phase::Connect, class, what: format!("{address}: away") });
    Reach { family, address: Some(address), from: None, phases: Phases::default(), trouble }
}

/// A good look, and what each family saw.
fn over(ipv4: Option<TroubleClass>, ipv6: Option<TroubleClass>) -> Observation {
    let mut seen = current();
    seen.probes.reach = vec![reach(Family::Ipv4, ipv4), reach(Family::Ipv6, ipv6)];
    seen
}

/// A good look at a mirror whose certificate ends so many hours after the next round.
fn ends_in(life: &Life, hours: i64) -> Observation {
    let mut seen = over(None, None);
    let not_after = life.now + SignedDuration::from_hours(hours) + SignedDuration::from_mins(5);
    let issuer = "the tests".to_owned();
    seen.probes.certificate =
        Some(CertificateSight { not_after, issuer, organisation: None, protocol: Some("TLSv1.3".to_owned()), trouble: None });
    seen
}

/// Right bytes, over IPv4 alone.
pub fn half_reached() -> Observation {
    over(None, Some(TroubleClass::Refused))
}

/// Right bytes, under a certificate that ends a day after the longest life that is tried.
pub fn ending() -> Observation {
    ends_in(&Life::new(), 48)
}

fn codes(standing: &Standing) -> Vec<ReasonCode> {
    standing.reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn a_certificate_is_told_when_it_ends_within_the_days_that_were_set() {
    for (hours, told) in [(14 * 24 + 1, false), (14 * 24, false), (14 * 24 - 1, true), (1, true)] {
        let mut life = Life::new();
        life.sees(&verified());
        let seen = ends_in(&life, hours);
        let standing = life.sees(&seen);
        let expected = if told { Condition::Degraded } else { Condition::Healthy };
        assert_eq!(standing.condition, expected, "{hours} h");
        assert_eq!(codes(standing), if told { vec![ReasonCode::CertificateEnds] } else { vec![] }, "{hours} h");
    }
}

#[test]
fn a_certificate_that_was_not_seen_stays_as_it_was_until_a_new_one_is() {
    let mut life = Life::new();
    let seen = ends_in(&life, 49);
    let message = life.sees(&seen).reasons[0].message.clone();
    assert!(message.contains("issued by the tests") && message.ends_with("in 2 days"), "{message}");
    assert_eq!(codes(life.sees(&current())), [ReasonCode::CertificateEnds], "a round without a probe");
    assert_eq!(codes(life.sees(&silent())), [ReasonCode::CertificateEnds], "a silent round");
    let renewed = ends_in(&life, 90 * 24);
    assert_eq!(life.sees(&renewed).condition, Condition::Healthy);

    let seen = ends_in(&life, 49);
    life.sees(&seen);
    assert_eq!(life.sees(&over(None, None)).condition, Condition::Healthy, "plain HTTP has none");
}

#[test]
fn one_family_in_trouble_for_three_rounds_degrades_and_one_good_round_mends() {
    for (broken, name) in
        [(over(Some(TroubleClass::Refused), None), "not over IPv4"), (over(None, Some(TroubleClass::Timeout)), "not over IPv6")]
    {
        let mut life = Life::new();
        life.sees(&verified());
        assert_eq!(life.sees_often(&broken, 2).condition, Condition::Healthy);
        let standing = life.sees(&broken).clone();
        assert_eq!((standing.condition, codes(&standing)), (Condition::Degraded, vec![ReasonCode::HalfReached]));
        assert!(standing.reasons[0].message.contains(name), "{}", standing.reasons[0].message);
        assert_eq!(life.sees(&over(None, None)).condition, Condition::Healthy);
        assert_eq!(life.sees_often(&broken, 2).condition, Condition::Healthy, "the count begins again");
    }
}

#[test]
fn a_family_that_reaches_nobody_is_held_against_a_mirror_only_if_something_answers() {
    for (trouble, condition) in [
        (TroubleClass::Timeout, Condition::Healthy),
        (TroubleClass::Refused, Condition::Degraded),
        (TroubleClass::Tls, Condition::Degraded),
    ] {
        let mut life = Life::new();
        life.around.out_of_reach = vec![Family::Ipv6];
        assert_eq!(life.sees_often(&over(None, Some(trouble)), 10).condition, condition, "{trouble:?}");
    }
    let mut life = Life::new();
    life.sees_often(&over(Some(TroubleClass::Refused), Some(TroubleClass::Refused)), 10);
    assert_eq!(life.standing.condition, Condition::Healthy, "both: that is for the look to tell");
}

#[test]
fn a_mirror_is_slow_beside_the_fleet_and_by_itself() {
    let pace = |looks, slowest, fleet| Some(Pace { looks, slowest, fleet });
    for (pace, slow) in [
        (None, false),
        (pace(12, 601, 200), true),
        (pace(11, 601, 200), false),
        (pace(12, 600, 200), false),
        (pace(288, 499, 1), false),
        (pace(288, 500, 1), true),
        (pace(288, u32::MAX, u32::MAX), false),
    ] {
        let mut life = Life::new();
        life.around.pace = pace;
        let standing = life.sees(&verified());
        let expected = if slow { (Condition::Degraded, vec![ReasonCode::Slow]) } else { (Condition::Healthy, vec![]) };
        assert_eq!((standing.condition, codes(standing)), expected, "{pace:?}");
        life.around.pace = None;
        assert_eq!(life.sees(&verified()).condition, Condition::Healthy);
    }
}

#[test]
fn what_is_to_be_mended_hides_nothing_worse() {
    let mut life = Life::new();
    life.around.pace = Some(Pace { looks: 100, slowest: 9000, fleet: 10 });
    let mut seen = super::sight::forged();
    seen.probes = ends_in(&life, 5).probes;
    let standing = life.sees(&seen);
    assert_eq!(standing.condition, Condition::Quarantined);
    assert_eq!(codes(standing), [ReasonCode::Altered, ReasonCode::CertificateEnds, ReasonCode::Slow]);
}
