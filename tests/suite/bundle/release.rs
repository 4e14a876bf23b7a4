//! Publishing: what comes out verifies, comes back from the disk, and is renewed in time.

use std::fs;

use async_trait::async_trait;
use bytes::Bytes;
use camino::Utf8PathBuf;
use spartacus::base::{ObjectPath, Sha256};
use spartacus::bundle::{Content, Object, Project, Release, Showcase, current_release, publish, renew};
use spartacus::trust::{Fetch, FetchError, verify, verify_bundle};

use super::{Workshop, bundle_name, moment};

/// A mirror in a folder: every object of a release, written as a push would.
struct Mirror(Utf8PathBuf);

impl Mirror {
    fn of(release: &Release, place: Utf8PathBuf) -> Self {
        let files = release.bundles.iter().flat_map(|bundle| bundle.files.iter());
        let metadata = release.roots.iter().chain(&release.metadata).chain([&release.pointer]).chain(&release.conveniences);
        for object in files.chain(metadata) {
            let bytes = content(object);
            assert_eq!((bytes.len() as u64, Sha256::of(&bytes)), (object.length, object.sha256), "{}", object.path);
            super::write(&place.join(object.path.as_str()), &bytes);
        }
        Self(place)
    }
}

fn content(object: &Object) -> Bytes {
    match &object.content {
        Content::Inline(bytes) => bytes.clone(),
        Content::Object(path) => fs::read(path).expect("the object").into(),
    }
}

#[async_trait]
impl Fetch for Mirror {
    async fn fetch(&self, path: &ObjectPath, _cap: u64) -> Result<Option<Bytes>, FetchError> {
        Ok(fs::read(self.0.join(path.as_str())).ok().map(Bytes::from))
    }
}

fn all_objects(release: &Release) -> Vec<(String, Sha256)> {
    let files = release.bundles.iter().flat_map(|bundle| bundle.files.iter());
    let objects = files.chain(&release.metadata).chain(&release.roots).chain([&release.pointer]).chain(&release.conveniences);
    objects.map(|object| (object.path.to_string(), object.sha256)).collect()
}

async fn current(project: &Project) -> Release {
    current_release(project, &Showcase::default(), moment(0)).await.expect("accepted").expect("published")
}

#[tokio::test]
async fn a_release_verifies_on_a_mirror_file_by_file() {
    let workshop = Workshop::of(3);
    assert!(current_release(&workshop.project, &Showcase::default(), moment(0)).await.expect("no error").is_none());
    workshop.publish(&workshop.tree("one", 1), "v1").await;
    let release = workshop.publish(&workshop.tree("two", 2), "v2").await;
    assert_eq!((release.version, release.snapshot_version, release.bundles.len()), (2, 2, 2));
    assert_eq!(release.newest, Some(bundle_name("v2")));
    let names: Vec<&str> = release.bundles[1].files.iter().map(|file| file.path.as_str()).collect();
    let expected = [
        "README",
        "SHA256SUMS",
        "bin/tool with space",
        "docs/deep/er/empty",
        "docs/guide é.txt",
        "SHA256SUMS.alice.minisig",
        "SHA256SUMS.alice.sshsig",
        "SHA256SUMS.bob.minisig",
        "SHA256SUMS.bob.sshsig",
    ];
    assert_eq!(names, expected.map(|name| format!("releases/v2/{name}")));

    let mirror = Mirror::of(&release, workshop.place("mirror"));
    let pin = content(&release.roots[0]);
    let verified = verify(&mirror, &pin, moment(1), None).await.expect("accepted");
    assert!(verified.stale_since.is_none());
    assert_eq!(verified.timestamp.expires, moment(7), "a team renews within the week");
    for name in ["v1", "v2"] {
        let list = verify_bundle(&mirror, &verified, &bundle_name(name)).await.expect("accepted");
        assert_eq!(list.files.len(), 5);
        for file in list.files {
            let bytes = fs::read(mirror.0.join(file.path.as_str())).expect("the file");
            assert_eq!((bytes.len() as u64, Sha256::of(&bytes)), (file.length, file.sha256));
        }
    }
}

