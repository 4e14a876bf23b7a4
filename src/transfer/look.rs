//! Finding out what a target holds.
//!
//! Rule P6 of docs/bundle-format.md.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::lacks::Lacks;
use super::pointer::{Defect, Sight, read_pointer};
use super::read_back::{is_right, lacking_bytes};
use super::sizes::{lacking_sizes, listed, wrong_sizes};
use super::{Journal, Settled};
use crate::base::{Holds, Level, ObjectPath, Sha256};
use crate::bundle::{BundleEntry, Object, Release};
use crate::plan::{Inventory, Pointer, expected_bundles, expected_objects};
use crate::store::{Store, StoreError};
use crate::trust::Verified;

/// The file of a bundle that holds the digests of all its others.
const SUMS: &str = "SHA256SUMS";

/// How closely to look.
#[derive(Debug, Clone, Default)]
pub enum Look {
    /// Believe the target's own verified metadata: one request when nothing changed.
    #[default]
    Pointer,
    /// See that every file is there with its size, and every byte of the metadata; `suspects` are wrong whatever is seen.
    Sizes {
        /// Objects that a check proved to be bad.
        suspects: BTreeSet<ObjectPath>,
    },
    /// Read every byte back and hash it.
    Bytes,
}

/// Makes the inventory of one target without working on it: what a dry run needs.
pub async fn survey(
    store: &dyn Store,
    release: &Release,
    pin: &Bytes,
    holds: Holds,
    journal: &dyn Journal,
    how: &Look,
) -> Result<Inventory, StoreError> {
    look(store, release, pin, holds, journal, how).await.map(|found| found.inventory)
}

/// What was found, with what a person should know of it.
#[derive(Debug)]
pub(super) struct Found {
    pub inventory: Inventory,
    /// What the copy reaches when all that is planned from this inventory is sent and confirmed.
    pub level: Level,
    /// The pointer's bytes, to see later whether somebody else has written meanwhile.
    pub pointer: Option<Bytes>,
    pub notes: Vec<String>,
}

/// Makes the inventory of one target.
pub(super) async fn look(
    store: &dyn Store,
    release: &Release,
    pin: &Bytes,
    holds: Holds,
    journal: &dyn Journal,
    how: &Look,
) -> Result<Found, StoreError> {
    let Sight { pointer, bytes, verified, defect, note } = read_pointer(store, release, pin).await?;
    let mut notes: Vec<String> = note.into_iter().collect();
    let mut inventory = Inventory { pointer, ..Inventory::empty() };
    // One request tells that the pointer is ours, and nothing of the files.
    let unseen = matches!(how, Look::Pointer) && inventory.pointer == Pointer::Same;
    let shows = store.capabilities().read;
    let level = if unseen || !shows { Level::Current } else { Level::Complete };
    match how {
        _ if matches!(inventory.pointer, Pointer::Newer { .. }) => {}
        // A drop box would refuse every further question: what may not be looked at is sent.
        _ if !shows => {}
        Look::Pointer if inventory.pointer == Pointer::Same => {
            believe_everything(&mut inventory, release, holds);
            lack(&mut inventory, roots_left_out(store, release).await?);
            let newly_expected = believe_what_was_settled(&mut inventory, release, journal.settled(store.target()));
            if newly_expected > 0 {
                notes.push(format!("more is expected of it than it was seen to hold; bundles looked at: {newly_expected}"));
                believe_sums(&mut inventory, store, release, holds).await?;
                believe_journal(&mut inventory, store, release, holds, &journal.confirmed(store.target())).await?;
            }
        }
        Look::Pointer => {
            let remembered = journal.confirmed(store.target());
            match (&verified, defect) {
                (Some(verified), _) => believe_pins(&mut inventory, store, release, holds, verified, &remembered).await?,
                // Whoever altered one thing may have altered others, and kept their sizes.
                (None, Some(Defect::Altered)) => {}
                (None, Some(Defect::Lost) | None) => believe_sums(&mut inventory, store, release, holds).await?,
            }
            let resumed = believe_journal(&mut inventory, store, release, holds, &remembered).await?;
            if resumed > 0 {
                notes.push(format!("went on after an interrupted run: {resumed} objects were there already"));
            }
        }
        Look::Sizes { suspects } => {
            believe_everything(&mut inventory, release, holds);
            let files = lacking_sizes(store, files(release, holds)).await?;
            lack(&mut inventory, files.and(lacking_bytes(store, small(release)).await?));
            let expected: BTreeSet<&ObjectPath> = expected_objects(release, holds).map(|object| &object.path).collect();
            inventory.lacking.extend(suspects.iter().filter(|path| expected.contains(path)).cloned());
        }
        Look::Bytes => {
            believe_everything(&mut inventory, release, holds);
            lack(&mut inventory, lacking_bytes(store, files(release, holds).chain(small(release))).await?);
        }
    }
    Ok(Found { inventory, level, pointer: bytes, notes })
}

