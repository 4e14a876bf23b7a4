//! How many parties could take every copy down.

use super::{Metrics, whole};
use crate::health::resilience::Assessment;

/// One sample for each kind of party and one, `any`, for all kinds together; 0 when no mirror is good: nobody is needed any
/// more. Where the search was given up, the lower bound is told.
#[must_use]
pub fn prometheus_resilience(found: Option<&Assessment>) -> String {
    let mut out = Metrics::default();
    let name = "spartacus_resilience_parties";
    out.family(name, "gauge", "The fewest parties that together could take every good mirror down.");
    out.sample(name, &[("kind", "any")], whole(found.map_or(0, |found| found.mixed.at_least)));
    for (kind, minimum) in found.iter().flat_map(|found| &found.by_kind) {
        out.sample(name, &[("kind", kind.word())], whole(minimum.at_least));
    }
    out.text
}
