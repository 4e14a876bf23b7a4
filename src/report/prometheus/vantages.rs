//! Who else looks, and whether their word counts. Vantages are named by the maintainer, so the label is bounded.

use super::{Metrics, number, seconds};
use crate::report::fleet::Fleet;

/// When each vantage looked, and whether that counts.
pub(super) fn vantages(out: &mut Metrics, fleet: &Fleet) {
    let name = "spartacus_vantage_last_look_timestamp_seconds";
    out.family(name, "gauge", "When a vantage looked at the mirrors, by the newest testimony that was taken.");
    for vantage in &fleet.vantages {
        out.sample(name, &[("vantage", vantage.name.as_str())], seconds(vantage.at));
    }
    out.family("spartacus_vantage_counts", "gauge", "Whether its word counts: it saw the mirrors, and is not over yet.");
    for vantage in &fleet.vantages {
        out.sample("spartacus_vantage_counts", &[("vantage", vantage.name.as_str())], number(vantage.counts(fleet.at)));
    }
}
