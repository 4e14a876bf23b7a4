//! What is remembered of each target from one run to the next.

use std::collections::BTreeMap;

use super::BreakerState;
use crate::base::{ObjectPath, Sha256, TargetName};

/// Remembers single uploads that a server confirmed, so that a run that was killed goes on where it stopped; and what a
/// run found out about a target that spares the next one requests.
///
/// An upload's entry says "these bytes were sent under this name and the server took them". It is believed only together
/// with a fresh listing that shows the size. Losing anything costs requests, never correctness, so writing may lag behind.
pub trait Journal: Send + Sync {
    /// What is remembered of a target.
    fn confirmed(&self, target: &TargetName) -> BTreeMap<ObjectPath, Sha256>;

    /// Remembers one upload.
    fn confirm(&self, target: &TargetName, path: &ObjectPath, sha256: Sha256);

    /// Forgets a target: its pointer was swapped, and its own metadata vouches for it from now on.
    fn forget(&self, target: &TargetName);

    /// How the target's breaker stood when the last run ended.
    fn breaker(&self, target: &TargetName) -> BreakerState;

    /// Remembers how the target's breaker stands.
    fn set_breaker(&self, target: &TargetName, state: BreakerState);
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

    fn breaker(&self, _target: &TargetName) -> BreakerState {
        BreakerState::default()
    }

    fn set_breaker(&self, _target: &TargetName, _state: BreakerState) {}
}
