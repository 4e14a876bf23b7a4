//! How much is known of a copy.

use serde::{Deserialize, Serialize};

/// How much is known of a copy. The three words are never mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The signed pointer is the newest.
    Current,
    /// And every file is there with its size.
    Complete,
    /// And every byte was hashed.
    Verified,
}

impl std::fmt::Display for Level {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Current => "current",
            Self::Complete => "complete",
            Self::Verified => "verified",
        })
    }
}
