//! The rules: what was, what was seen and the time make what is.
//!
//! 1. A round in which the fault was ours changes nothing.
//! 2. What speaks against the mirror is collected as reasons, each by a rule of its own.
//! 3. The worst reason names the condition; a condition that changes again and again is held at its worst.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::mend::to_mend;
use super::others::{Eyes, is_of_others, others};
use super::reasons::Reasons;
use super::writing::{is_of_writing, writing};
use super::{Condition, Counters, Pace, ReasonCode, Standing};
use crate::base::{HealthRules, Level};
use crate::health::{Elsewhere, Family, Observation, Verdict};

/// Changes that are counted towards flapping are this young.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is known about a mirror beside what was seen of it.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// When we last brought it the newest state (else when we published that): lag counts from here.
    pub due_since: Option<Timestamp>,
    /// The last push did not fit, in these words.
    pub no_room: Option<String>,
    /// How soon it answered over the last day, and the fleet.
    pub pace: Option<Pace>,
    /// Families over which nobody was reached in this round: trouble there may be our own.
    pub out_of_reach: Vec<Family>,
    /// What others saw of it from elsewhere whose word counts now.
    pub elsewhere: Vec<Elsewhere>,
}

/// How a mirror is, after a round saw `seen` of it; `None` means that the fault was ours, and holds everything.
///
/// Pure: the same arguments give the same answer.
#[must_use]
pub fn judge(past: &Standing, seen: Option<&Observation>, around: &Around, rules: &HealthRules, now: Timestamp) -> Standing {
    let Some(seen) = seen else { return past.clone() };
    let mut counters = past.counters.clone();
    let mut reasons = Reasons::of(past, now);
    let eyes = Eyes::of(seen, &around.elsewhere);
    let answered = count_answers(&mut counters, &eyes);

    distrust(&mut reasons, &mut counters, past, seen, rules);
    if answered && eyes.here {
        came_back(&mut reasons, &mut counters, past, seen, rules);
        missing(&mut reasons, &mut counters, past, seen, rules, now);
        lagging(&mut reasons, &mut counters, seen, around, rules, now);
        to_mend(&mut reasons, &mut counters, past, seen, around, rules, now);
        if let Some(refused) = &around.no_room {
            reasons.tell(ReasonCode::NoSpace, refused.clone());
        }
    } else if answered {
        // Others reach it and we do not: it is not down, and what was known of its content stays.
        came_back(&mut reasons, &mut counters, past, seen, rules);
        reasons.keep(past, |code| !matches!(code, ReasonCode::NoAnswer | ReasonCode::Reverifying) && stays_unseen(code));
    } else if counters.failed >= rules.unreachable_after {
        counters.verify_first = true;
        reasons.tell(ReasonCode::NoAnswer, no_answer(&eyes, seen, counters.failed));
        reasons.keep(past, |code| condition_of(code) < Condition::Unreachable);
    } else {
        // One or two silent rounds say nothing yet: what was known stays.
        reasons.keep(past, stays_unseen);
    }
    others(&mut reasons, &counters, &eyes, seen, around, rules);
    if !answered && !reasons.has(ReasonCode::NoAnswer) {
        reasons.keep(past, |code| code == ReasonCode::Regional);
    }
    writing(&mut reasons, &mut counters, past, seen);
    // Nothing speaks against it; but silence, in the first rounds of its life too, speaks for nothing.
    let nothing_new = !(answered && eyes.here) && reasons.worst() == Condition::Healthy;
    let raw = if nothing_new { counters.raw } else { reasons.worst() };
    let condition = hold_while_flapping(&mut reasons, &mut counters, raw, rules, now);
    Standing {
        condition,
        since: if condition == past.condition { past.since } else { now },
        reasons: reasons.finish(),
        seen_at: Some(now),
        answered_at: if eyes.here { Some(now) } else { past.answered_at },
        verified_at: if seen.look.level == Some(Level::Verified) { Some(now) } else { past.verified_at },
        counters,
    }
}

