//! A part of an object.

use std::time::Duration;

use crate::base::Sha256;

/// Which part is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartOrder {
    /// Where it begins.
    pub start: u64,
    /// How long it is.
    pub length: u64,
    /// Bytes that may be received for it at most: a server that knows no parts sends all that lies before it, too.
    pub most: u64,
    /// Asks on a connection of its own, and says that no copy of a cache is wanted.
    pub past_caches: bool,
}

/// What came of it. The bytes themselves are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// How much of the part came: less where the object ends before it does.
    pub length: u64,
    /// The digest of that.
    pub sha256: Sha256,
    /// Bytes received for it.
    pub read: u64,
    /// The length of the whole object, where the source tells it.
    pub whole: Option<u64>,
    /// From the first byte to the last.
    pub took: Duration,
}
