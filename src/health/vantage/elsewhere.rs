//! What is believed of others' word about one mirror.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Glance, Testimony};
use crate::base::{HealthRules, ObjectPath, VantageName};
use crate::health::Verdict;

/// What a vantage saw of one mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// From where.
    pub vantage: VantageName,
    /// When it looked.
    pub at: Timestamp,
    /// Until when it counts.
    pub expires: Timestamp,
    /// What it saw.
    #[serde(flatten)]
    pub glance: Glance,
}

impl Elsewhere {
    /// What `testimony` says in this glance.
    #[must_use]
    pub fn of(testimony: &Testimony, glance: &Glance) -> Self {
        Self { vantage: testimony.vantage.clone(), at: testimony.at, expires: testimony.expires, glance: glance.clone() }
    }
}

/// Whether a vantage saw nothing by its own fault: it knew that it was offline, or so many mirrors failed at once there
/// that this explains it better. Whoever asked others and got an answer is believed however many failed.
#[must_use]
pub fn is_blind(testimony: &Testimony, rules: &HealthRules) -> bool {
    if let Some(online) = testimony.online {
        return !online;
    }
    let failed = testimony.mirrors.iter().filter(|glance| glance.verdict == Verdict::Unreadable).count();
    #[allow(clippy::cast_precision_loss, reason = "mirrors are thousands at most")]
    let share = failed as f64 / testimony.mirrors.len().max(1) as f64;
    failed >= usize::try_from(rules.fault_floor).unwrap_or(usize::MAX) && share > rules.fault_share
}

/// The objects that a glance says to be wrong or missing: what is read again from here before anything is made of it.
#[must_use]
pub fn to_read_again(glance: &Glance) -> Vec<ObjectPath> {
    if !matches!(glance.verdict, Verdict::Forged | Verdict::Mixed | Verdict::Incomplete) {
        return Vec::new();
    }
    glance.evidence.iter().filter_map(|fact| fact.path.clone()).collect()
}
