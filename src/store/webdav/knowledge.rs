//! What is known of a server: what its protocol promises or a probe found, less what it has refused since.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::Capabilities;
use crate::store::sight::Sight;

/// Facts that requests find out while others are under way.
#[derive(Debug)]
pub(super) struct Knowledge {
    before: Capabilities,
    propfind: AtomicBool,
    ranges: AtomicBool,
    space: AtomicBool,
    unreliable: AtomicBool,
    uploaded: AtomicBool,
    pub(super) sight: Sight,
}

impl Knowledge {
    pub(super) fn new(before: Capabilities) -> Self {
        Self {
            propfind: AtomicBool::new(before.list),
            ranges: AtomicBool::new(before.ranges),
            space: AtomicBool::new(before.space),
            unreliable: AtomicBool::new(false),
            uploaded: AtomicBool::new(false),
            sight: Sight::default(),
            before,
        }
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            list: self.propfind(),
            read: self.before.read && !self.sight.is_dark(),
            ranges: self.ranges.load(Ordering::Relaxed),
            space: self.space.load(Ordering::Relaxed),
            ..self.before.clone()
        }
    }

    /// PROPFIND works, as far as is known.
    pub(super) fn propfind(&self) -> bool {
        self.propfind.load(Ordering::Relaxed)
    }

    pub(super) fn no_propfind(&self) {
        self.propfind.store(false, Ordering::Relaxed);
    }

    pub(super) fn no_ranges(&self) {
        self.ranges.store(false, Ordering::Relaxed);
    }

    pub(super) fn tells_space(&self) {
        self.space.store(true, Ordering::Relaxed);
    }

    /// The server has confirmed an upload that it did not store.
    pub(super) fn unreliable(&self) -> bool {
        self.unreliable.load(Ordering::Relaxed)
    }

    pub(super) fn is_unreliable(&self) {
        self.unreliable.store(true, Ordering::Relaxed);
    }

    /// True once: for the first upload of this store.
    pub(super) fn first_upload(&self) -> bool {
        !self.uploaded.swap(true, Ordering::Relaxed)
    }
}
