//! What can go wrong with keys and with the roles that we write. What is wrong with others' roles is a
//! [`super::Rejection`].

use camino::Utf8PathBuf;

use crate::base::Hinted;

/// A key or a role of our own could not be read, made or written.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The secret-key file cannot be read or written.
    #[error("secret-key file {path}")]
    KeyFile {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read the secret key.
    #[error("secret-key file {path} may be read by others (mode {mode:03o})")]
    KeyMode {
        /// The file.
        path: Utf8PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key is never overwritten: it may be the only copy.
    #[error("{path} exists, and a key is never overwritten")]
    KeyExists {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The file is no minisign secret key.
    #[error("{path} is not a minisign secret key: {reason}")]
    KeyFormat {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// The key is locked and no password was given.
    #[error("{path} is locked with a password")]
    PasswordNeeded {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The checksum inside does not fit: wrong password, or a damaged file.
    #[error("wrong password for {path}")]
    WrongPassword {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The text is not a public key.
    #[error("not a minisign ed25519 public key: {0}")]
    PublicKey(&'static str),
    /// A comment that would break the file's lines.
    #[error("a comment must be one line of printable text")]
    Comment,
    /// The system gave no randomness, or a cryptographic function refused its input.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
    /// A file that should be a signed statement, and is none.
    #[error("no signed statement: {reason}")]
    Statement {
        /// What is wrong with it, safe to print.
        reason: String,
    },
    /// A role that must not be written as asked.
    #[error("role {role}: {reason}")]
    Role {
        /// Which role.
        role: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Hinted for TrustError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::KeyMode { path, .. } => Some(format!("chmod 600 {path}")),
            Self::KeyExists { path } => Some(format!("choose another name, or move {path} away first")),
            Self::WrongPassword { path } => {
                Some(format!("try again; another key is chosen with --key FILE, a lost password of {path} cannot be found out"))
            }
            // Only the key that signs unattended is ever opened without one.
            Self::PasswordNeeded { path } => Some(format!("minisign -C -W -s {path}   takes the password away")),
            Self::PublicKey(_) => Some("it is the line that begins with RW in the .pub file".to_owned()),
            _ => None,
        }
    }
}
