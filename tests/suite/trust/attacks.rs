//! What a mirror, or a thief of the online key, may try (docs: threats T04 to T10 and T13 to T15).

use bytes::Bytes;
use serde_json::{Value, json};
use spartacus::base::BundleName;
use spartacus::trust::{Known, RolePin, Verified, verify, verify_bundle};

use super::mirror::{Mirror, Project, content, hand_made, in_days, now, word};

type Attack = fn(&Project, &mut Mirror);
type Change = fn(&mut Value);

/// Each begins with a good mirror at publish 3.
const ATTACKS: &[(&str, &str, Attack)] = &[
    ("nothing", "accepted", |_, _| {}),
    ("no timestamp", "empty", |_, mirror| drop(mirror.0.remove("metadata/timestamp.json"))),
    ("nothing at all", "empty", |_, mirror| mirror.0.clear()),
    ("no snapshot", "missing", |_, mirror| drop(mirror.0.remove("metadata/3.snapshot.json"))),
    ("no list of bundles", "missing", |_, mirror| drop(mirror.0.remove("metadata/3.targets.json"))),
    ("edited timestamp", "forged", |_, mirror| mirror.edit("metadata/timestamp.json", "\"version\":3", "\"version\":4")),
    ("expiry pushed out", "forged", |_, mirror| {
        mirror.edit("metadata/timestamp.json", "\"expires\":\"2026", "\"expires\":\"2036");
    }),
    ("edited snapshot", "forged", |_, mirror| mirror.edit("metadata/3.snapshot.json", "v3.json", "v4.json")),
    ("edited list", "forged", |_, mirror| mirror.edit("metadata/3.targets.json", "\"newest\":\"v3\"", "\"newest\":\"v2\"")),
    ("short timestamp", "forged", |_, mirror| cut(mirror, "metadata/timestamp.json")),
    ("short snapshot", "forged", |_, mirror| cut(mirror, "metadata/3.snapshot.json")),
    ("short list", "forged", |_, mirror| cut(mirror, "metadata/3.targets.json")),
    ("empty timestamp", "forged", |_, mirror| mirror.put("metadata/timestamp.json", "")),
    ("a page instead of metadata", "forged", |_, mirror| mirror.put("metadata/timestamp.json", "<html>\u{1b}[2J")),
    ("a page as the next root", "forged", |_, mirror| mirror.put("metadata/2.root.json", "<html>")),
    ("a snapshot as timestamp", "forged", |_, mirror| copy(mirror, "metadata/3.snapshot.json", "metadata/timestamp.json")),
    ("a timestamp as snapshot", "forged", |_, mirror| copy(mirror, "metadata/timestamp.json", "metadata/3.snapshot.json")),
    ("a bundle's role as the list", "mixed", |_, mirror| copy(mirror, "metadata/1.v3.json", "metadata/3.targets.json")),
    ("older snapshot", "mixed", |_, mirror| copy(mirror, "metadata/2.snapshot.json", "metadata/3.snapshot.json")),
    ("older list", "mixed", |_, mirror| copy(mirror, "metadata/2.targets.json", "metadata/3.targets.json")),
    ("endless timestamp", "forged", |_, mirror| mirror.put("metadata/timestamp.json", vec![b' '; 17 * 1024])),
    ("endless snapshot", "forged", |_, mirror| mirror.put("metadata/3.snapshot.json", vec![b' '; 1 << 20])),
    ("endless list", "forged", |_, mirror| mirror.put("metadata/3.targets.json", vec![b' '; 1 << 20])),
    ("endless root", "forged", |_, mirror| mirror.put("metadata/2.root.json", vec![b' '; 513_000])),
    ("a maintainer signs the timestamp", "forged", |project, mirror| {
        let mut publish = project.publish(3);
        publish.online = &project.alice;
        project.write(mirror, &publish);
    }),
    ("one of two signatures", "forged", |project, mirror| {
        let mut publish = project.publish(3);
        publish.signers = vec![&project.bob];
        project.write(mirror, &publish);
    }),
    ("the online key signs the list", "forged", |project, mirror| {
        let mut publish = project.publish(3);
        publish.signers = vec![&project.online, &project.bob];
        project.write(mirror, &publish);
    }),
    ("one signature twice", "forged", |project, mirror| {
        let text = mirror.text("metadata/3.targets.json");
        let (_, signed) = text.split_once(",\"signed\":").expect("a signed part");
        let role = hand_made("targets", 3, &content(text.as_bytes()));
        let line = serde_json::to_string(&role.sign(&project.alice)).expect("JSON");
        let stored = Bytes::from(format!("{{\"signatures\":[{line},{line}],\"signed\":{signed}"));
        replace_list(project, mirror, stored);
    }),
    ("a threshold of none", "forged", |project, mirror| {
        let mut root = content(&project.pin());
        root["version"] = json!(2);
        root["roles"]["timestamp"]["threshold"] = json!(0);
        mirror.role(&hand_made("root", 2, &root), &[&project.alice, &project.bob]);
    }),
    ("versions at the end of the number line", "forged", |project, mirror| {
        let mut timestamp = content(&mirror.get("metadata/timestamp.json"));
        timestamp["version"] = json!(u64::MAX);
        mirror.role(&hand_made("timestamp", u64::MAX, &timestamp), &[&project.online]);
    }),
    ("a snapshot at the end of the number line", "forged", |project, mirror| {
        let mut timestamp = content(&mirror.get("metadata/timestamp.json"));
        timestamp["meta"]["snapshot.json"]["version"] = json!(u64::MAX);
        mirror.role(&hand_made("timestamp", 3, &timestamp), &[&project.online]);
    }),
    ("version 0", "forged", |project, mirror| {
        let mut timestamp = content(&mirror.get("metadata/timestamp.json"));
        timestamp["version"] = json!(0);
        mirror.role(&hand_made("timestamp", 0, &timestamp), &[&project.online]);
    }),
    ("an absurd length", "forged", |project, mirror| {
        let mut timestamp = content(&mirror.get("metadata/timestamp.json"));
        timestamp["meta"]["snapshot.json"]["length"] = json!(u64::MAX);
        mirror.role(&hand_made("timestamp", 3, &timestamp), &[&project.online]);
    }),
    ("a snapshot without the list", "missing", |project, mirror| {
        let mut snapshot = content(&mirror.get("metadata/3.snapshot.json"));
        snapshot["meta"].as_object_mut().expect("pins").remove("targets.json");
        replace_snapshot(project, mirror, &snapshot);
    }),
    ("pins under impossible names", "accepted", |project, mirror| {
        let mut snapshot = content(&mirror.get("metadata/3.snapshot.json"));
        snapshot["meta"]["../../x.json"] = json!({"version": 1});
        replace_snapshot(project, mirror, &snapshot);
    }),
];

