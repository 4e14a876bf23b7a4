//! What each target's server was found to be able to do.

use jiff::Timestamp;
use rusqlite::OptionalExtension as _;
use serde::Serialize;

use super::{History, HistoryError, column};
use crate::base::{Sha256, TargetName, sanitise};
use crate::store::Capabilities;

/// What a probe found out about a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetProfile {
    /// What its server can do.
    pub capabilities: Capabilities,
    /// What the server says it is, safe to print.
    pub server: Option<String>,
    /// A digest of where that was; a target that has moved since has another.
    pub place: Sha256,
    /// When it was asked.
    pub probed_at: Timestamp,
}

impl History {
    /// The last profile of `target`, if it was probed at this `place`.
    pub fn profile(&self, target: &TargetName, place: Sha256) -> Result<Option<TargetProfile>, HistoryError> {
        self.with("read a target's profile", |inner| {
            inner
                .connection
                .prepare_cached("SELECT capabilities, server, probed_at FROM profiles WHERE target = ?1 AND place = ?2")?
                .query_row((target.as_str(), place.as_bytes()), |row| {
                    Ok(TargetProfile {
                        capabilities: column::json(row, 0)?,
                        server: row.get(1)?,
                        place,
                        probed_at: column::parsed(row, 2)?,
                    })
                })
                .optional()
        })
    }

    /// Replaces the profile of `target`.
    pub fn set_profile(&self, target: &TargetName, profile: &TargetProfile) -> Result<(), HistoryError> {
        self.with("record a target's profile", |inner| {
            inner
                .connection
                .prepare_cached(
                    "INSERT INTO profiles (target, capabilities, server, probed_at, place) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (target) DO UPDATE SET capabilities = excluded.capabilities,
                         server = excluded.server, probed_at = excluded.probed_at, place = excluded.place",
                )?
                .execute((
                    target.as_str(),
                    column::to_json(&profile.capabilities)?,
                    profile.server.as_deref().map(sanitise),
                    profile.probed_at.to_string(),
                    profile.place.as_bytes(),
                ))?;
            Ok(())
        })
    }
}
