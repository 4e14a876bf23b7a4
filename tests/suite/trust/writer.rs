//! What is written comes back as it was meant, and always in the same bytes.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;
use spartacus::base::{BundleName, Sha256};
use spartacus::trust::role::{self, BundleSpec, RoleKeys, RootSpec, TargetsSpec};
use spartacus::trust::{PublicKey, TrustError, Unsigned, verify_bundle};

use super::mirror::{Project, delegation, files, in_days};

#[tokio::test]
async fn a_publish_is_read_back() {
    let project = Project::new();
    let mirror = project.mirror(3);
    let found = project.verify(&mirror).await.expect("a good mirror");
    let names: Vec<&str> = found.bundles.iter().map(|bundle| bundle.name.as_str()).collect();
    assert_eq!(names, ["v1", "v2", "v3"]);
    assert_eq!(found.newest.as_ref().map(BundleName::as_str), Some("v3"));
    assert_eq!((found.root_version, found.timestamp.version, found.stale_since), (1, 3, None));
    assert_eq!(found.targets.bytes, mirror.get("metadata/3.targets.json"));
    assert_eq!(found.bundles[0].created, in_days(-1));

    for bundle in &found.bundles {
        let list = verify_bundle(&mirror, &found, &bundle.name).await.expect("a good bundle");
        assert_eq!(list.files, files(bundle.name.as_str()));
        assert_eq!(list.signers, ["alice", "bob"]);
        assert_eq!(list.files.len() as u64, bundle.files);
    }
}

#[test]
fn every_pointer_has_the_same_length() {
    let project = Project::new();
    for publishes in [1, 3, 12] {
        let pointer = project.mirror(publishes).get("metadata/timestamp.json");
        assert_eq!(pointer.len(), 1024, "after {publishes} publishes");
        assert!(pointer.ends_with(b" \n"));
    }
}

#[test]
fn the_same_spec_gives_the_same_bytes() {
    let project = Project::new();
    let (one, two) = (project.mirror(3), project.mirror(3));
    assert_eq!(one, two);

    // Whoever is named first, the bytes do not change.
    let mut spec = project.root_spec(1, project.online.public());
    let before = role::root(&spec).expect("a root");
    spec.root.keys.reverse();
    spec.targets.keys.rotate_left(1);
    assert_eq!(role::root(&spec).expect("a root").canonical, before.canonical);
    assert_eq!(before.sha256(), Sha256::of(&before.canonical));

    // Nor does the order in which signatures come in, or one that comes twice.
    let (alice, bob) = (before.sign(&project.alice), before.sign(&project.bob));
    let stored = before.signed(&[alice.clone(), bob.clone()]);
    assert_eq!(before.signed(&[bob.clone(), alice.clone(), bob]), stored);
    let line = serde_json::to_string(&alice).expect("JSON");
    assert!(line.len() < 230 && !line.contains('\n'), "{line}");
}

#[test]
fn a_stored_role_is_taken_apart_without_writing_it_anew() {
    let project = Project::new();
    let mirror = project.mirror(2);
    for (role, path) in
        [("targets", "metadata/2.targets.json"), ("v2", "metadata/1.v2.json"), ("timestamp", "metadata/timestamp.json")]
    {
        let stored = mirror.get(path);
        let (unsigned, lines) = Unsigned::split(role, &stored).expect("our own form");
        assert_eq!(unsigned.path().expect("a path").as_str(), path);
        assert_eq!(unsigned.signed(&lines), stored, "{path}");
    }
    let (unsigned, lines) = Unsigned::split("targets", &mirror.get("metadata/2.targets.json")).expect("our own form");
    assert_eq!(unsigned.is_signed_by(&lines, &project.maintainers()), (2, true));
    assert_eq!(unsigned.is_signed_by(&lines[..1], &project.maintainers()), (1, false));
    assert_eq!(unsigned.is_signed_by(&[lines[0].clone(), lines[0].clone()], &project.maintainers()), (1, false));
    assert!(unsigned.accepts(&unsigned.sign(&project.carol), project.carol.public()));
    assert!(!unsigned.accepts(&unsigned.sign(&project.carol), project.alice.public()));

    let text = mirror.text("metadata/2.targets.json");
    for other in [
        text.replacen("{\"signatures\":", "{ \"signatures\":", 1),
        format!("{text}\n"),
        text[1..].to_owned(),
        String::new(),
        text.replacen("\"targets\":{},", "\"targets\": {},", 1),
    ] {
        assert!(Unsigned::split("targets", &other.into()).is_err());
    }
}

