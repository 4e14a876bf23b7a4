//! Staging: what is kept is what was hashed, the same input gives the same bytes, and a moving source is refused.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::Utf8Path;
use spartacus::base::Sha256;
use spartacus::bundle::{BundleError, Collected, Published, Showcase, Stage, StageSpec, Staged, Trouble, restage, stage};

use super::{Workshop, bundle_name, moment, named, spec, staged, write};

/// Every line of the sums names an object that has this digest, and no object is writable.
fn assert_objects_match(workshop: &Workshop, staged: &Staged) {
    let text = std::str::from_utf8(staged.sums()).expect("text");
    assert_eq!(text.lines().count() as u64 + 1, staged.files());
    for line in text.lines() {
        let (digest, _) = line.split_once("  ").expect("digest and path");
        let digest: Sha256 = digest.parse().expect("a digest");
        let path = workshop.project.objects().path(&digest);
        assert_eq!(Sha256::of(&fs::read(&path).expect("the object")), digest);
        assert_eq!(fs::metadata(&path).expect("the object").permissions().mode() & 0o777, 0o444);
    }
}

#[tokio::test]
async fn two_maintainers_get_the_same_bytes_from_the_same_tree() {
    let first = Workshop::of(1);
    let key = |workshop: &Workshop| workshop.people[0].public().clone();
    let second = Workshop::of(1);
    let tree = first.tree("tree", 1);
    let one = staged(first.stage(&tree, "v1").await.expect("staged"));
    // A second project with other keys: everything but the list, which names the keys, is the same.
    let copy = second.tree("elsewhere", 1);
    let other = staged(second.stage(&copy, "v1").await.expect("staged"));
    assert_ne!(key(&first), key(&second));
    assert_eq!((one.role(), one.sums()), (other.role(), other.sums()));
    // The same project again: all of it is.
    let again = staged(first.stage(&copy, "v1").await.expect("staged"));
    assert_eq!((one.role(), one.targets()), (again.role(), again.targets()));
    assert_objects_match(&first, &one);
    let loaded = Staged::load(&first.project, &bundle_name("v1")).expect("the stage is on the disk");
    assert_eq!((loaded.role(), loaded.targets(), loaded.sums()), (one.role(), one.targets(), one.sums()));
    assert_eq!(named(&first.people)[0].1, key(&first));
}

#[tokio::test]
async fn chunks_have_digests_of_their_own() {
    let workshop = Workshop::of(1);
    let root = workshop.place("tree");
    for (name, length) in [("one", 4 << 20), ("two", (4 << 20) + 1), ("three", 12 << 20)] {
        write(&root.join(name), &vec![7; length]);
    }
    let staged = staged(workshop.stage(&root, "v1").await.expect("staged"));
    let role: serde_json::Value = serde_json::from_slice(&staged.role().canonical).expect("JSON");
    let chunks = |name: &str| role["targets"][format!("releases/v1/{name}")]["custom"]["chunks"].clone();
    let full = Sha256::of(&vec![7; 4 << 20]).to_string();
    assert!(chunks("one").is_null());
    assert_eq!(chunks("two"), serde_json::json!([full, Sha256::of(&[7]).to_string()]));
    assert_eq!(chunks("three"), serde_json::json!([full, full, full]));
}

/// Stages a tree of one large file `big` and, when its first piece was read, lets `disturb` loose upon the folder.
fn disturbed(disturb: fn(&Utf8Path)) -> Result<Stage, BundleError> {
    let workshop = Workshop::of(1);
    let root = workshop.place("tree");
    write(&root.join("big"), &vec![1; 3 << 20]);
    write(&root.join("small"), b"small");
    let collected = Collected::from_folder(&root).expect("a good tree");
    let held = workshop.project.lock().expect("the lock");
    let first = AtomicBool::new(true);
    let result = stage(&workshop.project, &held, &collected, &spec("v1"), None, &|_| {
        if first.swap(false, Ordering::Relaxed) {
            disturb(&root);
        }
        ControlFlow::Continue(())
    });
    if result.is_err() {
        assert!(Staged::load(&workshop.project, &bundle_name("v1")).is_err(), "a failed stage left something behind");
        let left: Vec<_> = fs::read_dir(workshop.project.state().join("objects")).expect("objects").collect();
        assert!(left.iter().all(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name() == "incoming")), "{left:?}");
    }
    result
}