fn lack(inventory: &mut Inventory, lacks: Lacks) {
    (inventory.lacking, inventory.missing) = (lacks.all, lacks.missing);
}

fn files(release: &Release, holds: Holds) -> impl Iterator<Item = &Object> {
    let expected = expected_bundles(release, holds);
    release.bundles.iter().filter(move |bundle| expected.contains(&bundle.name)).flat_map(|bundle| bundle.files.iter())
}

/// Objects whose bytes cost no more to read than their sizes, and that readers go by.
fn small(release: &Release) -> impl Iterator<Item = &Object> {
    release.metadata.iter().chain(&release.roots).chain(&release.conveniences)
}

fn believe_everything(inventory: &mut Inventory, release: &Release, holds: Holds) {
    inventory.bundles = expected_bundles(release, holds);
    inventory.objects = release.metadata.iter().chain(&release.roots).map(|object| object.path.clone()).collect();
}

/// A pointer says what was published, not how much of it this target was to hold when it was written. Where nothing is
/// remembered (a new state file), its word is taken; where another version is, somebody else wrote the pointer, or a run
/// that was killed, and nothing vouches for any bundle. Tells how many bundles are expected and not vouched for.
fn believe_what_was_settled(inventory: &mut Inventory, release: &Release, settled: Option<Settled>) -> usize {
    let Some(settled) = settled else { return 0 };
    let expected = inventory.bundles.len();
    if settled.version == release.version {
        let held = expected_bundles(release, settled.holds);
        inventory.bundles.retain(|bundle| held.contains(bundle));
    } else {
        inventory.bundles.clear();
    }
    expected - inventory.bundles.len()
}

/// New roots follow the pointer one by one, so a run that was cut off there has left out the newest.
async fn roots_left_out(store: &dyn Store, release: &Release) -> Result<Lacks, StoreError> {
    match release.roots.as_slice() {
        // The first root came before the first pointer.
        [] | [_] => Ok(Lacks::default()),
        [older @ .., newest] => {
            let lacks = lacking_sizes(store, [newest].into_iter()).await?;
            if lacks.all.is_empty() { Ok(lacks) } else { Ok(lacks.and(lacking_sizes(store, older.iter()).await?)) }
        }
    }
}

/// A verified snapshot vouches for the roles that it pins, and each role for its bundle's files: they were all
/// confirmed before that snapshot's pointer was written, as far as the target was to hold them then. What is there no
/// more, or never was, is seen by its size: a push that calls the copy complete has looked at all of it.
async fn believe_pins(
    inventory: &mut Inventory,
    store: &dyn Store,
    release: &Release,
    holds: Holds,
    verified: &Verified,
    remembered: &BTreeMap<ObjectPath, Sha256>,
) -> Result<(), StoreError> {
    let pinned: BTreeMap<String, _> =
        verified.pins.iter().map(|(role, pin)| (format!("metadata/{}.{role}.json", pin.version), pin)).collect();
    let is_pinned = |object: &Object| {
        pinned.get(object.path.as_str()).is_some_and(|pin| pin.sha256.is_none_or(|digest| digest == object.sha256))
    };
    // The fleet role vouches for its files as a bundle's does.
    let is_role = |object: &Object| object.path.as_str().ends_with(".fleet.json");
    let told = release.metadata.iter().any(|object| is_role(object) && is_pinned(object));
    let same = |object: &&Object| is_pinned(object) || (told && object.path.as_str().starts_with("fleet/"));
    let shown = release.roots.iter().take(usize::try_from(verified.root_version).unwrap_or(usize::MAX));
    let small: Vec<&Object> = release.metadata.iter().filter(same).chain(shown).collect();
    let lost = wrong_sizes(store, small.iter().copied()).await?;
    inventory.objects.extend(small.iter().map(|object| object.path.clone()).filter(|path| !lost.contains(path)));

    let roles: BTreeSet<&str> = small.iter().map(|object| object.path.as_str()).collect();
    let vouched: BTreeSet<&str> = (verified.bundles.iter())
        .filter_map(|record| Some((record.name.as_str(), verified.pins.get(record.name.as_str())?)))
        .filter(|(name, pin)| roles.contains(format!("metadata/{}.{name}.json", pin.version).as_str()))
        .map(|(name, _)| name)
        .collect();
    // A target that holds more from now on than it did has metadata of bundles whose files it never got: their folder
    // is not there, or the journal knows of the run that had begun to send them.
    let begun: BTreeSet<&str> = remembered.keys().filter_map(|path| path.parts().nth(1)).collect();
    let candidates = expected(release, holds).filter(|bundle| vouched.contains(bundle.name.as_str()));
    let candidates: Vec<&BundleEntry> = candidates.filter(|bundle| !begun.contains(bundle.name.as_str())).collect();
    let candidates = with_folders(store, candidates).await?;
    // A folder alone proves nothing: all of them are made before the first file goes up.
    let wrong = wrong_sizes(store, candidates.iter().flat_map(|bundle| bundle.files.iter())).await?;
    for bundle in candidates {
        if bundle.files.iter().any(|file| wrong.contains(&file.path)) {
            let right = bundle.files.iter().map(|file| &file.path).filter(|path| !wrong.contains(path));
            inventory.objects.extend(right.cloned());
        } else {
            inventory.bundles.insert(bundle.name.clone());
        }
    }
    Ok(())
}

