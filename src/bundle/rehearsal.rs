//! What publishing would give, without publishing.

use std::fs;
use std::os::unix::fs::symlink;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::disk;
use super::error::BundleError;
use super::lock::ProjectLock;
use super::project::Project;
use super::publish::publish;
use super::release::Release;
use super::showcase::Showcase;
use super::sign::Signed;
use crate::trust::SigningKey;
use crate::trust::role::FLEET;

/// A copy of a project's metadata, removed when dropped.
#[derive(Debug)]
pub struct Copy {
    folder: Utf8PathBuf,
}

impl Drop for Copy {
    fn drop(&mut self) {
        clear(&self.folder);
    }
}

/// Does all that [`publish`] does, in a copy: the project and its stage stay as they are. The release can be looked at and
/// planned with for as long as the copy is kept.
pub async fn rehearse(
    project: &Project,
    held: &ProjectLock,
    signed: &Signed,
    online: &SigningKey,
    showcase: &Showcase,
    now: Timestamp,
) -> Result<(Release, Copy), BundleError> {
    let folder = project.state().join("rehearsal");
    clear(&folder);
    let (copy, kept) = (Project::at(&folder), Copy { folder });
    let mut signed = signed.clone();
    copy_folder(&project.metadata(), &copy.metadata())?;
    copy_folder(&project.state().join("sums"), &copy.state().join("sums"))?;
    copy_folder(&project.state().join(FLEET), &copy.state().join(FLEET))?;
    copy_folder(&signed.staged.folder, &copy.staged_folder(signed.name()))?;
    signed.staged.folder = copy.staged_folder(signed.name());
    // By their whole paths: a link in there counts from where it lies.
    for (from, to) in [(project.state().join("objects"), copy.state().join("objects")), (project.keys(), copy.keys())] {
        let whole = from.canonicalize_utf8().map_err(|error| BundleError::reading(&from, error))?;
        symlink(whole, &to).map_err(|error| BundleError::writing(&to, error))?;
    }
    Ok((publish(&copy, held, &signed, online, showcase, now).await?, kept))
}

fn copy_folder(from: &Utf8Path, to: &Utf8Path) -> Result<(), BundleError> {
    disk::make_folder(to)?;
    for name in disk::list(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::copy(&from, &to).map_err(|error| BundleError::writing(&to, error))?;
        }
    }
    Ok(())
}

/// What is left of it would be in nobody's way, and the next one begins by trying again. Links are removed, not followed.
fn clear(folder: &Utf8Path) {
    let _ = fs::remove_dir_all(folder);
}
