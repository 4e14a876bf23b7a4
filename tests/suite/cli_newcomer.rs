//! What a newcomer tries, and what could mislead her.

use std::fs;

use crate::cli_desk::Desk;
use crate::sshd::Sshd;

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
    assert!(said.err.contains("only a push or a repair has events to write"), "{}", said.err);
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
