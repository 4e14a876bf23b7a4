//! Whose signatures count, by the project's current root.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use camino::Utf8Path;

use super::error::BundleError;
use super::names::SUMS;
use crate::base::{NameError, TargetName};
use crate::trust::role::RootSpec;
use crate::trust::{KeyId, PublicKey, RoleKeys};

/// The name of a maintainer's key: part of file names, so its alphabet is that of targets' names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        TargetName::new(text).map(|name| Self(name.into()))
    }
}

/// Whose signatures count for what, and what the keys are called.
#[derive(Debug, Clone)]
pub struct Keyring {
    /// Who may change the root.
    pub root: RoleKeys,
    /// Who may list and sign bundles.
    pub targets: RoleKeys,
    /// Who may sign snapshots and timestamps.
    pub online: RoleKeys,
    names: BTreeMap<KeyId, KeyName>,
}

impl Keyring {
    /// Reads a root of our own. `names` are those of `keys/*.pub`.
    pub(super) fn read(path: &Utf8Path, root: &Bytes, names: BTreeMap<KeyId, KeyName>) -> Result<Self, BundleError> {
        let spec =
            RootSpec::read(root).map_err(|error| BundleError::Malformed { path: path.to_owned(), reason: error.to_string() })?;
        let online = RoleKeys { keys: spec.online, threshold: 1 };
        Ok(Self { root: spec.root, targets: spec.targets, online, names })
    }

    /// What the key is called; a key without a file in `keys/` is called by the beginning of its id.
    #[must_use]
    pub fn name_of(&self, key: &PublicKey) -> String {
        let id = key.key_id();
        self.names.get(&id).map_or_else(|| id.as_str()[..16].to_owned(), ToString::to_string)
    }

    /// Whether several people sign: then somebody's cron renews the timestamp, and it may live shorter.
    #[must_use]
    pub fn is_team(&self) -> bool {
        self.targets.keys.len() > 1
    }

    /// Names of all who may sign a bundle, sorted. Who really will is not known yet when its role is written.
    pub(super) fn signers(&self) -> Vec<String> {
        let mut names: Vec<String> = self.targets.keys.iter().map(|key| self.name_of(key)).collect();
        names.sort_unstable();
        names
    }
}

/// Names of the minisign and the OpenSSH signature by the key called `who`.
pub(super) fn signature_files(who: &str) -> [String; 2] {
    [format!("{SUMS}.{who}.minisig"), format!("{SUMS}.{who}.sshsig")]
}
