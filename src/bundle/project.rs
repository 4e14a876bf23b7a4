//! Where a project keeps what it publishes.
//!
//! Rule K7 of docs/bundle-format.md.

use std::collections::BTreeMap;

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};

use super::disk;
use super::error::BundleError;
use super::keyring::{KeyName, Keyring};
use super::lock::ProjectLock;
use super::objects::ObjectStore;
use crate::base::{BundleName, ObjectPath, Sha256};
use crate::trust::{KeyId, PublicKey};

/// A project's folder.
///
/// ```text
/// .spartacus/objects/<sha256>      every file that was ever published or staged
/// .spartacus/staged/<bundle>/      what waits for signatures
/// .spartacus/metadata/             the published metadata, as mirrors hold it
/// .spartacus/sums/<bundle>/        signatures of SHA256SUMS, which are no targets
/// .spartacus/lock                  held while something changes
/// .spartacus/round.lock            held while mirrors are looked at; schedule.lock by the one `schedule`
/// keys/                            public and secret keys; deploy_ed25519.next while the deploy key is being changed
/// ```
#[derive(Debug, Clone)]
pub struct Project {
    folder: Utf8PathBuf,
}

impl Project {
    /// Opens the project in `folder`.
    pub fn open(folder: &Utf8Path) -> Result<Self, BundleError> {
        let project = Self::at(folder);
        let root = project.metadata().join("1.root.json");
        if disk::read(&root)?.is_none() {
            return Err(BundleError::NoProject { path: folder.to_owned() });
        }
        Ok(project)
    }

    pub(super) fn at(folder: &Utf8Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Its objects.
    #[must_use]
    pub fn objects(&self) -> ObjectStore {
        ObjectStore::at(self.state().join("objects"))
    }

    /// Where its keys lie.
    #[must_use]
    pub fn keys(&self) -> Utf8PathBuf {
        self.folder.join("keys")
    }

    /// The secret online key, which signs snapshots and timestamps unattended.
    #[must_use]
    pub fn online_key(&self) -> Utf8PathBuf {
        self.keys().join("online.key")
    }

    /// The secret key of the maintainer called `who`, if it lies on this machine.
    #[must_use]
    pub fn maintainer_key(&self, who: &KeyName) -> Utf8PathBuf {
        self.keys().join(format!("{who}.key"))
    }

    /// The secret SSH key for volunteers' SFTP servers.
    #[must_use]
    pub fn deploy_key(&self) -> Utf8PathBuf {
        self.keys().join("deploy_ed25519")
    }

    /// The secret age identity to which volunteers' secrets are sealed, so that pushes run unattended.
    #[must_use]
    pub fn age_identity(&self) -> Utf8PathBuf {
        self.keys().join("age_identity.txt")
    }

    /// `.spartacus`, where other rooms keep their state too.
    #[must_use]
    pub fn state(&self) -> Utf8PathBuf {
        self.folder.join(".spartacus")
    }

    /// Where the published metadata lies.
    #[must_use]
    pub fn metadata(&self) -> Utf8PathBuf {
        self.state().join("metadata")
    }

    pub(super) fn staged_folder(&self, bundle: &BundleName) -> Utf8PathBuf {
        self.state().join("staged").join(bundle.as_str())
    }

    pub(super) fn sums_folder(&self, bundle: &BundleName) -> Utf8PathBuf {
        self.state().join("sums").join(bundle.as_str())
    }

    /// Names of the bundles that wait for signatures, sorted.
    pub fn staged_names(&self) -> Result<Vec<BundleName>, BundleError> {
        let names = disk::list(&self.state().join("staged"))?;
        Ok(names.into_iter().filter_map(|name| BundleName::new(name).ok()).collect())
    }

    /// Takes the project's lock; an error at once if another process has it.
    pub fn lock(&self) -> Result<ProjectLock, BundleError> {
        ProjectLock::take(&self.state().join("lock"))
    }

    /// Takes the lock of whatever `errand` has to be done by one process at a time and changes nothing that is published: a
    /// round of checks goes on beside a push.
    pub fn lock_for(&self, errand: &str) -> Result<ProjectLock, BundleError> {
        ProjectLock::take(&self.state().join(format!("{errand}.lock")))
    }

    /// The pin: the digest of the first root, to be published in as many places as possible.
    pub fn pin(&self) -> Result<Sha256, BundleError> {
        let path = self.metadata().join("1.root.json");
        disk::read(&path)?.map(|root| Sha256::of(&root)).ok_or_else(|| BundleError::NoProject { path: self.folder.clone() })
    }

    /// All roots, oldest first; at least one.
    pub(super) fn roots(&self) -> Result<Vec<(ObjectPath, Bytes)>, BundleError> {
        let mut roots = Vec::new();
        loop {
            let name = format!("{}.root.json", roots.len() + 1);
            let Some(bytes) = disk::read(&self.metadata().join(&name))? else { break };
            let path = ObjectPath::new(format!("metadata/{name}")).expect("a role's file name is a good path");
            roots.push((path, bytes));
        }
        if roots.is_empty() { Err(BundleError::NoProject { path: self.folder.clone() }) } else { Ok(roots) }
    }

    /// Whose signatures count now.
    pub fn keyring(&self) -> Result<Keyring, BundleError> {
        let roots = self.roots()?;
        let (path, bytes) = roots.last().ok_or_else(|| BundleError::NoProject { path: self.folder.clone() })?;
        Keyring::read(&self.state().join(path.as_str()), bytes, self.key_names()?)
    }

    /// What the public keys in `keys/` are called: by their files.
    fn key_names(&self) -> Result<BTreeMap<KeyId, KeyName>, BundleError> {
        let mut names = BTreeMap::new();
        for file in disk::list(&self.keys())? {
            let Some(Ok(name)) = file.strip_suffix(".pub").map(str::parse::<KeyName>) else { continue };
            let Some(bytes) = disk::read(&self.keys().join(&file))? else { continue };
            // The deploy key's public half is there too: no minisign key, no maintainer.
            if let Ok(key) = PublicKey::from_minisign(&String::from_utf8_lossy(&bytes)) {
                names.insert(key.key_id(), name);
            }
        }
        Ok(names)
    }
}
