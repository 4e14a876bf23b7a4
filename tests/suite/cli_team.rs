//! Three maintainers, two of whom must sign, each on a machine of her own.

use std::fs;
use std::path::Path;

use crate::cli_desk::Desk;

/// A team's project in the folder itself, with Alice's and Carol's secret keys at hand.
fn team() -> Desk {
    let desk = Desk::empty();
    fs::create_dir(desk.path("people")).expect("a new folder");
    for name in ["alice", "bob", "carol"] {
        desk.run(&["key", "new", name, "--out", &format!("people/{name}.key")]).ends_with(0);
    }
    // Bob lives elsewhere: only his public key is known here.
    fs::remove_file(desk.path("people/bob.key")).expect("his key was here");
    let keys = ["people/alice.pub", "people/bob.pub", "people/carol.pub"];
    let mut words = vec!["init", "--name", "team", "--threshold", "2"];
    words.extend(keys.iter().flat_map(|key| ["--maintainer-key", *key]));
    let made = desk.run(&words).ends_with(0);
    assert!(made.out.contains("spartacus sign v1 --key FILE") && !made.out.contains("stage, sign and push"), "{}", made.out);
    desk.write("docs/README", "read me\n");
    fs::create_dir(desk.path("mirror")).expect("a new folder");
    let url = format!("folder:{}", desk.path("mirror").display());
    desk.run(&["target", "add", "mirror", &url]).ends_with(0);
    desk
}

#[test]
fn two_of_three_must_sign_before_anything_is_pushed() {
    let desk = team();
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    let first = desk.run(&["sign", "v1", "--yes", "--key", "people/alice.key"]).ends_with(0);
    assert!(first.err.contains("may sign: alice, bob, carol (2 needed); signed by: none"), "{}", first.err);
    assert_eq!(first.out, "v1 has 1 signature, needs 2\nnext: another maintainer runs spartacus sign v1\n");
    desk.run(&["push", "v1"]).complains(6, "error: v1 has 1 signature, needs 2\nhint: spartacus sign v1");
    assert!(!desk.path("mirror/metadata/timestamp.json").exists());

    let second = desk.run(&["sign", "v1", "--yes", "--key", "people/carol.key"]).ends_with(0);
    assert_eq!(second.out, "v1 is signed\nnext: spartacus push v1\n");
    assert_eq!(desk.run(&["push", "v1", "--verify"]).ends_with(0).headline(), "v1 verified on 1 of 1 mirror");
    for file in ["SHA256SUMS.alice.minisig", "SHA256SUMS.carol.sshsig"] {
        assert!(desk.path("mirror/releases/v1").join(file).exists(), "{file}");
    }
}

#[test]
fn a_signature_made_on_another_machine_travels_as_one_file() {
    let desk = team();
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    let hers = desk.path("hers");
    copy(desk.path(".spartacus").as_path(), &hers.join(".spartacus"));
    copy(desk.path("keys").as_path(), &hers.join("keys"));
    let there = ["--config", "hers/targets.yaml"];

    let out = ["sign", "v1", "--yes", "--key", "people/carol.key", "--out", "carol.sig"];
    let signed = desk.run(&[&out[..], &there].concat()).ends_with(0);
    assert!(signed.err.contains("spartacus sign v1 --add carol.sig"), "{}", signed.err);
    desk.run(&["sign", "v1", "--yes", "--key", "people/alice.key"]).ends_with(0);
    assert_eq!(desk.run(&["sign", "v1", "--add", "carol.sig"]).ends_with(0).out, "v1 is signed\nnext: spartacus push v1\n");
    desk.run(&["sign", "v1", "--add", "docs/README"]).complains(
        2,
        "error: docs/README is not a signature file\n\
         hint: the other maintainer makes it with: spartacus sign v1 --key FILE --out docs/README",
    );
    desk.run(&["sign", "v1", "--add", "nowhere"])
        .complains(2, "error: cannot read nowhere\n  caused by: No such file or directory (os error 2)");
    desk.run(&["push", "v1"]).ends_with(0);
}

