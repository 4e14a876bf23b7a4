//! A role before, while and after it is signed.
//!
//! Rules R1 and P2 of docs/bundle-format.md.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::key::{KeyId, PublicKey, SigningKey};
use super::super::{TrustError, canonical, strict};
use super::{MAX_VERSION, RoleKeys, refused, role_path};
use crate::base::{ObjectPath, Sha256, sanitise};

/// What stands before and between the two parts of the stored form.
const SIGNATURES: &str = r#"{"signatures":["#;
const SIGNED: &str = r#","signed":"#;

/// The pointer always has a multiple of this many bytes: white space after the JSON fills it up.
///
/// A web server that looks at a file's length and then opens it can meet two different files when the name is swapped in
/// between; with equal lengths it sends one of them whole (docs/adr/0005-constant-length-pointer.md has the figures).
const POINTER_BYTES: usize = 1024;

/// One signature, as it stands in a role's file and as it travels between maintainers: one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureLine {
    /// Who signed.
    pub keyid: KeyId,
    /// 64 bytes in hexadecimal.
    pub sig: String,
}

/// A role before, while and after it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// Its name: `root`, `targets`, `snapshot`, `timestamp`, a bundle's name, `fleet`.
    pub role: String,
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// The canonical bytes of its `signed` part: what signatures are made over.
    pub canonical: Bytes,
}

impl Unsigned {
    pub(super) fn from_value(role: &str, version: u64, expires: Timestamp, signed: &Value) -> Result<Self, TrustError> {
        Self::from_canonical(role, version, expires, canonical::to_bytes(signed))
    }

    pub(super) fn from_canonical(role: &str, version: u64, expires: Timestamp, canonical: Vec<u8>) -> Result<Self, TrustError> {
        if version == 0 || version > MAX_VERSION {
            return Err(refused(role, format!("the version {version} is not between 1 and 2^53")));
        }
        // As it is written: in whole seconds.
        let expires = Timestamp::from_second(expires.as_second()).unwrap_or(expires);
        Ok(Self { role: role.to_owned(), version, expires, canonical: canonical.into() })
    }

    /// Where its file lies, from the mirror's base.
    pub fn path(&self) -> Result<ObjectPath, TrustError> {
        role_path(&self.role, self.version)
    }

    /// The digest that maintainers compare before they sign.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.canonical)
    }

    /// Signs the role.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> SignatureLine {
        SignatureLine { keyid: key.public().key_id(), sig: hex::encode(key.sign(&self.canonical)) }
    }

    /// Whether `line` is a signature of this role by `key`.
    #[must_use]
    pub fn accepts(&self, line: &SignatureLine, key: &PublicKey) -> bool {
        line.keyid == key.key_id() && hex::decode(&line.sig).is_ok_and(|signature| key.verifies(&self.canonical, &signature))
    }

    /// How many different keys of `keys` signed this role, and whether that is enough.
    #[must_use]
    pub fn is_signed_by(&self, lines: &[SignatureLine], keys: &RoleKeys) -> (usize, bool) {
        let signed = keys.keys.iter().filter(|key| lines.iter().any(|line| self.accepts(line, key))).count();
        (signed, signed >= keys.threshold as usize)
    }

    /// The stored form: compact JSON, signatures sorted by key id and each once, the canonical bytes as they are. A
    /// timestamp is filled up with white space to a constant length.
    #[must_use]
    pub fn signed(&self, lines: &[SignatureLine]) -> Bytes {
        let mut lines: Vec<&SignatureLine> = lines.iter().collect();
        lines.sort_by(|one, other| (&one.keyid, &one.sig).cmp(&(&other.keyid, &other.sig)));
        lines.dedup_by(|next, kept| next.keyid == kept.keyid);
        let mut out = Vec::with_capacity(self.canonical.len() + 256 * lines.len() + 64);
        out.extend_from_slice(SIGNATURES.as_bytes());
        for (position, line) in lines.into_iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            out.extend_from_slice(br#"{"keyid":"#);
            canonical::write_string(line.keyid.as_str(), &mut out);
            out.extend_from_slice(br#","sig":"#);
            canonical::write_string(&line.sig, &mut out);
            out.push(b'}');
        }
        out.push(b']');
        out.extend_from_slice(SIGNED.as_bytes());
        out.extend_from_slice(&self.canonical);
        out.push(b'}');
        if self.role == "timestamp" {
            let length = (out.len() + 1).next_multiple_of(POINTER_BYTES);
            out.resize(length - 1, b' ');
            out.push(b'\n');
        }
        out.into()
    }

    /// Takes a stored form that we wrote apart again, without writing its signed part anew. Nothing is verified.
    ///
    /// # Errors
    /// When the bytes are not exactly as [`Self::signed`] writes them.
    pub fn split(role: &str, stored: &Bytes) -> Result<(Self, Vec<SignatureLine>), TrustError> {
        let not_ours = || refused(role, "it is not stored in the form that spartacus writes");
        strict::check(stored).map_err(|error| refused(role, sanitise(&error.to_string())))?;
        let list = SIGNATURES.len() - 1;
        let rest = stored.strip_prefix(SIGNATURES.as_bytes()).map(|_| &stored[list..]).ok_or_else(not_ours)?;
        let mut reader = serde_json::Deserializer::from_slice(rest).into_iter::<Vec<SignatureLine>>();
        let lines = reader.next().ok_or_else(not_ours)?.map_err(|_| not_ours())?;
        let start = list + reader.byte_offset() + SIGNED.len();
        if stored.get(start - SIGNED.len()..start) != Some(SIGNED.as_bytes()) {
            return Err(not_ours());
        }
        let filled = if role == "timestamp" { stored.trim_ascii_end() } else { stored };
        let end = filled.len().saturating_sub(1);
        let canonical = stored.slice(start..end.max(start));
        let signed: Value = serde_json::from_slice(&canonical).map_err(|_| not_ours())?;
        let version = signed.get("version").and_then(Value::as_u64).ok_or_else(not_ours)?;
        let expires = signed.get("expires").and_then(Value::as_str).and_then(|text| text.parse().ok()).ok_or_else(not_ours)?;
        if canonical::to_bytes(&signed) != canonical {
            return Err(not_ours());
        }
        Ok((Self { role: role.to_owned(), version, expires, canonical }, lines))
    }
}
