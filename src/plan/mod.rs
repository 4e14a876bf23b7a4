//! From what a target should hold and what it holds to ordered steps.
//!
//! Purpose: one pure function, [`plan`], that decides what is sent where and in which order, so that a reader finds
//! one complete state at every moment.
//! Comes in: a [`Release`] and an [`Inventory`]. Goes out: a [`Plan`].
//! Must not know: the clock, the network, the disk, how a step is carried out.

mod inventory;
mod steps;

use std::collections::BTreeSet;

use crate::base::{BundleName, Holds, ObjectPath};
use crate::bundle::{Object, Release};
use crate::store::Write;

pub use inventory::{Inventory, Pointer};
pub use steps::{Plan, Step, Upload};

/// The bundles of `release` whose files a target with this setting is expected to hold.
#[must_use]
pub fn expected_bundles(release: &Release, holds: Holds) -> BTreeSet<BundleName> {
    let all = release.bundles.len();
    let wanted = match holds {
        Holds::All => all,
        Holds::Newest(count) => usize::try_from(count).unwrap_or(usize::MAX).min(all),
    };
    release.bundles[all - wanted..].iter().map(|bundle| bundle.name.clone()).collect()
}

/// Every object that a target is expected to hold, the pointer and the conveniences excepted.
pub fn expected_objects(release: &Release, holds: Holds) -> impl Iterator<Item = &Object> {
    let bundles = expected_bundles(release, holds);
    let files =
        release.bundles.iter().filter(move |bundle| bundles.contains(&bundle.name)).flat_map(|bundle| bundle.files.iter());
    files.chain(&release.metadata).chain(&release.roots)
}

/// What to do so that a target which holds `inventory` comes to hold `release`.
///
/// The order keeps the promise of docs/bundle-format.md, rule P1: everything that nothing refers to yet goes up first,
/// in any order; then all of it is confirmed; then the pointer is swapped; then what depends on the new pointer.
/// A plan for a target that holds everything is empty. The plan borrows the objects: thirty targets that each get a
/// hundred thousand files must not hold thirty copies of their names.
#[must_use]
pub fn plan<'a>(release: &'a Release, holds: Holds, inventory: &Inventory) -> Plan<'a> {
    let live = matches!(inventory.pointer, Pointer::Same | Pointer::Older { .. });
    let mut first = Vec::new();
    let mut last = Vec::new();
    let expected = expected_bundles(release, holds);
    for bundle in release.bundles.iter().filter(|bundle| expected.contains(&bundle.name)) {
        for file in bundle.files.iter().filter(|file| !inventory.holds_file(&bundle.name, &file.path)) {
            first.push(upload(file, inventory));
        }
    }
    for role in release.metadata.iter().filter(|role| !inventory.holds(&role.path)) {
        first.push(upload(role, inventory));
    }
    for root in release.roots.iter().filter(|root| !inventory.holds(&root.path)) {
        // A new root is visible at once to readers of a live mirror, so it goes up when all that it must verify is there.
        if live { last.push(upload(root, inventory)) } else { first.push(upload(root, inventory)) }
    }
    let swap = (!matches!(inventory.pointer, Pointer::Same)).then_some(&release.pointer);
    // Whatever changes, the conveniences tell of it; by themselves they are sent only where they are known to be wrong.
    let changes = swap.is_some() || !first.is_empty() || !last.is_empty();
    let conveniences = release.conveniences.iter().filter(|object| changes || inventory.lacking.contains(&object.path));
    Plan::new(first, swap, last, conveniences.collect())
}

fn upload<'a>(object: &'a Object, inventory: &Inventory) -> Upload<'a> {
    // Bytes that readers use right now and that are known to be wrong are swapped; all other names are new.
    let in_use = inventory.lacking.contains(&object.path) && !inventory.missing.contains(&object.path);
    let write = if in_use { Write::Replace } else { Write::New };
    Upload { object, write }
}

/// The collections above `paths`, each once, parents first.
#[must_use]
pub fn collections_above<'a>(paths: impl Iterator<Item = &'a ObjectPath>) -> Vec<ObjectPath> {
    let mut found = BTreeSet::new();
    for path in paths {
        let mut above = path.parent();
        while let Some(collection) = above {
            above = collection.parent();
            if !found.insert(collection) {
                break;
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests;
