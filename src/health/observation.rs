//! What one round saw of one mirror, before anything is made of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MirrorCheck, Probes};

/// What one round saw of one mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// When the round began.
    pub at: Timestamp,
    /// Its metadata and, as deep as the round went, its files.
    pub look: MirrorCheck,
    /// What the probes beside it saw.
    #[serde(default)]
    pub probes: Probes,
}
