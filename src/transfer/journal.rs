//! What earlier runs had confirmed when they were cut off.

use std::collections::BTreeMap;

use crate::base::{ObjectPath, Sha256, TargetName};

/// Remembers single uploads that a server confirmed, so that a run that was killed goes on where it stopped.
///
/// An entry says "these bytes were sent under this name and the server took them". It is believed only together with
/// a fresh listing that shows the size. Losing entries costs uploads, never correctness, so writing may lag behind.
pub trait Journal: Send + Sync {
    /// What is remembered of a target.
    fn confirmed(&self, target: &TargetName) -> BTreeMap<ObjectPath, Sha256>;

    /// Remembers one upload.
    fn confirm(&self, target: &TargetName, path: &ObjectPath, sha256: Sha256);

    /// Forgets a target: its pointer was swapped, and its own metadata vouches for it from now on.
    fn forget(&self, target: &TargetName);
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn confirmed(&self, _target: &TargetName) -> BTreeMap<ObjectPath, Sha256> {
        BTreeMap::new()
    }

    fn confirm(&self, _target: &TargetName, _path: &ObjectPath, _sha256: Sha256) {}

    fn forget(&self, _target: &TargetName) {}
}
