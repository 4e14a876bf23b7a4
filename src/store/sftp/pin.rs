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
}

/// The text is no host key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host key: write SHA256:... or a line such as `ssh-ed25519 AAAA...`")]
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
        let key = PublicKey::from_openssh(text).map_err(|_| fail())?;
        Ok(Self::Key(Box::new(key.key_data().clone())))
    }
}

impl fmt::Display for HostKeyPin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fingerprint(text) => formatter.pad(text),
            Self::Key(key) => formatter.pad(&key.fingerprint(HashAlg::Sha256).to_string()),
        }
    }
}

impl HostKeyPin {
    fn accepts(&self, key: &PublicKey) -> bool {
        match self {
            Self::Fingerprint(text) => key.fingerprint(HashAlg::Sha256).to_string() == *text,
            Self::Key(pinned) => key.key_data() == &**pinned,
        }
    }
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
        for bad in ["", "SHA256:short", "MD5:aa:bb", "ssh-ed25519 AAAA", "ssh-rsa"] {
            assert!(bad.parse::<HostKeyPin>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pinned_line_is_asked_for_alone() {
        assert_eq!(families_of(&[KEY.parse().expect("a pin")]), [[Algorithm::Ed25519]]);
        let print = format!("SHA256:{}", "a".repeat(FINGERPRINT_DIGITS));
        assert_eq!(families_of(&[print.parse().expect("a pin")]).len(), 3);
    }
}
