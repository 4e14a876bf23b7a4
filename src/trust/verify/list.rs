//! The list of bundles, from the custom field of the verified targets role.
//!
//! Rule V5 of docs/bundle-format.md.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::super::BundleRecord;
use super::super::role::{CUSTOM, read::List};
use super::authority::{Authority, Fault};
use crate::base::{BundleName, sanitise};

/// Live bundles, oldest first, and the newest one. Each of them must be delegated to, and to the end.
pub(super) fn read(authority: &Authority) -> Result<(Vec<BundleRecord>, Option<BundleName>), Fault> {
    let targets = authority.targets("targets")?;
    let field = targets.extra.get(CUSTOM).ok_or_else(|| Fault::Unfit(format!("no field {CUSTOM}")))?;
    let list = List::deserialize(field).map_err(|error| Fault::Unfit(sanitise(&error.to_string())))?;
    let delegated: BTreeSet<&str> = targets
        .delegations
        .iter()
        .flat_map(|delegations| &delegations.roles)
        .filter(|role| role.terminating)
        .map(|role| role.name.as_str())
        .collect();
    if let Some(entry) = list.bundles.iter().find(|entry| !delegated.contains(entry.name.as_str())) {
        return Err(Fault::Unfit(format!("{} is listed without a terminating delegation", entry.name)));
    }
    let names: BTreeSet<&BundleName> = list.bundles.iter().map(|entry| &entry.name).collect();
    if names.len() != list.bundles.len() {
        return Err(Fault::Unfit("a bundle is listed twice".to_owned()));
    }
    if let Some(newest) = &list.newest
        && !names.contains(newest)
    {
        return Err(Fault::Unfit(format!("{newest} is called the newest, but is not listed")));
    }
    Ok((list.bundles.into_iter().map(BundleRecord::from).collect(), list.newest))
}
