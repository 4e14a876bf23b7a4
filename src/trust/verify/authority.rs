//! The only file that knows `sigstore-tuf`: signatures, thresholds, pins and versions, without any I/O.
//!
//! The crate checks expiry with every step; here each is asked about a moment before all expiries, and the flow
//! compares the dates itself: "authentic but stale" must not end a verification halfway.
//!
//! Rules K5 and V4 of docs/bundle-format.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use sigstore_tuf::{Error, Key, Metadata, RoleKeys, Root, Snapshot, Targets, TrustedMetadataSet};

use super::super::role::MAX_VERSION;
use super::super::{RoleFile, RolePin, strict};
use crate::base::{ObjectPath, causes, sanitise};

/// Nothing has expired yet at this moment.
const BEFORE_ANY_EXPIRY: Timestamp = Timestamp::MIN;

/// Why a role was not taken.
#[derive(Debug)]
pub(super) enum Fault {
    /// Not signed as it must be, not what is pinned, or no well-formed metadata.
    Unfit(String),
    /// Signed as it must be, but it is not the file that is pinned.
    OtherPublish(String),
}

/// What is common to all roles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) version: u64,
    pub(super) expires: Timestamp,
}

impl Head {
    pub(super) fn file(self, path: ObjectPath, bytes: Bytes) -> RoleFile {
        RoleFile { path, bytes, version: self.version, expires: self.expires }
    }
}

/// The metadata trusted so far.
#[derive(Clone)]
pub(in crate::trust) struct Authority(TrustedMetadataSet);

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Authority(root {})", self.0.root().version)
    }
}

impl Authority {
    /// Trusts a root because the caller does.
    pub(super) fn from_pin(bytes: &[u8]) -> Result<Self, Fault> {
        well_formed_root(bytes)?;
        TrustedMetadataSet::from_root(bytes).map(Self).map_err(unfit)
    }

    pub(super) fn root(&self) -> Head {
        let root = self.0.root();
        Head { version: root.version, expires: root.expires }
    }

    /// Takes the next root: its version follows, and both roots' thresholds are met.
    pub(super) fn add_root(&mut self, bytes: &[u8]) -> Result<Head, Fault> {
        well_formed_root(bytes)?;
        self.0.update_root(bytes).map_err(unfit)?;
        Ok(self.root())
    }

    pub(super) fn set_timestamp(&mut self, bytes: &[u8]) -> Result<Head, Fault> {
        well_formed(bytes)?;
        self.0.update_timestamp(bytes, BEFORE_ANY_EXPIRY).map_err(unfit)?;
        let taken = self.0.timestamp().ok_or_else(not_taken)?;
        head(taken.version, taken.expires)
    }

    /// What the timestamp says of the snapshot.
    pub(super) fn snapshot_pin(&self) -> Result<RolePin, Fault> {
        let timestamp = self.0.timestamp().ok_or_else(not_taken)?;
        let pin = timestamp.snapshot_meta().ok_or_else(|| Fault::Unfit("it pins no snapshot".to_owned()))?;
        read_pin("snapshot.json", pin.version, pin.length, pin.hashes.as_ref())
    }

    pub(super) fn set_snapshot(&mut self, bytes: &[u8]) -> Result<Head, Fault> {
        well_formed(bytes)?;
        if let Err(error) = self.0.update_snapshot(bytes, BEFORE_ANY_EXPIRY) {
            let root = self.0.root();
            let genuine = |parsed: Metadata<Snapshot>| {
                root.role("snapshot").is_some_and(|keys| parsed.verify_threshold(&root.keys, keys, "snapshot").is_ok())
            };
            return Err(classify(&error, Metadata::from_slice(bytes).is_ok_and(genuine)));
        }
        let taken = self.0.snapshot().ok_or_else(not_taken)?;
        head(taken.version, taken.expires)
    }

    /// Role name -> what the snapshot says of it.
    pub(super) fn pins(&self) -> Result<BTreeMap<String, RolePin>, Fault> {
        let snapshot = self.0.snapshot().ok_or_else(not_taken)?;
        let pin = |(file, pin): (&String, &sigstore_tuf::MetaFile)| {
            let role = file.strip_suffix(".json").unwrap_or(file).to_owned();
            Ok((role, read_pin(file, pin.version, pin.length, pin.hashes.as_ref())?))
        };
        snapshot.meta.iter().map(pin).collect()
    }

    pub(super) fn set_targets(&mut self, bytes: &[u8]) -> Result<Head, Fault> {
        well_formed_targets(bytes)?;
        if let Err(error) = self.0.update_targets(bytes, BEFORE_ANY_EXPIRY) {
            let root = self.0.root();
            return Err(classify(&error, root.role("targets").is_some_and(|keys| is_signed(bytes, &root.keys, keys, "targets"))));
        }
        self.targets_head("targets")
    }

    /// Takes the role of a bundle, by the keys that the list of bundles names for it.
    pub(super) fn set_bundle(&mut self, bytes: &[u8], name: &str) -> Result<Head, Fault> {
        // Its own delegations, if it had any, are never followed, so their keys need no look.
        well_formed(bytes)?;
        if let Err(error) = self.0.update_delegated_targets(bytes, name, "targets", BEFORE_ANY_EXPIRY) {
            let genuine = self.0.targets_role("targets").and_then(|list| list.delegations.as_ref()).is_some_and(|delegations| {
                let role = delegations.roles.iter().find(|role| role.name == name);
                role.is_some_and(|role| is_signed(bytes, &delegations.keys, &role.role_keys(), name))
            });
            return Err(classify(&error, genuine));
        }
        self.targets_head(name)
    }

