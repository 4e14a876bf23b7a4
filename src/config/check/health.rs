//! `health:`

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use super::super::model::Address;
use super::super::section::Section;
use super::alerts;
use super::limits::bytes;
use super::policy::{duration, set};
use super::resilience;
use super::vantages;
use crate::base::{HealthPolicy, HealthRules};

/// Reads `health:`; everything in it has a default. With it comes where it is told that a round begins, ends or fails.
pub(super) fn health(file: &Section<'_, '_>) -> Option<(HealthPolicy, Option<Address>)> {
    let mut policy = HealthPolicy::default();
    if file.entry("health").is_none() {
        return Some((policy, None));
    }
    let section = file.section("health")?;
    set(&mut policy.every, duration(&section, "every"));
    set(&mut policy.sample, section.number("sample", 0..=1000));
    set(&mut policy.bytes_per_day, section.parsed_by("bytes_per_day", bytes));
    rules(&section, &mut policy.rules);
    policy.control = control(&section);
    policy.vantages = vantages::vantages(&section);
    policy.seen_from = seen_from(&section);
    policy.asn_database = resilience::asn_database(&section);
    set(&mut policy.resolver, resilience::resolver(&section));
    let ping = alerts::told(&section, "ping", "https://hc-ping.com/your-uuid");
    section.finish();
    Some((policy, ping))
}

fn rules(health: &Section<'_, '_>, rules: &mut HealthRules) {
    set(&mut rules.grace, duration(health, "grace"));
    set(&mut rules.unreachable_after, health.number("unreachable_after", 1..=100));
    set(&mut rules.stale_after, health.number("stale_after", 1..=100));
    let days = health.number("certificate_days", 1..=365);
    set(&mut rules.certificate, days.map(|days| Duration::from_hours(24 * u64::from(days))));
    set(&mut rules.clean_after, health.number("clean_after", 1..=10));
}

/// Addresses that volunteers find in their logs.
fn seen_from(health: &Section<'_, '_>) -> Vec<IpAddr> {
    if health.entry("seen_from").is_none() {
        return Vec::new();
    }
    let mut addresses = Vec::new();
    for text in health.texts("seen_from").unwrap_or_default() {
        if let Ok(address) = text.text.parse() {
            addresses.push(address);
        } else {
            let hint = "write addresses, not names: seen_from: [203.0.113.7, \"2001:db8::7\"]";
            health.wrong(text.span, "`seen_from` holds something that is no IP address", "", Some(hint));
        }
    }
    addresses
}

/// Whole addresses: they are asked as they stand, and shown when they do not answer.
fn control(health: &Section<'_, '_>) -> Vec<Url> {
    if health.entry("control").is_none() {
        return Vec::new();
    }
    let mut places = Vec::new();
    for text in health.texts("control").unwrap_or_default() {
        match Url::parse(text.text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none() =>
            {
                places.push(url);
            }
            _ => {
                let hint = "name places of others that are hardly ever away: control: [https://example.org/]";
                health.wrong(text.span, "`control` holds something that is no web address without a login", "", Some(hint));
            }
        }
    }
    places
}
