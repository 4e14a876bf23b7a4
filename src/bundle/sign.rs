//! Maintainers' signatures on a stage.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk::{self, PUBLIC};
use super::error::BundleError;
use super::keyring::{Keyring, signature_files};
use super::lock::ProjectLock;
use super::project::Project;
use super::published::Published;
use super::staged::Staged;
use crate::base::{BundleName, ByteCount, Sha256, sanitise};
use crate::trust::role::{FLEET, FLEET_PATHS};
use crate::trust::{KeyId, PublicKey, RoleKeys, SignatureLine, SigningKey, Unsigned, sums};

/// How the files of co-signatures beside a stage end.
const SIGNATURE: &str = ".sig";
/// OpenSSH's namespace for files.
const NAMESPACE: &str = "file";

/// One maintainer's signatures on one stage, as they lie beside it and as they travel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoSignature {
    /// The bundle.
    pub bundle: BundleName,
    /// On the bundle's role.
    pub role: SignatureLine,
    /// On the list of bundles.
    pub targets: Option<SignatureLine>,
    /// On `SHA256SUMS`: the text of the `.minisig` file.
    pub minisig: String,
    /// On `SHA256SUMS`: the text of the `.sshsig` file.
    pub sshsig: String,
}

/// A stage that enough maintainers signed.
#[derive(Debug, Clone)]
pub struct Signed {
    pub(super) staged: Staged,
    /// Stored form of the bundle's role.
    pub(super) role: Bytes,
    /// Stored form of the list of bundles.
    pub(super) targets: Bytes,
}

impl Signed {
    /// The bundle's name.
    #[must_use]
    pub fn name(&self) -> &BundleName {
        self.staged.name()
    }
}

/// What signing a stage would change, read from the very bytes to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignSummary {
    /// The bundle.
    pub bundle: BundleName,
    /// Its number of files, `SHA256SUMS` included.
    pub files: u64,
    /// Their bytes.
    pub bytes: ByteCount,
    /// The files with their lengths, sorted by path.
    pub listing: Vec<(String, ByteCount)>,
    /// Digest of the bundle's role: what two maintainers compare.
    pub role_digest: Sha256,
    /// When the bundle's role expires.
    pub role_expires: Timestamp,
    /// Version of the list of bundles.
    pub list_version: u64,
    /// Digest of the list of bundles.
    pub list_digest: Sha256,
    /// When the list expires.
    pub list_expires: Timestamp,
    /// Bundles that the list gains.
    pub added: Vec<String>,
    /// Bundles that the list loses.
    pub removed: Vec<String>,
    /// Bundles whose keys or threshold are other than published.
    pub keys_changed: Vec<String>,
    /// Names of the keys that may sign, sorted.
    pub keys: Vec<String>,
    /// How many of them must.
    pub threshold: u32,
    /// Names of the keys that signed all of it already, sorted.
    pub signed_by: Vec<String>,
    /// Names of the keys that signed the bundle's role, but not this list of bundles, sorted.
    pub signed_role_only: Vec<String>,
}

impl Staged {
    /// Signs the stage: both roles, and the sums for people. Signing twice changes nothing.
    pub fn sign(&self, project: &Project, held: &ProjectLock, key: &SigningKey) -> Result<CoSignature, BundleError> {
        let comment = format!("bundle:{} file:SHA256SUMS created:{}", self.name(), self.created());
        let signature = CoSignature {
            bundle: self.name().clone(),
            role: self.role.sign(key),
            targets: Some(self.targets.sign(key)),
            minisig: sums::minisig(key, &self.sums, &comment)?,
            sshsig: sums::sshsig(key, &self.sums, NAMESPACE)?,
        };
        self.add(project, held, &signature)?;
        Ok(signature)
    }

    /// Adds signatures that a maintainer made elsewhere. They must be on exactly these bytes.
    pub fn add(&self, project: &Project, _held: &ProjectLock, signature: &CoSignature) -> Result<(), BundleError> {
        let keyring = project.keyring()?;
        let id = sanitise(signature.role.keyid.as_str());
        let stranger = || BundleError::Stranger { key: id.clone(), role: self.role.role.clone() };
        let key = keyring.targets.keys.iter().find(|key| key.key_id() == signature.role.keyid).ok_or_else(stranger)?;
        let check = |role: &Unsigned, line: &SignatureLine| {
            let bad = || BundleError::BadSignature { key: id.clone(), role: role.role.clone() };
            role.accepts(line, key).then_some(()).ok_or_else(bad)
        };
        check(&self.role, &signature.role)?;
        if let Some(line) = &signature.targets {
            check(&self.targets, line)?;
        }
        // What people verify is published with the rest, so a pair that is not over these sums is refused here.
        let for_people = sums::verify_minisig(key, &self.sums, &signature.minisig)
            && sums::verify_sshsig(key, &self.sums, NAMESPACE, &signature.sshsig);
        if !for_people {
            return Err(BundleError::BadSignature { key: id, role: "SHA256SUMS".to_owned() });
        }
        let text = serde_json::to_vec(signature)
            .map_err(|error| BundleError::Malformed { path: self.folder.clone(), reason: error.to_string() })?;
        let [minisig, sshsig] = signature_files(&keyring.name_of(key));
        disk::replace(&self.folder.join(minisig), signature.minisig.as_bytes(), PUBLIC)?;
        disk::replace(&self.folder.join(sshsig), signature.sshsig.as_bytes(), PUBLIC)?;
        disk::replace(&self.folder.join(signature_name(key)), &text, PUBLIC)
    }

