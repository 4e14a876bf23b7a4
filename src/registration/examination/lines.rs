//! Certificate and address families of a public address.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::{Check, Finding, PublicFace};
use crate::base::{HealthRules, ObjectPath};
use crate::net::{Contact, ContactError, ShownCertificate};

/// Asks for the object once over each address family that the name has and this machine can use.
pub(super) async fn look(face: &PublicFace, path: &ObjectPath, now: Timestamp) -> Vec<Finding> {
    let encrypted = face.url.scheme() == "https";
    let Some(contacts) = &face.contacts else {
        let unseen = Finding::not_tried(Check::Certificate, "behind a proxy it is not looked at by itself");
        return if encrypted { vec![unseen] } else { Vec::new() };
    };
    let url = face.address(path);
    // A name that has no address was told by the look before.
    let Ok((_, addresses)) = contacts.resolve(&url, &face.destinations).await else { return Vec::new() };
    let mut seen = Vec::new();
    for is_wanted in [SocketAddr::is_ipv4, SocketAddr::is_ipv6] {
        let Some(vetted) = addresses.iter().copied().find(|vetted| is_wanted(&vetted.address())) else { continue };
        let contact = contacts.get(&url, vetted, face.ca.as_deref()).await;
        // Without a route of our own nothing is learnt about the other side.
        if !matches!(contact.result, Err(ContactError::NoRoute(_) | ContactError::Setup(_))) {
            seen.push((vetted.address(), contact));
        }
    }
    let certificate = encrypted.then(|| certificate(&seen, now));
    certificate.into_iter().chain(families(&seen)).collect()
}

fn certificate(seen: &[(SocketAddr, Contact)], now: Timestamp) -> Finding {
    let check = Check::Certificate;
    // Two servers behind one name may show two: the refused one, or the one that ends first, is news.
    let shown = seen.iter().filter_map(|(_, contact)| contact.shown.as_ref());
    let Some(shown) = shown.min_by_key(|shown| (shown.trouble.is_none(), shown.not_after)) else {
        return Finding::not_tried(check, "none was shown");
    };
    if let Some(trouble) = &shown.trouble {
        let what = format!("not to be accepted: {trouble} ({})", named(shown));
        return Finding::failed(check, what, "get a certificate for this name that browsers accept, with its whole chain");
    }
    let days = shown.not_after.duration_since(now).as_hours() / 24;
    let what = format!("{days} days left ({})", named(shown));
    let soon = u64::try_from(shown.not_after.duration_since(now).as_secs()).unwrap_or(0);
    if soon < HealthRules::default().certificate.as_secs() {
        return Finding::warning(check, what, "see that it is renewed by itself (certbot renew, or the panel of the hoster)");
    }
    Finding::passed(check, what)
}

fn named(shown: &ShownCertificate) -> String {
    format!("issued by {}, ends {}", shown.issuer, shown.not_after.strftime("%Y-%m-%d"))
}

/// `None` where no family works at all: that is told as what readers get.
fn families(seen: &[(SocketAddr, Contact)]) -> Option<Finding> {
    let name = |address: &SocketAddr| if address.is_ipv4() { "IPv4" } else { "IPv6" };
    let works = |contact: &Contact| contact.result.as_ref().err().is_none_or(ContactError::is_answer);
    let working: Vec<_> = seen.iter().filter(|(_, contact)| works(contact)).map(|(address, _)| name(address)).collect();
    if working.is_empty() {
        return None;
    }
    let broken = seen.iter().find(|(_, contact)| !works(contact));
    Some(match broken.and_then(|(address, contact)| Some((address, contact.result.as_ref().err()?))) {
        Some((address, error)) => Finding::warning(
            Check::Families,
            format!("nothing over {} ({}): {error}", name(address), address.ip()),
            format!(
                "have the server listen on that address, or take the {} address out of the name's DNS entries",
                name(address)
            ),
        ),
        None => Finding::passed(Check::Families, format!("answers over {}", working.join(" and "))),
    })
}
