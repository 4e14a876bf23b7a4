//! Programs that are told.

use std::fs;
use std::time::{Duration, Instant};

use super::{Fleet, KEEP, assert_unseen, events};
use crate::support::process::wait_until;
use crate::support::schema;

/// Handed to us by whoever starts us, and nobody else's business.
const CANARY: &str = "canary-environment-5Hq8";

fn program(fleet: &Fleet, name: &str, script: &str) -> String {
    fleet.desk.write(name, script);
    fs::create_dir_all(fleet.desk.path("kept")).expect("a folder of the test's own");
    let (script, kept) = (fleet.desk.path(name), fleet.desk.path("kept"));
    format!("command: [/bin/sh, {}, {}]", script.display(), kept.display())
}

#[test]
fn a_program_reads_the_event_and_gets_nothing_else_of_ours() {
    let mut fleet = Fleet::new();
    let script = format!("env > \"$1/environment\"; tr '\\0' ' ' < /proc/$$/cmdline > \"$1/arguments\"\n{KEEP}");
    let command = program(&fleet, "note.sh", &script);
    fleet.routes(&[format!("{{name: log, {command}}}")]);
    fleet.desk.set("API_TOKEN", CANARY);
    fleet.desk.set("RUST_LOG", "trace");
    let dead = fleet.away("paris");
    let said = fleet.round().ends_with(4);

    let kept = fleet.desk.path("kept");
    let told = events(&kept);
    assert_eq!(told.len(), 1, "one message for all: {told:?}");
    assert_eq!((&told[0]["urgency"], &told[0]["audience"]), (&"critical".into(), &"maintainer".into()));
    assert_eq!(told[0]["title"], "[demo] too few good copies, paris is unreachable");
    let conditions: Vec<&str> =
        told[0]["items"].as_array().expect("a list").iter().filter_map(|item| item["condition"].as_str()).collect();
    assert_eq!(conditions, ["replication", "unreachable"]);
    assert_eq!(told[0]["to"], serde_json::json!([]));
    let names: Vec<String> =
        fleet.desk.read("kept/environment").lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    // What the shell sets by itself, and what it is given.
    let expected = ["HOME", "LANG", "OLDPWD", "PATH", "PWD", "SHLVL", "TMPDIR", "TZ", "_"];
    assert!(names.iter().all(|name| expected.contains(&name.as_str())), "{names:?}");
    assert_unseen(
        &fleet.desk,
        &[CANARY],
        &[&said],
        &["kept/environment", "kept/arguments", "kept/0.json", ".spartacus/state.db"],
    );

    // It lasts: nothing new. It is over: that is told once.
    fleet.round();
    assert_eq!(events(&kept).len(), 1);
    fleet.back("paris", &dead);
    fleet.round();
    fleet.round();
    fleet.round();
    let told = events(&kept);
    let until: Vec<bool> =
        told.iter().flat_map(|event| event["items"].as_array().expect("a list")).map(|item| item["until"].is_null()).collect();
    assert_eq!(until, [true, true, false, false], "{told:?}");
    let fingerprint = |condition: &str, nth: usize| {
        let of = told
            .iter()
            .flat_map(|event| event["items"].as_array().expect("a list"))
            .filter(|item| item["condition"] == condition);
        of.map(|item| item["fingerprint"].clone()).nth(nth).expect("told twice")
    };
    assert_eq!(fingerprint("unreachable", 0), fingerprint("unreachable", 1));
    assert_eq!(fleet.route("log")["sent"], told.len());
}

#[test]
fn a_program_that_fails_is_tried_in_the_next_round_and_told_once() {
    let fleet = Fleet::new();
    let script = format!("if test -e \"$1/broken\"; then echo 'the bell is broken' >&2; exit 3; fi\n{KEEP}");
    let command = program(&fleet, "ring.sh", &script);
    fleet.routes(&[format!("{{name: bell, on: [unreachable], {command}}}")]);
    fleet.desk.write("kept/broken", "");
    fleet.away("paris");
    let why = "/bin/sh ended with exit status: 3: the bell is broken";
    let said = fleet.round().ends_with(4);
    assert!(said.err.contains(&format!("alert route bell failed, and is tried again later: {why}")), "{}", said.err);

    let route = fleet.route("bell");
    assert_eq!((&route["waiting"], &route["failed"], &route["error"]), (&1.into(), &1.into(), &why.into()));
    assert!(!route["failing_since"].is_null());
    let status = fleet.desk.run(&["status"]).ends_with(0);
    assert!(status.out.contains("alert route bell fails since 2"), "{}", status.out);
    assert!(status.out.contains(why), "{}", status.out);
    let list = fleet.desk.run(&["alert", "list"]).ends_with(0);
    assert!(list.out.contains("bell: [demo] paris is unreachable (next try 2"), "{}", list.out);

    // Not at once, but in the round after five minutes. The bell still does not ring.
    fleet.round_after("+1m");
    assert_eq!(fleet.route("bell")["failed"], 1);
    fleet.round_after("+5m");
    assert_eq!(fleet.route("bell")["failed"], 2);
    fs::remove_file(fleet.desk.path("kept/broken")).expect("a file of the test's own");
    // Twice as long a pause as before; then once, and never again.
    fleet.round_after("+10m");
    assert_eq!(fleet.route("bell")["waiting"], 1);
    fleet.round_after("+14m");
    fleet.round_after("+20m");
    let told = events(&fleet.desk.path("kept"));
    assert_eq!(told.len(), 1, "{told:?}");
    let route = fleet.route("bell");
    assert_eq!((&route["waiting"], &route["sent"], &route["failed"]), (&0.into(), &1.into(), &2.into()));
    assert!(route["failing_since"].is_null() && route["error"].is_null());
    assert!(!fleet.desk.run(&["status"]).ends_with(0).out.contains("alert route"));
}