    /// What signing would change.
    pub fn summary(&self, project: &Project, published: Option<&Published>) -> Result<SignSummary, BundleError> {
        let keyring = project.keyring()?;
        let list: ListView = view(&self.targets)?;
        let role: RoleView = view(&self.role)?;
        let before = match published {
            Some(state) => view_stored(&state.verified.targets.bytes)?,
            None => ListView::default(),
        };
        let online = (keyring.online.keys.iter().map(PublicKey::key_id).collect(), keyring.online.threshold);
        let (old, new) = (before.by_name(&online), list.by_name(&online));
        let without = |these: &BTreeMap<String, Trusted>, those: &BTreeMap<String, Trusted>| {
            these.keys().filter(|name| !those.contains_key(*name)).map(|name| sanitise(name)).collect()
        };
        let signatures = self.signatures(&keyring)?;
        let by = |lines: &[SignatureLine], key: &PublicKey| lines.iter().any(|line| line.keyid == key.key_id());
        let names = |whole: bool| {
            let signed = |key: &&PublicKey| by(&signatures.role, key) && by(&signatures.targets, key) == whole;
            let mut names: Vec<String> = keyring.targets.keys.iter().filter(signed).map(|key| keyring.name_of(key)).collect();
            names.sort_unstable();
            names
        };
        Ok(SignSummary {
            bundle: self.name().clone(),
            files: role.targets.len() as u64,
            bytes: role.targets.values().map(|target| ByteCount(target.length)).sum(),
            listing: role.targets.iter().map(|(path, target)| (sanitise(path), ByteCount(target.length))).collect(),
            role_digest: self.role.sha256(),
            role_expires: self.role.expires,
            list_version: self.targets.version,
            list_digest: self.targets.sha256(),
            list_expires: self.targets.expires,
            added: without(&new, &old),
            removed: without(&old, &new),
            keys_changed: new
                .iter()
                .filter(|(name, now)| old.get(*name).is_some_and(|then| then != *now))
                .map(|(name, _)| sanitise(name))
                .collect(),
            keys: keyring.signers(),
            threshold: keyring.targets.threshold,
            signed_by: names(true),
            signed_role_only: names(false),
        })
    }

    /// Refuses a stage whose list of bundles is not the next one any more: to sign it would be to sign that what was
    /// published meanwhile is withdrawn.
    pub fn refuse_if_overtaken(&self, published: Option<&Published>) -> Result<(), BundleError> {
        let current = published.map_or(0, |state| state.verified.targets.version);
        let staged = self.targets.version - 1;
        if staged >= current {
            return Ok(());
        }
        Err(BundleError::Overtaken { bundle: self.name().clone(), staged, current })
    }

    /// The signed bundle, if enough maintainers signed both roles.
    pub fn signed(&self, project: &Project) -> Result<Signed, BundleError> {
        let keyring = project.keyring()?;
        let signatures = self.signatures(&keyring)?;
        let enough = |role: &Unsigned, lines: &[SignatureLine]| match role.is_signed_by(lines, &keyring.targets) {
            (_, true) => Ok(role.signed(lines)),
            (has, false) => Err(missing(role, has, &keyring.targets)),
        };
        let role = enough(&self.role, &signatures.role)?;
        let targets = enough(&self.targets, &signatures.targets)?;
        Ok(Signed { staged: self.clone(), role, targets })
    }

    /// Forgets signatures on the list of bundles, which was written anew; those on the bundle's role stay.
    pub(super) fn drop_list_signatures(&self) -> Result<(), BundleError> {
        for name in disk::list(&self.folder)?.iter().filter(|name| name.ends_with(SIGNATURE)) {
            let path = self.folder.join(name);
            let Some(mut signature) = read_signature(&path)? else { continue };
            signature.targets = None;
            let text = serde_json::to_vec(&signature)
                .map_err(|error| BundleError::Malformed { path: path.clone(), reason: error.to_string() })?;
            disk::replace(&path, &text, PUBLIC)?;
        }
        Ok(())
    }