#[test]
fn a_spec_is_read_back_to_write_its_successor() {
    let project = Project::new();
    let spec = RootSpec::read(&project.pin()).expect("a root");
    assert_eq!(role::root(&spec).expect("a root").canonical, project.root(1).canonical);
    let lines: BTreeSet<String> = spec.targets.keys.iter().map(PublicKey::to_minisign).collect();
    let keys = [&project.alice, &project.bob, &project.carol];
    assert_eq!(lines, keys.iter().map(|key| key.public().to_minisign()).collect(), "the minisign numbers come along");

    let stored = project.mirror(3).get("metadata/3.targets.json");
    let mut list = TargetsSpec::read(&stored, project.maintainers()).expect("a list");
    let (written, _) = Unsigned::split("targets", &stored).expect("our own form");
    assert_eq!(role::targets(&list).expect("a list").canonical, written.canonical);
    assert!(list.bundles.iter().all(|bundle| bundle.keys.is_none()));

    // After a change of keys the older bundles keep theirs, and a fleet has its own.
    list.keys = RoleKeys { keys: vec![project.carol.public().clone()], threshold: 1 };
    list.bundles[0].keys = Some(project.maintainers());
    list.fleet = Some(RoleKeys { keys: vec![project.online.public().clone()], threshold: 1 });
    let changed = role::targets(&list).expect("a list");
    let read = TargetsSpec::read(&changed.signed(&[]), list.keys.clone()).expect("a list");
    assert_eq!(role::targets(&read).expect("a list").canonical, changed.canonical);
    let own: Vec<bool> = read.bundles.iter().map(|bundle| bundle.keys.is_some()).collect();
    assert_eq!((own, read.fleet), (vec![true, false, false], list.fleet));

    for bad in [Bytes::new(), stored] {
        assert!(RootSpec::read(&bad).is_err());
    }
    assert!(TargetsSpec::read(&project.pin(), project.maintainers()).is_err());
}

#[test]
fn dates_are_whole_seconds_in_utc() {
    let project = Project::new();
    let mut spec = project.root_spec(1, project.online.public());
    spec.expires = "2030-02-03T04:05:06.789Z".parse::<Timestamp>().expect("a moment");
    let root = role::root(&spec).expect("a root");
    assert_eq!(Unsigned::split("root", &root.signed(&[])).expect("our own form").0, root);
    let text = String::from_utf8(root.canonical.to_vec()).expect("text");
    assert!(text.contains(r#""expires":"2030-02-03T04:05:06Z""#) && text.contains(r#""spec_version":"1.0.34""#), "{text}");
}

#[test]
fn senseless_roles_are_not_written() {
    let project = Project::new();
    let refused = |result: Result<Unsigned, TrustError>, about: &str| match result {
        Err(TrustError::Role { reason, .. }) => assert!(reason.contains(about), "{reason}"),
        other => panic!("{about}: {other:?}"),
    };
    let root = |change: &dyn Fn(&mut role::RootSpec)| {
        let mut spec = project.root_spec(1, project.online.public());
        change(&mut spec);
        role::root(&spec)
    };
    refused(root(&|spec| spec.root.keys.push(project.alice.public().clone())), "twice");
    refused(root(&|spec| spec.targets.threshold = 4), "cannot be asked");
    refused(root(&|spec| spec.root.threshold = 0), "cannot be asked");
    refused(root(&|spec| spec.online.clear()), "cannot be asked");
    refused(root(&|spec| spec.version = 0), "2^53");
    refused(root(&|spec| spec.version = u64::MAX), "2^53");

    let (name, list) = (BundleName::new("v1").expect("a name"), files("v1"));
    let bundle = |files: &[_], signers: &[String]| {
        role::bundle(&BundleSpec { name: &name, version: 1, expires: in_days(1), files, signers })
    };
    refused(bundle(&[list[1].clone(), list[0].clone()], &[]), "out of order");
    refused(bundle(&[list[0].clone(), list[0].clone()], &[]), "out of order");
    refused(bundle(&files("v2"), &[]), "outside");
    let mut short = list.clone();
    short[1].chunks.pop();
    refused(bundle(&short, &[]), "chunk digests");
    refused(bundle(&list, &["a/b".to_owned()]), "signer");

    let targets = |change: &dyn Fn(&mut TargetsSpec)| {
        let mut spec = TargetsSpec {
            version: 1,
            expires: in_days(1),
            keys: project.maintainers(),
            bundles: vec![delegation(&name, &list)],
            newest: None,
            fleet: None,
        };
        change(&mut spec);
        role::targets(&spec)
    };
    refused(targets(&|spec| spec.newest = Some(BundleName::new("v9").expect("a name"))), "not listed");
    refused(targets(&|spec| spec.bundles.push(delegation(&name, &list))), "twice");
    refused(targets(&|spec| spec.bundles[0].depths.clear()), "depth");
    let one_of_two = RoleKeys { keys: vec![project.alice.public().clone()], threshold: 2 };
    refused(targets(&|spec| spec.fleet = Some(one_of_two.clone())), "cannot be asked");
}

#[test]
fn a_large_bundle_is_streamed() {
    let name = BundleName::new("big").expect("a name");
    let record = |number: u32| {
        let mut file = files("big").swap_remove(0);
        file.path = format!("releases/big/folder/{number:07}").try_into().expect("a path");
        file
    };
    let list: Vec<_> = (0..100_000).map(record).collect();
    let spec = BundleSpec { name: &name, version: 1, expires: in_days(1), files: &list, signers: &[] };
    let role = role::bundle(&spec).expect("a large role");
    assert!(role.canonical.len() < 100_000 * 150);
    let read: serde_json::Value = serde_json::from_slice(&role.canonical).expect("valid JSON");
    assert_eq!(read["targets"].as_object().map(serde_json::Map::len), Some(100_000));
}
