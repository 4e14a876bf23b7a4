//! What a newcomer tries, and what could mislead her.

use std::fs;

use crate::cli_desk::Desk;
use crate::sshd::Sshd;
use crate::support::schema;

#[test]
fn a_dry_run_of_a_stage_plans_and_leaves_everything_as_it_was() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.write("docs/more.txt", "more\n");
    desk.run(&["bundle", "docs", "--as", "v2"]).ends_with(0);
    desk.run(&["sign", "v2", "--yes"]).ends_with(0);
    // The state file and the lock say who was at work, not what is published.
    let all = || desk.shell("find .spartacus one -type f ! -name 'state.db*' ! -name lock | sort | xargs sha256sum").out;
    let before = all();
    let planned = desk.run(&["push", "v2", "--dry-run"]).ends_with(0);
    for object in ["releases/v2/more.txt  5 B", "metadata/1.v2.json", "metadata/timestamp.json"] {
        assert!(planned.out.contains(object), "{object}: {}", planned.out);
    }
    assert!(!planned.out.contains("releases/v1/README"), "{}", planned.out);
    assert!(planned.out.ends_with("dry run: nothing was sent\n"), "{}", planned.out);
    assert_eq!(all(), before);
    assert!(!desk.path(".spartacus/rehearsal").exists());
    assert_eq!(desk.run(&["push", "v2"]).ends_with(0).headline(), "v2 complete on 1 of 1 mirror");
}

#[test]
fn whoever_signs_sees_which_files() {
    let desk = Desk::with_project();
    for number in 0..30 {
        desk.write(&format!("docs/part/{number:02}"), "some words\n");
    }
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    let shown = desk.run(&["sign", "v1", "--yes"]).ends_with(0).err;
    assert!(shown.contains("\n  releases/v1/README  8 B\n"), "{shown}");
    assert!(shown.contains("\n  and 13 more: all of them are in ./.spartacus/staged/v1/SHA256SUMS\n"), "{shown}");
}

#[test]
fn an_overtaken_stage_is_neither_signed_nor_pushed() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    desk.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    let hint = "hint: spartacus bundle --restage v1 && spartacus sign v1";
    for order in [&["sign", "v1", "--yes"][..], &["push", "v1"], &["push", "v1", "--dry-run"]] {
        let said = desk.run(order).ends_with(5);
        assert!(said.err.contains(hint) && !said.err.contains("removed"), "{}", said.err);
    }
    desk.shell("spartacus bundle --restage v1 && spartacus sign v1 --yes && spartacus push v1").ends_with(0);
}

#[test]
fn an_option_without_effect_is_refused() {
    let desk = Desk::with_targets(&["one"]);
    let said = desk.run(&["status", "--events", "log"]).ends_with(2);
    assert!(said.err.contains("only a push, a repair and a renewal have events to write"), "{}", said.err);
    assert!(!desk.path("log").exists());
}

#[test]
fn what_cannot_be_written_to_stdout_is_not_passed_over() {
    let desk = Desk::with_targets(&["one"]);
    let said = desk.shell("spartacus status > /dev/full").ends_with(1);
    assert!(said.err.contains("No space left on device"), "{}", said.err);
    // Whoever closes the pipe has read enough.
    desk.shell("set -o pipefail; spartacus status | true").ends_with(0);
}

#[tokio::test]
async fn a_key_that_is_not_there_is_told_before_the_entry_is_written() {
    let server = Sshd::start().await;
    let desk = Desk::with_project();
    let before = desk.read("targets.yaml");
    let url = format!("sftp://someone@{}/srv", server.address);
    let said = desk.run(&["target", "add", "one", &url, "--key", "keys/deploi", "--yes"]).ends_with(2);
    assert!(said.err.contains("cannot read the key ./keys/deploi"), "{}", said.err);
    assert!(said.err.contains("keys/deploy_ed25519"), "{}", said.err);
    assert_eq!(desk.read("targets.yaml"), before);
}

