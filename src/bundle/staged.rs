//! A bundle that waits for signatures.

use std::fs;

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk::{self, PUBLIC};
use super::error::BundleError;
use super::names::SUMS;
use super::project::Project;
use crate::base::{BundleName, ByteCount};
use crate::trust::Unsigned;
use crate::trust::role::BundleDelegation;

const MANIFEST: &str = "manifest.json";
const ROLE: &str = "role.json";
const SCHEMA: u32 = 1;

/// A bundle whose files are objects and whose roles are written, but not signed by enough maintainers yet.
///
/// It lies in `.spartacus/staged/<bundle>/`: `role.json` and the list of bundles are exactly the bytes to sign. The list
/// is called by its digest, so that a new one can be written beside the old one; `manifest.json` says which it is.
#[derive(Debug, Clone)]
pub struct Staged {
    pub(super) folder: Utf8PathBuf,
    pub(super) bundle: BundleDelegation,
    pub(super) role: Unsigned,
    pub(super) targets: Unsigned,
    pub(super) sums: Bytes,
}

/// The part of a stage that its roles do not say.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    schema: u32,
    bundle: BundleName,
    created: String,
    files: u64,
    bytes: u64,
    depths: std::collections::BTreeSet<u32>,
    role: Head,
    targets: Head,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    file: String,
    version: u64,
    expires: String,
}

impl Head {
    fn of(role: &Unsigned, file: String) -> Self {
        Self { file, version: role.version, expires: role.expires.to_string() }
    }
}

/// How files of lists of bundles begin.
const LIST: &str = "targets-";

/// The file of a list of bundles.
fn list_file(targets: &Unsigned) -> String {
    format!("{LIST}{}.json", targets.sha256())
}

impl Staged {
    /// Reads the stage of `bundle`.
    pub fn load(project: &Project, bundle: &BundleName) -> Result<Self, BundleError> {
        let folder = project.staged_folder(bundle);
        let path = folder.join(MANIFEST);
        let bytes = disk::read(&path)?.ok_or_else(|| BundleError::NotStaged(bundle.clone()))?;
        let malformed = |reason: String| BundleError::Malformed { path: path.clone(), reason };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if manifest.schema != SCHEMA || manifest.bundle != *bundle {
            return Err(malformed("it is of another bundle or another version of spartacus".to_owned()));
        }
        let date = |text: &str| text.parse::<Timestamp>().map_err(|error| malformed(error.to_string()));
        let file = |name: &str| disk::read(&folder.join(name))?.ok_or_else(|| malformed(format!("{name} beside it is missing")));
        let unsigned = |role: &str, head: &Head| {
            Ok::<_, BundleError>(Unsigned {
                role: role.to_owned(),
                version: head.version,
                expires: date(&head.expires)?,
                canonical: file(&head.file)?,
            })
        };
        let role = unsigned(bundle.as_str(), &manifest.role)?;
        let targets = unsigned("targets", &manifest.targets)?;
        let record = crate::trust::BundleRecord {
            name: manifest.bundle,
            created: date(&manifest.created)?,
            files: manifest.files,
            bytes: manifest.bytes,
        };
        let bundle = BundleDelegation { record, depths: manifest.depths, keys: None };
        Ok(Self { sums: file(SUMS)?, folder, bundle, role, targets })
    }

    /// Writes the stage, in the place of one that lies there. The manifest comes last: a stage without one does not exist.
    pub(super) fn replace(&self) -> Result<(), BundleError> {
        if self.folder.exists() {
            self.remove()?;
        }
        disk::make_folder(&self.folder)?;
        disk::replace(&self.folder.join(ROLE), &self.role.canonical, PUBLIC)?;
        disk::replace(&self.folder.join(list_file(&self.targets)), &self.targets.canonical, PUBLIC)?;
        disk::replace(&self.folder.join(SUMS), &self.sums, PUBLIC)?;
        self.write_manifest()
    }

    /// Gives the stage this list of bundles. Whatever kills it, the stage is there with the old list or with the new one.
    pub(super) fn relist(mut self, targets: Unsigned) -> Result<Self, BundleError> {
        if targets.canonical == self.targets.canonical {
            return Ok(self);
        }
        let file = list_file(&targets);
        disk::replace(&self.folder.join(&file), &targets.canonical, PUBLIC)?;
        self.targets = targets;
        self.write_manifest()?;
        // Signatures on the old list do not count any more, so it does not matter if these steps are never reached.
        self.drop_list_signatures()?;
        for name in disk::list(&self.folder)?.iter().filter(|name| name.starts_with(LIST) && **name != file) {
            disk::remove(&self.folder.join(name))?;
        }
        Ok(self)
    }

    fn write_manifest(&self) -> Result<(), BundleError> {
        let record = &self.bundle.record;
        let manifest = Manifest {
            schema: SCHEMA,
            bundle: record.name.clone(),
            created: record.created.to_string(),
            files: record.files,
            bytes: record.bytes,
            depths: self.bundle.depths.clone(),
            role: Head::of(&self.role, ROLE.to_owned()),
            targets: Head::of(&self.targets, list_file(&self.targets)),
        };
        let path = self.folder.join(MANIFEST);
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| BundleError::Malformed { path: path.clone(), reason: error.to_string() })?;
        disk::replace(&path, &text, PUBLIC)
    }

    /// Removes the stage: its bundle is published, or somebody thought better of it.
    pub(super) fn remove(&self) -> Result<(), BundleError> {
        disk::remove(&self.folder.join(MANIFEST))?;
        fs::remove_dir_all(&self.folder).map_err(|error| BundleError::writing(&self.folder, error))
    }

    /// Where the stage lies.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// The bundle's name.
    #[must_use]
    pub fn name(&self) -> &BundleName {
        &self.bundle.record.name
    }

    /// When it was staged; whoever stages the same tree with this moment gets the same bytes.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.bundle.record.created
    }

    /// Number of its targets, `SHA256SUMS` included.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.bundle.record.files
    }

    /// Sum of their lengths.
    #[must_use]
    pub fn bytes(&self) -> ByteCount {
        ByteCount(self.bundle.record.bytes)
    }

    /// The bundle's role, as it is to be signed.
    #[must_use]
    pub fn role(&self) -> &Unsigned {
        &self.role
    }

    /// The list of bundles, as it is to be signed.
    #[must_use]
    pub fn targets(&self) -> &Unsigned {
        &self.targets
    }

    /// The text of `SHA256SUMS`.
    #[must_use]
    pub fn sums(&self) -> &Bytes {
        &self.sums
    }
}
