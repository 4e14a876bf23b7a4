//! `health:`

use super::super::section::Section;
use super::limits::bytes;
use super::policy::{duration, set};
use crate::base::{HealthPolicy, HealthRules};

/// Reads `health:`; everything in it has a default.
pub(super) fn health(file: &Section<'_, '_>) -> Option<HealthPolicy> {
    let mut policy = HealthPolicy::default();
    if file.entry("health").is_none() {
        return Some(policy);
    }
    let section = file.section("health")?;
    set(&mut policy.every, duration(&section, "every"));
    set(&mut policy.sample, section.number("sample", 0..=1000));
    set(&mut policy.bytes_per_day, section.parsed_by("bytes_per_day", bytes));
    rules(&section, &mut policy.rules);
    section.unsupported(&["control", "vantage"]);
    section.finish();
    Some(policy)
}

fn rules(health: &Section<'_, '_>, rules: &mut HealthRules) {
    set(&mut rules.grace, duration(health, "grace"));
    set(&mut rules.unreachable_after, health.number("unreachable_after", 1..=100));
    set(&mut rules.stale_after, health.number("stale_after", 1..=100));
    set(&mut rules.clean_after, health.number("clean_after", 1..=10));
}
