//! Whose signatures count, by the project's current root.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use camino::Utf8Path;
use serde::Deserialize;

use super::error::BundleError;
use super::names::SUMS;
use crate::base::{NameError, TargetName};
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
        let malformed = |reason: String| BundleError::Malformed { path: path.to_owned(), reason };
        let stored: StoredRoot = serde_json::from_slice(root).map_err(|error| malformed(error.to_string()))?;
        let signed = stored.signed;
        let role = |name: &str| {
            let pointers = signed.roles.get(name).ok_or_else(|| malformed(format!("it has no role {name}")))?;
            pointers.resolve(&signed.keys, &signed.custom.minisign).map_err(malformed)
        };
        Ok(Self { root: role("root")?, targets: role("targets")?, online: role("timestamp")?, names })
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

#[derive(Deserialize)]
struct StoredRoot {
    signed: RootPart,
}

#[derive(Deserialize)]
struct RootPart {
    keys: BTreeMap<String, KeyObject>,
    roles: BTreeMap<String, Pointers>,
    #[serde(rename = "x-spartacus", default)]
    custom: RootCustom,
}

#[derive(Deserialize, Default)]
struct RootCustom {
    #[serde(default)]
    minisign: BTreeMap<String, String>,
}

/// A key in TUF metadata (specification 1.0.34, section 4.2).
#[derive(Deserialize)]
pub(super) struct KeyObject {
    keyval: KeyValue,
}

#[derive(Deserialize)]
struct KeyValue {
    public: String,
}

/// Key ids and a threshold, as roles and delegations name them.
#[derive(Deserialize)]
pub(super) struct Pointers {
    keyids: Vec<String>,
    threshold: u32,
}

impl Pointers {
    /// The keys behind the ids. A key's minisign line also has its minisign number, which its TUF form lacks.
    pub(super) fn resolve(
        &self,
        keys: &BTreeMap<String, KeyObject>,
        minisign: &BTreeMap<String, String>,
    ) -> Result<RoleKeys, String> {
        let find = |id: &String| {
            if let Some(key) = minisign.get(id).and_then(|line| PublicKey::from_minisign(line).ok()) {
                return Ok(key);
            }
            let object = keys.get(id).ok_or_else(|| format!("it has no key {id}"))?;
            let mut bytes = [0; 32];
            hex::decode_to_slice(&object.keyval.public, &mut bytes).map_err(|_| format!("the key {id} is not ed25519"))?;
            Ok(PublicKey::from_bytes(bytes))
        };
        let keys = self.keyids.iter().map(find).collect::<Result<_, String>>()?;
        Ok(RoleKeys { keys, threshold: self.threshold })
    }
}
