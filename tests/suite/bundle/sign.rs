//! Signatures: who may, how many must, and what they see before they do.

use std::ops::ControlFlow;

use spartacus::bundle::{BundleError, CoSignature, Collected, Trouble, stage};
use spartacus::trust::SigningKey;

use super::{Workshop, moment, spec, staged, write};

#[tokio::test]
async fn two_of_three_sign_at_different_times_and_places() {
    let workshop = Workshop::of(3);
    let tree = workshop.tree("tree", 1);
    let here = staged(workshop.stage(&tree, "v1").await.expect("staged"));
    let held = workshop.project.lock().expect("the lock");
    here.sign(&workshop.project, &held, &workshop.people[0]).expect("alice signs");
    let error = here.signed(&workshop.project).expect_err("one is not enough");
    assert_eq!(error.to_string(), "v1 has 1 signature, needs 2");
    assert_eq!(error.trouble(), Trouble::Signature);
    // Signing twice does not make two.
    here.sign(&workshop.project, &held, &workshop.people[0]).expect("alice signs again");
    assert!(here.signed(&workshop.project).is_err());

    // What Carol sends back is text. Meanwhile the folder was staged as something else, and then as it was.
    let line = here.sign(&workshop.project, &held, &workshop.people[2]).expect("carol signs");
    let text = serde_json::to_string(&line).expect("text");
    let again = |tree: &camino::Utf8Path| {
        let collected = Collected::from_folder(tree).expect("a good tree");
        staged(
            stage(&workshop.project, &held, &collected, &spec("v1"), None, &|_| ControlFlow::Continue(())).expect("staged again"),
        )
    };
    assert!(again(&workshop.tree("other", 2)).signed(&workshop.project).is_err(), "other files begin without signatures");
    let rebuilt = again(&tree);
    assert!(rebuilt.signed(&workshop.project).is_err(), "signatures came back from nowhere");
    rebuilt.sign(&workshop.project, &held, &workshop.people[0]).expect("alice signs");
    let received: CoSignature = serde_json::from_str(&text).expect("what was sent");
    for (minisig, sshsig) in [(String::new(), received.sshsig.clone()), (received.minisig.clone(), String::from("-----"))] {
        let spoilt = CoSignature { minisig, sshsig, ..received.clone() };
        let error = rebuilt.add(&workshop.project, &held, &spoilt).expect_err("people could not verify that");
        assert!(matches!(error, BundleError::BadSignature { role, .. } if role == "SHA256SUMS"));
    }
    rebuilt.add(&workshop.project, &held, &received).expect("it fits the rebuilt bytes");
    assert_eq!(rebuilt.signed(&workshop.project).expect("two signatures").name().as_str(), "v1");
    let summary = rebuilt.summary(&workshop.project, None).expect("a summary");
    assert_eq!((summary.signed_by, summary.threshold), (vec!["alice".to_owned(), "carol".to_owned()], 2));
}

#[tokio::test]
async fn strangers_and_signatures_on_other_bytes_are_refused() {
    let workshop = Workshop::of(1);
    let tree = workshop.tree("tree", 1);
    let first = staged(workshop.stage(&tree, "v1").await.expect("staged"));
    let held = workshop.project.lock().expect("the lock");
    let mallory = SigningKey::generate("alice").expect("a key");
    let error = first.sign(&workshop.project, &held, &mallory).expect_err("a stranger");
    assert!(matches!(error, BundleError::Stranger { .. }), "{error}");
    let signature = first.sign(&workshop.project, &held, &workshop.people[0]).expect("signed");
    drop(held);
    write(&tree.join("README"), b"other");
    let second = staged(workshop.stage(&tree, "v1").await.expect("staged"));
    let held = workshop.project.lock().expect("the lock");
    let error = second.add(&workshop.project, &held, &signature).expect_err("other bytes");
    assert!(matches!(error, BundleError::BadSignature { .. }), "{error}");
    assert!(second.signed(&workshop.project).is_err());
}

#[tokio::test]
async fn the_summary_tells_what_the_signed_bytes_say() {
    let workshop = Workshop::of(1);
    workshop.publish(&workshop.tree("one", 1), "v1").await;
    let stage = staged(workshop.stage(&workshop.tree("two", 2), "v2").await.expect("staged"));
    let summary = stage.summary(&workshop.project, workshop.published().await.as_ref()).expect("a summary");
    assert_eq!((summary.added, summary.removed), (vec!["v2".to_owned()], Vec::new()));
    assert!(summary.keys_changed.is_empty());
    assert_eq!((summary.files, summary.list_version), (5, 2));
    assert_eq!(summary.bytes, stage.bytes());
    assert_eq!(summary.keys, ["alice"]);
    assert_eq!(summary.list_expires, moment(3 * 365));
    assert_eq!(summary.role_expires, moment(36_500));
}
