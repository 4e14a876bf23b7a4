//! Who can read along, as far as the addresses tell.

use url::{Host, Url};

use super::{Check, Finding, Login, Place};

const CERTIFICATE: &str = "offer an address with https://; certificates cost nothing at Let's Encrypt";

/// What the addresses of a place say; SSH is always encrypted.
pub(super) fn judge(place: &Place) -> Vec<Finding> {
    let written = match &place.login {
        Login::Webdav(settings) => Some(way_in(&settings.base, "the password and what we write", Finding::failed)),
        // A signature takes the place of the key itself.
        Login::S3(settings) => Some(way_in(&settings.endpoint, "what we write", Finding::warning)),
        Login::Sftp(_) | Login::Folder(_) => None,
    };
    let read = place.face.as_ref().map(|face| match seclusion(&face.url) {
        Some(why) => Finding::passed(Check::PublicEncryption, why),
        None => Finding::warning(
            Check::PublicEncryption,
            "over plain http readers can be watched, and what they get can be changed on the way (whoever verifies notices)",
            CERTIFICATE,
        ),
    });
    written.into_iter().chain(read).collect()
}

fn way_in(url: &Url, exposed: &str, otherwise: fn(Check, String, &'static str) -> Finding) -> Finding {
    match seclusion(url) {
        Some(why) => Finding::passed(Check::Encryption, why),
        None => otherwise(Check::Encryption, format!("over plain http {exposed} can be read on the way"), CERTIFICATE),
    }
}

/// Why nobody reads along, if so.
fn seclusion(url: &Url) -> Option<&'static str> {
    if url.scheme() == "https" {
        return Some("https");
    }
    let is_here = match url.host()? {
        Host::Domain(name) if name.rsplit('.').next() == Some("onion") => {
            return Some("an onion service, which encrypts by itself");
        }
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    is_here.then_some("it does not leave this machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_hear_may_go_in_clear() {
        for (url, secluded) in [
            ("https://dav.example.org/", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("http://abc.onion/", true),
            ("http://dav.example.org/", false),
            ("http://127.0.0.1.example.org/", false),
            ("http://192.168.1.2/", false),
        ] {
            assert_eq!(seclusion(&Url::parse(url).expect("a URL")).is_some(), secluded, "{url}");
        }
    }
}
