//! Asking another maintainer to sign: she rebuilds the stage from her own copy of the folder.

use std::collections::BTreeMap;

use bytes::Bytes;
use camino::Utf8Path;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::collect::Collected;
use super::error::BundleError;
use super::lock::ProjectLock;
use super::project::Project;
use super::published::Published;
use super::stage::{OnProgress, take_folder, write_roles};
use super::staged::Staged;
use crate::base::{BundleName, Sha256, sanitise};
use crate::trust::Unsigned;

/// What a stage is made of besides the folder itself, and what it must come to: text that holds nothing secret.
///
/// It is believed in one thing only, the moment of staging. All else is compared with what was rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignRequest {
    /// The bundle.
    pub bundle: BundleName,
    /// When it was staged.
    created: String,
    /// The bundle's role.
    role: Wanted,
    /// The list of bundles.
    targets: Wanted,
    /// What the maintainers' keys are called where the stage was made.
    signers: Vec<String>,
    /// The text of `SHA256SUMS`, which tells what differs when something does.
    sums: String,
}

/// A role that shall be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    version: u64,
    expires: String,
    sha256: Sha256,
}

impl Wanted {
    fn of(role: &Unsigned) -> Self {
        Self { version: role.version, expires: role.expires.to_string(), sha256: role.sha256() }
    }
}

impl Staged {
    /// What another maintainer needs to rebuild this stage.
    pub fn request(&self, project: &Project) -> Result<SignRequest, BundleError> {
        Ok(SignRequest {
            bundle: self.name().clone(),
            created: self.created().to_string(),
            role: Wanted::of(&self.role),
            targets: Wanted::of(&self.targets),
            signers: project.keyring()?.signers(),
            sums: String::from_utf8_lossy(&self.sums).into_owned(),
        })
    }
}

/// Stages a folder as another maintainer staged hers. Unless every byte to be signed is the same, nothing is staged.
///
/// # Errors
/// [`BundleError::Different`] with everything that differs.
pub fn rebuild(
    project: &Project,
    _held: &ProjectLock,
    collected: &Collected,
    request: &SignRequest,
    published: Option<&Published>,
    progress: OnProgress<'_>,
) -> Result<Staged, BundleError> {
    let name = &request.bundle;
    if published.is_some_and(|state| state.lists(name)) {
        return Err(BundleError::Published(name.clone()));
    }
    let created: Timestamp = request.created.parse().map_err(|_| BundleError::Malformed {
        path: Utf8Path::new("the request").to_owned(),
        reason: "its moment is no date".to_owned(),
    })?;
    let taken = take_folder(project, name, collected, progress)?;
    let built = write_roles(project, &taken, created, published)?;
    let differences = request.differences(&built, &project.keyring()?.signers());
    if !differences.is_empty() {
        return Err(BundleError::Different { bundle: name.clone(), differences });
    }
    match Staged::load(project, name) {
        // She may have signed it before.
        Ok(before) if before.role.canonical == built.role.canonical => before.relist(built.targets),
        _ => built.replace().map(|()| built),
    }
}

impl SignRequest {
    /// What the rebuilt stage has otherwise; the files first, because whatever else differs then follows from them.
    fn differences(&self, built: &Staged, signers: &[String]) -> Vec<String> {
        let files = different_files(&self.sums, &built.sums);
        if !files.is_empty() {
            return files;
        }
        if self.signers != signers {
            let (here, there) = (signers.join(", "), sanitise(&self.signers.join(", ")));
            return vec![format!("the public keys in keys/ are called {here} here, {there} in the request")];
        }
        let roles = [("the bundle's role", &self.role, &built.role), ("the list of bundles", &self.targets, &built.targets)];
        let differs = |(what, wanted, built): (&str, &Wanted, &Unsigned)| {
            let here = Wanted::of(built);
            (*wanted != here).then(|| {
                let told = |role: &Wanted| format!("{} (sha256 {})", role.version, role.sha256);
                format!("{what}: {} here, {} in the request", told(&here), told(wanted))
            })
        };
        roles.into_iter().filter_map(differs).collect()
    }
}

/// The files that two `SHA256SUMS` do not have alike, sorted by path.
fn different_files(requested: &str, built: &Bytes) -> Vec<String> {
    let built = String::from_utf8_lossy(built);
    let (there, here) = (by_path(requested), by_path(&built));
    let all: std::collections::BTreeSet<&str> = there.keys().chain(here.keys()).copied().collect();
    let differs = |path: &str| match (here.get(path), there.get(path)) {
        (Some(here), Some(there)) if here == there => None,
        (Some(_), Some(_)) => Some(format!("{}: other bytes", sanitise(path))),
        (Some(_), None) => Some(format!("{}: only here", sanitise(path))),
        _ => Some(format!("{}: only in the request", sanitise(path))),
    };
    all.into_iter().filter_map(differs).collect()
}

fn by_path(sums: &str) -> BTreeMap<&str, &str> {
    sums.lines().filter_map(|line| line.split_once("  ").map(|(digest, path)| (path, digest))).collect()
}
