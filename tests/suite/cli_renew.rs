//! New timestamps, and rounds that must not meet.

use std::fs::File;

use crate::cli_desk::Desk;
use crate::support::schema;

fn published() -> Desk {
    let desk = Desk::with_targets(&["paris", "lyon"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

fn version(desk: &Desk, mirror: &str) -> u64 {
    let pointer: serde_json::Value =
        serde_json::from_str(&desk.read(&format!("{mirror}/metadata/timestamp.json"))).expect("JSON");
    pointer["signed"]["version"].as_u64().expect("a number")
}

#[test]
fn a_new_timestamp_goes_to_every_mirror() {
    let desk = published();
    let forecast = desk.run(&["renew", "--dry-run"]).ends_with(0);
    assert!(forecast.out.starts_with("timestamp 2, until 20"), "{}", forecast.out);
    assert!(forecast.out.contains(" would replace timestamp 1, until 20"), "{}", forecast.out);
    assert!(forecast.out.ends_with("lyon: 0 objects, 0 B\ndry run: nothing was sent\n"), "{}", forecast.out);
    assert_eq!(version(&desk, "paris"), 1);

    let renewed = desk.run(&["renew", "--json"]).ends_with(0);
    schema::expect_run(&renewed.out);
    let report: serde_json::Value = serde_json::from_str(&renewed.out).expect("one JSON object");
    assert_eq!((&report["kind"], &report["version"]), (&"renew".into(), &2.into()));
    for outcome in report["outcomes"].as_array().expect("a list") {
        assert_eq!(
            (&outcome["ending"], &outcome["objects_sent"].as_u64().is_some_and(|sent| sent >= 1)),
            (&"done".into(), &true)
        );
    }
    assert_eq!((version(&desk, "paris"), version(&desk, "lyon")), (2, 2));
    desk.run(&["check", "--full"]).ends_with(0);

    // Half its life is not gone: nothing new is signed.
    let not_due = desk.run(&["renew", "--if-due", "--dry-run"]).ends_with(0);
    assert!(not_due.out.starts_with("timestamp 2 lasts until 20"), "{}", not_due.out);
    let kept = desk.run(&["renew", "--if-due"]).ends_with(0);
    assert!(kept.out.contains("unchanged"), "{}", kept.out);
    assert_eq!(version(&desk, "paris"), 2);
}

#[test]
fn a_mirror_that_cannot_be_renewed_does_not_hold_up_the_other() {
    let desk = published();
    desk.edit("targets.yaml", &format!("path: {}", desk.path("lyon").display()), "path: /nowhere/at/all");
    let renewed = desk.run(&["renew"]).ends_with(4);
    assert_eq!(renewed.headline(), "v1 complete on 1 of 2 mirrors, wanted 2", "{}", renewed.out);
    assert_eq!(version(&desk, "paris"), 2);
}

#[test]
fn nothing_can_be_renewed_before_something_was_published() {
    let desk = Desk::with_targets(&["paris"]);
    let expected = "error: nothing was published yet\nhint: spartacus push FOLDER --as v1";
    desk.run(&["renew"]).complains(2, expected);
    desk.run(&["renew", "--dry-run"]).complains(2, expected);
}

#[test]
fn a_round_that_finds_another_one_is_skipped_and_a_push_is_not() {
    let desk = published();
    let held = File::create(desk.path(".spartacus/round.lock")).expect("the lock can be made");
    held.lock().expect("nobody has it");
    let skipped = desk.run(&["check"]).ends_with(5);
    assert!(skipped.err.starts_with("error: this round is skipped: "), "{}", skipped.err);
    assert!(skipped.err.ends_with("looks at the mirrors already\nhint: what it finds: spartacus status\n"), "{}", skipped.err);
    assert!(desk.run(&["check", "--nagios"]).ends_with(3).out.starts_with("SPARTACUS UNKNOWN - this round is skipped"));
    desk.run(&["push"]).ends_with(0);
    drop(held);
    desk.run(&["check", "--jitter", "10ms"]).ends_with(0);
}

#[test]
fn a_jitter_is_a_length_of_time_and_a_signal_ends_it() {
    let desk = published();
    assert!(desk.run(&["check", "--jitter", "soon"]).ends_with(2).err.contains("write it as 30s, 5m or 1h"));
    // Far longer than a test may take; the random share of it is below a second once in a hundred million times.
    let line = "spartacus check --jitter 30000h 2> said & check=$!
         until grep -q 'the round begins in' said; do kill -0 $check || exit 99; done
         kill -s TERM $check
         wait $check";
    desk.shell(line).ends_with(143);
    assert!(desk.read("said").ends_with("error: cancelled before the round began\n"), "{}", desk.read("said"));
}
