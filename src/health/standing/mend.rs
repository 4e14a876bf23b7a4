//! What is to be mended on a mirror that serves right bytes.

use jiff::{SignedDuration, Timestamp};

use super::judge::Around;
use super::reasons::Reasons;
use super::{Counters, ReasonCode, Standing};
use crate::base::HealthRules;
use crate::health::{Family, Observation, Reach, TroubleClass};

/// How soon a mirror sends its first byte, over a day, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Looks that this is made from.
    pub looks: u32,
    /// 95 of 100 looks were faster.
    pub slowest: u32,
    /// The median over the mirrors of the median of each.
    pub fleet: u32,
}

/// Certificate, families and speed: each is told by itself, and none keeps readers away.
pub(super) fn to_mend(
    reasons: &mut Reasons,
    counters: &mut Counters,
    past: &Standing,
    seen: &Observation,
    around: &Around,
    rules: &HealthRules,
    now: Timestamp,
) {
    certificate(reasons, past, seen, rules, now);
    for family in [Family::Ipv4, Family::Ipv6] {
        half_reached(reasons, counters, family, seen, around, rules);
    }
    slow(reasons, around, rules);
}

/// A certificate that was not accepted needs no rule: the look has failed with it.
fn certificate(reasons: &mut Reasons, past: &Standing, seen: &Observation, rules: &HealthRules, now: Timestamp) {
    let Some(sight) = &seen.probes.certificate else {
        // Not asked, or not come so far in this round: what was known stays. Plain HTTP has none.
        let unseen = seen.probes.reach.iter().all(|reach| reach.trouble.is_some());
        return reasons.keep(past, |code| unseen && code == ReasonCode::CertificateEnds);
    };
    let left = sight.not_after.duration_since(now);
    if sight.trouble.is_none() && left < SignedDuration::try_from(rules.certificate).unwrap_or(SignedDuration::MAX) {
        let (days, moment) = (left.as_hours() / 24, sight.not_after.strftime("%Y-%m-%d %H:%MZ"));
        let what = format!("its certificate (issued by {}) ends {moment}, in {days} days", sight.issuer);
        reasons.tell(ReasonCode::CertificateEnds, what);
    }
}

/// Trouble over one family while the other works counts after as many rounds as silence does.
fn half_reached(
    reasons: &mut Reasons,
    counters: &mut Counters,
    family: Family,
    seen: &Observation,
    around: &Around,
    rules: &HealthRules,
) {
    let trouble = trouble_over(family, &seen.probes.reach).filter(|reach| !may_be_ours(reach, around));
    let failed = match family {
        Family::Ipv4 => &mut counters.ipv4_failed,
        Family::Ipv6 => &mut counters.ipv6_failed,
    };
    *failed = if trouble.is_some() { failed.saturating_add(1) } else { 0 };
    if let Some(trouble) = trouble.and_then(|reach| reach.trouble.as_ref()).filter(|_| *failed >= rules.unreachable_after) {
        let other = if family == Family::Ipv4 { Family::Ipv6 } else { Family::Ipv4 };
        let what = format!("reached over {}, but not over {}: {}", other.name(), family.name(), trouble.what);
        reasons.tell(ReasonCode::HalfReached, what);
    }
}

/// What was seen over `family`, if it is in trouble and the other is not.
fn trouble_over(family: Family, reach: &[Reach]) -> Option<&Reach> {
    let works = reach.iter().any(|seen| seen.family != family && seen.trouble.is_none());
    reach.iter().find(|seen| works && seen.family == family && seen.trouble.is_some())
}

/// Silence over a family over which nobody was reached is as well explained by our own line. An answer is not, however
/// wrong it is.
fn may_be_ours(reach: &Reach, around: &Around) -> bool {
    let silent = reach.trouble.as_ref().is_some_and(|trouble| trouble.class == TroubleClass::Timeout);
    silent && around.out_of_reach.contains(&reach.family)
}

fn slow(reasons: &mut Reasons, around: &Around, rules: &HealthRules) {
    let Some(pace) = around.pace.filter(|pace| pace.looks >= rules.slow_looks) else { return };
    let floor = u32::try_from(rules.slow_floor.as_millis()).unwrap_or(u32::MAX);
    if pace.slowest >= floor && pace.slowest > pace.fleet.saturating_mul(rules.slow_times) {
        let Pace { looks, slowest, fleet } = pace;
        let what = format!(
            "of {looks} looks in a day one in twenty waited {slowest} ms or more for a first byte, where the fleet's median is {fleet} ms"
        );
        reasons.tell(ReasonCode::Slow, what);
    }
}
