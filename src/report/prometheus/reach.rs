//! What the reach probe saw in the last look, as it was: before hysteresis and before any judgement.

use super::{Metrics, milliseconds, number};
use crate::health::Reach;
use crate::report::fleet::Fleet;

/// Success and phases for each mirror and address family that was tried.
pub(super) fn reach(out: &mut Metrics, fleet: &Fleet) {
    let name = "spartacus_probe_success";
    out.family(name, "gauge", "Whether the last look over this address family read the pointer, before any judgement.");
    for (mirror, reach) in tried(fleet) {
        let labels = [("mirror", mirror), ("probe", "reach"), ("family", reach.family.word())];
        out.sample(name, &labels, number(reach.trouble.is_none()));
    }
    let name = "spartacus_probe_duration_seconds";
    out.family(name, "gauge", "How long each phase of that look took, of those that were passed.");
    for (mirror, reach) in tried(fleet) {
        for (phase, time) in reach.phases.told() {
            let labels = [("mirror", mirror), ("probe", "reach"), ("family", reach.family.word()), ("phase", phase.word())];
            out.sample(name, &labels, milliseconds(time));
        }
    }
}

fn tried(fleet: &Fleet) -> impl Iterator<Item = (&str, &Reach)> {
    fleet.mirrors.iter().flat_map(|mirror| {
        let seen = mirror.seen.iter().flat_map(|seen| &seen.probes.reach);
        seen.map(|reach| (mirror.name.as_str(), reach))
    })
}