/// The condition that a reason speaks for.
#[must_use]
pub fn condition_of(code: ReasonCode) -> Condition {
    match code {
        ReasonCode::Altered | ReasonCode::Mixed | ReasonCode::RolledBack => Condition::Quarantined,
        ReasonCode::NoAnswer => Condition::Unreachable,
        ReasonCode::Missing => Condition::Incomplete,
        ReasonCode::Behind | ReasonCode::Expired => Condition::Stale,
        ReasonCode::NoSpace => Condition::Full,
        ReasonCode::CannotWrite
        | ReasonCode::NotShown
        | ReasonCode::Reverifying
        | ReasonCode::CertificateEnds
        | ReasonCode::HalfReached
        | ReasonCode::Slow
        | ReasonCode::Flapping
        | ReasonCode::Regional
        | ReasonCode::Unconfirmed => Condition::Degraded,
    }
}

/// What is told of in a round in which we did not see the mirror goes on to stand; but for what is judged by itself.
fn stays_unseen(code: ReasonCode) -> bool {
    code != ReasonCode::Flapping && !is_of_writing(code) && !is_of_others(code)
}

/// Whether the mirror answered, counted. A forged answer is an answer. When nobody else looks any more, all rounds count in
/// which we did not see it: what others said of them is over.
fn count_answers(counters: &mut Counters, eyes: &Eyes<'_>) -> bool {
    let answered = eyes.is_reached();
    counters.unseen = if eyes.here { 0 } else { counters.unseen.saturating_add(1) };
    (counters.failed, counters.answered) =
        if answered { (0, counters.answered.saturating_add(1)) } else { (counters.failed.saturating_add(1), 0) };
    if !answered && eyes.are_ours_alone() {
        counters.failed = counters.failed.max(counters.unseen);
    }
    answered
}

/// One wrong byte, signature or step back is enough, and only full verifications without any lead out again.
fn distrust(reasons: &mut Reasons, counters: &mut Counters, past: &Standing, seen: &Observation, rules: &HealthRules) {
    let evidence = || seen.look.evidence.first().map(ToString::to_string).unwrap_or_default();
    let mut caught = true;
    match seen.look.verdict {
        Verdict::Forged => reasons.tell(ReasonCode::Altered, evidence()),
        Verdict::Mixed => reasons.tell(ReasonCode::Mixed, evidence()),
        Verdict::RolledBack => reasons.tell(ReasonCode::RolledBack, evidence()),
        _ => caught = false,
    }
    if let Some(bad) = seen.probes.sample.as_ref().and_then(|sample| sample.bad.first()) {
        caught = true;
        reasons.tell(ReasonCode::Altered, bad.to_string());
    }
    if caught {
        counters.clean = 0;
    } else if past.condition == Condition::Quarantined {
        counters.clean += u32::from(seen.look.level == Some(Level::Verified));
        if counters.clean < rules.clean_after {
            reasons.keep(past, |code| condition_of(code) == Condition::Quarantined);
        }
    }
}

/// A mirror that was away is believed again after several answers, and counts again once every byte was hashed.
fn came_back(reasons: &mut Reasons, counters: &mut Counters, past: &Standing, seen: &Observation, rules: &HealthRules) {
    if seen.look.level == Some(Level::Verified) {
        counters.verify_first = false;
    }
    let was_away = past.reasons.iter().any(|reason| reason.code == ReasonCode::NoAnswer);
    if was_away && counters.answered < rules.back_after {
        reasons.keep(past, |code| code == ReasonCode::NoAnswer);
    } else if counters.verify_first {
        reasons.tell(ReasonCode::Reverifying, "it was away, and is verified in full before it counts again".to_owned());
    }
}

/// Files count as missing when they still are after a while: a push, or the mirror's own web server, may be at work.
fn missing(
    reasons: &mut Reasons,
    counters: &mut Counters,
    past: &Standing,
    seen: &Observation,
    rules: &HealthRules,
    now: Timestamp,
) {
    if seen.look.verdict == Verdict::Incomplete {
        let since = *counters.missing_since.get_or_insert(now);
        if is_over(now.duration_since(since), rules.missing_apart) {
            let count = seen.look.evidence.len();
            let first = seen.look.evidence.first().map(ToString::to_string).unwrap_or_default();
            reasons.tell(ReasonCode::Missing, if count > 1 { format!("{first}, and {} more", count - 1) } else { first });
        }
    } else if seen.look.level >= Some(Level::Complete) {
        counters.missing_since = None;
    } else if counters.missing_since.is_some() {
        // A look at metadata alone does not tell whether the files are there again.
        reasons.keep(past, |code| code == ReasonCode::Missing);
    }
}

