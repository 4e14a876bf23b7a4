//! Roles of our own read back into specs, to write their successors. Nothing is verified here: the bytes come from
//! the project's own state, or were verified before.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::key::PublicKey;
use super::super::{BundleRecord, TrustError, strict};
use super::spec::{BundleDelegation, RoleKeys, RootSpec, TargetsSpec};
use super::{FLEET, FLEET_PATHS, refused};
use crate::base::{BundleName, sanitise};

#[derive(Deserialize)]
struct Envelope<T> {
    signed: T,
}

#[derive(Deserialize)]
struct Root {
    version: u64,
    expires: Timestamp,
    keys: BTreeMap<String, Key>,
    roles: BTreeMap<String, Keys>,
    #[serde(rename = "x-spartacus", default)]
    custom: RootCustom,
}

#[derive(Deserialize, Default)]
struct RootCustom {
    #[serde(default)]
    minisign: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Targets {
    version: u64,
    expires: Timestamp,
    delegations: Delegations,
    #[serde(rename = "x-spartacus")]
    custom: List,
}

#[derive(Deserialize)]
struct Delegations {
    keys: BTreeMap<String, Key>,
    roles: Vec<Delegation>,
}

#[derive(Deserialize)]
struct Delegation {
    name: String,
    paths: Vec<String>,
    #[serde(flatten)]
    keys: Keys,
}

/// The custom field of the list of bundles.
#[derive(Deserialize)]
pub(in crate::trust) struct List {
    pub(in crate::trust) bundles: Vec<Entry>,
    pub(in crate::trust) newest: Option<BundleName>,
}

/// One bundle in it.
#[derive(Deserialize)]
pub(in crate::trust) struct Entry {
    bytes: u64,
    created: Timestamp,
    files: u64,
    pub(in crate::trust) name: BundleName,
}

impl From<Entry> for BundleRecord {
    fn from(entry: Entry) -> Self {
        Self { name: entry.name, created: entry.created, files: entry.files, bytes: entry.bytes }
    }
}

#[derive(Deserialize)]
struct Keys {
    keyids: Vec<String>,
    threshold: u32,
}

#[derive(Deserialize)]
struct Key {
    keyval: KeyValue,
}

#[derive(Deserialize)]
struct KeyValue {
    public: String,
}

impl RootSpec {
    /// Reads a stored root. Keys come back with the minisign numbers that the root keeps of them.
    ///
    /// # Errors
    /// When it is not a root of our format.
    pub fn read(stored: &[u8]) -> Result<Self, TrustError> {
        let root: Root = signed_part("root", stored)?;
        let minisign = &root.custom.minisign;
        let keys_of = |role: &str| {
            let keys = root.roles.get(role).ok_or_else(|| refused("root", format!("it has no role {role}")))?;
            role_keys("root", keys, &root.keys, minisign)
        };
        let (snapshot, timestamp) = (keys_of("snapshot")?, keys_of("timestamp")?);
        if snapshot != timestamp || snapshot.threshold != 1 {
            return Err(refused("root", "snapshot and timestamp are not signed by the same online keys, each alone"));
        }
        let (version, expires) = (root.version, root.expires);
        Ok(Self { version, expires, root: keys_of("root")?, targets: keys_of("targets")?, online: snapshot.keys })
    }
}

impl TargetsSpec {
    /// Reads a stored list of bundles; `keys` are those that the root names for it.
    ///
    /// # Errors
    /// When it is not a list of our format.
    pub fn read(stored: &[u8], keys: RoleKeys) -> Result<Self, TrustError> {
        let targets: Targets = signed_part("targets", stored)?;
        let none = BTreeMap::new();
        let mut delegations = BTreeMap::new();
        for role in &targets.delegations.roles {
            let keys = role_keys("targets", &role.keys, &targets.delegations.keys, &none)?;
            delegations.insert(role.name.as_str(), (keys, role.paths.as_slice()));
        }
        let fleet = match delegations.remove(FLEET) {
            Some((_, paths)) if paths != [FLEET_PATHS] => {
                return Err(refused("targets", "the online key is to sign other files than those in fleet/"));
            }
            Some((keys, _)) => Some(keys),
            None => None,
        };
        let mut bundles = Vec::with_capacity(targets.custom.bundles.len());
        for entry in targets.custom.bundles {
            let record = BundleRecord::from(entry);
            let (own, paths) = delegations
                .remove(record.name.as_str())
                .ok_or_else(|| refused("targets", format!("{} is listed without a delegation", record.name)))?;
            let depths = paths.iter().map(|pattern| depth(&record.name, pattern)).collect::<Result<BTreeSet<u32>, _>>()?;
            let keys = if same(&own, &keys) { None } else { Some(own) };
            bundles.push(BundleDelegation { record, depths, keys });
        }
        let (version, expires, newest) = (targets.version, targets.expires, targets.custom.newest);
        Ok(Self { version, expires, keys, bundles, newest, fleet })
    }
}

fn signed_part<T: DeserializeOwned>(role: &str, stored: &[u8]) -> Result<T, TrustError> {
    let envelope: Result<Envelope<T>, _> = strict::check(stored).and_then(|()| serde_json::from_slice(stored));
    envelope.map(|envelope| envelope.signed).map_err(|error| refused(role, sanitise(&error.to_string())))
}

fn role_keys(
    role: &str,
    keys: &Keys,
    all: &BTreeMap<String, Key>,
    minisign: &BTreeMap<String, String>,
) -> Result<RoleKeys, TrustError> {
    let read = |id: &String| {
        let mut bytes = [0; 32];
        let key = all.get(id).ok_or_else(|| refused(role, "it names a key that is not there"))?;
        hex::decode_to_slice(&key.keyval.public, &mut bytes).map_err(|_| refused(role, "a key is not ed25519"))?;
        let plain = PublicKey::from_bytes(bytes);
        let numbered = minisign.get(id).and_then(|line| PublicKey::from_minisign(line).ok());
        Ok(numbered.filter(|numbered| *numbered == plain).unwrap_or(plain))
    };
    let found = RoleKeys { keys: keys.keyids.iter().map(read).collect::<Result<_, TrustError>>()?, threshold: keys.threshold };
    found.check(role)?;
    Ok(found)
}

/// The same keys in any order, and the same threshold.
fn same(one: &RoleKeys, other: &RoleKeys) -> bool {
    let set = |keys: &RoleKeys| keys.keys.iter().cloned().collect::<BTreeSet<PublicKey>>();
    one.threshold == other.threshold && set(one) == set(other)
}

/// How deep `releases/v1.2/*/*` reaches below the bundle's folder.
fn depth(name: &BundleName, pattern: &str) -> Result<u32, TrustError> {
    let stars = pattern.strip_prefix(&format!("releases/{name}")).unwrap_or_default();
    let depth = stars.len() / 2;
    if depth == 0 || stars != "/*".repeat(depth) {
        return Err(refused(name.as_str(), format!("the pattern {} is not one of ours", sanitise(pattern))));
    }
    u32::try_from(depth).map_err(|_| refused(name.as_str(), "it lies too deep"))
}
