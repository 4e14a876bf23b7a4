//! From signed bundles to the next release.
//!
//! Rules K3 and P7 of docs/bundle-format.md.

use std::collections::BTreeMap;

use bytes::Bytes;
use camino::Utf8Path;
use jiff::Timestamp;

use super::disk::{self, PUBLIC};
use super::error::BundleError;
use super::fleet;
use super::keyring::{Keyring, signature_files};
use super::lifetime;
use super::lock::ProjectLock;
use super::names::SUMS;
use super::project::Project;
use super::published::{Published, release};
use super::release::Release;
use super::showcase::Showcase;
use super::sign::Signed;
use crate::trust::role::{self, FLEET, SnapshotSpec, TargetsSpec, TimestampSpec};
use crate::trust::{RoleKeys, RolePin, SigningKey, Unsigned};

/// Lists of bundles and snapshots that are kept.
const KEPT: u64 = 3;

/// What publishing has just done; tests stop it after each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A file that nothing refers to yet was written.
    Prepared,
    /// `timestamp.json` was swapped: the new state is the current one.
    Committed,
    /// The stage is gone.
    Unstaged,
    /// Old lists and snapshots are gone.
    Pruned,
}

/// Hears of each step; an error ends the run there, as a crash would.
pub(super) type AfterStep<'a> = &'a mut (dyn FnMut(Step) -> Result<(), BundleError> + Send);

/// Publishes a signed bundle: the online key signs the next snapshot and timestamp.
///
/// Everything but `timestamp.json` goes under names that nothing refers to, so a run that is killed anywhere leaves
/// the old state or the new one, and running it again completes it. What is published already is given back as it is.
pub async fn publish(
    project: &Project,
    held: &ProjectLock,
    signed: &Signed,
    online: &SigningKey,
    showcase: &Showcase,
    now: Timestamp,
) -> Result<Release, BundleError> {
    publish_stepwise(project, held, signed, online, showcase, now, &mut |_| Ok(())).await
}

pub(super) async fn publish_stepwise(
    project: &Project,
    _held: &ProjectLock,
    signed: &Signed,
    online: &SigningKey,
    showcase: &Showcase,
    now: Timestamp,
    after: AfterStep<'_>,
) -> Result<Release, BundleError> {
    let keyring = project.keyring()?;
    let before = Published::load(project, now).await?;
    if !is_published(before.as_ref(), signed) {
        check_order(before.as_ref(), signed)?;
        check_online(&keyring, online)?;
        // 1. The signatures for people and the maintainers' roles.
        keep_sums(project, &keyring, signed, after)?;
        let (role, list) = (&signed.staged.role, &signed.staged.targets);
        write(project, role.path()?.as_str(), &signed.role, after)?;
        write(project, list.path()?.as_str(), &signed.targets, after)?;
        // 2. The snapshot: old entries stay, those of retired bundles for ever.
        let mut pins = before.as_ref().map(|state| state.verified.pins.clone()).unwrap_or_default();
        pins.insert(role.role.clone(), RolePin::of(role.version, &signed.role));
        pins.insert(list.role.clone(), RolePin::of(list.version, &signed.targets));
        if !showcase.fleet.is_empty() && staged_delegates(signed)? {
            pins.insert(FLEET.to_owned(), fleet::write(project, before.as_ref(), &showcase.fleet, online, now)?);
            after(Step::Prepared)?;
        }
        // 3. The commit point.
        commit(project, &keyring, before.as_ref(), pins, online, now, after)?;
    }
    // 4. What has served its time.
    if signed.staged.folder.exists() {
        signed.staged.remove()?;
    }
    after(Step::Unstaged)?;
    let state = published_now(project, now).await?;
    prune(project, &state)?;
    after(Step::Pruned)?;
    release(project, &state, showcase).await
}

/// Makes a new timestamp if half the life of the present one is gone, or if `forced`; and a new snapshot if half of its
/// life is. With something to tell of the mirrors, all three roles of the online key, at once the first time and then at least once a day.
/// `None`: nothing was published yet.
pub async fn renew(
    project: &Project,
    _held: &ProjectLock,
    online: &SigningKey,
    showcase: &Showcase,
    now: Timestamp,
    forced: bool,
) -> Result<Option<Release>, BundleError> {
    let keyring = project.keyring()?;
    let Some(state) = Published::load(project, now).await? else { return Ok(None) };
    let life = lifetime::of_timestamp(&keyring);
    let tells = !showcase.fleet.is_empty() && state.list.fleet.is_some();
    let expires = state.verified.timestamp.expires;
    let untold = tells && (!state.verified.pins.contains_key(FLEET) || lifetime::is_a_day_old(expires, life, now));
    let due = untold || lifetime::half_gone(expires, life, now);
    if !due && !forced {
        return release(project, &state, showcase).await.map(Some);
    }
    check_online(&keyring, online)?;
    let after: AfterStep<'_> = &mut |_| Ok(());
    let snapshot = &state.verified.snapshot;
    let mut pins = state.verified.pins.clone();
    if tells {
        pins.insert(FLEET.to_owned(), fleet::write(project, Some(&state), &showcase.fleet, online, now)?);
    }
    if tells || lifetime::half_gone(snapshot.expires, lifetime::ROLES, now) {
        commit(project, &keyring, Some(&state), pins, online, now, after)?;
    } else {
        let pin = RolePin::of(snapshot.version, &snapshot.bytes);
        write_timestamp(project, &keyring, Some(&state), pin, online, now, after)?;
    }
    let state = published_now(project, now).await?;
    prune(project, &state)?;
    release(project, &state, showcase).await.map(Some)
}