/// Old content is told by signatures, so it needs no more than a grace time and a second look.
fn lagging(
    reasons: &mut Reasons,
    counters: &mut Counters,
    seen: &Observation,
    around: &Around,
    rules: &HealthRules,
    now: Timestamp,
) {
    match seen.look.verdict {
        Verdict::Behind { by } => {
            let lag = around.due_since.map_or(SignedDuration::MAX, |due| now.duration_since(due));
            counters.lagging = if is_over(lag, rules.grace) { counters.lagging.saturating_add(1) } else { 0 };
            if counters.lagging >= rules.stale_after {
                let what = if by == 1 { "1 publish behind".to_owned() } else { format!("{by} publishes behind") };
                reasons.tell(ReasonCode::Behind, what);
            }
        }
        Verdict::Stale { since } => {
            reasons.tell(ReasonCode::Expired, format!("its pointer expired {}", since.strftime("%Y-%m-%d %H:%MZ")));
        }
        _ => counters.lagging = 0,
    }
}

fn no_answer(eyes: &Eyes<'_>, seen: &Observation, rounds: u32) -> String {
    if let Some((places, what)) = eyes.silence(seen) {
        return format!("no right answer in {rounds} rounds {places}: {what}");
    }
    let what = seen.look.evidence.first().map(ToString::to_string).unwrap_or_default();
    format!("no right answer in {rounds} rounds: {what}")
}

/// A condition that comes and goes is told once, at its worst, until it has been the same for a while.
fn hold_while_flapping(
    reasons: &mut Reasons,
    counters: &mut Counters,
    raw: Condition,
    rules: &HealthRules,
    now: Timestamp,
) -> Condition {
    if raw != counters.raw {
        // The first condition of all is no change.
        if counters.raw != Condition::Unknown {
            counters.changes.push(now);
        }
        counters.raw = raw;
    }
    counters.changes.retain(|change| now.duration_since(*change) < DAY);
    let calm = counters.changes.last().is_none_or(|last| is_over(now.duration_since(*last), rules.calm_after));
    let many = u32::try_from(counters.changes.len()).unwrap_or(u32::MAX) >= rules.flapping_changes;
    counters.held = match counters.held {
        Some(_) if calm => None,
        Some(held) => Some(held.min(raw)),
        None if many && !calm => Some(raw.min(Condition::Degraded)),
        None => None,
    };
    let Some(held) = counters.held else { return raw };
    reasons.tell(ReasonCode::Flapping, format!("changed {} times within a day", counters.changes.len()));
    held.min(raw)
}

/// Whether a span is longer than a limit (or exactly as long).
pub(super) fn is_over(span: SignedDuration, limit: Duration) -> bool {
    span >= SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)
}

/// Whether so much fails at once that the fault is ours, and in what words.
///
/// `before` and `seen` belong together by position. Only mirrors that answered until now count: those that are known to
/// be away say nothing about us. `online` is what others told, if any were asked: then it alone decides.
#[must_use]
pub fn observer_fault(before: &[&Standing], seen: &[&Observation], online: Option<bool>, rules: &HealthRules) -> Option<String> {
    match online {
        Some(false) => return Some("we are offline: none of the places in `health.control` answers".to_owned()),
        // Somebody else answers us, so whatever fails is no fault of ours, however much it is.
        Some(true) => return None,
        None => {}
    }
    let trusted: Vec<&Observation> = before
        .iter()
        .zip(seen)
        .filter(|(past, _)| past.counters.failed == 0 && past.counters.unseen == 0 && past.counters.answered > 0)
        .map(|(_, observation)| *observation)
        .collect();
    let failed = trusted.iter().filter(|observation| observation.look.verdict == Verdict::Unreadable).count();
    #[allow(clippy::cast_precision_loss, reason = "mirrors are thousands at most")]
    let share = failed as f64 / trusted.len().max(1) as f64;
    let many = failed >= usize::try_from(rules.fault_floor).unwrap_or(usize::MAX) && share > rules.fault_share;
    many.then(|| format!("{failed} of {} mirrors that answered before fail at once", trusted.len()))
}
