//! TUF roles as we write them.
//!
//! A role goes through three forms: a plain spec, the canonical bytes over which maintainers sign, each at another
//! time and place, and the stored form that holds the signatures beside exactly those bytes. The same spec always
//! gives the same bytes: a second maintainer can rebuild them from her own tree and sign only if they are identical.
//!
//! Rule R3 of docs/bundle-format.md.

pub(super) mod bundle;
mod fleet;
pub(super) mod read;
mod spec;
mod top;
mod unsigned;

use jiff::Timestamp;

use super::TrustError;
use crate::base::ObjectPath;

pub use bundle::bundle;
pub use fleet::fleet;
pub use spec::{BundleDelegation, BundleSpec, FleetSpec, RoleKeys, RootSpec, SnapshotSpec, TargetsSpec, TimestampSpec};
pub use top::{root, snapshot, targets, timestamp};
pub use unsigned::{SignatureLine, Unsigned};

/// The version of the TUF specification that the roles follow.
pub const SPEC_VERSION: &str = "1.0.34";
/// Newest version that a role may have: the largest whole number that every JSON reader keeps exactly.
pub const MAX_VERSION: u64 = 1 << 53;
/// Length of the chunks of which a large file's role holds digests, in bytes.
pub const CHUNK_BYTES: u64 = 4 << 20;
/// The role by which the online key tells of the mirrors.
pub const FLEET: &str = "fleet";
/// All that it may sign.
pub const FLEET_PATHS: &str = "fleet/*";
/// Our custom field in signed metadata; readers that do not know it still check its signature.
pub(super) const CUSTOM: &str = "x-spartacus";

/// Where a role's file lies, from the mirror's base: `metadata/3.targets.json`, `metadata/timestamp.json`.
///
/// # Errors
/// When `role` is no possible file name.
pub fn role_path(role: &str, version: u64) -> Result<ObjectPath, TrustError> {
    if role.contains('/') {
        return Err(refused(role, "its name cannot be a file's"));
    }
    let name = if role == "timestamp" { "timestamp.json".to_owned() } else { format!("{version}.{role}.json") };
    ObjectPath::new(format!("metadata/{name}")).map_err(|error| refused(role, error.to_string()))
}

/// A moment as TUF writes it: RFC 3339, whole seconds, UTC.
fn date(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn refused(role: &str, reason: impl Into<String>) -> TrustError {
    TrustError::Role { role: role.to_owned(), reason: reason.into() }
}
