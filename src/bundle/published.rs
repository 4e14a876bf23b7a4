//! What the project has published, read back from its own disk and verified like any mirror's.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::disk;
use super::error::BundleError;
use super::fleet;
use super::keyring::signature_files;
use super::names::SUMS;
use super::project::Project;
use super::release::{BundleEntry, Content, Object, Release};
use super::showcase::{self, Showcase};
use super::stage::release_path;
use crate::base::{BundleName, ObjectPath, Sha256, causes};
use crate::trust::role::TargetsSpec;
use crate::trust::{BundleRecord, Fetch, FetchError, FileRecord, Rejection, Verified, verify, verify_bundle};

/// The published state of a project, verified from its first root down to its list of bundles.
#[derive(Debug)]
pub struct Published {
    pub(super) verified: Verified,
    /// The list of bundles, in the words in which the next one is written.
    pub(super) list: TargetsSpec,
}

impl Published {
    /// Reads the state; `None` if nothing was published yet. Expiry is no error here: see [`Verified::stale_since`].
    pub async fn load(project: &Project, now: Timestamp) -> Result<Option<Self>, BundleError> {
        let (_, pin) = project.roots()?.swap_remove(0);
        let verified = match verify(&LocalMetadata(project.state()), &pin, now, None).await {
            Ok(verified) => verified,
            Err(Rejection::Empty) => return Ok(None),
            Err(rejection) => return Err(rejection.into()),
        };
        let list = TargetsSpec::read(&verified.targets.bytes, project.keyring()?.targets)
            .map_err(|error| BundleError::Malformed { path: verified.targets.path.as_str().into(), reason: error.to_string() })?;
        Ok(Some(Self { verified, list }))
    }

    /// What verification found.
    #[must_use]
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The signed file list of a live bundle.
    pub async fn files(&self, project: &Project, name: &BundleName) -> Result<Vec<FileRecord>, BundleError> {
        Ok(verify_bundle(&LocalMetadata(project.state()), &self.verified, name).await?.files)
    }

    /// Whether the published list of bundles lets the online key tell of the mirrors; one from before there was such a role does
    /// not.
    #[must_use]
    pub fn may_tell(&self) -> bool {
        self.list.fleet.is_some()
    }

    /// Whether a bundle of this name is live.
    #[must_use]
    pub fn lists(&self, name: &BundleName) -> bool {
        self.verified.bundles.iter().any(|bundle| bundle.name == *name)
    }
}

/// The project's current release, or `None` if nothing was published yet.
///
/// It is made of what [`verify`] accepted, so nothing unsigned ever becomes a [`Release`]. That the objects are there
/// is not checked: who sends one hears of it.
pub async fn current_release(project: &Project, showcase: &Showcase, now: Timestamp) -> Result<Option<Release>, BundleError> {
    let Some(published) = Published::load(project, now).await? else { return Ok(None) };
    release(project, &published, showcase).await.map(Some)
}

pub(super) async fn release(project: &Project, published: &Published, showcase: &Showcase) -> Result<Release, BundleError> {
    let verified = &published.verified;
    let mut metadata = vec![inline(&verified.targets.path, &verified.targets.bytes)];
    let mut bundles = Vec::with_capacity(verified.bundles.len());
    for record in &verified.bundles {
        let (role, entry) = bundle(project, verified, record).await?;
        metadata.push(role);
        bundles.push(entry);
    }
    let fleet = fleet::objects(project, verified).await?;
    let conveniences = showcase::objects(project, verified, showcase, &fleet)?;
    metadata.extend(fleet);
    metadata.push(inline(&verified.snapshot.path, &verified.snapshot.bytes));
    Ok(Release {
        version: verified.timestamp.version,
        snapshot_version: verified.snapshot.version,
        newest: verified.newest.clone(),
        bundles,
        metadata,
        roots: project.roots()?.iter().map(|(path, bytes)| inline(path, bytes)).collect(),
        pointer: inline(&verified.timestamp.path, &verified.timestamp.bytes),
        conveniences,
    })
}

/// A live bundle's role, and its files with their signatures.
async fn bundle(project: &Project, verified: &Verified, record: &BundleRecord) -> Result<(Object, BundleEntry), BundleError> {
    let list = verify_bundle(&LocalMetadata(project.state()), verified, &record.name).await?;
    let objects = project.objects();
    let mut files: Vec<Object> = list
        .files
        .into_iter()
        .map(|file| Object {
            content: Content::Object(objects.path(&file.sha256)),
            path: file.path,
            length: file.length,
            sha256: file.sha256,
        })
        .collect();
    let folder = project.sums_folder(&record.name);
    for name in list.signers.iter().flat_map(|who: &String| signature_files(who)) {
        // Of a team only those who signed have left a signature.
        if let Some(bytes) = disk::read(&folder.join(&name))? {
            files.push(inline(&release_path(&record.name, &name)?, &bytes));
        }
    }
    let entry = BundleEntry { name: record.name.clone(), created: record.created, files: Arc::new(files) };
    Ok((inline(&list.role.path, &list.role.bytes), entry))
}

pub(super) fn inline(path: &ObjectPath, bytes: &Bytes) -> Object {
    Object { path: path.clone(), length: bytes.len() as u64, sha256: Sha256::of(bytes), content: Content::Inline(bytes.clone()) }
}

/// Whether the published sums of `name` are these.
pub(super) fn has_sums(project: &Project, name: &BundleName, sums: &Bytes) -> Result<bool, BundleError> {
    Ok(disk::read(&project.sums_folder(name).join(SUMS))?.is_some_and(|before| before == *sums))
}

/// The project's own metadata, as if it were a mirror.
pub(super) struct LocalMetadata(pub(super) Utf8PathBuf);

#[async_trait]
impl Fetch for LocalMetadata {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        let fail = |reason: String| FetchError::refused(path, reason);
        let file = self.0.join(path.as_str());
        let bytes = tokio::task::spawn_blocking(move || disk::read(&file)).await;
        match bytes.map_err(|error| fail(error.to_string()))? {
            Ok(Some(bytes)) if bytes.len() as u64 > cap => Err(FetchError::too_long(path, cap)),
            Ok(found) => Ok(found),
            Err(error) => Err(fail(causes(&error).join(": "))),
        }
    }
}
