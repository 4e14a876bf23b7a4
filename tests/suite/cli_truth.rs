//! What commands claim of mirrors, held against what lies there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use spartacus::base::Sha256;

use crate::cli_desk::Desk;

/// Changes a byte of a file and keeps its length.
fn alter(desk: &Desk, name: &str) {
    let mut bytes = desk.read(name).into_bytes();
    bytes[0] ^= 1;
    fs::write(desk.path(name), bytes).expect("a mirror of the test's own");
}

#[test]
fn a_repair_remembers_what_was_proven_bad_and_forgets_what_it_mended() {
    let desk = Desk::with_targets(&["one"]);
    for number in 0..200 {
        desk.write(&format!("docs/part/{number}"), "some words\n");
    }
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    for number in 0..200 {
        alter(&desk, &format!("one/releases/v1/part/{number}"));
    }
    desk.run(&["check", "--full"]).ends_with(6);
    // The pointer is right, so a check of the metadata finds nothing; and a push finds nothing to do.
    desk.run(&["check"]).ends_with(0);
    desk.run(&["push"]).ends_with(0);
    let status = desk.run(&["status"]).ends_with(0);
    assert_eq!(status.headline(), "last known: v1 current on 0 of 1 mirror, wanted 1");
    assert!(status.out.contains("CURRENT, 200 altered"), "{}", status.out);

    desk.run(&["repair"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
    let again = desk.run(&["repair", "--json"]).ends_with(0);
    assert!(again.out.contains("\"objects_sent\":0") || again.out.contains("\"objects_sent\": 0"), "{}", again.out);
}

#[test]
fn a_repair_that_mended_everything_has_nothing_to_send_the_next_night() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    alter(&desk, "one/releases/v1/README");
    desk.run(&["check", "--full"]).ends_with(6);
    desk.run(&["repair"]).ends_with(0);
    assert_eq!(desk.run(&["status"]).ends_with(0).headline(), "last known: v1 complete on 1 of 1 mirror");
    let again = desk.run(&["repair", "--json"]).ends_with(0);
    assert!(again.out.contains("unchanged"), "{}", again.out);
}

#[test]
fn a_rotten_object_of_our_own_goes_nowhere_and_staging_again_mends_it() {
    let desk = Desk::with_targets(&["one", "two"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes", "--only", "one"]).ends_with(0);
    let object = format!(".spartacus/objects/{}", Sha256::of(b"read me\n"));
    fs::set_permissions(desk.path(&object), fs::Permissions::from_mode(0o644)).expect("our own file");
    alter(&desk, &object);

    let said = desk.run(&["push"]).ends_with(4);
    assert!(said.out.contains("has other bytes than were signed"), "{}", said.out);
    assert!(said.out.contains("spartacus bundle FOLDER --as v1"), "{}", said.out);
    assert!(!desk.path("two/releases/v1/README").exists(), "it was not sent");

    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    assert_eq!(desk.read(&object), "read me\n");
    desk.run(&["push"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
}

#[test]
fn a_run_that_cannot_be_written_down_is_told_all_the_same() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["status"]).ends_with(0);
    let state = rusqlite::Connection::open(desk.path(".spartacus/state.db")).expect("status made it");
    let broken = "CREATE TRIGGER no_end BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    state.execute_batch(broken).expect("the state file is a database");
    let said = desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(1);
    assert_eq!(said.headline(), "v1 complete on 1 of 1 mirror");
    assert!(said.err.contains("the disk is full"), "{}", said.err);
    let noted: i64 = state.query_row("SELECT count(*) FROM outcomes", [], |row| row.get(0)).expect("a count");
    assert_eq!(noted, 1, "the outcome was written when the target was done");
}

#[test]
fn a_fifo_in_a_copy_holds_nobody_up() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    for name in ["metadata/2.root.json", "releases/v1/README"] {
        let fifo = desk.path("one").join(name);
        // One of them is in the way of a file.
        let _ = fs::remove_file(&fifo);
        desk.shell(&format!("mkfifo {}", fifo.display())).ends_with(0);
    }
    let verify = ["60", env!("CARGO_BIN_EXE_spartacus"), "verify", "one", "--root", "1.root.json", "--full"];
    let said = desk.shell(&format!("timeout {}", verify.join(" "))).ends_with(7);
    assert!(said.out.contains("releases/v1/README"), "{}", said.out);
}

#[test]
fn a_check_covers_what_readers_without_the_program_need() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    let signature = fs::read_dir(desk.path("one/releases/v1"))
        .expect("the mirror's folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .find(|name| name.ends_with(".minisig"))
        .expect("a signature for people");
    alter(&desk, &format!("one/releases/v1/{signature}"));
    fs::remove_file(desk.path("one/metadata/1.root.json")).expect("the first root is there");
    let said = desk.run(&["check", "--full"]).ends_with(6);
    assert!(said.out.contains(&signature) && said.out.contains("metadata/1.root.json"), "{}", said.out);
    desk.run(&["repair"]).ends_with(0);
    assert_eq!(desk.run(&["check", "--full"]).ends_with(0).headline(), "v1 verified on 1 of 1 mirror");
}
