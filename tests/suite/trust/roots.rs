//! Changes of root (threats T08, T10, T11).

use bytes::Bytes;
use serde_json::json;
use spartacus::trust::role::{self, RoleKeys};
use spartacus::trust::{MAX_ROOT_CHANGES, Rejection, SigningKey, Unsigned, verify};

use super::mirror::{Mirror, Project, content, hand_made, now, word};

/// A root in which `key` takes alice's place.
fn successor(project: &Project, version: u64, key: &SigningKey) -> Unsigned {
    let keys = [key, &project.bob, &project.carol].map(|key| key.public().clone()).to_vec();
    let mut spec = project.root_spec(version, project.online.public());
    spec.root = RoleKeys { keys, threshold: 2 };
    role::root(&spec).expect("a root")
}

#[tokio::test]
async fn a_root_follows_only_with_both_thresholds() {
    let project = Project::new();
    let (dave, eve) = (SigningKey::generate("dave").expect("a key"), SigningKey::generate("eve").expect("a key"));
    let cases: [(&str, Vec<&SigningKey>, &str); 5] = [
        ("bob and carol stand in both", vec![&project.bob, &project.carol], "accepted"),
        ("only the old root's threshold", vec![&project.alice, &project.bob], "forged"),
        ("only the new root's threshold", vec![&dave, &project.bob], "forged"),
        ("alice for the old, dave for the new, bob for both", vec![&project.alice, &dave, &project.bob], "accepted"),
        ("strangers", vec![&dave, &eve], "forged"),
    ];
    for (name, signers, expected) in cases {
        let mut mirror = project.mirror(1);
        mirror.role(&successor(&project, 2, &dave), &signers);
        let found = project.verify(&mirror).await;
        assert_eq!(word(&found), expected, "{name}: {:?}", found.err());
        if let Ok(found) = found {
            assert_eq!((found.root_version, found.roots.len()), (2, 1));
        }
    }

    let mut skipped = project.mirror(1);
    let third = successor(&project, 3, &dave);
    skipped.put("metadata/2.root.json", third.signed(&[third.sign(&project.bob), third.sign(&project.carol)]));
    assert_eq!(word(&project.verify(&skipped).await), "forged", "a root was skipped");
    let mut again = project.mirror(1);
    again.put("metadata/2.root.json", project.pin());
    assert_eq!(word(&project.verify(&again).await), "forged", "the same root again");
}

#[tokio::test]
async fn one_public_key_under_two_ids_is_refused() {
    let project = Project::new();
    let alice = project.alice.public().key_id().to_string();
    let bob = project.bob.public().key_id().to_string();
    for role in ["root", "targets"] {
        let mut root = content(&project.pin());
        root["version"] = json!(2);
        // Bob's id now names alice's key: with her one signature under both ids sigstore-tuf would count two.
        root["keys"][&bob] = root["keys"][&alice].clone();
        root["roles"][role]["keyids"] = json!([alice, bob]);
        let mut mirror = project.mirror(1);
        let unsigned = hand_made("root", 2, &root);
        let mut twice = unsigned.sign(&project.alice);
        twice.keyid = project.bob.public().key_id();
        mirror
            .put("metadata/2.root.json", unsigned.signed(&[unsigned.sign(&project.alice), twice, unsigned.sign(&project.carol)]));
        match project.verify(&mirror).await {
            Err(Rejection::Forged { reason, .. }) => assert!(reason.contains("names one public key twice"), "{reason}"),
            other => panic!("{role}: {other:?}"),
        }
    }

    let mut upper = content(&project.pin());
    upper["keys"][&bob]["keyval"]["public"] = json!(hex::encode_upper(project.alice.public().as_bytes()));
    let pinned = hand_made("root", 1, &upper);
    let pinned = pinned.signed(&[pinned.sign(&project.alice), pinned.sign(&project.carol)]);
    assert_eq!(word(&verify(&project.mirror(1), &pinned, now(), None).await), "forged", "in capital letters");
}

#[tokio::test]
async fn a_pin_that_does_not_hold_is_refused() {
    let project = Project::new();
    let mirror = project.mirror(1);
    let root = project.root(1);
    let one = root.signed(&[root.sign(&project.alice)]);
    let mut loose = content(&project.pin());
    loose["consistent_snapshot"] = json!(false);
    let loose = hand_made("root", 1, &loose);
    let loose = loose.signed(&[loose.sign(&project.alice), loose.sign(&project.bob)]);
    for (name, pin) in
        [("one signature", one), ("nothing", Bytes::new()), ("a list", mirror.get("metadata/1.targets.json")), ("loose", loose)]
    {
        assert_eq!(word(&verify(&mirror, &pin, now(), None).await), "forged", "{name}");
    }
    assert_eq!(word(&verify(&mirror, &Project::new().pin(), now(), None).await), "forged", "another project's root");
}

#[tokio::test]
async fn a_chain_of_roots_is_followed_but_not_for_ever() {
    let project = Project::new();
    let mut mirror: Mirror = project.mirror(1);
    let most = MAX_ROOT_CHANGES as u64;
    for version in 2..=most + 1 {
        mirror.role(&project.root(version), &[&project.alice, &project.bob]);
    }
    let found = project.verify(&mirror).await.expect("256 changes");
    assert_eq!((found.root_version, found.roots.len()), (most + 1, MAX_ROOT_CHANGES));

    mirror.role(&project.root(most + 2), &[&project.alice, &project.bob]);
    let found = project.verify(&mirror).await.expect_err("257 changes");
    assert!(matches!(&found, Rejection::Unreadable(error) if error.to_string().contains("pin a newer root")), "{found:?}");

    // A newer pin goes on from there.
    let pin = mirror.get("metadata/200.root.json");
    let found = verify(&mirror, &pin, now(), None).await.expect("a newer pin");
    assert_eq!((found.root_version, found.roots.len()), (most + 2, 58));
}
