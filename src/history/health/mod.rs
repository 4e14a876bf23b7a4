//! Health over time: how each mirror stands, what happened, and how often it was up.

mod days;
mod speed;
mod standings;
mod stretches;

pub use days::Day;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::TargetName;
use crate::health::{Condition, Observation, Reason, Standing};

/// What a round made of one mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Which mirror.
    pub target: TargetName,
    /// How it was.
    pub before: Standing,
    /// How it is.
    pub after: Standing,
    /// What was seen; `None` when the fault was ours.
    pub seen: Option<Observation>,
}

/// What is remembered of a mirror's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MirrorHealth {
    /// Which mirror.
    pub target: TargetName,
    /// How it is, since when and why.
    pub standing: Standing,
    /// What was last seen of it.
    pub seen: Option<Observation>,
}

/// Something that happened, for feeds and event logs; append-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number: unique, growing.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// About which mirror; `None`: about all, or ourselves.
    pub target: Option<TargetName>,
    /// What.
    #[serde(flatten)]
    pub what: EventKind,
}

impl Event {
    /// Whether it is worth telling everybody: that a good mirror is still good is not.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.what != EventKind::Verified
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A mirror's condition changed.
    Changed {
        /// From.
        from: Condition,
        /// To.
        to: Condition,
        /// Why, worst first.
        reasons: Vec<Reason>,
    },
    /// Every byte of a mirror was hashed and right.
    Verified,
    /// So many mirrors failed at once that the fault is ours: nothing was held against them.
    ObserverFault {
        /// What was seen.
        what: String,
    },
    /// We see again.
    ObserverBack,
}

/// Whether a mirror served readers over a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Uptime {
    /// The window.
    #[serde(skip)]
    pub window: Duration,
    /// Good looks of all looks with a result, 0 to 1; `None` without any.
    pub ratio: Option<f64>,
    /// Looks with a result of those that were due, 0 to 1.
    pub coverage: f64,
}