fn expected(release: &Release, holds: Holds) -> impl Iterator<Item = &BundleEntry> {
    let names = expected_bundles(release, holds);
    release.bundles.iter().filter(move |bundle| names.contains(&bundle.name))
}

/// The bundles of which the target has anything: by one listing, or by asking for a file of each.
pub(super) async fn with_folders<'a>(
    store: &dyn Store,
    bundles: Vec<&'a BundleEntry>,
) -> Result<Vec<&'a BundleEntry>, StoreError> {
    if bundles.is_empty() {
        return Ok(bundles);
    }
    let folder =
        bundles.first().and_then(|bundle| bundle.files.first()).and_then(|file| file.path.ancestors().into_iter().next());
    let listed = listed(store, folder.as_ref()).await?;
    let listed: BTreeSet<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
    let (mut found, unsure): (Vec<_>, Vec<_>) = bundles.into_iter().partition(|bundle| listed.contains(bundle.name.as_str()));
    let witnesses = unsure.iter().filter_map(|bundle| bundle.files.first());
    let missing = wrong_sizes(store, witnesses).await?;
    found.extend(unsure.into_iter().filter(|bundle| bundle.files.first().is_none_or(|file| !missing.contains(&file.path))));
    Ok(found)
}

/// Where no pointer vouches for a bundle (it or what it refers to was lost, a torn swap left half of it, or it was written
/// when less was expected), the bundle's sums still tell which bundle lies there; with them, sizes are enough. Metadata is
/// small and is sent again.
async fn believe_sums(inventory: &mut Inventory, store: &dyn Store, release: &Release, holds: Holds) -> Result<(), StoreError> {
    let is_sums = |file: &&Object| file.path.file_name() == SUMS && file.path.parts().count() == 3;
    let unsure = expected(release, holds).filter(|bundle| !inventory.bundles.contains(&bundle.name));
    let bundles: Vec<(&BundleEntry, &Object)> =
        unsure.filter_map(|bundle| Some((bundle, bundle.files.iter().find(is_sums)?))).collect();
    let missing = wrong_sizes(store, bundles.iter().map(|(_, sums)| *sums)).await?;
    for (bundle, sums) in bundles.into_iter().filter(|(_, sums)| !missing.contains(&sums.path)) {
        if is_right(store, sums).await? {
            let wrong = wrong_sizes(store, bundle.files.iter()).await?;
            inventory.objects.extend(bundle.files.iter().map(|file| file.path.clone()).filter(|path| !wrong.contains(path)));
        }
    }
    Ok(())
}

/// Takes what an interrupted run had sent, as far as the target still shows it with its size.
async fn believe_journal(
    inventory: &mut Inventory,
    store: &dyn Store,
    release: &Release,
    holds: Holds,
    remembered: &BTreeMap<ObjectPath, Sha256>,
) -> Result<usize, StoreError> {
    if remembered.is_empty() {
        return Ok(0);
    }
    let candidates: Vec<&Object> = expected_objects(release, holds)
        .filter(|object| remembered.get(&object.path) == Some(&object.sha256) && !inventory.objects.contains(&object.path))
        .collect();
    let gone = wrong_sizes(store, candidates.iter().copied()).await?;
    let before = inventory.objects.len();
    inventory.objects.extend(candidates.iter().map(|object| object.path.clone()).filter(|path| !gone.contains(path)));
    Ok(inventory.objects.len() - before)
}
