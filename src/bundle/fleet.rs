//! What the online key tells of the mirrors: the list of them and how they are, so that both survive the publisher.
//!
//! Rule R10 of docs/bundle-format.md.

use bytes::Bytes;
use jiff::Timestamp;

use super::disk::{self, PUBLIC};
use super::error::BundleError;
use super::lifetime;
use super::project::Project;
use super::published::{LocalMetadata, Published, inline};
use super::release::Object;
use crate::base::{ObjectPath, Sha256};
use crate::trust::role::{self, FLEET, FleetSpec};
use crate::trust::{FileRecord, Rejection, RolePin, SigningKey, Verified, verify_fleet};

/// A file that tells of the mirrors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetFile {
    /// Its name without a version, such as `mirrors.json`.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Writes the next fleet role and its files, none of which anything refers to yet. Returns what a snapshot pins of it.
pub(super) fn write(
    project: &Project,
    before: Option<&Published>,
    files: &[FleetFile],
    online: &SigningKey,
    now: Timestamp,
) -> Result<RolePin, BundleError> {
    let version = before.and_then(|state| state.verified.pins.get(FLEET)).map_or(0, |pin| pin.version) + 1;
    let mut records = Vec::new();
    disk::make_folder(&project.state().join(FLEET))?;
    for file in files {
        let path = path(version, file.name)?;
        disk::replace(&project.state().join(path.as_str()), &file.bytes, PUBLIC)?;
        let (length, sha256) = (file.bytes.len() as u64, Sha256::of(&file.bytes));
        records.push(FileRecord { path, length, sha256, chunks: Vec::new() });
    }
    let role = role::fleet(&FleetSpec { version, expires: lifetime::after(now, lifetime::ROLES), files: &records })?;
    let stored = role.signed(&[role.sign(online)]);
    disk::replace(&project.state().join(role.path()?.as_str()), &stored, PUBLIC)?;
    Ok(RolePin::of(version, &stored))
}

/// What was published of it, role first; nothing where nothing was. What was lost here since is left out: it tells of a day that is
/// over, mirrors have it, and the next renewal tells anew.
pub(super) async fn objects(project: &Project, verified: &Verified) -> Result<Vec<Object>, BundleError> {
    let fleet = match verify_fleet(&LocalMetadata(project.state()), verified).await {
        Ok(Some(fleet)) => fleet,
        Ok(None) | Err(Rejection::Missing { .. }) => return Ok(Vec::new()),
        Err(rejection) => return Err(rejection.into()),
    };
    let mut objects = vec![inline(&fleet.role.path, &fleet.role.bytes)];
    for file in fleet.files {
        let lies = project.state().join(file.path.as_str());
        let bytes = disk::read(&lies)?.filter(|bytes| Sha256::of(bytes) == file.sha256);
        objects.extend(bytes.map(|bytes| inline(&file.path, &bytes)));
    }
    Ok(objects)
}

/// The newest file of this name among what was published.
pub(super) fn newest<'a>(objects: &'a [Object], name: &str) -> Option<&'a Object> {
    let is_it = |path: &ObjectPath| {
        let file = path.as_str().strip_prefix("fleet/")?;
        Some(file.split_once('.')?.1 == name)
    };
    objects.iter().find(|object| is_it(&object.path) == Some(true))
}

/// Removes the files of versions before the last `kept`.
pub(super) fn prune(project: &Project, newest: u64, kept: u64) -> Result<(), BundleError> {
    let folder = project.state().join(FLEET);
    for name in disk::list(&folder)? {
        let version = name.split_once('.').and_then(|(version, _)| version.parse::<u64>().ok());
        if version.is_some_and(|version| version + kept <= newest) {
            disk::remove(&folder.join(&name))?;
        }
    }
    Ok(())
}

fn path(version: u64, name: &str) -> Result<ObjectPath, BundleError> {
    ObjectPath::new(format!("{FLEET}/{version}.{name}"))
        .map_err(|error| BundleError::Malformed { path: name.into(), reason: error.to_string() })
}