/// What is done to the folder, and its name in messages.
type Case = (&'static str, fn(&Utf8Path));

#[test]
fn a_source_that_moves_while_it_is_staged_is_refused() {
    let cases: [Case; 7] = [
        ("grows", |root| {
            fs::OpenOptions::new()
                .append(true)
                .open(root.join("big"))
                .and_then(|mut file| std::io::Write::write_all(&mut file, b"x"))
                .expect("appended");
        }),
        ("shrinks", |root| {
            fs::OpenOptions::new().write(true).open(root.join("big")).and_then(|file| file.set_len(10)).expect("cut");
        }),
        ("same length", |root| fs::write(root.join("big"), vec![2; 3 << 20]).expect("written")),
        ("replaced", |root| {
            fs::write(root.join("new"), vec![3; 3 << 20])
                .and_then(|()| fs::rename(root.join("new"), root.join("big")))
                .expect("replaced");
        }),
        ("added", |root| fs::write(root.join("zzz"), b"late").expect("written")),
        ("removed", |root| fs::remove_file(root.join("small")).expect("removed")),
        ("linked", |root| {
            fs::remove_file(root.join("small"))
                .and_then(|()| std::os::unix::fs::symlink("/etc/passwd", root.join("small")))
                .expect("a link");
        }),
    ];
    for (case, disturb) in cases {
        let error = disturbed(disturb).expect_err(case);
        let known = matches!(error, BundleError::Changed { .. } | BundleError::BadTree { .. });
        assert!(known && error.trouble() == Trouble::Usage, "{case}: {error}");
    }
    assert!(disturbed(|_| {}).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_busy_writer_every_stage_is_whole_or_refused() {
    let workshop = Workshop::of(1);
    let root = workshop.place("tree");
    for number in 0..20 {
        write(&root.join(format!("f{number}")), &vec![0; 40_000]);
    }
    let stop = AtomicBool::new(false);
    let (mut whole, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = fastrand::Rng::with_seed(7);
            while !stop.load(Ordering::Relaxed) {
                let bytes = vec![random.u8(..); random.usize(1..80_000)];
                // Bursts with pauses of work elsewhere, so that some stages fall between two of them.
                fs::write(root.join(format!("f{}", random.u8(..20))), bytes).expect("written");
                (0..random.u32(..2_000_000)).for_each(|count| {
                    std::hint::black_box(count);
                });
            }
        });
        let held = workshop.project.lock().expect("the lock");
        for _ in 0..60 {
            let result = Collected::from_folder(&root).and_then(|collected| {
                stage(&workshop.project, &held, &collected, &spec("v1"), None, &|_| ControlFlow::Continue(()))
            });
            match result {
                Ok(found) => {
                    assert_objects_match(&workshop, &staged(found));
                    whole += 1;
                }
                Err(BundleError::Changed { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(whole + refused, 60);
}

#[tokio::test]
async fn staging_can_be_cancelled_and_leaves_no_stage() {
    let workshop = Workshop::of(1);
    let collected = Collected::from_folder(&workshop.tree("tree", 1)).expect("a good tree");
    let held = workshop.project.lock().expect("the lock");
    let error =
        stage(&workshop.project, &held, &collected, &spec("v1"), None, &|_| ControlFlow::Break(())).expect_err("cancelled");
    assert_eq!(error.trouble(), Trouble::Cancelled);
    assert!(workshop.project.staged_names().expect("a list").is_empty());
}

#[tokio::test]
async fn a_second_process_is_told_who_holds_the_lock() {
    let workshop = Workshop::of(1);
    let held = workshop.project.lock().expect("the lock");
    let error = workshop.project.lock().expect_err("held");
    assert!(error.to_string().contains(&format!("held by process {}", std::process::id())), "{error}");
    assert_eq!(error.trouble(), Trouble::Conflict);
    drop(held);
    assert!(workshop.project.lock().is_ok());
}

#[tokio::test]
async fn an_overtaken_stage_is_refused_and_restaged_without_losing_the_bundles_signature() {
    let workshop = Workshop::of(1);
    let late = workshop.signed(&workshop.tree("late", 2), "late").await;
    workshop.publish(&workshop.tree("early", 1), "early").await;
    let held = workshop.project.lock().expect("the lock");
    let published = workshop.published().await;
    let publish = |signed| {
        let (project, online, held) = (&workshop.project, workshop.online(), &held);
        async move { spartacus::bundle::publish(project, held, &signed, &online, &Showcase::default(), moment(0)).await }
    };
    let error = publish(late.clone()).await.expect_err("overtaken");
    assert!(matches!(error, BundleError::Overtaken { staged: 0, current: 1, .. }), "{error}");
    assert_eq!(error.trouble(), Trouble::Conflict);

    let before = Staged::load(&workshop.project, late.name()).expect("a stage");
    let again = restage(&workshop.project, &held, late.name(), published.as_ref()).expect("restaged");
    assert_eq!(again.role(), before.role());
    assert_eq!(again.targets().version, 2);
    let error = again.signed(&workshop.project).expect_err("the list is not signed");
    assert_eq!(error.to_string(), "targets has 0 signatures, needs 1");
    again.sign(&workshop.project, &held, &workshop.people[0]).expect("signed");
    let release = publish(again.signed(&workshop.project).expect("signed")).await.expect("published");
    assert_eq!(release.bundles.len(), 2);
}

/// Stages `tree` as v1 once more, `days` later.
fn later(workshop: &Workshop, tree: &Utf8Path, days: i64, published: Option<&Published>) -> Staged {
    let held = workshop.project.lock().expect("the lock");
    let collected = Collected::from_folder(tree).expect("a good tree");
    let spec = StageSpec { name: bundle_name("v1"), created: moment(days) };
    staged(stage(&workshop.project, &held, &collected, &spec, published, &|_| ControlFlow::Continue(())).expect("staged"))
}

#[tokio::test]
async fn a_stage_of_the_same_files_keeps_its_signatures_and_its_moment() {
    let workshop = Workshop::of(3);
    let tree = workshop.tree("tree", 1);
    let first = later(&workshop, &tree, 0, None);
    let held = workshop.project.lock().expect("the lock");
    first.sign(&workshop.project, &held, &workshop.people[0]).expect("alice signs");
    first.sign(&workshop.project, &held, &workshop.people[1]).expect("bob signs");
    drop(held);
    let again = later(&workshop, &tree, 3, None);
    assert_eq!((again.created(), again.role(), again.targets()), (moment(0), first.role(), first.targets()));
    assert!(again.signed(&workshop.project).is_ok(), "two signatures are lost");
    // Other files are another bundle.
    write(&tree.join("README"), b"other");
    let other = later(&workshop, &tree, 4, None);
    assert_eq!(other.created(), moment(4));
    assert!(other.signed(&workshop.project).is_err());
    let left = fs::read_dir(other.folder()).expect("the stage").map(|entry| entry.expect("an entry").file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("sig")), "signatures on other bytes were kept");
}

#[tokio::test]
async fn a_stage_that_was_overtaken_keeps_the_signatures_of_its_own_role_when_it_is_staged_again() {
    let workshop = Workshop::of(1);
    let tree = workshop.tree("tree", 2);
    let first = later(&workshop, &tree, 0, None);
    let held = workshop.project.lock().expect("the lock");
    first.sign(&workshop.project, &held, &workshop.people[0]).expect("signed");
    drop(held);
    workshop.publish(&workshop.tree("early", 1), "early").await;
    let published = workshop.published().await;
    let again = later(&workshop, &tree, 3, published.as_ref());
    assert_eq!((again.role(), again.targets().version), (first.role(), 2));
    let error = again.signed(&workshop.project).expect_err("the list is not signed");
    assert_eq!(error.to_string(), "targets has 0 signatures, needs 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_is_there_at_every_moment_of_a_restage() {
    let workshop = Workshop::of(1);
    workshop.publish(&workshop.tree("early", 1), "early").await;
    workshop.signed(&workshop.tree("late", 2), "late").await;
    let published = workshop.published().await;
    let (held, name) = (workshop.project.lock().expect("the lock"), bundle_name("late"));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut looks = 0;
            while !over.load(Ordering::SeqCst) {
                // What a killed run leaves is what somebody who looks meanwhile sees.
                let found = Staged::load(&workshop.project, &name);
                assert!(!matches!(found, Err(BundleError::NotStaged(_))), "after {looks} looks");
                looks += 1;
            }
            looks
        });
        for turn in 0..60 {
            let upon = if turn % 2 == 0 { None } else { published.as_ref() };
            restage(&workshop.project, &held, &name, upon).expect("restaged");
        }
        over.store(true, Ordering::SeqCst);
        assert!(looking.join().expect("the stage was there") > 0);
    });
}

#[tokio::test]
async fn a_published_name_is_taken_for_ever() {
    let workshop = Workshop::of(1);
    let tree = workshop.tree("tree", 1);
    workshop.publish(&tree, "v1").await;
    assert!(matches!(workshop.stage(&tree, "v1").await, Ok(Stage::Published)));
    write(&tree.join("README"), b"other");
    assert!(matches!(workshop.stage(&tree, "v1").await, Err(BundleError::Published(_))));
}
