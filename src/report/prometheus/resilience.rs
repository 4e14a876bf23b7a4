//! How many parties could take every copy down.

use super::{Metrics, whole};
use crate::health::resilience::{Assessment, PartyKind};

/// One sample for each kind of party and one, `any`, for all kinds together; 0 when no mirror is good: nobody is needed any
/// more. Where somebody is not known or the search was given up, the lower bound is told.
#[must_use]
pub fn prometheus_resilience(found: Option<&Assessment>) -> String {
    let mut out = Metrics::default();
    let name = "spartacus_resilience_parties";
    out.family(name, "gauge", "The fewest parties that together could take every good mirror down.");
    out.sample(name, &[("kind", "any")], whole(found.map_or(0, |found| found.mixed.at_least)));
    for (kind, minimum) in found.iter().flat_map(|found| &found.by_kind) {
        out.sample(name, &[("kind", kind.word())], whole(minimum.at_least));
    }
    let name = "spartacus_resilience_costliest_loss_mirrors";
    out.family(name, "gauge", "Good mirrors that go with the one party whose loss costs most.");
    out.sample(name, &[], whole(found.and_then(|found| found.costliest.as_ref()).map_or(0, |(_, lost)| *lost)));
    let name = "spartacus_resilience_unknown_mirrors";
    out.family(name, "gauge", "Good mirrors that depend on somebody of a kind who is not known.");
    for kind in PartyKind::ALL {
        let unknown = found.and_then(|found| found.unknown.iter().find(|unknown| unknown.kind == kind));
        out.sample(name, &[("kind", kind.word())], whole(unknown.map_or(0, |unknown| unknown.mirrors.len())));
    }
    out.text
}