#[test]
fn a_program_that_hangs_is_ended_and_keeps_nobody_else_from_hearing() {
    let fleet = Fleet::new();
    let hangs = program(&fleet, "hang.sh", "sleep 1000 & echo $$ $! > \"$1/pid.part\"; mv \"$1/pid.part\" \"$1/pids\"; wait\n");
    let keeps = program(&fleet, "keep.sh", KEEP);
    fleet.routes(&[format!("{{name: slow, {hangs}}}"), format!("{{name: good, {keeps}}}")]);
    fleet.away("paris");
    let kept = fleet.desk.path("kept");
    let begun = Instant::now();
    let said = std::thread::scope(|scope| {
        let round = scope.spawn(|| fleet.round());
        wait_until("the program hangs and the other one was told", || kept.join("pids").exists() && kept.join("0.json").exists());
        // Two processes that send at once would tell the same twice.
        let second = fleet.desk.run(&["alert", "send"]).ends_with(5);
        assert!(second.err.contains("sends alerts already"), "{}", second.err);
        round.join().expect("the thread of the round")
    });
    let said = said.ends_with(4);
    assert!(said.err.contains("alert route slow failed, and is tried again later: not done within 30 s"), "{}", said.err);
    assert!(begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
    let pids = fleet.desk.read("kept/pids");
    assert_eq!(pids.split_whitespace().count(), 2);
    for pid in pids.split_whitespace() {
        // One that was ended and not waited for yet shows as a zombie.
        let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        wait_until("the program is gone with all that it started", || state().is_empty() || state().contains(") Z "));
    }
    assert_eq!(events(&kept).len(), 1);
    assert_eq!((&fleet.route("slow")["waiting"], &fleet.route("good")["sent"]), (&1.into(), &1.into()));
}

#[test]
fn a_rehearsal_and_a_test_say_what_they_do_and_the_first_sends_nothing() {
    let fleet = Fleet::new();
    let command = program(&fleet, "note.sh", KEEP);
    let fails = "command: [/bin/sh, -c, exit 9]";
    fleet.routes(&[format!("{{name: log, {command}}}"), format!("{{name: bad, {fails}}}")]);
    fleet.away("paris");
    fleet.desk.run(&["check"]).ends_with(4);
    let rehearsed = fleet.desk.run(&["alert", "send", "--dry-run", "--json"]).ends_with(0);
    let rehearsed = schema::expect_command("alert_rehearsal", &rehearsed.out);
    assert_eq!((&rehearsed["waiting"], rehearsed["messages"].as_array().map(Vec::len)), (&0.into(), Some(2)));
    let told = fleet.desk.run(&["alert", "send", "--dry-run"]).ends_with(0);
    assert!(told.out.starts_with("--- on log: [demo] too few good copies, paris is unreachable\n"), "{}", told.out);
    assert_eq!(told.headline(), "2 messages would be written, 0 messages wait from before; nothing was sent");
    assert_eq!(events(&fleet.desk.path("kept")).len(), 0);
    assert_eq!(fleet.route("log")["sent"], 0);

    let tested = fleet.desk.run(&["alert", "test", "--json"]).ends_with(7);
    let tested = schema::expect_command("alert_test", &tested.out);
    let delivered: Vec<&serde_json::Value> =
        tested["routes"].as_array().expect("a list").iter().map(|route| &route["delivered"]).collect();
    assert_eq!(delivered, [true, false]);
    let told = events(&fleet.desk.path("kept"));
    assert_eq!((told.len(), &told[0]["items"]), (1, &serde_json::json!([])));
    let tested = fleet.desk.run(&["alert", "test", "log"]).ends_with(0);
    assert_eq!(tested.out, "log: a test message was accepted (command)\n");
    let unknown = fleet.desk.run(&["alert", "test", "pager"]).ends_with(2);
    assert!(unknown.err.contains("hint: routes are: log, bad"), "{}", unknown.err);

    let sent = fleet.desk.run(&["alert", "send", "--json"]).ends_with(7);
    let sent = schema::expect_command("alert_send", &sent.out);
    assert_eq!((&sent["sent"], &sent["failed"][0]["route"]), (&1.into(), &"bad".into()));
    // Once more: nothing is new, and the other one still fails.
    let again = fleet.desk.run(&["alert", "send"]).ends_with(7);
    assert_eq!(again.out, "0 messages sent, 1 route failed\n");
}