#[tokio::test]
async fn publishing_again_gives_the_same_bytes_and_the_disk_gives_them_back() {
    let workshop = Workshop::of(1);
    let signed = workshop.signed(&workshop.tree("one", 1), "v1").await;
    let held = workshop.project.lock().expect("the lock");
    let once =
        publish(&workshop.project, &held, &signed, &workshop.online(), &Showcase::default(), moment(0)).await.expect("published");
    let twice =
        publish(&workshop.project, &held, &signed, &workshop.online(), &Showcase::default(), moment(3)).await.expect("published");
    assert_eq!(all_objects(&once), all_objects(&twice));
    assert_eq!(all_objects(&once), all_objects(&current(&workshop.project).await));
    assert!(workshop.project.staged_names().expect("a list").is_empty());
}

#[tokio::test]
async fn the_online_key_alone_cannot_publish_and_no_other_can_replace_it() {
    let workshop = Workshop::of(1);
    let signed = workshop.signed(&workshop.tree("one", 1), "v1").await;
    let held = workshop.project.lock().expect("the lock");
    let result = publish(&workshop.project, &held, &signed, &workshop.people[0], &Showcase::default(), moment(0)).await;
    assert!(result.expect_err("a maintainer's key is no online key").to_string().contains("may not sign timestamp"));
    assert!(workshop.published().await.is_none());
}

#[tokio::test]
async fn metadata_changed_on_our_own_disk_is_never_released() {
    let workshop = Workshop::of(1);
    workshop.publish(&workshop.tree("one", 1), "v1").await;
    let path = workshop.project.metadata().join("1.targets.json");
    let text = fs::read_to_string(&path).expect("the list").replace("\"v1\"", "\"v0\"");
    fs::write(&path, text).expect("changed");
    assert!(current_release(&workshop.project, &Showcase::default(), moment(0)).await.is_err());
}

#[tokio::test]
async fn half_a_life_later_only_the_timestamp_is_renewed() {
    let workshop = Workshop::of(1);
    let release = workshop.publish(&workshop.tree("one", 1), "v1").await;
    let held = workshop.project.lock().expect("the lock");
    let online = workshop.online();
    let at = async |days, forced| {
        let showcase = Showcase::default();
        renew(&workshop.project, &held, &online, &showcase, moment(days), forced).await.expect("renewed").expect("published")
    };
    assert_eq!(at(14, false).await.version, 1, "it is fresh enough");
    assert_eq!(at(14, true).await.version, 2);
    let later = at(30, false).await;
    assert_eq!((later.version, later.snapshot_version), (3, 1));
    let unchanged = |release: &Release| release.metadata.iter().map(|object| object.sha256).collect::<Vec<_>>();
    assert_eq!(unchanged(&release), unchanged(&later));
    let years = at(2 * 365, false).await;
    assert_eq!((years.version, years.snapshot_version), (4, 2), "a snapshot lives three years");
}

#[tokio::test]
async fn of_lists_and_snapshots_the_last_three_are_kept() {
    let workshop = Workshop::of(1);
    for number in 1..=5 {
        let tree = workshop.place(&format!("tree{number}"));
        super::write(&tree.join("file"), &[number]);
        workshop.publish(&tree, &format!("v{number}")).await;
    }
    let mut names: Vec<String> = fs::read_dir(workshop.project.metadata())
        .expect("the metadata")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| !name.contains(".v"))
        .collect();
    names.sort();
    let expected = [
        "1.root.json",
        "3.snapshot.json",
        "3.targets.json",
        "4.snapshot.json",
        "4.targets.json",
        "5.snapshot.json",
        "5.targets.json",
        "timestamp.json",
    ];
    assert_eq!(names, expected);
    assert_eq!(current(&workshop.project).await.bundles.len(), 5);
}
