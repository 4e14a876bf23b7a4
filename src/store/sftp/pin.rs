//! Pinned host keys.

use std::fmt;
use std::str::FromStr;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

use crate::base::sanitise;

/// A host key that we accept: told by the operator, never learnt from the connection itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKeyPin {
    /// `SHA256:...`, as `ssh-keygen -l` prints it.
    Fingerprint(String),
    /// `ssh-ed25519 AAAA...`, as it stands in a `.pub` file.
    Key(Box<KeyData>),
    /// `@cert-authority ssh-ed25519 AAAA...`: whoever shows a host certificate signed with this key, for the name that
    /// we connect to.
    Authority(Box<KeyData>),
}

/// Marks the line of an authority, as in `known_hosts` (sshd(8)), but without a pattern of hosts: a pin is for one target.
const AUTHORITY_MARK: &str = "@cert-authority";

/// The text is no host key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host key: write SHA256:..., a line such as `ssh-ed25519 AAAA...`, or @cert-authority and such a line")]
pub struct ParsePinError(String);

/// Digits of a SHA-256 in base64 without padding.
const FINGERPRINT_DIGITS: usize = 43;

impl FromStr for HostKeyPin {
    type Err = ParsePinError;
    fn from_str(text: &str) -> Result<Self, ParsePinError> {
        let fail = || ParsePinError(sanitise(text));
        let text = text.trim();
        if let Some(digits) = text.strip_prefix("SHA256:") {
            let digits = digits.trim_end_matches('=');
            let fits = digits.len() == FINGERPRINT_DIGITS
                && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
            return if fits { Ok(Self::Fingerprint(format!("SHA256:{digits}"))) } else { Err(fail()) };
        }
        let (authority, line) = match text.strip_prefix(AUTHORITY_MARK) {
            Some(rest) if rest.starts_with(char::is_whitespace) => (true, rest.trim_start()),
            _ => (false, text),
        };
        let key = PublicKey::from_openssh(line).map_err(|_| fail())?;
        let key = Box::new(key.key_data().clone());
        Ok(if authority { Self::Authority(key) } else { Self::Key(key) })
    }
}

impl fmt::Display for HostKeyPin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fingerprint(text) => formatter.pad(text),
            Self::Key(key) => formatter.pad(&key.fingerprint(HashAlg::Sha256).to_string()),
            Self::Authority(key) => formatter.pad(&format!("{AUTHORITY_MARK} {}", key.fingerprint(HashAlg::Sha256))),
        }
    }
}

impl HostKeyPin {
    fn accepts(&self, key: &PublicKey) -> bool {
        match self {
            Self::Fingerprint(text) => key.fingerprint(HashAlg::Sha256).to_string() == *text,
            Self::Key(pinned) => key.key_data() == &**pinned,
            // The key of an authority signs for hosts; it is none itself.
            Self::Authority(_) => false,
        }
    }

    /// Whether this pins `key` as an authority.
    pub(super) fn is_authority(&self, key: &KeyData) -> bool {
        matches!(self, Self::Authority(pinned) if **pinned == *key)
    }
}

/// Whether authorities are pinned at all, so that certificates are asked for.
pub(super) fn names_authority(pins: &[HostKeyPin]) -> bool {
    pins.iter().any(|pin| matches!(pin, HostKeyPin::Authority(_)))
}

/// Whether nothing but authorities is pinned, so that a bare key proves nothing.
pub(super) fn names_only_authorities(pins: &[HostKeyPin]) -> bool {
    pins.iter().all(|pin| matches!(pin, HostKeyPin::Authority(_)))
}

/// Whether one of the pins accepts the key.
pub(super) fn accepted(pins: &[HostKeyPin], key: &PublicKey) -> bool {
    pins.iter().any(|pin| pin.accepts(key))
}

/// Host-key algorithms to ask for, by family. No SHA-1, no DSA.
pub(super) fn families() -> Vec<Vec<Algorithm>> {
    vec![
        vec![Algorithm::Ed25519],
        [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521].map(|curve| Algorithm::Ecdsa { curve }).into(),
        [HashAlg::Sha512, HashAlg::Sha256].map(|hash| Algorithm::Rsa { hash: Some(hash) }).into(),
    ]
}

/// The families worth asking for, in order: a server shows only one of its keys, so it must be asked for the one that
/// is pinned. A fingerprint does not tell its family, so all may have to be tried.
pub(super) fn families_of(pins: &[HostKeyPin]) -> Vec<Vec<Algorithm>> {
    let all = families();
    let (mut wanted, mut others) = (Vec::new(), Vec::new());
    for family in all {
        let pinned = pins.iter().any(|pin| matches!(pin, HostKeyPin::Key(key) if same_family(&key.algorithm(), &family)));
        if pinned { wanted.push(family) } else { others.push(family) }
    }
    if pins.iter().any(|pin| matches!(pin, HostKeyPin::Fingerprint(_))) || wanted.is_empty() {
        wanted.append(&mut others);
    }
    wanted
}

fn same_family(algorithm: &Algorithm, family: &[Algorithm]) -> bool {
    family
        .iter()
        .any(|member| member == algorithm || matches!((member, algorithm), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. })))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn a_key_and_its_fingerprint_accept_the_same() {
        let key = PublicKey::from_openssh(KEY).expect("a key");
        let pin: HostKeyPin = format!("{KEY} root@mirror").parse().expect("a pin");
        let print: HostKeyPin = pin.to_string().parse().expect("a fingerprint");
        assert!(accepted(&[pin], &key) && accepted(&[print], &key));
        assert!(!accepted(&[], &key));
    }

    #[test]
    fn other_text_is_refused() {
        let authority_of_hosts = format!("@cert-authority *.example.org {KEY}");
        let glued = format!("@cert-authority{KEY}");
        for bad in [
            "",
            "SHA256:short",
            "MD5:aa:bb",
            "ssh-ed25519 AAAA",
            "ssh-rsa",
            "@cert-authority",
            &authority_of_hosts,
            &glued,
            "@revoked ssh-ed25519 AAAA",
        ] {
            assert!(bad.parse::<HostKeyPin>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_key_of_an_authority_is_not_a_host_key() {
        let key = PublicKey::from_openssh(KEY).expect("a key");
        let pin: HostKeyPin = format!("@cert-authority  {KEY} ca").parse().expect("a pin");
        assert!(pin.is_authority(key.key_data()) && !accepted(std::slice::from_ref(&pin), &key));
        assert!(pin.to_string().starts_with("@cert-authority SHA256:"), "{pin}");
        // Its kind says nothing about the kinds of the keys that it signs.
        assert_eq!(families_of(std::slice::from_ref(&pin)).len(), 3);
        assert!(names_authority(std::slice::from_ref(&pin)) && names_only_authorities(&[pin]));
    }

    #[test]
    fn a_pinned_line_is_asked_for_alone() {
        assert_eq!(families_of(&[KEY.parse().expect("a pin")]), [[Algorithm::Ed25519]]);
        let print = format!("SHA256:{}", "a".repeat(FINGERPRINT_DIGITS));
        assert_eq!(families_of(&[print.parse().expect("a pin")]).len(), 3);
    }
}