fn cut(mirror: &mut Mirror, path: &str) {
    let bytes = mirror.get(path);
    // Half of what it says, not half of the white space that may follow.
    mirror.put(path, bytes.slice(..bytes.trim_ascii_end().len() / 2));
}

fn copy(mirror: &mut Mirror, from: &str, to: &str) {
    let bytes = mirror.get(from);
    mirror.put(to, bytes);
}

/// What a thief of the online key can do: pin anything.
fn replace_snapshot(project: &Project, mirror: &mut Mirror, snapshot: &Value) {
    let pin = mirror.role(&hand_made("snapshot", 3, snapshot), &[&project.online]);
    let mut timestamp = content(&mirror.get("metadata/timestamp.json"));
    timestamp["meta"]["snapshot.json"] = json!({"version": 3, "length": pin.length, "hashes": {"sha256": pin.sha256}});
    mirror.role(&hand_made("timestamp", 3, &timestamp), &[&project.online]);
}

fn replace_role(project: &Project, mirror: &mut Mirror, role: &str, path: &str, version: u64, stored: Bytes) {
    let pin = RolePin::of(version, &stored);
    let mut snapshot = content(&mirror.get("metadata/3.snapshot.json"));
    snapshot["meta"][format!("{role}.json")] =
        json!({"version": version, "length": pin.length, "hashes": {"sha256": pin.sha256}});
    mirror.put(path, stored);
    replace_snapshot(project, mirror, &snapshot);
}

