//! The plan's promises, on written cases and on random ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::base::Sha256;
use crate::bundle::{BundleEntry, Content};

fn object(path: &str) -> Object {
    let bytes = Bytes::copy_from_slice(path.as_bytes());
    Object {
        path: ObjectPath::new(path).expect("a good path"),
        length: bytes.len() as u64,
        sha256: Sha256::of(&bytes),
        content: Content::Inline(bytes),
    }
}

fn bundle(name: &str, files: &[&str]) -> BundleEntry {
    BundleEntry {
        name: name.parse().expect("a good name"),
        created: "2026-01-01T00:00:00Z".parse().expect("a moment"),
        files: Arc::new(files.iter().map(|file| object(&format!("releases/{name}/{file}"))).collect()),
    }
}

fn release() -> Release {
    Release {
        version: 2,
        snapshot_version: 2,
        newest: Some("v2".parse().expect("a good name")),
        bundles: vec![bundle("v1", &["a", "sub/b"]), bundle("v2", &["a", "sub/deep/c"])],
        metadata: ["metadata/1.v1.json", "metadata/1.v2.json", "metadata/2.targets.json", "metadata/2.snapshot.json"]
            .map(object)
            .to_vec(),
        roots: vec![object("metadata/1.root.json"), object("metadata/2.root.json")],
        pointer: object("metadata/timestamp.json"),
        conveniences: vec![object("index.html")],
    }
}

fn told(plan: &Plan<'_>) -> Vec<String> {
    plan.steps()
        .iter()
        .map(|step| match step {
            Step::MakeCollections(paths) => format!("folders {}", join(paths.iter().map(ToString::to_string))),
            Step::Upload(uploads) => {
                format!("upload {}", join(uploads.iter().map(|one| format!("{}{}", one.object.path, mark(one)))))
            }
            Step::Confirm(sizes) => format!("confirm {}", sizes.len()),
            Step::Swap(object) => format!("swap {}", object.path),
            Step::UploadRoots(uploads) => format!("roots {}", join(uploads.iter().map(|one| one.object.path.to_string()))),
            Step::Conveniences(objects) => format!("conveniences {}", join(objects.iter().map(|one| one.path.to_string()))),
        })
        .collect()
}