/// Whether the list that is published now lets the online key tell of the mirrors: one that was staged long ago may not.
fn staged_delegates(signed: &Signed) -> Result<bool, BundleError> {
    let list = TargetsSpec::read(&signed.targets, RoleKeys { keys: Vec::new(), threshold: 0 });
    Ok(list?.fleet.is_some())
}

/// Whether exactly this list of bundles is the published one.
fn is_published(before: Option<&Published>, signed: &Signed) -> bool {
    before.is_some_and(|state| {
        let pin = state.verified.pins.get(signed.name().as_str());
        // Other signatures may have met the threshold then; what they signed is what counts.
        let list = Unsigned::split("targets", &state.verified.targets.bytes);
        list.is_ok_and(|(list, _)| list.canonical == signed.staged.targets.canonical)
            && pin.is_some_and(|pin| pin.version == signed.staged.role.version)
    })
}

fn check_order(before: Option<&Published>, signed: &Signed) -> Result<(), BundleError> {
    let current = before.map_or(0, |state| state.verified.targets.version);
    let staged = signed.staged.targets.version - 1;
    if before.is_some_and(|state| state.lists(signed.name())) {
        return Err(BundleError::Published(signed.name().clone()));
    }
    if staged == current { Ok(()) } else { Err(BundleError::Overtaken { bundle: signed.name().clone(), staged, current }) }
}

fn check_online(keyring: &Keyring, online: &SigningKey) -> Result<(), BundleError> {
    if keyring.online.keys.contains(online.public()) {
        return Ok(());
    }
    Err(BundleError::Stranger { key: online.public().key_id().to_string(), role: "timestamp".into() })
}

fn keep_sums(project: &Project, keyring: &Keyring, signed: &Signed, after: AfterStep<'_>) -> Result<(), BundleError> {
    let folder = project.sums_folder(signed.name());
    disk::make_folder(&folder)?;
    // A publish that was stopped here may have been of other files, signed by others.
    for name in disk::list(&folder)? {
        if !signed.staged.folder.join(&name).exists() {
            disk::remove(&folder.join(&name))?;
        }
    }
    disk::replace(&folder.join(SUMS), &signed.staged.sums, PUBLIC)?;
    after(Step::Prepared)?;
    for name in keyring.targets.keys.iter().flat_map(|key| signature_files(&keyring.name_of(key))) {
        if let Some(bytes) = disk::read(&signed.staged.folder.join(&name))? {
            disk::replace(&folder.join(&name), &bytes, PUBLIC)?;
            after(Step::Prepared)?;
        }
    }
    Ok(())
}

/// Writes the next snapshot over `pins`, then the timestamp that points to it.
fn commit(
    project: &Project,
    keyring: &Keyring,
    before: Option<&Published>,
    pins: BTreeMap<String, RolePin>,
    online: &SigningKey,
    now: Timestamp,
    after: AfterStep<'_>,
) -> Result<(), BundleError> {
    let version = before.map_or(0, |state| state.verified.snapshot.version) + 1;
    let snapshot = role::snapshot(&SnapshotSpec { version, expires: lifetime::after(now, lifetime::ROLES), pins })?;
    let stored = snapshot.signed(&[snapshot.sign(online)]);
    write(project, snapshot.path()?.as_str(), &stored, after)?;
    write_timestamp(project, keyring, before, RolePin::of(version, &stored), online, now, after)
}

fn write_timestamp(
    project: &Project,
    keyring: &Keyring,
    before: Option<&Published>,
    snapshot: RolePin,
    online: &SigningKey,
    now: Timestamp,
    after: AfterStep<'_>,
) -> Result<(), BundleError> {
    let timestamp = role::timestamp(&TimestampSpec {
        version: before.map_or(0, |state| state.verified.timestamp.version) + 1,
        expires: lifetime::after(now, lifetime::of_timestamp(keyring)),
        snapshot,
    })?;
    let stored = timestamp.signed(&[timestamp.sign(online)]);
    disk::replace(&project.state().join(timestamp.path()?.as_str()), &stored, PUBLIC)?;
    after(Step::Committed)
}

fn write(project: &Project, path: &str, bytes: &Bytes, after: AfterStep<'_>) -> Result<(), BundleError> {
    disk::replace(&project.state().join(path), bytes, PUBLIC)?;
    after(Step::Prepared)
}

async fn published_now(project: &Project, now: Timestamp) -> Result<Published, BundleError> {
    // The timestamp was written or read a moment ago, by us, under the lock.
    Published::load(project, now)
        .await?
        .ok_or_else(|| BundleError::Malformed { path: project.metadata(), reason: "timestamp.json disappeared".into() })
}

/// Removes lists of bundles, snapshots and what was told of mirrors older than the last three.
fn prune(project: &Project, state: &Published) -> Result<(), BundleError> {
    let folder = project.metadata();
    let told = state.verified.pins.get(FLEET).map_or(0, |pin| pin.version);
    fleet::prune(project, told, KEPT)?;
    let newest = [("targets", state.verified.targets.version), ("snapshot", state.verified.snapshot.version), (FLEET, told)];
    for (role, newest) in newest {
        for name in disk::list(&folder)? {
            if version_of(&name, role).is_some_and(|version| version + KEPT <= newest) {
                disk::remove(&folder.join(Utf8Path::new(&name)))?;
            }
        }
    }
    Ok(())
}

/// The version in `N.<role>.json`.
fn version_of(name: &str, role: &str) -> Option<u64> {
    name.strip_suffix(".json")?.strip_suffix(role)?.strip_suffix('.')?.parse().ok()
}

#[cfg(test)]
mod tests;
