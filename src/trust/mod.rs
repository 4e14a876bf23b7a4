//! Who may say what is true.
//!
//! Purpose: maintainer and online keys; TUF 1.0 roles written by us and verified by `sigstore-tuf`; minisign and
//! SSHSIG signatures for people.
//! Comes in: keys, file lists, and metadata bytes through [`Fetch`]. Goes out: signed bytes, or a [`Verified`] state.
//! Must not know: targets, stores, the configuration file, where files lie on disk (paths come in as arguments).

mod canonical;
mod error;
pub mod key;
mod login;
pub mod role;
mod state;
mod statement;
mod strict;
pub mod sums;
mod verify;

pub use error::TrustError;
pub use key::{KeyId, PublicKey, SigningKey};
pub use login::{LoginKey, new_password};
pub use role::{RoleKeys, SignatureLine, Unsigned};
pub use state::{BundleRecord, FileRecord, Rejection, RoleFile, RolePin, Verified, VerifiedBundle, VerifiedFleet};
pub use statement::Statement;
pub use verify::{Known, MAX_ROOT_CHANGES, maintainers, verify, verify_bundle, verify_fleet};

use async_trait::async_trait;
use bytes::Bytes;

use crate::base::ObjectPath;

/// What kept bytes from being fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchFault {
    /// No answer, or one that broke off or took too long. It says nothing about the content.
    Transport,
    /// An answer without the object. It says nothing about the content either.
    Refused,
    /// More bytes than may lie there: whatever they are, they are not what was signed.
    TooLong,
}

/// Why bytes could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct FetchError {
    /// What was asked for.
    pub path: ObjectPath,
    /// What happened, safe to print.
    pub reason: String,
    /// What kind of trouble.
    pub fault: FetchFault,
}

impl FetchError {
    /// An answer without the object, for this reason.
    #[must_use]
    pub fn refused(path: &ObjectPath, reason: impl Into<String>) -> Self {
        Self { path: path.clone(), reason: reason.into(), fault: FetchFault::Refused }
    }

    /// No whole answer, for this reason.
    #[must_use]
    pub fn transport(path: &ObjectPath, reason: impl Into<String>) -> Self {
        Self { path: path.clone(), reason: reason.into(), fault: FetchFault::Transport }
    }

    /// More than `cap` bytes.
    #[must_use]
    pub fn too_long(path: &ObjectPath, cap: u64) -> Self {
        let reason = format!("is longer than the {cap} bytes it may have");
        Self { path: path.clone(), reason, fault: FetchFault::TooLong }
    }
}

/// Where metadata comes from: a mirror's public face, a store, a folder, a test.
///
/// `Ok(None)` means that the object is certainly not there; anything unclear is an error.
/// At most `cap` bytes are returned; more is an error ([`FetchFault::TooLong`]), never a cut.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The object's bytes.
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError>;
}