fn mark(upload: &Upload<'_>) -> &'static str {
    if upload.write == Write::Replace { "!" } else { "" }
}

fn join(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn paths(texts: &[&str]) -> BTreeSet<ObjectPath> {
    texts.iter().map(|text| ObjectPath::new(*text).expect("a good path")).collect()
}

#[test]
fn a_new_target_gets_everything_with_the_pointer_after_the_barrier() {
    let found = told(&plan(&release(), Holds::All, &Inventory::empty()));
    assert_eq!(
        found,
        [
            "folders metadata releases releases/v1 releases/v1/sub releases/v2 releases/v2/sub releases/v2/sub/deep",
            "upload releases/v1/a releases/v1/sub/b releases/v2/a releases/v2/sub/deep/c metadata/1.v1.json metadata/1.v2.json \
             metadata/2.targets.json metadata/2.snapshot.json metadata/1.root.json metadata/2.root.json",
            "confirm 10",
            "swap metadata/timestamp.json",
            "conveniences index.html",
        ]
    );
}

#[test]
fn a_live_target_gets_the_new_bundle_and_the_new_root_last() {
    let inventory = Inventory {
        pointer: Pointer::Older { version: 1 },
        bundles: ["v1".parse().expect("a good name")].into(),
        objects: paths(&["metadata/1.v1.json", "metadata/1.root.json"]),
        lacking: BTreeSet::new(),
        missing: BTreeSet::new(),
    };
    let found = told(&plan(&release(), Holds::All, &inventory));
    assert_eq!(
        found,
        [
            "folders metadata releases releases/v2 releases/v2/sub releases/v2/sub/deep",
            "upload releases/v2/a releases/v2/sub/deep/c metadata/1.v2.json metadata/2.targets.json metadata/2.snapshot.json",
            "confirm 5",
            "swap metadata/timestamp.json",
            "roots metadata/2.root.json",
            "conveniences index.html",
        ]
    );
}

#[test]
fn a_proven_bad_file_is_swapped_and_nothing_else_is_touched() {
    let mut inventory = full(&release(), Holds::All);
    inventory.lacking = paths(&["releases/v1/sub/b"]);
    let found = told(&plan(&release(), Holds::All, &inventory));
    assert_eq!(
        found,
        ["folders releases releases/v1 releases/v1/sub", "upload releases/v1/sub/b!", "confirm 1", "conveniences index.html"]
    );
}

#[test]
fn a_target_that_holds_only_the_newest_gets_no_older_files_but_all_metadata() {
    let release = release();
    let wanted = plan(&release, Holds::Newest(1), &Inventory::empty());
    assert!(wanted.objects().all(|object| !object.path.as_str().starts_with("releases/v1/")));
    assert!(wanted.objects().any(|object| object.path.as_str() == "metadata/1.v1.json"));
}

#[test]
fn a_target_that_holds_everything_gets_nothing() {
    let release = release();
    assert!(plan(&release, Holds::All, &full(&release, Holds::All)).is_empty());
}

#[test]
fn a_lost_pointer_is_written_again_and_nothing_else() {
    let mut inventory = full(&release(), Holds::All);
    inventory.pointer = Pointer::Broken;
    let found = told(&plan(&release(), Holds::All, &inventory));
    assert_eq!(found, ["folders metadata", "swap metadata/timestamp.json", "conveniences index.html"]);
}

#[test]
fn a_root_that_a_live_target_lacks_is_sent_without_a_swap() {
    let mut inventory = full(&release(), Holds::All);
    inventory.lacking = paths(&["metadata/2.root.json"]);
    let found = told(&plan(&release(), Holds::All, &inventory));
    assert_eq!(found, ["folders metadata", "roots metadata/2.root.json", "conveniences index.html"]);
}

#[test]
fn a_spoilt_convenience_alone_is_replaced() {
    let mut inventory = full(&release(), Holds::All);
    inventory.lacking = paths(&["index.html"]);
    assert_eq!(told(&plan(&release(), Holds::All, &inventory)), ["conveniences index.html"]);
}

#[test]
fn what_is_missing_is_new_and_what_is_wrong_is_replaced() {
    let release = release();
    let mut inventory = full(&release, Holds::All);
    inventory.lacking = paths(&["releases/v1/a", "releases/v2/a"]);
    inventory.missing = paths(&["releases/v2/a"]);
    let made = plan(&release, Holds::All, &inventory);
    let uploads = made.steps().iter().find_map(|step| if let Step::Upload(uploads) = step { Some(uploads) } else { None });
    let writes: Vec<_> = uploads.expect("an upload").iter().map(|upload| (upload.object.path.as_str(), upload.write)).collect();
    assert_eq!(writes, [("releases/v1/a", Write::Replace), ("releases/v2/a", Write::New)]);
}

#[test]
fn a_target_that_may_hold_more_from_now_on_gets_the_older_bundle() {
    let release = release();
    let found = told(&plan(&release, Holds::All, &full(&release, Holds::Newest(1))));
    assert_eq!(found[1], "upload releases/v1/a releases/v1/sub/b");
}

/// The inventory of a target on which a plan was carried out.
fn full(release: &Release, holds: Holds) -> Inventory {
    Inventory {
        pointer: Pointer::Same,
        bundles: expected_bundles(release, holds),
        objects: release.metadata.iter().chain(&release.roots).map(|object| object.path.clone()).collect(),
        lacking: BTreeSet::new(),
        missing: BTreeSet::new(),
    }
}

fn apply(plan: &Plan<'_>, mut inventory: Inventory) -> Inventory {
    let mut arrive = |uploads: &[Upload<'_>]| {
        for upload in uploads {
            inventory.lacking.remove(&upload.object.path);
            inventory.objects.insert(upload.object.path.clone());
        }
    };
    for step in plan.steps() {
        match step {
            Step::Upload(uploads) => arrive(uploads),
            Step::UploadRoots(uploads) => arrive(uploads),
            Step::Swap(_) | Step::MakeCollections(_) | Step::Confirm(_) | Step::Conveniences(_) => {}
        }
    }
    for step in plan.steps() {
        match step {
            Step::Swap(_) => inventory.pointer = Pointer::Same,
            Step::Conveniences(objects) => {
                inventory.lacking.retain(|path| objects.iter().all(|object| object.path != *path));
            }
            Step::MakeCollections(_) | Step::Upload(_) | Step::Confirm(_) | Step::UploadRoots(_) => {}
        }
    }
    inventory
}

fn any_inventory() -> impl Strategy<Value = Inventory> {
    let release = release();
    let all: Vec<ObjectPath> =
        expected_objects(&release, Holds::All).chain(&release.conveniences).map(|object| object.path.clone()).collect();
    let names: Vec<BundleName> = release.bundles.iter().map(|bundle| bundle.name.clone()).collect();
    let pointer =
        prop_oneof![Just(Pointer::Absent), Just(Pointer::Same), Just(Pointer::Older { version: 1 }), Just(Pointer::Broken)];
    let some = |paths: &[ObjectPath]| proptest::sample::subsequence(paths.to_vec(), 0..=paths.len());
    (pointer, proptest::sample::subsequence(names.clone(), 0..=names.len()), some(&all), some(&all)).prop_map(
        |(pointer, bundles, objects, lacking)| Inventory {
            pointer,
            bundles: bundles.into_iter().collect(),
            objects: objects.into_iter().collect(),
            lacking: lacking.into_iter().collect(),
            missing: BTreeSet::new(),
        },
    )
}

fn any_holds() -> impl Strategy<Value = Holds> {
    prop_oneof![Just(Holds::All), (1_u32..4).prop_map(Holds::Newest)]
}

proptest! {
    #[test]
    fn a_plan_applied_leaves_an_empty_plan(inventory in any_inventory(), holds in any_holds()) {
        let release = release();
        let after = apply(&plan(&release, holds, &inventory), inventory);
        prop_assert!(plan(&release, holds, &after).is_empty());
    }

    #[test]
    fn the_pointer_comes_after_everything_it_refers_to(inventory in any_inventory(), holds in any_holds()) {
        let release = release();
        let made = plan(&release, holds, &inventory);
        let swap = made.steps().iter().position(|step| matches!(step, Step::Swap(_)));
        let confirm = made.steps().iter().rposition(|step| matches!(step, Step::Confirm(_)));
        let uploads = made.steps().iter().rposition(|step| matches!(step, Step::Upload(_)));
        prop_assert_eq!(uploads.is_some(), confirm.is_some());
        prop_assert!(uploads <= confirm);
        if let Some(swap) = swap {
            prop_assert!(confirm.is_none_or(|confirm| confirm < swap));
        }
        let live = matches!(inventory.pointer, Pointer::Same | Pointer::Older { .. });
        for (number, step) in made.steps().iter().enumerate() {
            if let Step::UploadRoots(_) = step {
                prop_assert!(live && swap.is_none_or(|swap| swap < number));
            }
        }
    }

    #[test]
    fn nothing_is_written_that_is_not_of_the_release(inventory in any_inventory(), holds in any_holds()) {
        let release = release();
        let ours: BTreeSet<&ObjectPath> = expected_objects(&release, holds)
            .map(|object| &object.path)
            .chain([&release.pointer.path])
            .chain(release.conveniences.iter().map(|object| &object.path))
            .collect();
        let made = plan(&release, holds, &inventory);
        prop_assert!(made.objects().all(|object| ours.contains(&object.path)));
    }
}
