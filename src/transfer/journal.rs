//! What is remembered of each target from one run to the next.

use std::collections::BTreeMap;

use super::{BreakerState, Outcome};
use crate::base::{Holds, ObjectPath, Sha256, TargetName};

/// What a target certainly held when its pointer was last written or found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The timestamp version of that pointer.
    pub version: u64,
    /// How much of that state was expected of the target, and was there. The pointer itself does not say it.
    pub holds: Holds,
}

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

    /// Notes what became of a target, as soon as it is known: a run that is killed later keeps it.
    fn finished(&self, outcome: &Outcome);

    /// Notes that a target holds all that was expected of it. Single uploads are forgotten: from now on its own metadata
    /// vouches for them.
    fn settle(&self, target: &TargetName, settled: Settled);

    /// What the target was last known to hold.
    fn settled(&self, target: &TargetName) -> Option<Settled>;

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

    fn finished(&self, _outcome: &Outcome) {}

    fn settle(&self, _target: &TargetName, _settled: Settled) {}

    fn settled(&self, _target: &TargetName) -> Option<Settled> {
        None
    }

    fn breaker(&self, _target: &TargetName) -> BreakerState {
        BreakerState::default()
    }

    fn set_breaker(&self, _target: &TargetName, _state: BreakerState) {}
}
