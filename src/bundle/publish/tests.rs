//! Publishing, stopped after every step.

use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};

use super::*;
use crate::base::BundleName;
use crate::bundle::{Collected, InitSpec, People, Stage, StageSpec, Staged, current_release, stage};

struct Scene {
    _folder: tempfile::TempDir,
    place: Utf8PathBuf,
    project: Project,
    alice: SigningKey,
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a moment")
}

impl Scene {
    fn new() -> Self {
        Self::with(&[])
    }

    /// A project in which each of Alice and these others may sign alone.
    fn with(others: &[&SigningKey]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Utf8Path::from_path(folder.path()).expect("UTF-8").to_owned();
        let alice = SigningKey::generate("alice").expect("a key");
        let everyone = std::iter::once(&alice).chain(others.iter().copied());
        let maintainers = everyone.map(|key| (key.comment().parse().expect("a name"), key.public().clone())).collect();
        let people = People::Team { maintainers, threshold: 1, everyone: false, signers: std::slice::from_ref(&alice) };
        let spec = InitSpec { folder: &place.join("project"), name: "demo", people, now: now() };
        let project = Project::init(spec).expect("a project").project;
        Self { _folder: folder, place, project, alice }
    }

    async fn signed(&self, name: &str, held: &ProjectLock) -> Signed {
        self.signed_by(&self.alice, name, name, held).await
    }

    /// Stages a folder of one file with this text, and signs it with the key.
    async fn signed_by(&self, key: &SigningKey, name: &str, text: &str, held: &ProjectLock) -> Signed {
        let tree = self.place.join(name);
        disk::make_folder(&tree).expect("a folder");
        std::fs::write(tree.join("file"), text).expect("a file");
        let collected = Collected::from_folder(&tree).expect("a good tree");
        let published = Published::load(&self.project, now()).await.expect("accepted");
        let spec = StageSpec { name: BundleName::new(name).expect("a name"), created: now() };
        let staged = stage(&self.project, held, &collected, &spec, published.as_ref(), &|_| ControlFlow::Continue(()));
        let Ok(Stage::Staged(staged)) = staged else { panic!("not staged: {staged:?}") };
        staged.sign(&self.project, held, key).expect("signed");
        staged.signed(&self.project).expect("enough")
    }

    /// Publishes `signed`, and stops after the step of this number as a crash would. What was done comes back.
    async fn publish_until(&self, signed: &Signed, held: &ProjectLock, stop: usize) -> (Vec<Step>, Option<Release>) {
        let online = SigningKey::load(&self.project.online_key(), None).expect("the online key");
        let mut done = Vec::new();
        let mut after = |step| {
            done.push(step);
            if done.len() == stop { Err(BundleError::Cancelled) } else { Ok(()) }
        };
        let showcase = Showcase::default();
        let result = publish_stepwise(&self.project, held, signed, &online, &showcase, now(), &mut after).await.ok();
        (done, result)
    }

    async fn bundles(&self) -> usize {
        let release = current_release(&self.project, &Showcase::default(), now()).await.expect("the state is accepted");
        release.map_or(0, |release| release.bundles.len())
    }
}

#[tokio::test]
async fn a_publish_killed_after_any_step_leaves_the_old_state_or_the_new_and_can_be_run_again() {
    let (mut stop, mut committed_seen, mut old_seen) = (1, false, false);
    loop {
        let scene = Scene::new();
        let held = scene.project.lock().expect("the lock");
        let first = scene.signed("v1", &held).await;
        scene.publish_until(&first, &held, 0).await.1.expect("published");
        let second = scene.signed("v2", &held).await;

        let (done, finished) = scene.publish_until(&second, &held, stop).await;
        let committed = done.contains(&Step::Committed);
        assert_eq!(scene.bundles().await, if committed { 2 } else { 1 }, "after {done:?}");
        committed_seen |= committed;
        old_seen |= !committed;

        // The next run knows only what lies on the disk.
        if let Ok(staged) = Staged::load(&scene.project, &BundleName::new("v2").expect("a name")) {
            let signed = staged.signed(&scene.project).expect("its signatures are there too");
            scene.publish_until(&signed, &held, 0).await.1.expect("the rerun completes");
        }
        assert_eq!(scene.bundles().await, 2, "after a rerun after {done:?}");
        assert!(scene.project.staged_names().expect("a list").is_empty(), "after {done:?}");
        if finished.is_some() {
            break;
        }
        stop += 1;
    }
    assert!(committed_seen && old_seen && stop > 6, "{stop}");
}

#[tokio::test]
async fn signatures_of_a_publish_that_was_stopped_are_not_published_over_other_files() {
    let bob = SigningKey::generate("bob").expect("a key");
    let scene = Scene::with(&[&bob]);
    let held = scene.project.lock().expect("the lock");
    let first = scene.signed_by(&bob, "v1", "one", &held).await;
    let (done, _) = scene.publish_until(&first, &held, 4).await;
    assert!(!done.contains(&Step::Committed), "{done:?}");
    let second = scene.signed("v1", &held).await;
    let release = scene.publish_until(&second, &held, 0).await.1.expect("published");
    let names: Vec<&str> = release.bundles[0].files.iter().filter_map(|file| file.path.as_str().rsplit('/').next()).collect();
    assert_eq!(names, ["SHA256SUMS", "file", "SHA256SUMS.alice.minisig", "SHA256SUMS.alice.sshsig"]);
}

#[test]
fn versions_are_read_from_file_names() {
    assert_eq!(version_of("12.targets.json", "targets"), Some(12));
    for other in ["targets.json", "1.targets.json.x", "1.v1.targets.json", "x.targets.json", "1.snapshot.json"] {
        assert_eq!(version_of(other, "targets"), None, "{other}");
    }
}
