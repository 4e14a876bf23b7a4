//! What canaries tell of a mirror. They are rare, so what one told stands until the next.

use super::reasons::Reasons;
use super::{Counters, ReasonCode, Standing};
use crate::health::{Observation, Verdict, WriteProbe, WriteStep};

/// Whether `writing` alone decides about this reason.
pub(super) fn is_of_writing(code: ReasonCode) -> bool {
    matches!(code, ReasonCode::CannotWrite | ReasonCode::NotShown)
}

/// We cannot write, or what we write does not show: two troubles with two cures. Too little room is a third.
pub(super) fn writing(reasons: &mut Reasons, counters: &mut Counters, past: &Standing, seen: &Observation) {
    match &seen.probes.write {
        Some(probe) => told(reasons, counters, past, probe, seen.look.verdict == Verdict::Unreadable),
        None => reasons.keep(past, is_of_writing),
    }
    if let Some(what) = &counters.tight {
        reasons.tell(ReasonCode::NoSpace, what.clone());
    }
}

fn told(reasons: &mut Reasons, counters: &mut Counters, past: &Standing, probe: &WriteProbe, unreadable: bool) {
    if let (Some(free), Some(needed)) = (probe.free, probe.needed) {
        let is_tight = free < needed;
        counters.tight = is_tight.then(|| format!("{free} are free, and a release like the newest one needs {needed}"));
    }
    let Some(step) = probe.failed else { return };
    let what = probe.trouble.as_deref().unwrap_or_default();
    match step {
        // One that gives readers nothing at all does not hide what is new.
        WriteStep::Readers if unreadable => reasons.keep(past, |code| code == ReasonCode::NotShown),
        WriteStep::Readers => reasons.tell(ReasonCode::NotShown, format!("we can write there, but {what}")),
        WriteStep::Connect => reasons.tell(ReasonCode::CannotWrite, format!("logging in failed: {what}")),
        WriteStep::Write => reasons.tell(ReasonCode::CannotWrite, format!("writing failed: {what}")),
        WriteStep::ReadBack => reasons.tell(ReasonCode::CannotWrite, format!("reading back failed: {what}")),
        WriteStep::Remove => reasons.tell(ReasonCode::CannotWrite, format!("removing failed: {what}")),
    }
}
