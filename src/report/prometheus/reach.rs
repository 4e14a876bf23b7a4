//! What the reach probe saw in the last look, as it was: before hysteresis and before any judgement.

use super::{Metrics, milliseconds, number};
use crate::base::VantageName;
use crate::health::Reach;
use crate::report::fleet::{Fleet, FleetMirror};

/// Success and phases for each mirror and address family that was tried, from here and from each vantage whose word counts:
/// their series carry its name, ours none.
pub(super) fn reach(out: &mut Metrics, fleet: &Fleet) {
    let name = "spartacus_probe_success";
    out.family(name, "gauge", "Whether the last look over this address family read the pointer, before any judgement.");
    for (mirror, vantage, reach) in tried(fleet) {
        out.sample(name, &labels(mirror, vantage, reach, None), number(reach.trouble.is_none()));
    }
    let name = "spartacus_probe_duration_seconds";
    out.family(name, "gauge", "How long each phase of that look took, of those that were passed.");
    for (mirror, vantage, reach) in tried(fleet) {
        for (phase, time) in reach.phases.told() {
            out.sample(name, &labels(mirror, vantage, reach, Some(phase.word())), milliseconds(time));
        }
    }
}

fn labels<'a>(
    mirror: &'a FleetMirror,
    vantage: Option<&'a VantageName>,
    reach: &'a Reach,
    phase: Option<&'static str>,
) -> Vec<(&'static str, &'a str)> {
    let mut labels = vec![("mirror", mirror.name.as_str()), ("probe", "reach"), ("family", reach.family.word())];
    labels.extend(vantage.map(|vantage| ("vantage", vantage.as_str())));
    labels.extend(phase.map(|phase| ("phase", phase)));
    labels
}

fn tried(fleet: &Fleet) -> impl Iterator<Item = (&FleetMirror, Option<&VantageName>, &Reach)> {
    let counts = |name: &VantageName| fleet.vantages.iter().any(|vantage| vantage.name == *name && vantage.counts(fleet.at));
    fleet.mirrors.iter().flat_map(move |mirror| {
        let here = mirror.seen.iter().flat_map(|seen| &seen.probes.reach).map(move |reach| (mirror, None, reach));
        let others = mirror.elsewhere.iter().filter(move |other| counts(&other.vantage));
        let elsewhere =
            others.flat_map(move |other| other.glance.reach.iter().map(move |reach| (mirror, Some(&other.vantage), reach)));
        here.chain(elsewhere)
    })
}
