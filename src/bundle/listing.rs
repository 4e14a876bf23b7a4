//! The published list of bundles, read back so that the next one can continue it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use camino::Utf8Path;
use serde::Deserialize;

use super::error::BundleError;
use super::keyring::{KeyObject, Pointers};
use crate::base::sanitise;
use crate::trust::role::BundleDelegation;
use crate::trust::{BundleRecord, PublicKey, RoleKeys, Verified};

/// What the published list of bundles says, in the words in which the next one is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    pub(super) bundles: Vec<BundleDelegation>,
    pub(super) fleet: Option<RoleKeys>,
}

impl Listing {
    /// Reads the verified list. `current` are the keys of the root: a delegation that has exactly those names none of its own.
    pub(super) fn read(verified: &Verified, current: &RoleKeys) -> Result<Self, BundleError> {
        let malformed = |reason: String| BundleError::Malformed {
            path: Utf8Path::new(verified.targets.path.as_str()).to_owned(),
            reason: sanitise(&reason),
        };
        let stored: Stored = serde_json::from_slice(&verified.targets.bytes).map_err(|error| malformed(error.to_string()))?;
        let delegations = stored.signed.delegations;
        let mut listing = Self::default();
        for role in delegations.roles {
            let keys = role.pointers.resolve(&delegations.keys, &BTreeMap::new()).map_err(malformed)?;
            if role.name == "fleet" {
                listing.fleet = Some(keys);
            } else if let Some(record) = verified.bundles.iter().find(|record| record.name.as_str() == role.name) {
                listing.bundles.push(delegation(record, &role.paths, keys, current));
            }
        }
        Ok(listing)
    }
}

fn delegation(record: &BundleRecord, paths: &[String], keys: RoleKeys, current: &RoleKeys) -> BundleDelegation {
    // `releases/<name>/*` is depth 1.
    let depths: BTreeSet<u32> = paths.iter().filter_map(|path| u32::try_from(path.matches("/*").count()).ok()).collect();
    let keys = (!same_keys(&keys, current)).then_some(keys);
    BundleDelegation { record: record.clone(), depths, keys }
}

fn same_keys(one: &RoleKeys, other: &RoleKeys) -> bool {
    let set = |keys: &RoleKeys| keys.keys.iter().cloned().collect::<HashSet<PublicKey>>();
    one.threshold == other.threshold && set(one) == set(other)
}

#[derive(Deserialize)]
struct Stored {
    signed: Signed,
}

#[derive(Deserialize)]
struct Signed {
    delegations: Delegations,
}

#[derive(Deserialize)]
struct Delegations {
    keys: BTreeMap<String, KeyObject>,
    roles: Vec<Role>,
}

#[derive(Deserialize)]
struct Role {
    name: String,
    paths: Vec<String>,
    #[serde(flatten)]
    pointers: Pointers,
}
