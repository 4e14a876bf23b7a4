//! What verification found: plain data that other rooms read.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::verify::Authority;
use super::{FetchError, FetchFault};
use crate::base::{BundleName, ObjectPath, Sha256};

/// One verified metadata file, with the bytes as received.
#[derive(Debug, Clone)]
pub struct RoleFile {
    /// Where it lies, from the mirror's base.
    pub path: ObjectPath,
    /// Its bytes, never re-serialised.
    pub bytes: Bytes,
    /// Its version.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
}

/// What one signed file list says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Path from the mirror's base.
    pub path: ObjectPath,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the whole.
    pub sha256: Sha256,
    /// SHA-256 of each 4 MiB chunk, for files that have more than one.
    pub chunks: Vec<Sha256>,
}

/// What the signed list of bundles says of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleRecord {
    /// Its name.
    pub name: BundleName,
    /// When it was staged.
    pub created: Timestamp,
    /// Number of targets.
    pub files: u64,
    /// Sum of their lengths.
    pub bytes: u64,
}

/// A mirror's state, verified from the pinned root down to the list of bundles.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The root chain that was walked, beginning after the pin.
    pub roots: Vec<RoleFile>,
    /// The trusted root's version.
    pub root_version: u64,
    /// `timestamp.json`
    pub timestamp: RoleFile,
    /// `N.snapshot.json`
    pub snapshot: RoleFile,
    /// `N.targets.json`
    pub targets: RoleFile,
    /// Role name -> version, length and digest as the snapshot pins them: every bundle ever listed, and names that only the
    /// snapshot's signer answers for.
    pub pins: BTreeMap<String, RolePin>,
    /// Live bundles, oldest first.
    pub bundles: Vec<BundleRecord>,
    /// The bundle presented as newest.
    pub newest: Option<BundleName>,
    /// Set when some role had expired at the time asked: authentic, but stale since then.
    pub stale_since: Option<Timestamp>,
    /// The verified metadata itself, by which [`super::verify_bundle`] goes on.
    pub(super) authority: Arc<Authority>,
}

/// What a snapshot pins of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePin {
    /// Version.
    pub version: u64,
    /// Length in bytes, as pinned.
    pub length: Option<u64>,
    /// Digest, as pinned.
    pub sha256: Option<Sha256>,
}

/// A bundle's verified file list.
#[derive(Debug, Clone)]
pub struct VerifiedBundle {
    /// Which bundle.
    pub name: BundleName,
    /// The role file.
    pub role: RoleFile,
    /// Every target of the bundle, sorted by path.
    pub files: Vec<FileRecord>,
    /// Names of the maintainers who may sign, from the role's custom field. `SHA256SUMS.<name>.minisig` and `.sshsig` lie
    /// beside the sums (not as targets) for those who did.
    pub signers: Vec<String>,
}

/// What the online key says of the mirrors, verified.
#[derive(Debug, Clone)]
pub struct VerifiedFleet {
    /// The role file.
    pub role: RoleFile,
    /// Its targets, all of them in `fleet/`, sorted by path.
    pub files: Vec<FileRecord>,
}

/// Why a mirror's state was not accepted, in the order of how bad it is.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// A signature threshold was not met, a digest differs, or bytes make no sense.
    #[error("{path}: forged or altered: {reason}")]
    Forged {
        /// Which object.
        path: ObjectPath,
        /// What was wrong with it.
        reason: String,
    },
    /// Authentic parts that do not belong together.
    #[error("{path}: belongs to another publish: {reason}")]
    Mixed {
        /// Which object.
        path: ObjectPath,
        /// What does not fit.
        reason: String,
    },
    /// Authentic, but older than what this mirror was seen to have.
    #[error("{path}: version {found} is older than version {known} seen before")]
    RolledBack {
        /// Which object.
        path: ObjectPath,
        /// What it has now.
        found: u64,
        /// What it had.
        known: u64,
    },
    /// A pinned role is missing.
    #[error("{path}: missing")]
    Missing {
        /// Which object.
        path: ObjectPath,
    },
    /// There is nothing of ours here at all: no `timestamp.json`.
    #[error("no metadata/timestamp.json: nothing was ever published here")]
    Empty,
    /// Transport: it says nothing about the content.
    #[error("unreadable")]
    Unreadable(#[source] FetchError),
}

impl From<FetchError> for Rejection {
    /// What is too long was reached, and is not what was signed.
    fn from(error: FetchError) -> Self {
        match error.fault {
            FetchFault::TooLong => Self::Forged { path: error.path, reason: error.reason },
            FetchFault::Transport | FetchFault::Refused => Self::Unreadable(error),
        }
    }
}

impl RolePin {
    /// Pins a role file as it is stored.
    #[must_use]
    pub fn of(version: u64, stored: &[u8]) -> Self {
        Self { version, length: Some(stored.len() as u64), sha256: Some(Sha256::of(stored)) }
    }
}
