//! Secret keys.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use camino::Utf8Path;
use zeroize::Zeroizing;

use super::super::TrustError;
use super::file::{self, Contents, Refusal};
use super::public::PublicKey;
use crate::base::Secret;

/// Longest key file that is read, in bytes; a real one has about 300.
const MAX_FILE: usize = 16 * 1024;

/// An ed25519 secret key (RFC 8032). Its `Debug` shows the public key only; its memory is wiped on drop.
///
/// Reading and writing block: locking with a password takes up to several seconds on purpose.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    contents: Contents,
    comment: String,
}

impl SigningKey {
    /// Makes a new key. `comment` is written above it in its file.
    pub fn generate(comment: &str) -> Result<Self, TrustError> {
        let mut seed = Box::new(Zeroizing::new([0; 32]));
        let mut number = [0; 8];
        fill(&mut seed[..])?;
        fill(&mut number)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed[..]).map_err(|_| TrustError::Crypto("ed25519 seed"))?;
        let bytes = pair.public_key().as_ref().try_into().map_err(|_| TrustError::Crypto("ed25519 key length"))?;
        Ok(Self { pair, contents: Contents { seed, public: PublicKey::numbered(bytes, number) }, comment: one_line(comment)? })
    }

    /// Reads a minisign secret-key file. A file that others may read is refused before it is opened further.
    pub fn load(path: &Utf8Path, password: Option<&Secret>) -> Result<Self, TrustError> {
        let fail = |source| TrustError::KeyFile { path: path.to_owned(), source };
        let file = File::open(path).map_err(fail)?;
        let about = file.metadata().map_err(fail)?;
        if !about.is_file() {
            return Err(TrustError::KeyFormat { path: path.to_owned(), reason: "it is no regular file" });
        }
        if path.extension() == Some("pub") {
            return Err(TrustError::KeyFormat {
                path: path.to_owned(),
                reason: "it is the public half; the secret one ends in .key",
            });
        }
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TrustError::KeyMode { path: path.to_owned(), mode });
        }
        // Room for all of it at once: a string that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE));
        file.take(MAX_FILE as u64).read_to_string(&mut text).map_err(fail)?;
        let contents = file::open(&text, password.map(Secret::expose)).map_err(|refusal| refused(path, refusal))?;
        // The pair's two halves are compared here: a file that mixes two keys would leak the secret one when it signs.
        let pair = Ed25519KeyPair::from_seed_and_public_key(&contents.seed[..], contents.public.as_bytes())
            .map_err(|_| refused(path, Refusal::Format("its two halves do not belong together")))?;
        let comment = text.lines().next().and_then(|line| line.strip_prefix("untrusted comment:")).unwrap_or_default();
        let comment = comment.trim().to_owned();
        Ok(Self { pair, contents, comment })
    }

    /// Writes the key to a new file with mode 0600, locked if a password is given, and waits until it is on the disk.
    pub fn save(&self, path: &Utf8Path, password: Option<&Secret>) -> Result<(), TrustError> {
        let mut salt = [0; 32];
        fill(&mut salt)?;
        let text = file::seal(&self.contents, &self.comment, password.map(Secret::expose), salt)
            .map_err(|refusal| refused(path, refusal))?;
        let fail = |source: std::io::Error| match source.kind() {
            ErrorKind::AlreadyExists => TrustError::KeyExists { path: path.to_owned() },
            _ => TrustError::KeyFile { path: path.to_owned(), source },
        };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.contents.public
    }

    /// The comment of its file.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Signs `message` itself: for TUF roles, and for the other formats below this room.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({:?}, secret …)", self.contents.public)
    }
}

/// Comments stand on a line of their own in key and signature files.
pub(in crate::trust) fn one_line(text: &str) -> Result<String, TrustError> {
    if text.chars().any(char::is_control) { Err(TrustError::Comment) } else { Ok(text.to_owned()) }
}

fn fill(bytes: &mut [u8]) -> Result<(), TrustError> {
    rand::fill(bytes).map_err(|_| TrustError::Crypto("no randomness from the system"))
}

fn refused(path: &Utf8Path, refusal: Refusal) -> TrustError {
    let path = path.to_owned();
    match refusal {
        Refusal::Format(reason) => TrustError::KeyFormat { path, reason },
        Refusal::PasswordNeeded => TrustError::PasswordNeeded { path },
        Refusal::WrongPassword => TrustError::WrongPassword { path },
    }
}
