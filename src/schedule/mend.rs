//! Which mirrors are brought back without anybody's order.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::health::{Condition, Observation, Standing, Verdict, condition_of};
use crate::history::Tries;

/// After the first repair a mirror has this long to show the result; each further try waits twice as long.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(15);
/// No pause is longer.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// Tries as old as this belong to another story.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(48);

/// What is done about a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing speaks against it.
    Nothing,
    /// It is repaired.
    Repair,
    /// It is repaired once what it serves was kept aside.
    KeepEvidence,
    /// It was repaired not long ago: again from this moment on.
    Later(Timestamp),
    /// A repair would not help.
    LeftAlone(Restraint),
}

/// Why a repair would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restraint {
    /// Nobody can tell what it lacks.
    Silent,
    /// It has no room for what it lacks.
    NoRoom,
    /// What was wrong was sent again; only full verifications lead out of quarantine.
    AwaitsVerification,
}

impl fmt::Display for Restraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Silent => "it does not answer",
            Self::NoRoom => "it has no room",
            Self::AwaitsVerification => "nothing wrong was found since; it waits for full verifications",
        })
    }
}

/// What is done about a mirror that stands so, of which `seen` was last seen and `suspects` objects are known to be wrong.
///
/// Pure. Of the reasons that speak against it each decides by itself, so that a mirror held at its worst while it flaps is
/// not repaired for what is over.
#[must_use]
pub fn choose(standing: &Standing, seen: Option<&Observation>, suspects: usize, tries: Option<Tries>, now: Timestamp) -> Choice {
    let is = |condition| standing.reasons.iter().any(|reason| condition_of(reason.code) == condition);
    let (quarantined, broken) = (is(Condition::Quarantined), is(Condition::Incomplete) || is(Condition::Stale));
    if is(Condition::Unreachable) || (standing.counters.failed > 0 && (quarantined || broken)) {
        return Choice::LeftAlone(Restraint::Silent);
    }
    let caught = seen.is_some_and(|seen| matches!(seen.look.verdict, Verdict::Forged | Verdict::Mixed | Verdict::RolledBack));
    if quarantined && !caught && suspects == 0 && !broken {
        return Choice::LeftAlone(Restraint::AwaitsVerification);
    }
    if is(Condition::Full) && !quarantined {
        return Choice::LeftAlone(Restraint::NoRoom);
    }
    if !quarantined && !broken {
        return Choice::Nothing;
    }
    match tries.filter(|tries| !is_forgotten(*tries, now)).map(next_try) {
        Some(next) if now < next => Choice::Later(next),
        _ if quarantined => Choice::KeepEvidence,
        _ => Choice::Repair,
    }
}

/// From when on a mirror may be repaired again: a quarter of an hour after the first try, then each time twice as long, at
/// most a day.
#[must_use]
pub fn next_try(tries: Tries) -> Timestamp {
    let doublings = tries.count.saturating_sub(1).min(16);
    let pause = FIRST_PAUSE.checked_mul(1 << doublings).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
    tries.last.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

/// One more try, made now.
#[must_use]
pub fn tried_again(tries: Option<Tries>, now: Timestamp) -> Tries {
    let before = tries.filter(|tries| !is_forgotten(*tries, now)).map_or(0, |tries| tries.count);
    Tries { count: before.saturating_add(1), last: now }
}

fn is_forgotten(tries: Tries, now: Timestamp) -> bool {
    now.duration_since(tries.last) >= FORGOTTEN
}