#[test]
fn a_second_maintainer_rebuilds_the_stage_from_her_own_tree() {
    let desk = team();
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    desk.run(&["sign", "v1", "--request-out", "v1.request"]).ends_with(0);
    desk.run(&["sign", "v1", "--yes", "--key", "people/alice.key"]).ends_with(0);
    // Carol has the project's public files and the folder, not the stage.
    let hers = desk.path("hers");
    copy(desk.path(".spartacus/metadata").as_path(), &hers.join(".spartacus/metadata"));
    copy(desk.path("keys").as_path(), &hers.join("keys"));
    copy(desk.path("docs").as_path(), &hers.join("docs"));
    let there = ["--config", "hers/targets.yaml"];
    let rebuild = [&["bundle", "hers/docs", "--as", "v1", "--request", "v1.request"], &there[..]].concat();

    desk.write("hers/docs/README", "other words\n");
    desk.write("hers/docs/late", "late\n");
    desk.run(&rebuild).complains(
        6,
        "error: what was rebuilt of v1 is not what the request asks to sign\n  README: other bytes\n  late: only here\n\
         hint: sign nothing before you know why; if only the list of bundles differs, your copy of .spartacus/metadata is \
         older or newer than theirs",
    );
    assert!(!hers.join(".spartacus/staged/v1").exists(), "something else was staged");

    fs::remove_file(hers.join("docs/late")).expect("it was written");
    desk.write("hers/docs/README", "read me\n");
    desk.run(&rebuild).ends_with(0);
    let out = ["sign", "v1", "--yes", "--key", "people/carol.key", "--out", "carol.sig"];
    desk.run(&[&out[..], &there].concat()).ends_with(0);
    assert_eq!(desk.run(&["sign", "v1", "--add", "carol.sig"]).ends_with(0).out, "v1 is signed\nnext: spartacus push v1\n");
    desk.run(&["push", "v1"]).ends_with(0);

    // A request upon a list of bundles that she does not have.
    desk.write("docs/README", "second edition\n");
    desk.run(&["bundle", "docs", "--as", "v2"]).ends_with(0);
    desk.run(&["sign", "v2", "--request-out", "v2.request"]).ends_with(0);
    let stale = [&["bundle", "docs", "--as", "v2", "--request", "v2.request"], &there[..]].concat();
    let refused = desk.run(&stale).ends_with(6);
    assert!(refused.err.contains("\n  the list of bundles: 1 (sha256 "), "{}", refused.err);
    desk.run(&["bundle", "docs", "--as", "v3", "--request", "v2.request"])
        .complains(2, "error: v2.request is a request to sign v2, not v3");
    desk.run(&["bundle", "docs", "--as", "v3", "--request", "docs/README"]).complains(
        2,
        "error: docs/README is not a request to sign\n\
         hint: the other maintainer makes it with: spartacus sign v3 --request-out docs/README",
    );
}

#[test]
fn a_new_key_never_takes_the_place_of_a_colleagues_public_key() {
    let desk = team();
    let before = desk.read("keys/bob.pub");
    desk.run(&["key", "new", "bob"]).complains(
        2,
        "error: ./keys/bob.pub exists, and a key is never overwritten\n\
         hint: choose another place: --out FILE",
    );
    assert_eq!(desk.read("keys/bob.pub"), before);
    assert!(!desk.path("keys/bob.key").exists());
    // A secret key that is in the way leaves no public half of another one.
    desk.write("dave.key", "");
    desk.run(&["key", "new", "dave", "--out", "dave.key"]).ends_with(2);
    assert!(!desk.path("dave.pub").exists());
}

#[test]
fn pushing_the_same_folder_again_keeps_what_others_signed_meanwhile() {
    let desk = team();
    let push = ["push", "docs", "--as", "v1", "--yes", "--key", "people/alice.key"];
    desk.run(&push).ends_with(6);
    desk.run(&["sign", "v1", "--yes", "--key", "people/carol.key"]).ends_with(0);
    let pushed = desk.run(&push).ends_with(0);
    assert!(!pushed.err.contains("may sign"), "it was asked for again:\n{}", pushed.err);
}

#[test]
fn after_a_restage_both_signatures_are_counted() {
    let desk = team();
    for name in ["early", "late"] {
        desk.run(&["bundle", "docs", "--as", name]).ends_with(0);
        desk.run(&["sign", name, "--yes", "--key", "people/alice.key"]).ends_with(0);
        desk.run(&["sign", name, "--yes", "--key", "people/carol.key"]).ends_with(0);
    }
    desk.run(&["push", "early"]).ends_with(0);
    desk.run(&["bundle", "--restage", "late"]).ends_with(0);
    let again = desk.run(&["sign", "late", "--yes", "--key", "people/alice.key"]).ends_with(0);
    let expected = "(2 needed); signed by: none; without the list of bundles, which is new: alice, carol\n";
    assert!(again.err.contains(expected), "{}", again.err);
    assert_eq!(again.out, "targets has 1 signature, needs 2\nnext: another maintainer runs spartacus sign late\n");
}

#[test]
fn a_signature_on_other_bytes_is_refused() {
    let desk = team();
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    desk.run(&["sign", "v1", "--yes", "--key", "people/carol.key", "--out", "carol.sig"]).ends_with(0);
    desk.write("docs/README", "other words\n");
    desk.run(&["bundle", "docs", "--as", "v2"]).ends_with(0);
    desk.run(&["sign", "v2", "--add", "carol.sig"])
        .complains(2, "error: carol.sig is a signature on v1, not on v2\nhint: spartacus sign v1 --add carol.sig");
    desk.edit("carol.sig", "\"bundle\":\"v1\"", "\"bundle\":\"v2\"");
    let refused = desk.run(&["sign", "v2", "--add", "carol.sig"]).ends_with(6);
    assert!(refused.err.contains("is not one of the staged v2\nhint: other bytes were signed: "), "{}", refused.err);
    // Bob's own key may sign, a stranger's may not.
    desk.run(&["key", "new", "mallory", "--out", "mallory.key"]).ends_with(0);
    let stranger = desk.run(&["sign", "v2", "--yes", "--key", "mallory.key"]).ends_with(6);
    assert!(stranger.err.ends_with("may not sign v2\nhint: spartacus key list   says whose keys may\n"), "{}", stranger.err);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            self::copy(&source, &copy);
        } else {
            fs::copy(source, copy).expect("a copy");
        }
    }
}