#[test]
fn missing_files_are_not_called_altered() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    fs::remove_file(desk.path("one/releases/v1/README")).expect("a mirror of the test's own");
    desk.run(&["check", "--full"]).ends_with(4);
    let status = desk.run(&["status"]).ends_with(0).out;
    assert!(status.contains("INCOMPLETE") && !status.contains("altered"), "{status}");
    desk.run(&["repair"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
}

#[test]
fn a_login_in_an_address_is_refused_and_not_repeated() {
    let desk = Desk::with_targets(&["one"]);
    for place in ["http://u:hunter2@127.0.0.1:1/", "https://127.0.0.1:1/?token=hunter2", "ftp://u:hunter2@127.0.0.1/"] {
        let said = desk.run(&["verify", place, "--root", "1.root.json"]).ends_with(2);
        assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"), "{}{}", said.out, said.err);
        assert!(said.err.contains("hint: "), "{}", said.err);
    }
}

#[test]
fn a_file_without_an_end_is_not_read_to_its_end() {
    let desk = Desk::with_targets(&["one"]);
    let said = desk.run(&["verify", "one", "--root", "/dev/zero"]).ends_with(2);
    assert!(said.err.contains("/dev/zero is longer than"), "{}", said.err);
}

#[test]
fn pausing_targets_does_not_make_fewer_copies_enough() {
    let desk = Desk::with_targets(&["one", "two", "three"]);
    desk.edit("targets.yaml", "replicas: all", "replicas: 3");
    for name in ["two", "three"] {
        desk.edit("targets.yaml", &format!("name: {name}\n"), &format!("name: {name}\n    state: paused\n"));
    }
    let pushed = desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(4);
    assert_eq!(pushed.headline(), "v1 complete on 1 of 3 mirrors, wanted 3");
    assert_eq!(desk.run(&["check"]).ends_with(4).headline(), "v1 current on 1 of 1 mirror, wanted 3");
    desk.run(&["check", "--only", "two"]).ends_with(4);
    // All of those that take part are still all.
    desk.edit("targets.yaml", "replicas: 3", "replicas: all");
    desk.run(&["check"]).ends_with(0);
}

#[test]
fn reports_are_not_written_over_what_the_project_lives_on() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    std::os::unix::fs::symlink(desk.path("targets.yaml"), desk.path("link")).expect("a new link");
    let before = (desk.read("targets.yaml"), desk.read("keys/online.key"), desk.read("keys/maintainer.pub"));
    for order in [
        &["push", "--events", "targets.yaml"][..],
        &["push", "--events", "keys/online.key"],
        &["push", "--events", "./keys/../link"],
        &["sign", "v1", "--yes", "--out", "targets.yaml"],
        &["sign", "v1", "--request-out", "keys/maintainer.pub"],
    ] {
        desk.run(&["push", "docs", "--as", "v0", "--yes"]);
        let said = desk.run(order).ends_with(2);
        assert!(said.err.contains("that would overwrite what belongs to the project"), "{order:?}: {}", said.err);
    }
    assert_eq!((desk.read("targets.yaml"), desk.read("keys/online.key"), desk.read("keys/maintainer.pub")), before);
}

#[test]
fn what_cannot_become_a_project_is_refused_before_anything_is_made() {
    let desk = Desk::empty();
    let init = |words: &[&str]| desk.run(&[&["init", "place"][..], words].concat());
    for (words, told) in [
        (&["--name", "", "--recovery-out", "r.key"][..], "a line of printable text"),
        (&["--name", "two\nlines", "--recovery-out", "r.key"], "a line of printable text"),
        (&["--name", "x", "--recovery-out", "r.key", "--maintainer", "online"], "online is the name of another key"),
        (&["--name", "x", "--recovery-out", "nowhere/r.key"], "the folder nowhere for the recovery key is not there"),
        (&["--name", "x", "--recovery-out", "password"], "a key is never overwritten"),
    ] {
        let said = init(words).ends_with(2);
        assert!(said.err.contains(told) && said.err.contains("hint: "), "{words:?}: {}", said.err);
        assert!(!desk.path("place").exists() && !desk.path("r.key").exists(), "{words:?}");
    }
    init(&["--name", "x", "--recovery-out", "r.key"]).ends_with(0);
}

#[test]
fn a_dry_run_tells_programs_too() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    desk.run(&["sign", "v1", "--yes"]).ends_with(0);
    let plan = schema::expect_command("plan", &desk.run(&["push", "v1", "--dry-run", "--json"]).ends_with(0).out);
    assert_eq!((&plan["schema"], &plan["release"]), (&"spartacus.plan/1".into(), &"v1".into()));
    let objects = plan["targets"][0]["objects"].as_array().expect("a list");
    assert!(objects.iter().any(|object| object["path"] == "releases/v1/README" && object["length"] == 8), "{plan}");
}

#[test]
fn a_push_with_verification_tells_what_became_of_the_push() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    fs::rename(desk.path("one"), desk.path("moved")).expect("a folder of the test's own");
    let said = desk.run(&["push", "--verify"]);
    assert_ne!(said.code, 0);
    assert!(said.out.contains("failed"), "{}{}", said.out, said.err);
}
