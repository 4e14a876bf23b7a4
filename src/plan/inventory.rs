//! What a target holds, as far as it is known.

use std::collections::BTreeSet;

use crate::base::{BundleName, ObjectPath};

/// What a target's `timestamp.json` turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pointer {
    /// There is none: a new target, or one that was never finished.
    Absent,
    /// Byte for byte what we would write.
    Same,
    /// Authentic, an earlier state of ours.
    Older {
        /// Its timestamp version.
        version: u64,
    },
    /// Authentic and newer than what we have: somebody else published.
    Newer {
        /// Its timestamp version.
        version: u64,
    },
    /// Not authentic, or its metadata is not whole: it is replaced.
    Broken,
}

/// What a target holds. Whoever makes one vouches for it: by the target's own verified metadata; by sizes, together
/// with the journal of confirmed uploads or with the digest of a bundle's sums; or by reading bytes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The commit point.
    pub pointer: Pointer,
    /// Bundles of which every file is there, but for those in `lacking`.
    pub bundles: BTreeSet<BundleName>,
    /// Single objects that are there: metadata, and files of bundles that are not complete.
    pub objects: BTreeSet<ObjectPath>,
    /// Objects known to be missing or wrong, whatever the other two say.
    pub lacking: BTreeSet<ObjectPath>,
    /// Those of `lacking` under whose names nothing lies.
    pub missing: BTreeSet<ObjectPath>,
}

impl Inventory {
    /// A target that holds nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            pointer: Pointer::Absent,
            bundles: BTreeSet::new(),
            objects: BTreeSet::new(),
            lacking: BTreeSet::new(),
            missing: BTreeSet::new(),
        }
    }

    /// Whether a file of a bundle is there.
    #[must_use]
    pub fn holds_file(&self, bundle: &BundleName, path: &ObjectPath) -> bool {
        (self.bundles.contains(bundle) && !self.lacking.contains(path)) || self.holds(path)
    }

    /// Whether a single object is there.
    #[must_use]
    pub fn holds(&self, path: &ObjectPath) -> bool {
        self.objects.contains(path) && !self.lacking.contains(path)
    }
}