fn replace_list(project: &Project, mirror: &mut Mirror, stored: Bytes) {
    replace_role(project, mirror, "targets", "metadata/3.targets.json", 3, stored);
}

#[tokio::test]
async fn each_attack_gets_its_verdict() {
    let project = Project::new();
    let good = project.mirror(3);
    for (name, expected, attack) in ATTACKS {
        let mut mirror = good.clone();
        attack(&project, &mut mirror);
        let found = project.verify(&mirror).await;
        assert_eq!(word(&found), *expected, "{name}: {:?}", found.err());
        if let Err(rejection) = found {
            assert!(!rejection.to_string().contains(char::is_control), "{name}: {rejection:?}");
        }
    }
}

/// Root, timestamp, snapshot and list, each old or new, under the number that is asked for: sixteen mirrors.
#[tokio::test]
async fn no_mix_of_two_states_is_accepted() {
    let mut project = Project::new();
    let pin = project.pin();
    let mut old = Mirror::default();
    project.write(&mut old, &project.publish(1));
    let next = spartacus::trust::SigningKey::generate("next online").expect("a key");
    let mut new = Mirror::default();
    let root = spartacus::trust::role::root(&project.root_spec(2, next.public())).expect("a root");
    new.role(&root, &[&project.alice, &project.bob]);
    project.online = next;
    project.write(&mut new, &project.publish(2));

    for mix in 0..16_u8 {
        let is_new = |bit: u8| mix & (1 << bit) != 0;
        let mut mirror = Mirror::default();
        if is_new(0) {
            copy_from(&new, "metadata/2.root.json", &mut mirror, &["metadata/2.root.json"]);
        }
        let (source, _) = if is_new(1) { (&new, 2) } else { (&old, 1) };
        copy_from(source, "metadata/timestamp.json", &mut mirror, &["metadata/timestamp.json"]);
        let (source, number) = if is_new(2) { (&new, 2) } else { (&old, 1) };
        let names = ["metadata/1.snapshot.json", "metadata/2.snapshot.json"];
        copy_from(source, &format!("metadata/{number}.snapshot.json"), &mut mirror, &names);
        let (source, number) = if is_new(3) { (&new, 2) } else { (&old, 1) };
        let names = ["metadata/1.targets.json", "metadata/2.targets.json"];
        copy_from(source, &format!("metadata/{number}.targets.json"), &mut mirror, &names);

        let found = verify(&mirror, &pin, now(), None).await;
        assert_eq!(found.is_ok(), mix == 0 || mix == 15, "mix {mix:04b}: {:?}", found.err());
    }
}

fn copy_from(source: &Mirror, from: &str, mirror: &mut Mirror, to: &[&str]) {
    for name in to {
        mirror.put(name, source.get(from));
    }
}

/// Without a change of keys every part stays authentic, and a mix is called one.
#[tokio::test]
async fn a_mix_under_one_root_is_called_mixed() {
    let project = Project::new();
    let (old, new) = (project.mirror(1), project.mirror(2));
    for mix in 0..8_u8 {
        let pick = |bit: u8| if mix & (1 << bit) == 0 { (&old, 1) } else { (&new, 2) };
        let mut mirror = Mirror::default();
        copy_from(pick(0).0, "metadata/timestamp.json", &mut mirror, &["metadata/timestamp.json"]);
        for (bit, role) in [(1, "snapshot"), (2, "targets")] {
            let (source, number) = pick(bit);
            let names = [format!("metadata/1.{role}.json"), format!("metadata/2.{role}.json")];
            copy_from(source, &format!("metadata/{number}.{role}.json"), &mut mirror, &[&names[0], &names[1]]);
        }
        let expected = if mix == 0 || mix == 7 { "accepted" } else { "mixed" };
        assert_eq!(word(&project.verify(&mirror).await), expected, "mix {mix:03b}");
    }
}

