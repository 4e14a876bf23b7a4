//! Places from which others look at the mirrors: policy types, filled in by `config`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::VantageName;

/// A vantage whose word counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVantage {
    /// What it is called.
    pub name: VantageName,
    /// Whose signature its testimonies carry.
    pub key: MinisignLine,
}

/// The line of a minisign public key, checked in its form: base64 of 42 bytes, of which the first two are `Ed`.
///
/// `trust` makes a key of it; here it is only known not to be something else, such as a secret key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinisignLine(String);

/// Text that is no line of a minisign public key. It is not repeated: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MinisignLineError {
    /// It has the form of a secret key.
    #[error("that is a secret key")]
    Secret,
    /// It is anything else.
    #[error("that is no minisign public key")]
    Other,
}

/// Bytes of a public key in minisign's form: algorithm, key number, key.
const PUBLIC: usize = 42;
/// Bytes of a secret one.
const SECRET: usize = 158;
/// How both begin.
const ALGORITHM: &[u8] = b"Ed";

impl MinisignLine {
    /// The line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MinisignLine {
    type Err = MinisignLineError;

    fn from_str(text: &str) -> Result<Self, MinisignLineError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| MinisignLineError::Other)?;
        match bytes.len() {
            PUBLIC if bytes.starts_with(ALGORITHM) => Ok(Self(text.trim().to_owned())),
            SECRET if bytes.starts_with(ALGORITHM) => Err(MinisignLineError::Secret),
            _ => Err(MinisignLineError::Other),
        }
    }
}

impl fmt::Display for MinisignLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_public_key_is_taken() {
        let line = |length: usize, head: &[u8]| STANDARD.encode([head, &vec![7; length - head.len()]].concat());
        assert!(line(42, b"Ed").parse::<MinisignLine>().is_ok());
        assert_eq!(line(158, b"Ed").parse::<MinisignLine>(), Err(MinisignLineError::Secret));
        for bad in ["", "RW", "RWQ!", "ssh-ed25519 AAAA", &line(42, b"ED"), &line(41, b"Ed"), &line(43, b"Ed")] {
            assert_eq!(bad.parse::<MinisignLine>(), Err(MinisignLineError::Other), "{bad}");
        }
    }
}
