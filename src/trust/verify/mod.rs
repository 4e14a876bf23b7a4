//! What a mirror says, checked from the pinned root down.
//!
//! The order is that of the TUF client workflow (specification 1.0.34, section 5.3): roots one by one, then
//! timestamp, snapshot, list of bundles; a bundle's role when it is asked for. Rules of signatures and pins are
//! `sigstore-tuf`'s, behind [`authority`]; limits, strict JSON, distinct keys and the words of a verdict are ours.
//!
//! Nothing is kept between runs but what the caller passes as [`Known`], so a rejected mirror can poison nothing.
//!
//! Rules V1, V6, V7 and V9 of docs/bundle-format.md.

mod authority;
mod bundle;
mod list;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::role::{RootSpec, role_path};
use super::{Fetch, FetchError, Rejection, RoleFile, RoleKeys, RolePin, Verified};
use crate::base::ObjectPath;

pub(super) use authority::Authority;
use authority::Fault;
pub use bundle::{verify_bundle, verify_fleet};

/// Changes of root that one run follows, as many as other TUF clients do.
pub const MAX_ROOT_CHANGES: usize = 256;
/// Longest root, in bytes.
const ROOT_CAP: u64 = 512_000;
/// Longest timestamp, in bytes; ours are padded to 1,024.
const TIMESTAMP_CAP: u64 = 16 * 1024;
/// Longest snapshot that may be pinned, in bytes: some 100,000 bundles.
const SNAPSHOT_CAP: u64 = 16 << 20;
/// Longest list of bundles or of files that may be pinned, in bytes: some 3,000,000 files.
const TARGETS_CAP: u64 = 512 << 20;
/// What is read beyond a pinned length, so that an older or altered file that is a little longer is recognised as
/// what it is, instead of being called endless.
const BEYOND_PIN: u64 = 64 * 1024;

/// The newest versions that a mirror was seen to have. It may never show older ones again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Of the root.
    pub root: u64,
    /// Of `timestamp.json`.
    pub timestamp: u64,
    /// Of the snapshot.
    pub snapshot: u64,
    /// Of every role that the snapshot pinned, `targets` among them. May be left empty.
    pub roles: BTreeMap<String, u64>,
}

impl From<&Verified> for Known {
    fn from(seen: &Verified) -> Self {
        Self {
            root: seen.root_version,
            timestamp: seen.timestamp.version,
            snapshot: seen.snapshot.version,
            roles: seen.pins.iter().map(|(role, pin)| (role.clone(), pin.version)).collect(),
        }
    }
}

/// Verifies a mirror's state as of `now`, from `pin` (a trusted `N.root.json`) down to its list of bundles.
///
/// Expiry alone is no reason to reject: what is authentic but old comes back with `stale_since` set.
/// `known` are versions that this mirror has shown before.
pub async fn verify(fetch: &dyn Fetch, pin: &[u8], now: Timestamp, known: Option<&Known>) -> Result<Verified, Rejection> {
    let mut authority =
        Authority::from_pin(pin).map_err(|fault| forged(&pinned_root(), "the pinned root does not hold", fault))?;
    let unknown = Known::default();
    let known = known.unwrap_or(&unknown);

    let roots = follow_roots(fetch, &mut authority).await?;
    let root_path = path_of("root", authority.root().version)?;
    not_older(&root_path, authority.root().version, known.root)?;

    let timestamp = take_timestamp(fetch, &mut authority).await?;
    not_older(&timestamp.path, timestamp.version, known.timestamp)?;

    let snapshot = take_snapshot(fetch, &mut authority).await?;
    not_older(&snapshot.path, snapshot.version, known.snapshot)?;
    let pins = authority.pins().map_err(|fault| forged(&snapshot.path, "its pins", fault))?;
    for (role, &version) in &known.roles {
        not_older(&snapshot.path, pins.get(role).map_or(0, |pin| pin.version), version)?;
    }

    let targets = take_targets(fetch, &mut authority, &pins).await?;
    let (bundles, newest) = list::read(&authority).map_err(|fault| forged(&targets.path, "its list of bundles", fault))?;

    let expiries = [authority.root().expires, timestamp.expires, snapshot.expires, targets.expires];
    Ok(Verified {
        root_version: authority.root().version,
        stale_since: expiries.into_iter().filter(|&expires| expires <= now).min(),
        authority: Arc::new(authority),
        roots,
        timestamp,
        snapshot,
        targets,
        pins,
        bundles,
        newest,
    })
}

/// Whose signatures count for the list of bundles by the last of `roots`. The first is trusted because the caller does; each next one
/// has to follow from the one before it.
///
/// # Errors
/// When there is none, or one does not follow.
pub fn maintainers(roots: &[Bytes]) -> Result<RoleKeys, Rejection> {
    let (first, rest) = roots.split_first().ok_or(Rejection::Empty)?;
    let mut authority =
        Authority::from_pin(first).map_err(|fault| forged(&pinned_root(), "the pinned root does not hold", fault))?;
    for root in rest.iter().take(MAX_ROOT_CHANGES) {
        let path = path_of("root", authority.root().version.saturating_add(1))?;
        authority.add_root(root).map_err(|fault| forged(&path, "it does not follow from the last root", fault))?;
    }
    let last = &roots[rest.len().min(MAX_ROOT_CHANGES)];
    let spec = RootSpec::read(last).map_err(|error| forged(&pinned_root(), "its keys", Fault::Unfit(error.to_string())))?;
    Ok(spec.targets)
}