#[tokio::test]
async fn older_versions_than_seen_before_are_a_rollback() {
    let project = Project::new();
    let seen = project.verify(&project.mirror(3)).await.expect("a good mirror");
    let known = Known::from(&seen);
    let judge = async |mirror: &Mirror, known: &Known| word(&project.verify_knowing(mirror, known).await);

    assert_eq!(judge(&project.mirror(3), &known).await, "accepted");
    assert_eq!(judge(&project.mirror(4), &known).await, "accepted");
    assert_eq!(judge(&project.mirror(2), &known).await, "rolled back");

    // The thief of the online key: a newer timestamp over each older part.
    let pins = |from: &Verified| from.pins.clone();
    let older = project.verify(&project.mirror(2)).await.expect("a good mirror");
    let mut mirror = project.mirror(3);
    let mut publish = project.publish(9);
    mirror.commit(&publish, pins(&older));
    assert_eq!(judge(&mirror, &known).await, "rolled back", "an older list under a newer snapshot");

    let mut gone = pins(&seen);
    gone.remove("v1");
    mirror.commit(&publish, gone);
    assert_eq!(judge(&mirror, &known).await, "rolled back", "a bundle's pin is gone");

    publish.version = 2;
    mirror.commit(&publish, pins(&seen));
    assert_eq!(judge(&mirror, &Known { timestamp: 2, ..known.clone() }).await, "rolled back", "an older snapshot");

    let mut newer = known.clone();
    newer.roles.insert("v2".to_owned(), 2);
    assert_eq!(judge(&project.mirror(3), &newer).await, "rolled back", "an older role of a bundle");
    newer = Known { root: 2, ..known };
    assert_eq!(judge(&project.mirror(3), &newer).await, "rolled back", "a root is withheld");
}

#[tokio::test]
async fn expiry_makes_stale_and_never_hides_forgery() {
    let project = Project::new();
    let mut mirror = project.mirror(3);
    let pin = project.pin();
    let at = async |mirror: &Mirror, days| verify(mirror, &pin, in_days(days), None).await;
    assert_eq!(at(&mirror, 6).await.expect("fresh").stale_since, None);
    // Ten years on, everything has expired: stale since the first of them, and still readable.
    let old = at(&mirror, 3650).await.expect("authentic");
    assert_eq!(old.stale_since, Some(in_days(7)));
    let name = BundleName::new("v2").expect("a name");
    assert_eq!(verify_bundle(&mirror, &old, &name).await.expect("authentic").files.len(), 3);

    mirror.edit("metadata/timestamp.json", "\"version\":3", "\"version\":4");
    assert_eq!(word(&at(&mirror, 3650).await), "forged");
    // A clock far in the past finds nothing expired.
    assert_eq!(at(&project.mirror(3), -20_000).await.expect("authentic").stale_since, None);
}

