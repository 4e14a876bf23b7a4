//! What a server can do, as data: read by the planner, the probe and the tests.

use serde::{Deserialize, Serialize};

/// How readers see the replacement of an existing name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SwapClass {
    /// They find the old bytes or the new ones, even when the upload breaks off midway.
    Atomic,
    /// For a moment they may find nothing.
    Gap,
    /// For a moment, or after an interruption, they may find part of the bytes.
    Torn,
}

impl std::fmt::Display for SwapClass {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Atomic => "atomic",
            Self::Gap => "gap",
            Self::Torn => "torn",
        })
    }
}

/// What a server can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts about a server, not a state")]
pub struct Capabilities {
    /// How a replacement looks to readers; what the protocol promises until a probe has tried it.
    pub swap: SwapClass,
    /// Objects can be listed.
    pub list: bool,
    /// Objects can be read back with our credentials.
    pub read: bool,
    /// Parts of an object can be read.
    pub ranges: bool,
    /// Collections exist and must be made before objects go into them.
    pub collections: bool,
    /// A broken upload of a large object can go on where it stopped.
    pub resume: bool,
    /// Free space can be asked for.
    pub space: bool,
    /// Written bytes can be forced to disk before they become visible.
    pub fsync: bool,
    /// Most puts that should be under way at the same time.
    pub parallel_puts: usize,
}

/// Free space on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Files that may still be made, where the server tells.
    pub free_files: Option<u64>,
}