    /// The signatures beside the stage that count: by keys of the root, on exactly these bytes.
    fn signatures(&self, keyring: &Keyring) -> Result<Lines, BundleError> {
        let mut lines = Lines::default();
        for key in &keyring.targets.keys {
            let Some(signature) = read_signature(&self.folder.join(signature_name(key)))? else { continue };
            if self.role.accepts(&signature.role, key) {
                lines.role.push(signature.role);
            }
            lines.targets.extend(signature.targets.filter(|line| self.targets.accepts(line, key)));
        }
        Ok(lines)
    }
}

#[derive(Default)]
struct Lines {
    role: Vec<SignatureLine>,
    targets: Vec<SignatureLine>,
}

fn signature_name(key: &PublicKey) -> String {
    format!("{}{SIGNATURE}", key.key_id())
}

fn read_signature(path: &camino::Utf8Path) -> Result<Option<CoSignature>, BundleError> {
    let Some(bytes) = disk::read(path)? else { return Ok(None) };
    let malformed = |error: serde_json::Error| BundleError::Malformed { path: path.to_owned(), reason: error.to_string() };
    serde_json::from_slice(&bytes).map(Some).map_err(malformed)
}

fn missing(role: &Unsigned, has: usize, keys: &RoleKeys) -> BundleError {
    BundleError::Unsigned { role: role.role.clone(), has, needs: keys.threshold as usize }
}

fn view<'de, T: Deserialize<'de>>(role: &'de Unsigned) -> Result<T, BundleError> {
    serde_json::from_slice(&role.canonical)
        .map_err(|error| BundleError::Malformed { path: role.role.as_str().into(), reason: sanitise(&error.to_string()) })
}

fn view_stored(stored: &Bytes) -> Result<ListView, BundleError> {
    #[derive(Deserialize)]
    struct Stored {
        signed: ListView,
    }
    let stored: Stored = serde_json::from_slice(stored)
        .map_err(|error| BundleError::Malformed { path: "targets".into(), reason: sanitise(&error.to_string()) })?;
    Ok(stored.signed)
}

#[derive(Deserialize)]
struct RoleView {
    targets: BTreeMap<String, Length>,
}

#[derive(Deserialize)]
struct Length {
    length: u64,
}

#[derive(Deserialize, Default)]
struct ListView {
    delegations: Delegations,
}

#[derive(Deserialize, Default)]
struct Delegations {
    roles: Vec<Delegation>,
}

#[derive(Deserialize)]
struct Delegation {
    name: String,
    keyids: BTreeSet<KeyId>,
    threshold: u32,
    #[serde(default)]
    paths: Vec<String>,
}

/// Who is trusted for a bundle.
type Trusted = (BTreeSet<KeyId>, u32);

impl ListView {
    /// Every bundle. That the `online` key tells of the mirrors is so in every list; anybody else in its place is told, and that
    /// key for anything else.
    fn by_name(self, online: &Trusted) -> BTreeMap<String, Trusted> {
        let usual = |role: &Delegation| {
            role.name == FLEET && role.keyids == online.0 && role.threshold == online.1 && role.paths == [FLEET_PATHS]
        };
        let told = self.delegations.roles.into_iter().filter(|role| !usual(role));
        told.map(|role| (role.name, (role.keyids, role.threshold))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of what is told of a list that delegates `fleet` like this.
    fn told(paths: &str, threshold: u32) -> Vec<String> {
        let key = "ab".repeat(32);
        let role = |name: &str, paths: &str| {
            format!(r#"{{"name":"{name}","keyids":["{key}"],"threshold":{threshold},"terminating":true,"paths":[{paths}]}}"#)
        };
        let text = format!(r#"{{"delegations":{{"roles":[{},{}]}}}}"#, role("fleet", paths), role("v1", r#""releases/v1/*""#));
        let list: ListView = serde_json::from_str(&text).expect("a list");
        let online = (BTreeSet::from([serde_json::from_str(&format!("\"{key}\"")).expect("a key's id")]), 1);
        list.by_name(&online).into_keys().collect()
    }

    #[test]
    fn only_what_every_list_says_of_the_online_key_is_not_told_to_signers() {
        assert_eq!(told(r#""fleet/*""#, 1), ["v1"]);
        assert_eq!(told(r#""fleet/*","releases/*/*""#, 1), ["fleet", "v1"]);
        assert_eq!(told(r#""releases/*/*""#, 1), ["fleet", "v1"]);
        assert_eq!(told(r#""fleet/*""#, 2), ["fleet", "v1"]);
    }
}
