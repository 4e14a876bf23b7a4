//! What people decided about a mirror.

use serde::{Deserialize, Serialize};

/// Where a mirror stands between its offer and its end: decided by people, unlike its health, which is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// A volunteer offered it; nobody has looked at it yet.
    Offered,
    /// Its first full push and verification are under way.
    Verifying,
    /// It is whole and is watched before it is shown to readers.
    Probation,
    /// It takes part.
    #[default]
    Active,
    /// It is left alone for a time.
    Paused,
    /// It takes nothing new and goes on serving until readers have moved.
    Draining,
    /// It is gone for good.
    Retired,
}

impl Lifecycle {
    /// Whether checks look at it and it counts as a copy.
    #[must_use]
    pub fn is_watched(self) -> bool {
        matches!(self, Self::Verifying | Self::Probation | Self::Active | Self::Draining)
    }

    /// Whether it is shown to readers as a place to download from.
    #[must_use]
    pub fn is_listed(self) -> bool {
        matches!(self, Self::Active | Self::Draining)
    }
}

impl std::fmt::Display for Lifecycle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Offered => "offered",
            Self::Verifying => "verifying",
            Self::Probation => "probation",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Retired => "retired",
        })
    }
}