    /// Whether the list of bundles delegates to this role, and to the end.
    pub(super) fn delegates(&self, name: &str) -> Result<bool, Fault> {
        let roles = self.targets("targets")?.delegations.iter().flat_map(|delegations| &delegations.roles);
        Ok(roles.into_iter().any(|role| role.terminating && role.name == name))
    }

    /// A trusted list of targets, by its role's name.
    pub(super) fn targets(&self, name: &str) -> Result<&Targets, Fault> {
        self.0.targets_role(name).ok_or_else(not_taken)
    }

    fn targets_head(&self, name: &str) -> Result<Head, Fault> {
        let taken = self.targets(name)?;
        head(taken.version, taken.expires)
    }
}

fn head(version: u64, expires: Timestamp) -> Result<Head, Fault> {
    check_version(version)?;
    Ok(Head { version, expires })
}

fn check_version(version: u64) -> Result<(), Fault> {
    if version == 0 || version > MAX_VERSION {
        return Err(Fault::Unfit(format!("the version {version} is not between 1 and 2^53")));
    }
    Ok(())
}

fn read_pin(file: &str, version: u64, length: Option<u64>, hashes: Option<&BTreeMap<String, String>>) -> Result<RolePin, Fault> {
    check_version(version)?;
    let sha256 = hashes.and_then(|hashes| hashes.get("sha256"));
    let sha256 = sha256.map(|text| text.parse()).transpose();
    let sha256 = sha256.map_err(|error| Fault::Unfit(format!("the pin of {}: {error}", sanitise(file))))?;
    Ok(RolePin { version, length, sha256 })
}

/// Everything is asked of all documents before `sigstore-tuf` reads them.
fn well_formed(bytes: &[u8]) -> Result<(), Fault> {
    strict::check(bytes).map_err(|error| Fault::Unfit(sanitise(&error.to_string())))
}

fn well_formed_root(bytes: &[u8]) -> Result<(), Fault> {
    well_formed(bytes)?;
    let parsed = Metadata::<Root>::from_slice(bytes).map_err(unfit)?;
    let root = parsed.signed();
    check_version(root.version)?;
    if !root.consistent_snapshot {
        return Err(Fault::Unfit("it does not use consistent snapshots".to_owned()));
    }
    root.roles.iter().try_for_each(|(role, keys)| distinct_keys(role, &keys.keyids, &root.keys))
}

fn well_formed_targets(bytes: &[u8]) -> Result<(), Fault> {
    well_formed(bytes)?;
    let parsed = Metadata::<Targets>::from_slice(bytes).map_err(unfit)?;
    let Some(delegations) = &parsed.signed().delegations else { return Ok(()) };
    let mut names = BTreeSet::new();
    for role in &delegations.roles {
        if !names.insert(&role.name) {
            return Err(Fault::Unfit(format!("it delegates to {} twice", sanitise(&role.name))));
        }
        distinct_keys(&role.name, &role.keyids, &delegations.keys)?;
    }
    Ok(())
}

/// Refuses a role that names one public key twice: `sigstore-tuf` counts key ids, so one signer would count as two.
///
/// Only 32 bytes of ed25519 in hexadecimal are a key in our format, so equal keys can only be written in one way.
fn distinct_keys(role: &str, ids: &[String], keys: &BTreeMap<String, Key>) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for id in ids {
        let Some(key) = keys.get(id) else {
            return Err(Fault::Unfit(format!("the role {} names a key that is not there", sanitise(role))));
        };
        let mut bytes = [0; 32];
        if key.keytype != "ed25519" || key.scheme != "ed25519" || hex::decode_to_slice(&key.keyval.public, &mut bytes).is_err() {
            return Err(Fault::Unfit(format!("the role {} has a key that is not ed25519", sanitise(role))));
        }
        if !seen.insert(bytes) {
            return Err(Fault::Unfit(format!("the role {} names one public key twice", sanitise(role))));
        }
    }
    Ok(())
}

fn is_signed(bytes: &[u8], keys: &BTreeMap<String, Key>, role_keys: &RoleKeys, name: &str) -> bool {
    Metadata::<Targets>::from_slice(bytes).is_ok_and(|parsed| parsed.verify_threshold(keys, role_keys, name).is_ok())
}

/// A genuine file in the wrong place is a mixed-up mirror; anything else may be an attack.
fn classify(error: &Error, genuine: bool) -> Fault {
    let reason = told(error);
    if genuine && matches!(error, Error::IntegrityMismatch(_)) { Fault::OtherPublish(reason) } else { Fault::Unfit(reason) }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unfit(error: Error) -> Fault {
    Fault::Unfit(told(&error))
}

fn told(error: &Error) -> String {
    sanitise(&causes(error).join(": "))
}

fn not_taken() -> Fault {
    Fault::Unfit("a role was asked for before it was verified".to_owned())
}
