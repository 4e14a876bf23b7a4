//! What a role shall say, before it is written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::key::PublicKey;
use super::super::{BundleRecord, FileRecord, RolePin, TrustError};
use super::refused;
use crate::base::BundleName;

/// Who may sign a role, and how many of them must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleKeys {
    /// The keys, each once.
    pub keys: Vec<PublicKey>,
    /// How many of them must sign; at least 1.
    pub threshold: u32,
}

impl RoleKeys {
    /// Refuses a key that stands twice (it would count as two people) and a threshold that nobody or nothing could meet.
    ///
    /// A threshold of all keys of several passes here: whether that is wise is a question for whoever makes the root.
    pub(super) fn check(&self, role: &str) -> Result<(), TrustError> {
        let distinct: BTreeSet<&PublicKey> = self.keys.iter().collect();
        if distinct.len() != self.keys.len() {
            return Err(refused(role, "the same public key stands twice"));
        }
        if self.threshold == 0 || self.threshold as usize > self.keys.len() {
            let (threshold, keys) = (self.threshold, self.keys.len());
            return Err(refused(role, format!("{threshold} signatures cannot be asked of {keys} keys")));
        }
        Ok(())
    }

    /// Whether losing one key ends the project: all of several keys must sign.
    #[must_use]
    pub fn needs_everyone(&self) -> bool {
        self.threshold > 1 && self.threshold as usize == self.keys.len()
    }
}

/// The root: who may sign what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSpec {
    /// Version; one more than the last root.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// Who may change the root.
    pub root: RoleKeys,
    /// Who may list bundles.
    pub targets: RoleKeys,
    /// Online keys: each alone signs snapshots and timestamps.
    pub online: Vec<PublicKey>,
}

/// A bundle in the list of bundles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleDelegation {
    /// What the list says of it.
    pub record: BundleRecord,
    /// The depths below `releases/<name>/` at which it has files; 1 is right there.
    pub depths: BTreeSet<u32>,
    /// Who may sign its role, where that differs from the list's own keys: an older bundle after a change of keys.
    pub keys: Option<RoleKeys>,
}

/// The list of bundles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetsSpec {
    /// Version.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// Who may sign the bundles' roles: the same as this role, by the root.
    pub keys: RoleKeys,
    /// Live bundles, oldest first.
    pub bundles: Vec<BundleDelegation>,
    /// The bundle to present as newest.
    pub newest: Option<BundleName>,
    /// Who may sign the `fleet` role; lists from before there was one have none.
    pub fleet: Option<RoleKeys>,
}

/// The files of one bundle. Borrowed, because there may be a hundred thousand of them.
#[derive(Debug, Clone, Copy)]
pub struct BundleSpec<'a> {
    /// Its name.
    pub name: &'a BundleName,
    /// Version of its role; 1 unless it is signed again.
    pub version: u64,
    /// When the role expires.
    pub expires: Timestamp,
    /// Its targets, in ascending order of their paths, all below `releases/<name>/`.
    pub files: &'a [FileRecord],
    /// Names of the maintainers who may sign: the `<name>` in `SHA256SUMS.<name>.minisig` and `.sshsig`.
    pub signers: &'a [String],
}

/// The files that tell of the mirrors.
#[derive(Debug, Clone, Copy)]
pub struct FleetSpec<'a> {
    /// Version of the role.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// Its targets, all of them right in `fleet/`, none longer than a chunk.
    pub files: &'a [FileRecord],
}

/// The set of all roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSpec {
    /// Version.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// Role name -> pin: `targets`, every live bundle, and every bundle that was ever listed (see [`super::snapshot`]).
    pub pins: BTreeMap<String, RolePin>,
}

/// The pointer to the newest snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampSpec {
    /// Version.
    pub version: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// The snapshot's pin.
    pub snapshot: RolePin,
}
