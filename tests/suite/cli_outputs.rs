//! What is written besides a report, and where: never over anything else, and never in place of the report.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli_desk::Desk;
use crate::support::process::free_ports;
use crate::support::schema;

/// Far less than the time that a mirror which says nothing is given.
const AT_ONCE: Duration = Duration::from_secs(20);

fn published() -> Desk {
    let desk = Desk::with_targets(&["paris", "lyon"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

#[test]
fn metrics_and_pages_are_never_written_over_what_somebody_needs() {
    let desk = published();
    desk.shell("ln -s keys/online.key link.prom && cp 1.root.json pin.json").ends_with(0);
    for (name, why) in [
        ("keys/online.key", "that would overwrite what belongs to the project"),
        ("link.prom", "that would overwrite what belongs to the project"),
        ("targets.yaml", "that would overwrite what belongs to the project"),
        (".spartacus/state.db", "that would overwrite what belongs to the project"),
        ("pin.json", "there is a file already, and it is no file of metrics of ours"),
    ] {
        let before = std::fs::read(desk.path(name)).expect("it is there");
        for command in ["check", "schedule --once"] {
            let words: Vec<&str> = command.split(' ').chain(["--prometheus", name]).collect();
            let refused = desk.run(&words).ends_with(2);
            assert!(refused.err.contains(&format!("--prometheus {name}: {why}")), "{}", refused.err);
        }
        assert_eq!(std::fs::read(desk.path(name)).expect("it is there"), before, "{name}");
    }
    for folder in ["keys", ".spartacus", "keys/page"] {
        for command in ["check", "status", "schedule --once"] {
            let words: Vec<&str> = command.split(' ').chain(["--html", folder]).collect();
            assert!(desk.run(&words).ends_with(2).err.contains("that would overwrite what belongs"), "{command} {folder}");
        }
        assert!(!desk.path(&format!("{folder}/index.html")).exists());
    }
    // Its own it replaces, and an empty one.
    desk.write("metrics.prom", "");
    for _ in 0..2 {
        desk.run(&["check", "--prometheus", "metrics.prom"]).ends_with(0);
        assert!(desk.read("metrics.prom").starts_with("# HELP spartacus_"));
    }
}

#[test]
fn a_testimony_is_never_written_over_a_key_or_a_pin() {
    let desk = published();
    for name in ["paris", "lyon"] {
        desk.edit(
            "targets.yaml",
            &format!("name: {name}\n"),
            &format!("name: {name}\n    public_url: http://127.0.0.1:9/{name}/\n"),
        );
    }
    desk.run(&["key", "new", "de", "--vantage"]).ends_with(0);
    for name in ["vantage.key", "vantage.pub", "1.root.json"] {
        let before = desk.read(name);
        let refused = desk.run(&["check", "--vantage", "de", "--out", name]).ends_with(2);
        assert!(refused.err.contains("there is a file already, and it is no testimony"), "{}", refused.err);
        assert_eq!(desk.read(name), before);
    }
    for _ in 0..2 {
        desk.run(&["check", "--vantage", "de", "--out", "de.json"]).ends_with(0);
    }
}

#[test]
fn a_file_that_cannot_be_written_hides_nothing_of_what_was_seen() {
    let desk = published();
    let well = desk.run(&["check", "--prometheus", "/dev/full"]).ends_with(2);
    assert_eq!(well.headline(), "v1 current on 2 of 2 mirrors");
    assert!(well.err.contains("error: cannot write /dev/full"), "{}", well.err);

    desk.write("paris/releases/v1/README", "read it\n");
    let forged = desk.run(&["check", "--full", "--prometheus", "/dev/full", "--html", "page"]).ends_with(6);
    assert!(forged.out.contains("releases/v1/README: altered") && forged.err.contains("error: cannot write /dev/full"));
    assert!(desk.path("page/index.html").exists(), "one failure is no reason not to write the other");
    let report = desk.run(&["check", "--full", "--json", "--html", "/dev/null/page"]).ends_with(6).out;
    schema::expect_check(&report);
    let line = desk.run(&["check", "--nagios", "--prometheus", "/dev/full"]).ends_with(2);
    assert!(line.out.starts_with("SPARTACUS CRITICAL"), "{}", line.out);

    let kept = desk.run(&["schedule", "--once", "--prometheus", "/dev/full"]);
    assert!(kept.err.contains("error: cannot write /dev/full") && !kept.err.contains("round failed"), "{}", kept.err);
}

#[test]
fn a_quarantined_mirror_is_told_by_a_check_that_finds_nothing_wrong() {
    let desk = published();
    desk.write("paris/releases/v1/README", "read it\n");
    desk.run(&["check", "--full"]).ends_with(6);
    let after = desk.run(&["check"]).ends_with(0);
    assert_eq!(after.headline(), "v1 current on 2 of 2 mirrors");
    assert!(after.err.contains("paris is quarantined since "), "{}", after.err);
    desk.run(&["repair"]).ends_with(0);
    for _ in 0..2 {
        desk.run(&["check", "--full"]).ends_with(0);
    }
    assert!(!desk.run(&["check"]).ends_with(0).err.contains("quarantined"));
}

#[test]
fn our_own_outage_is_told_wherever_mirrors_are_told() {
    let desk = published();
    let closed = free_ports(1)[0];
    let control = format!("health: {{control: ['http://127.0.0.1:{closed}/']}}\ntargets:");
    desk.edit("targets.yaml", "targets:", &control);
    let why = "we are offline: none of the places in `health.control` answers";
    let line = format!("our own fault: {why}; nothing is held against the mirrors, and every condition stays as it was");
    assert!(desk.run(&["check"]).out.contains(&line));
    assert!(desk.run(&["status"]).ends_with(0).out.contains(&line));
    let explained = desk.run(&["status", "--explain", "paris"]).ends_with(0).out;
    assert!(
        explained.contains(&format!("the last round saw nothing, by our own fault, and counts for nobody: {why}")),
        "{explained}"
    );
    let report = desk.run(&["check", "--json"]).out;
    schema::expect_check(&report);
    let told = [report, desk.run(&["status", "--json"]).ends_with(0).out];
    for report in told {
        let report: Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!(report["own_fault"], why);
    }
}

#[test]
fn a_mute_mirror_whose_evidence_is_wanted_holds_up_neither_a_signal_nor_anybody_else() {
    let desk = published();
    desk.write("paris/releases/v1/README", "read it\n");
    desk.run(&["check", "--full"]).ends_with(6);
    // Connections are made, and nothing is ever said.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    mute.set_nonblocking(true).expect("a socket");
    let url = format!("http://127.0.0.1:{}/", mute.local_addr().expect("an address").port());
    desk.edit("targets.yaml", "name: paris\n", &format!("name: paris\n    public_url: {url}\n"));
    let mut held = Vec::new();
    let mut asked = None;
    let stopped = desk.run_until(&["repair", "--auto"], "TERM", || {
        held.extend(mute.accept().ok());
        if held.is_empty() {
            return false;
        }
        desk.run(&["renew", "--only", "lyon"]).ends_with(0);
        asked = Some(Instant::now());
        true
    });
    stopped.ends_with(143);
    assert!(asked.expect("it asked for evidence").elapsed() < AT_ONCE, "it went on reading");
    assert_eq!(desk.read("paris/releases/v1/README"), "read it\n");
}
