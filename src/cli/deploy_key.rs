//! The SSH key that pushes log in with, and the one that comes after it.

use camino::{Utf8Path, Utf8PathBuf};

use crate::bundle::Project;
use crate::config::{Target, TargetKind};
use crate::store::sftp::{SftpAuth, SftpSettings};

/// The deploy key of a target that logs in with it.
#[derive(Debug, Clone)]
pub struct DeployKey {
    present: Utf8PathBuf,
    next: Utf8PathBuf,
}

impl DeployKey {
    /// That of `target`; `None`: it logs in with something else, here and at its jump hosts.
    #[must_use]
    pub fn of(project: &Project, target: &Target) -> Option<Self> {
        let TargetKind::Sftp(sftp) = &target.kind else { return None };
        let found = Self { present: project.deploy_key(), next: project.next_deploy_key() };
        let mut keys = sftp.key.iter().chain(sftp.jump.iter().filter_map(|jump| jump.key.as_ref()));
        keys.any(|key| is_same(key, &found.present)).then_some(found)
    }

    /// The present one.
    #[must_use]
    pub fn present(&self) -> &Utf8Path {
        &self.present
    }

    /// The next one, if there is one now.
    #[must_use]
    pub fn next(&self) -> Option<&Utf8Path> {
        self.next.exists().then_some(self.next.as_path())
    }

    /// The same way in, with the next key wherever the present one would be shown; `None` while there is none.
    #[must_use]
    pub fn with_next(&self, settings: &SftpSettings) -> Option<SftpSettings> {
        let next = self.next()?;
        let mut settings = settings.clone();
        for auth in settings.jump.iter_mut().map(|jump| &mut jump.auth).chain([&mut settings.auth]) {
            if matches!(auth, SftpAuth::Key { path, .. } if is_same(path, &self.present)) {
                // The keys that we make have no passphrase.
                *auth = SftpAuth::Key { path: next.to_owned(), passphrase: None };
            }
        }
        Some(settings)
    }
}

/// Whether both lead to the same file, there or not.
fn is_same(one: &Utf8Path, other: &Utf8Path) -> bool {
    whole(one) == whole(other)
}

fn whole(path: &Utf8Path) -> Utf8PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let beside = || Some(folder.canonicalize_utf8().ok()?.join(path.file_name()?));
    path.canonicalize_utf8().ok().or_else(beside).unwrap_or_else(|| path.to_owned())
}
