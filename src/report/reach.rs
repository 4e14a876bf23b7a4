//! How a mirror was reached, in words.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::words;
use crate::health::{CertificateSight, Family, Phase, Phases, Probes, Reach};

/// One line for each address family that was tried, and one for the certificate.
pub(super) fn reach_lines(probes: &Probes, now: Timestamp) -> Vec<String> {
    let families = probes.reach.iter().map(reach_words);
    families.chain(probes.certificate.as_ref().map(|sight| certificate_words(sight, now))).collect()
}

/// The families that failed while another worked, of those over which some mirror was reached.
pub(super) fn half_reached<'a>(probes: &'a Probes, alive: &BTreeSet<Family>) -> impl Iterator<Item = &'a Reach> {
    let works = probes.reach.iter().any(|reach| reach.trouble.is_none());
    probes.reach.iter().filter(move |reach| works && reach.trouble.is_some() && alive.contains(&reach.family))
}

/// `reached over IPv4 (192.0.2.7): name 3 ms, connection 20 ms, TLS 41 ms, first byte 22 ms, rest 0 ms`, or
/// `not reached over IPv6, failed in TLS: ...`
pub(super) fn reach_words(reach: &Reach) -> String {
    let family = reach.family.name();
    if let Some(trouble) = &reach.trouble {
        return format!("not reached over {family}, failed {}: {}", phase_words(trouble.phase), trouble.what);
    }
    let address = reach.address.map(|address| format!(" ({address})")).unwrap_or_default();
    format!("reached over {family}{address}: {}", times(&reach.phases))
}

fn times(phases: &Phases) -> String {
    let told: Vec<String> = phases.told().map(|(phase, time)| format!("{} {time} ms", time_words(phase))).collect();
    if told.is_empty() { "no time was taken".to_owned() } else { told.join(", ") }
}

fn time_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "name",
        Phase::Connect => "connection",
        Phase::Tls => "TLS",
        Phase::FirstByte => "first byte",
        Phase::Transfer => "rest",
    }
}

fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "looking up its name",
        Phase::Connect => "connecting",
        Phase::Tls => "in TLS",
        Phase::FirstByte => "waiting for the answer",
        Phase::Transfer => "reading the answer",
    }
}

fn certificate_words(sight: &CertificateSight, now: Timestamp) -> String {
    let protocol = sight.protocol.as_ref().map(|protocol| format!(", {protocol}")).unwrap_or_default();
    let until = words::moment(sight.not_after);
    let left = words::days_until(sight.not_after, now);
    let refused = sight.trouble.as_ref().map(|why| format!("; NOT ACCEPTED: {why}")).unwrap_or_default();
    format!("certificate: until {until} ({left}), issued by {}{protocol}{refused}", sight.issuer)
}
