//! The pure core of reminders: which step before an end is to be told.

use jiff::{SignedDuration, Timestamp};

use crate::base::{AlertRules, TargetName};

/// What is agreed with the volunteer of a mirror, and ends soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Which mirror.
    pub mirror: TargetName,
    /// The number of its offer.
    pub ticket: String,
    /// When it ends.
    pub expires: Timestamp,
    /// The step, in days before that.
    pub days: u32,
    /// An update of it waits for a decision of ours.
    pub waits: bool,
    /// Its volunteer is reminded, too.
    pub heard: bool,
}

/// The step of [`AlertRules::REMINDERS`] that is to be told at `now`, in days before `expires`; `None`: none.
///
/// Of several that were missed only the nearest is told. One that lies before it was `agreed` is none: whoever offers a place for
/// two weeks need not hear at once that it ends in a month. `told` is the last step that was told of this very end.
#[must_use]
pub fn step(agreed: Timestamp, expires: Timestamp, told: Option<u32>, now: Timestamp) -> Option<u32> {
    if expires <= now {
        return None;
    }
    let is_reached = |days: &u32| {
        let before = SignedDuration::from_hours(24 * i64::from(*days));
        let moment = expires.checked_sub(before).unwrap_or(Timestamp::MIN);
        agreed < moment && moment <= now
    };
    let nearest = AlertRules::REMINDERS.into_iter().filter(is_reached).min()?;
    told.is_none_or(|told| nearest < told).then_some(nearest)
}
