//! `spartacus resilience`: who could take every copy down.

use super::args::Global;
use super::exit::{self, Ended, Failure};
use super::fleet::fleet;
use super::session::Session;
use super::surface::{Surface, say};
use crate::config::Target;
use crate::health::Probes;
use crate::health::resilience::{PartyKind, Standpoint, assess};
use crate::report::{self, Fleet, FleetMirror};

/// Tells the fewest parties that together could remove every good copy, by what is declared and by the mirrors' names.
pub fn resilience(surface: &Surface, global: &Global) -> Ended {
    let session = Session::open(surface, global)?;
    let targets = session.selected(&global.only)?;
    let all = fleet(&session, &targets)?;
    let Some(assessment) = assess(&good_standpoints(&targets, &all)) else {
        return Err(Failure::told(exit::UNHEALTHY, "no mirror is known to be good").hint("spartacus check"));
    };
    if surface.json {
        say(&report::resilience_json(&assessment));
    } else {
        say(report::resilience_text(&assessment, surface.style).trim_end());
    }
    Ok(exit::OK)
}

/// On whom each mirror depends that readers can be sent to.
pub fn good_standpoints(targets: &[&Target], all: &Fleet) -> Vec<Standpoint> {
    let mirrors = targets.iter().zip(&all.mirrors);
    let good = mirrors.filter(|(_, mirror)| mirror.lifecycle.is_listed() && mirror.standing.condition.is_good());
    good.map(|(target, mirror)| standpoint(target, mirror)).collect()
}

/// What is not declared counts as one and the same unknown party.
fn standpoint(target: &Target, mirror: &FleetMirror) -> Standpoint {
    let (suffix, domain) = target.public_url.as_ref().map_or((None, None), |url| names(url.host_str().unwrap_or_default()));
    let declared = Standpoint::new(target.name.clone())
        .with(PartyKind::Operator, target.operator.clone())
        .with(PartyKind::Network, target.network.clone())
        .with(PartyKind::Country, target.country.clone())
        .with(PartyKind::Suffix, suffix)
        .with(PartyKind::Domain, domain);
    // An authority that was not seen is nothing that the maintainer left out, so it is no unknown party.
    match mirror.seen.as_ref().and_then(|seen| authority(&seen.probes)) {
        Some(issuer) => declared.with(PartyKind::Authority, Some(issuer)),
        None => declared,
    }
}

/// Whoever issued the certificate that was last seen.
fn authority(probes: &Probes) -> Option<String> {
    probes.certificate.as_ref().map(|certificate| certificate.issuer.clone())
}

/// The ending that a registry keeps and the name that was registered below it, by the Public Suffix List. An address has
/// neither.
fn names(host: &str) -> (Option<String>, Option<String>) {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let known = psl::domain(host.as_bytes()).filter(|domain| domain.suffix().is_known());
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(ToOwned::to_owned);
    // `co.uk` is kept by whoever keeps `uk`.
    let suffix = known
        .and_then(|domain| text(domain.suffix().as_bytes()))
        .and_then(|suffix| suffix.rsplit('.').next().map(ToOwned::to_owned));
    (suffix, known.and_then(|domain| text(domain.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_cut_where_registries_begin() {
        let of = |host| {
            let (suffix, domain) = names(host);
            (suffix.unwrap_or_default(), domain.unwrap_or_default())
        };
        let pair = |suffix: &str, domain: &str| (suffix.to_owned(), domain.to_owned());
        assert_eq!(of("mirror.example.org"), pair("org", "example.org"));
        assert_eq!(of("a.b.example.co.uk."), pair("uk", "example.co.uk"));
        // Names below github.io are registered with GitHub, one by one.
        assert_eq!(of("ann.github.io"), pair("io", "ann.github.io"));
        assert_eq!(of("127.0.0.1"), pair("", ""));
        assert_eq!(of("localhost"), pair("", ""));
    }
}
