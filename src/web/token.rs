//! The token of the form: a page of somebody else cannot post it with a visitor's browser.
//!
//! There is no login and no cookie, so a forged post could only borrow the visitor's address, and with it the allowance of that
//! network. The token is good for the network that fetched the form, for two hours, in this process: nothing is kept for it here or in
//! the browser. Besides, browsers tell where a post comes from (`Sec-Fetch-Site`, `Origin`), and that is looked at first.

use aws_lc_rs::hmac;
use hyper::HeaderMap;

use crate::base::AddressBlock;

/// How long a form can be filled in.
const LASTS_S: u64 = 2 * 3600;

/// Signs and knows the tokens of this process.
#[derive(Debug)]
pub(super) struct Tokens {
    key: hmac::Key,
}

impl Tokens {
    /// With a new random key: after a restart people post once more.
    pub(super) fn new() -> std::io::Result<Self> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random)
            .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
        Ok(Self { key })
    }

    /// A token for `network`, at `now` (seconds since 1970).
    pub(super) fn new_token(&self, network: AddressBlock, now: u64) -> String {
        let ends = now + LASTS_S;
        let tag = hmac::sign(&self.key, message(network, ends).as_bytes());
        format!("{ends}.{}", hex::encode(tag.as_ref()))
    }

    /// Whether this process gave `token` to `network`, less than two hours before `now`.
    pub(super) fn is_good(&self, token: &str, network: AddressBlock, now: u64) -> bool {
        let Some((ends, tag)) = token.split_once('.') else { return false };
        let (Ok(ends), Ok(tag)) = (ends.parse::<u64>(), hex::decode(tag)) else { return false };
        ends >= now && hmac::verify(&self.key, message(network, ends).as_bytes(), &tag).is_ok()
    }
}

fn message(network: AddressBlock, ends: u64) -> String {
    format!("{network} {ends}")
}

/// Whether a browser says that another site sent this. Programs say nothing, and neither do old browsers: these need the token.
/// So do those that say `null`, which a form of our own gets, too: over plain http there is no `Sec-Fetch-Site`, and whoever keeps
/// the referrer to himself keeps the origin as well.
pub(super) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let (Some(origin), Some(host)) = (text("origin"), text("host")) else { return false };
    origin != "null" && origin.split_once("://").map(|(_, host)| host) != Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> AddressBlock {
        AddressBlock::around([192, 0, last, 0].into(), 24)
    }

    #[test]
    fn a_token_is_good_for_one_network_two_hours_and_one_process() {
        let (tokens, other) = (Tokens::new().unwrap(), Tokens::new().unwrap());
        let token = tokens.new_token(network(2), 1000);
        assert!(tokens.is_good(&token, network(2), 1000) && tokens.is_good(&token, network(2), 8200));
        assert!(!tokens.is_good(&token, network(2), 8201), "too late");
        assert!(!tokens.is_good(&token, network(3), 1000), "another network");
        assert!(!other.is_good(&token, network(2), 1000), "another process");
        let longer = token.replacen("8200", "9999", 1);
        assert_ne!(longer, token);
        for bad in [longer.as_str(), "", ".", "8200.", "8200.00", "x.y"] {
            assert!(!tokens.is_good(bad, network(2), 1000), "{bad}");
        }
    }

    #[test]
    fn what_another_site_sends_is_known() {
        let of = |pairs: &[(&'static str, &str)]| {
            let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            is_from_elsewhere(&headers.collect::<HeaderMap>())
        };
        assert!(!of(&[]) && !of(&[("sec-fetch-site", "same-origin")]) && !of(&[("sec-fetch-site", "none")]));
        assert!(of(&[("sec-fetch-site", "cross-site")]) && of(&[("sec-fetch-site", "same-site")]));
        assert!(!of(&[("origin", "https://m.example"), ("host", "m.example")]));
        assert!(of(&[("origin", "https://evil.example"), ("host", "m.example")]));
        assert!(!of(&[("origin", "null"), ("host", "m.example")]), "the token decides");
        assert!(of(&[("origin", "null"), ("host", "m.example"), ("sec-fetch-site", "cross-site")]));
        assert!(!of(&[("origin", "http://m.example:8420"), ("host", "m.example:8420")]));
        assert!(of(&[("origin", "http://m.example:8420"), ("host", "m.example")]), "a proxy has to pass the port on");
        assert!(of(&[("origin", "m.example"), ("host", "m.example")]) && of(&[("origin", "null.example"), ("host", "null")]));
        assert!(!of(&[("origin", "https://m.example")]), "nothing to compare it with");
    }
}
