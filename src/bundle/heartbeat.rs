//! How long the present timestamp lasts, and when the next one is due.

use jiff::{SignedDuration, Timestamp};

use super::error::BundleError;
use super::lifetime;
use super::project::Project;
use super::published::Published;
use crate::trust::role::FLEET;

/// The timestamp that mirrors show now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Its version.
    pub version: u64,
    /// When mirrors that still show it become stale.
    pub expires: Timestamp,
    /// When half its life is gone, or a day where it also tells of mirrors, or at once where it should and did not yet: the next
    /// one is made then.
    pub due: Timestamp,
    /// When the next one would expire, if it were made now.
    pub next_expires: Timestamp,
}

impl Heartbeat {
    /// Reads it from what was published; `None`: nothing was yet. Where the project `tells` of its mirrors and may, the next one
    /// is due after a day already.
    pub async fn of(project: &Project, now: Timestamp, tells: bool) -> Result<Option<Self>, BundleError> {
        let Some(published) = Published::load(project, now).await? else { return Ok(None) };
        let life = lifetime::of_timestamp(&project.keyring()?);
        let timestamp = &published.verified().timestamp;
        let tells = tells && published.list.fleet.is_some();
        let left = match published.verified().pins.contains_key(FLEET) {
            false if tells => life,
            true if tells => life - SignedDuration::from_hours(24),
            _ => life / 2,
        };
        Ok(Some(Self {
            version: timestamp.version,
            expires: timestamp.expires,
            due: timestamp.expires.saturating_sub(left).unwrap_or(Timestamp::MIN),
            next_expires: lifetime::after(now, life),
        }))
    }
}