/// Takes root after root until the mirror has no next one.
async fn follow_roots(fetch: &dyn Fetch, authority: &mut Authority) -> Result<Vec<RoleFile>, Rejection> {
    let mut taken = Vec::new();
    loop {
        let path = path_of("root", authority.root().version.saturating_add(1))?;
        let Some(bytes) = get(fetch, &path, ROOT_CAP).await? else {
            return Ok(taken);
        };
        if taken.len() == MAX_ROOT_CHANGES {
            let reason = format!("more than {MAX_ROOT_CHANGES} changes of root since the pinned one: pin a newer root");
            return Err(FetchError::refused(&path, reason).into());
        }
        let head = authority.add_root(&bytes).map_err(|fault| forged(&path, "it does not follow from the last root", fault))?;
        taken.push(head.file(path, bytes));
    }
}

async fn take_timestamp(fetch: &dyn Fetch, authority: &mut Authority) -> Result<RoleFile, Rejection> {
    let path = path_of("timestamp", 0)?;
    let bytes = get(fetch, &path, TIMESTAMP_CAP).await?.ok_or(Rejection::Empty)?;
    let head = authority.set_timestamp(&bytes).map_err(|fault| rejection(&path, fault))?;
    Ok(head.file(path, bytes))
}

async fn take_snapshot(fetch: &dyn Fetch, authority: &mut Authority) -> Result<RoleFile, Rejection> {
    let pin = authority.snapshot_pin().map_err(|fault| forged(&timestamp_path(), "its pin", fault))?;
    let path = path_of("snapshot", pin.version)?;
    let bytes = get_pinned(fetch, &path, &pin, SNAPSHOT_CAP).await?;
    let head = authority.set_snapshot(&bytes).map_err(|fault| rejection(&path, fault))?;
    Ok(head.file(path, bytes))
}

async fn take_targets(
    fetch: &dyn Fetch,
    authority: &mut Authority,
    pins: &BTreeMap<String, RolePin>,
) -> Result<RoleFile, Rejection> {
    let pin = pins.get("targets").ok_or_else(|| missing_pin("targets"))?;
    let path = path_of("targets", pin.version)?;
    let bytes = get_pinned(fetch, &path, pin, TARGETS_CAP).await?;
    let head = authority.set_targets(&bytes).map_err(|fault| rejection(&path, fault))?;
    Ok(head.file(path, bytes))
}

/// Fetches at most `cap` bytes, also from a [`Fetch`] that forgets its promise.
async fn get(fetch: &dyn Fetch, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, Rejection> {
    let found = fetch.fetch(path, cap).await?;
    if found.as_ref().is_some_and(|bytes| bytes.len() as u64 > cap) {
        return Err(FetchError::too_long(path, cap).into());
    }
    Ok(found)
}

/// Fetches a file that a higher role pins: it must be there, and need not be read much further than its pinned length.
async fn get_pinned(fetch: &dyn Fetch, path: &ObjectPath, pin: &RolePin, most: u64) -> Result<Bytes, Rejection> {
    let length = pin.length.unwrap_or(most);
    if length > most {
        return Err(Rejection::Forged {
            path: path.clone(),
            reason: format!("it is pinned with an absurd length of {length} bytes"),
        });
    }
    get(fetch, path, length + BEYOND_PIN).await?.ok_or_else(|| Rejection::Missing { path: path.clone() })
}

fn not_older(path: &ObjectPath, found: u64, known: u64) -> Result<(), Rejection> {
    if found < known { Err(Rejection::RolledBack { path: path.clone(), found, known }) } else { Ok(()) }
}

fn rejection(path: &ObjectPath, fault: Fault) -> Rejection {
    let path = path.clone();
    match fault {
        Fault::Unfit(reason) => Rejection::Forged { path, reason },
        Fault::OtherPublish(reason) => Rejection::Mixed { path, reason },
    }
}

fn forged(path: &ObjectPath, what: &str, fault: Fault) -> Rejection {
    let (Fault::Unfit(reason) | Fault::OtherPublish(reason)) = fault;
    Rejection::Forged { path: path.clone(), reason: format!("{what}: {reason}") }
}

/// A role's path; a name that cannot be one comes from signed metadata, so it is the metadata that is refused.
fn path_of(role: &str, version: u64) -> Result<ObjectPath, Rejection> {
    role_path(role, version).map_err(|error| Rejection::Forged { path: timestamp_path(), reason: error.to_string() })
}

fn missing_pin(role: &str) -> Rejection {
    match ObjectPath::new(format!("metadata/{role}.json")) {
        Ok(path) => Rejection::Missing { path },
        Err(_) => Rejection::Missing { path: timestamp_path() },
    }
}

fn timestamp_path() -> ObjectPath {
    ObjectPath::new("metadata/timestamp.json").expect("a constant path is well formed")
}

fn pinned_root() -> ObjectPath {
    ObjectPath::new("1.root.json").expect("a constant path is well formed")
}