#[tokio::test]
async fn a_bundle_is_held_to_its_delegation() {
    let project = Project::new();
    let good = project.mirror(3);
    let name = BundleName::new("v2").expect("a name");
    let path = "metadata/1.v2.json";
    let judge = async |mirror: &Mirror| {
        let verified = project.verify(mirror).await.expect("the list is good");
        let found = verify_bundle(mirror, &verified, &name).await;
        (word(&found), format!("{:?}", found.err()))
    };
    let changed = |change: &dyn Fn(&mut Mirror)| {
        let mut mirror = good.clone();
        change(&mut mirror);
        mirror
    };
    assert_eq!(judge(&good).await.0, "accepted");
    assert_eq!(judge(&changed(&|mirror| drop(mirror.0.remove(path)))).await.0, "missing");
    assert_eq!(judge(&changed(&|mirror| copy(mirror, "metadata/1.v3.json", path))).await.0, "mixed");
    assert_eq!(judge(&changed(&|mirror| mirror.edit(path, "\"length\":120", "\"length\":121"))).await.0, "forged");
    assert_eq!(judge(&changed(&|mirror| cut(mirror, path))).await.0, "forged");
    assert_eq!(judge(&changed(&|mirror| mirror.put(path, vec![b' '; 1 << 20]))).await.0, "forged");

    let verified = project.verify(&good).await.expect("a good mirror");
    let retired = BundleName::new("v9").expect("a name");
    assert_eq!(word(&verify_bundle(&good, &verified, &retired).await), "missing");

    // Even two maintainers cannot make a reader write elsewhere.
    let target = json!({"hashes": {"sha256": "00".repeat(32)}, "length": 1});
    for odd in [
        "releases/v2/../../x",
        "releases/v2//x",
        "/etc/passwd",
        "releases/v3/x",
        "releases/v2/a\\b",
        "releases/v2/",
        "x",
        "releases/v2/a\u{1b}[2J",
        "releases/v2/%2e%2e/x",
        "metadata/timestamp.json",
    ] {
        let mut role = content(&good.get(path));
        role["targets"][odd] = target.clone();
        let (verdict, reason) = judge(&signed_bundle(&project, &good, &role)).await;
        assert_eq!(verdict, "forged", "{odd}: {reason}");
    }
    let good_name = "releases/v2/x";
    for odd in [
        json!({"hashes": {"sha512": "00"}, "length": 1}),
        json!({"hashes": {"sha256": "00"}, "length": 1}),
        json!({"hashes": {"sha256": "00".repeat(32)}, "length": -1}),
        json!({"length": 1}),
        json!({}),
        json!(null),
        json!({"hashes": {"sha256": "00".repeat(32)}, "length": 1, "custom": {"chunks": ["00".repeat(32)]}}),
        json!({"hashes": {"sha256": "00".repeat(32)}, "length": 1, "custom": {"chunks": "x"}}),
    ] {
        let mut role = content(&good.get(path));
        role["targets"][good_name] = odd.clone();
        let (verdict, reason) = judge(&signed_bundle(&project, &good, &role)).await;
        assert_eq!(verdict, "forged", "{odd}: {reason}");
    }
    let mut role = content(&good.get(path));
    role["x-spartacus"]["signers"] = json!(["../../x"]);
    assert_eq!(judge(&signed_bundle(&project, &good, &role)).await.0, "forged");
}

/// A mirror whose role of bundle v2 says anything, signed by two maintainers and pinned.
fn signed_bundle(project: &Project, good: &Mirror, role: &Value) -> Mirror {
    let mut mirror = good.clone();
    let role = hand_made("v2", 1, role);
    let stored = role.signed(&[role.sign(&project.alice), role.sign(&project.bob)]);
    replace_role(project, &mut mirror, "v2", "metadata/1.v2.json", 1, stored);
    mirror
}

#[tokio::test]
async fn the_list_of_bundles_must_make_sense() {
    let project = Project::new();
    let good = project.mirror(3);
    let changes: [(&str, Change); 9] = [
        ("no list", |list| drop(list.as_object_mut().expect("an object").remove("x-spartacus"))),
        ("a reserved name", |list| list["x-spartacus"]["bundles"][0]["name"] = json!("root")),
        ("not delegated", |list| list["x-spartacus"]["bundles"][0]["name"] = json!("v9")),
        ("newest not listed", |list| list["x-spartacus"]["newest"] = json!("v9")),
        ("not terminating", |list| list["delegations"]["roles"][0]["terminating"] = json!(false)),
        ("delegated twice", |list| list["delegations"]["roles"][1] = list["delegations"]["roles"][0].clone()),
        ("a bad date", |list| list["x-spartacus"]["bundles"][0]["created"] = json!("yesterday")),
        ("unknown key", |list| list["delegations"]["roles"][0]["keyids"][0] = json!("00")),
        ("listed twice", |list| list["x-spartacus"]["bundles"][1] = list["x-spartacus"]["bundles"][0].clone()),
    ];
    for (name, change) in changes {
        let mut list = content(&good.get("metadata/3.targets.json"));
        change(&mut list);
        let role = hand_made("targets", 3, &list);
        let mut mirror = good.clone();
        replace_list(&project, &mut mirror, role.signed(&[role.sign(&project.alice), role.sign(&project.bob)]));
        let found = project.verify(&mirror).await;
        assert_eq!(word(&found), "forged", "{name}: {:?}", found.err());
    }
}
