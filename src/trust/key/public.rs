//! Public keys and the ids that TUF gives them.
//!
//! Rule K1 of docs/bundle-format.md.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::TrustError;
use super::super::canonical;
use crate::base::Sha256;

/// minisign's name for ed25519, at the head of keys and of the legacy signatures.
pub(super) const ALGORITHM: [u8; 2] = *b"Ed";

/// The y coordinates of all points of order 8 or less, as they are encoded, those beyond the field's prime included.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// The id of a key in TUF metadata: 64 lower-case hexadecimal digits for our keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// An ed25519 public key (RFC 8032).
///
/// Two are equal when their 32 bytes are; minisign's key number, a label that only minisign's files carry, does not count.
#[derive(Clone)]
pub struct PublicKey {
    bytes: [u8; 32],
    number: [u8; 8],
}

impl PublicKey {
    /// A key known by its 32 bytes only. Its minisign number is taken from its digest; a key that minisign made has
    /// another one, so prefer [`Self::from_minisign`] where people will verify with it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut number = [0; 8];
        number.copy_from_slice(&Sha256::of(&bytes).as_bytes()[..8]);
        Self { bytes, number }
    }

    pub(super) fn numbered(bytes: [u8; 32], number: [u8; 8]) -> Self {
        Self { bytes, number }
    }

    /// Reads a minisign public key: the line that begins with `RW`, or a whole `.pub` file.
    pub fn from_minisign(text: &str) -> Result<Self, TrustError> {
        let line = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with("untrusted comment:"))
            .ok_or(TrustError::PublicKey("it is empty"))?;
        let raw = STANDARD.decode(line).map_err(|_| TrustError::PublicKey("it is not base64"))?;
        let raw: [u8; 42] = raw.try_into().map_err(|_| TrustError::PublicKey("it does not have 42 bytes"))?;
        let (algorithm, rest) = raw.split_at(2);
        if algorithm != ALGORITHM {
            return Err(TrustError::PublicKey("it is for another algorithm"));
        }
        let (mut number, mut bytes) = ([0; 8], [0; 32]);
        number.copy_from_slice(&rest[..8]);
        bytes.copy_from_slice(&rest[8..]);
        Ok(Self { bytes, number })
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// minisign's key number, as its files carry it.
    pub(in crate::trust) fn number(&self) -> [u8; 8] {
        self.number
    }

    /// The id in TUF metadata: SHA-256 of the canonical key object, as securesystemslib computes it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        KeyId(Sha256::of(&canonical::to_bytes(&self.tuf_value())).to_string())
    }

    /// The key object of TUF metadata (specification 1.0.34, section 4.2).
    #[must_use]
    pub fn tuf_value(&self) -> Value {
        json!({"keytype": "ed25519", "keyval": {"public": hex::encode(self.bytes)}, "scheme": "ed25519"})
    }

    /// The line that `minisign -P` takes.
    #[must_use]
    pub fn to_minisign(&self) -> String {
        STANDARD.encode([&ALGORITHM[..], &self.number, &self.bytes].concat())
    }

    /// The line of an OpenSSH public-key file; after a name and a space, of `allowed_signers` (RFC 8709).
    #[must_use]
    pub fn to_openssh(&self, comment: &str) -> String {
        const KIND: &str = "ssh-ed25519";
        // Two strings of the SSH wire format: four bytes of length, then the bytes (RFC 4251, section 5).
        let blob = [&[0, 0, 0, 11], KIND.as_bytes(), &[0, 0, 0, 32], &self.bytes].concat();
        format!("{KIND} {} {comment}", STANDARD.encode(blob)).trim_end().to_owned()
    }

    /// Whether `signature` over `message` is this key's. Never for keys of small order, for which everybody can make signatures.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        !self.is_of_small_order() && UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature).is_ok()
    }
}

impl PublicKey {
    /// Whether its point has order 8 or less: RFC 8032 allows such keys, and a signature under one can hold for any message.
    fn is_of_small_order(&self) -> bool {
        let mut y = self.bytes;
        // The highest bit is the sign of x; both have the same order.
        y[31] &= 0x7f;
        SMALL_ORDER.iter().any(|known| hex::encode(y) == *known)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PublicKey {}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.to_minisign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_id_is_the_digest_of_the_canonical_object() {
        let key = PublicKey::from_bytes([7; 32]);
        let canonical = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{}"}},"scheme":"ed25519"}}"#, "07".repeat(32));
        assert_eq!(key.key_id().as_str(), Sha256::of(canonical.as_bytes()).to_string());
    }

    #[test]
    fn a_minisign_line_comes_back() {
        let key = PublicKey::from_bytes([9; 32]);
        let file = format!("untrusted comment: minisign public key\n{}\n", key.to_minisign());
        let read = PublicKey::from_minisign(&file).expect("a public key");
        assert_eq!((read.as_bytes(), read.number()), (key.as_bytes(), key.number()));
        for bad in ["", "untrusted comment: x", "RW!", "AAAA", &key.to_openssh("x")] {
            assert!(PublicKey::from_minisign(bad).is_err(), "{bad:?}");
        }
    }
}
