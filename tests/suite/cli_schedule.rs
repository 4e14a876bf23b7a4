//! What goes on without anybody: repairs, the schedule, and the units that start them.

use std::fs::{self, File};
use std::process::Command;

use crate::cli_desk::Desk;
use crate::support::process::{self, Server, Stop, wait_until};
use crate::support::{http, schema, tools};

fn published() -> Desk {
    let desk = Desk::with_targets(&["paris", "lyon"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

fn condition(desk: &Desk, mirror: &str) -> String {
    let told = desk.run(&["status", "--explain", mirror, "--json"]).ends_with(0);
    let told: serde_json::Value = serde_json::from_str(&told.out).expect("one JSON object");
    told["standing"]["condition"].as_str().expect("a word").to_owned()
}

fn job_is_done(desk: &Desk, log: &str, words: &str) -> bool {
    fs::read_to_string(desk.path(log)).is_ok_and(|text| text.contains(words))
}

#[test]
fn what_a_quarantined_mirror_served_is_kept_aside_and_then_it_is_repaired() {
    let desk = published();
    assert_eq!(desk.run(&["repair", "--auto"]).ends_with(0).out, "nothing to repair\n");
    desk.write("paris/releases/v1/README", "read it\n");
    desk.run(&["check", "--full"]).ends_with(6);

    let repaired = desk.run(&["repair", "--auto", "--json"]).ends_with(0);
    let told = schema::expect_command("repairs", &repaired.out);
    assert_eq!(told["headline"], "1 repaired");
    let mirror = &told["mirrors"][0];
    assert_eq!((&mirror["target"], &mirror["condition"]), (&"paris".into(), &"quarantined".into()));
    assert_eq!((&mirror["deed"], &mirror["tries"]), (&"repaired".into(), &1.into()));
    assert_eq!(told["run"]["outcomes"][0]["ending"], "done", "{told}");
    assert_eq!(desk.read("paris/releases/v1/README"), "read me\n");

    // The offending bytes, and what should have been there.
    let folder = mirror["evidence"].as_str().expect("a folder").to_owned();
    assert!(folder.starts_with("./.spartacus/evidence/paris/2"), "{folder}");
    let record: serde_json::Value = serde_json::from_str(&desk.read(&format!("{folder}/record.json"))).expect("one JSON object");
    assert_eq!((&record["schema"], &record["condition"]), (&"spartacus.evidence/1".into(), &"quarantined".into()));
    let objects = record["objects"].as_array().expect("a list");
    let readme = objects.iter().find(|object| object["path"] == "releases/v1/README").expect("it is the suspect");
    let kept = readme["kept"].as_str().expect("a file");
    assert_eq!(desk.read(&format!("{folder}/{kept}")), "read it\n");
    assert_ne!(readme["sha256"], readme["expected_sha256"]);
    assert_eq!(readme["expected_length"], 8);

    // A check sees it; only verifications lead out of quarantine, so there is nothing more to do but to wait for them.
    desk.run(&["check"]);
    let waits = desk.run(&["repair", "--auto"]).ends_with(0);
    assert!(waits.out.contains("paris: nothing wrong was found since; it waits for full verifications"), "{}", waits.out);
    assert_eq!(waits.headline(), "1 left alone");

    // It alters the file again at once: not repaired over and over.
    desk.write("paris/releases/v1/README", "read it\n");
    desk.run(&["check", "--full"]).ends_with(6);
    let later = desk.run(&["repair", "--auto"]).ends_with(0);
    assert_eq!(later.headline(), "1 later", "{}", later.out);
    assert_eq!(desk.read("paris/releases/v1/README"), "read it\n");
}

/// Waits until nginx has another configuration: for a moment the workers of the old one go on to accept connections.
fn seen_by_all_workers(is_new: impl Fn() -> bool) {
    let mut in_a_row = 0;
    wait_until("nginx has another configuration", || {
        in_a_row = if is_new() { in_a_row + 1 } else { 0 };
        in_a_row >= 50
    });
}

/// What nginx adds to each answer of the mirror, and how it answers for one file.
const MARKED: &str = "add_header X-Served-By somebody-else;";
const HUNG_UP: &str = "location = /releases/v1/README { return 444; }";

#[test]
fn over_http_the_answer_is_kept_as_it_came_and_a_mirror_that_gives_none_is_not_touched() {
    let desk = published();
    crate::cli_reach::open_to_everybody(&desk);
    let nginx = tempfile::tempdir().expect("a temporary folder");
    let base = nginx.path();
    let (server, ports) = Server::start(&base.join("nginx.out"), Stop::Term, 1, |ports| {
        let root = format!("location / {{ alias {}/; {MARKED} }}", desk.path("paris").display());
        crate::thousands::nginx(base, &format!("server {{ listen 127.0.0.1:{};\n{root}\n}}\n", ports[0]))
    });
    let url = format!("http://127.0.0.1:{}/", ports[0]);
    desk.edit("targets.yaml", "name: paris\n", &format!("name: paris\n    public_url: {url}\n"));
    desk.write("paris/releases/v1/README", "read it\n");
    desk.run(&["check", "--full"]).ends_with(6);

    // It hangs up now when it is asked for that file, whose wrong bytes nobody has kept yet.
    let configuration = fs::read_to_string(base.join("nginx.conf")).expect("it was written when nginx started");
    fs::write(base.join("nginx.conf"), configuration.replace("location / ", &format!("{HUNG_UP}\nlocation / "))).expect("ours");
    server.signal("HUP");
    let readme = format!("{url}releases/v1/README");
    seen_by_all_workers(|| http::get(&readme).is_none());
    let left = desk.run(&["repair", "--auto"]).ends_with(0);
    assert!(left.out.contains("paris: not repaired, nothing of what is wrong could be read and kept aside"), "{}", left.out);
    assert_eq!(desk.read("paris/releases/v1/README"), "read it\n");

    fs::write(base.join("nginx.conf"), configuration).expect("ours");
    server.signal("HUP");
    seen_by_all_workers(|| http::get(&readme).is_some());
    // That was a try: it is not read again at once.
    let at_once = desk.run(&["repair", "--auto"]).ends_with(0);
    assert!(at_once.out.contains("later") && desk.read("paris/releases/v1/README") == "read it\n", "{}", at_once.out);
    let later = desk.shell("faketime -f '+16m' spartacus repair --auto --json").ends_with(0);
    let told = schema::expect_command("repairs", &later.out);
    assert_eq!((&told["headline"], &told["mirrors"][0]["deed"]), (&"1 repaired".into(), &"repaired".into()), "{told}");
    assert_eq!(desk.read("paris/releases/v1/README"), "read me\n");

    let folder = told["mirrors"][0]["evidence"].as_str().expect("a folder").to_owned();
    let record: serde_json::Value = serde_json::from_str(&desk.read(&format!("{folder}/record.json"))).expect("one JSON object");
    let objects = record["objects"].as_array().expect("a list");
    let kept = objects.iter().find(|object| object["path"] == "releases/v1/README").expect("it is the suspect");
    assert_eq!((&kept["url"], &kept["status"], &kept["cut"]), (&readme.into(), &200.into(), &false.into()));
    let fields = kept["headers"].as_array().expect("a list");
    assert!(fields.contains(&serde_json::json!(["x-served-by", "somebody-else"])), "{fields:?}");
    assert_eq!(desk.read(&format!("{folder}/{}", kept["kept"].as_str().expect("a file"))), "read it\n");
    assert_eq!(objects[0]["path"], "metadata/timestamp.json", "and the pointer as readers get it");
}

#[test]
fn a_mirror_whose_evidence_cannot_be_kept_is_not_touched() {
    let desk = published();
    desk.write("paris/releases/v1/README", "read it\n");
    desk.run(&["check", "--full"]).ends_with(6);
    // A file where the folder should be.
    desk.write(".spartacus/evidence", "");
    let left = desk.run(&["repair", "--auto"]).ends_with(3);
    assert_eq!(left.headline(), "1 failed");
    assert!(left.out.contains("paris: not repaired, cannot make ./.spartacus/evidence/paris/2"), "{}", left.out);
    assert_eq!(desk.read("paris/releases/v1/README"), "read it\n");
}

#[test]
fn a_stale_mirror_is_brought_back_and_one_that_is_away_is_left_alone() {
    let desk = published();
    desk.edit("targets.yaml", "targets:", "health: {grace: 1ms, stale_after: 1, unreachable_after: 1}\ntargets:");
    // An older state comes back from a backup, and nobody listens any more where readers look for the other mirror.
    let port = crate::support::process::free_ports(1)[0];
    desk.edit("targets.yaml", "name: lyon\n", &format!("name: lyon\n    public_url: http://127.0.0.1:{port}/\n"));
    let copied = Command::new("cp").args(["-a", "paris", "before"]).current_dir(desk.path(".")).status();
    assert!(copied.expect("cp runs").success());
    desk.run(&["renew", "--only", "paris"]).ends_with(0);
    fs::remove_dir_all(desk.path("paris")).expect("a folder of the test's own");
    fs::rename(desk.path("before"), desk.path("paris")).expect("a folder of the test's own");
    desk.run(&["check"]);
    assert_eq!((condition(&desk, "paris").as_str(), condition(&desk, "lyon").as_str()), ("stale", "unreachable"));
    let repaired = desk.run(&["repair", "--auto"]).ends_with(0);
    assert_eq!(repaired.headline(), "1 repaired, 1 left alone", "{}", repaired.out);
    assert!(repaired.out.contains("lyon: it does not answer"), "{}", repaired.out);
    desk.run(&["check"]);
    assert_eq!(condition(&desk, "paris"), "healthy");
}

#[test]
fn a_schedule_tells_what_is_due_and_does_it_once() {
    let desk = published();
    let plan = desk.run(&["schedule", "--dry-run", "--json"]).ends_with(0);
    let plan = schema::expect_command("schedule", &plan.out);
    let jobs: Vec<&str> =
        plan["jobs"].as_array().expect("a list").iter().map(|job| job["job"].as_str().expect("words")).collect();
    assert_eq!(&jobs[..3], ["round", "files", "tidy"]);
    for job in ["full lyon", "full paris", "renew"] {
        assert!(jobs.contains(&job), "{job} is not in {jobs:?}");
    }
    let told = desk.run(&["schedule", "--dry-run"]).ends_with(0);
    assert!(told.out.starts_with("due"), "{}", told.out);
    assert_eq!(told.headline(), "dry run: nothing was done");

    let done = desk.run(&["schedule", "--once", "--prometheus", "spartacus.prom", "--html", "page"]).ends_with(0);
    assert!(done.err.contains(" v1 current on 2 of 2 mirrors\n"), "{}", done.err);
    assert!(done.err.contains(" v1 complete on 2 of 2 mirrors\n"), "{}", done.err);
    assert!(desk.read("spartacus.prom").contains("spartacus_mirror_up{mirror=\"paris\"} 1\n"));
    assert!(desk.path("page/index.html").exists());
    // Everything has its time again.
    let idle = desk.run(&["schedule", "--once"]).ends_with(0);
    assert_eq!(idle.err, "");
}

#[test]
fn a_schedule_runs_until_it_is_stopped_follows_a_changed_file_and_keeps_a_broken_one_out() {
    let desk = published();
    let line = "spartacus schedule 2> log & schedule=$!
         echo $schedule > pid
         wait $schedule";
    let stopped = std::thread::scope(|scope| {
        let running = scope.spawn(|| desk.shell(line));
        wait_until("the first round is done", || job_is_done(&desk, "log", "v1 complete on 2 of 2 mirrors"));
        // A second one is one too many.
        let second = desk.run(&["schedule"]).ends_with(5);
        assert!(second.err.contains("keeps this project's schedule already"), "{}", second.err);
        let sign: serde_json::Value = serde_json::from_str(&desk.read(".spartacus/schedule.json")).expect("one JSON object");
        assert_eq!(sign["pid"].to_string(), desk.read("pid").trim());
        process::run(Command::new("/bin/sh").args(["-c", &format!("kill -s TERM {}", desk.read("pid").trim())]));
        running.join().expect("the thread of the shell")
    });
    assert_eq!(stopped.code, 143, "{}", desk.read("log"));
    let sign: serde_json::Value = serde_json::from_str(&desk.read(".spartacus/schedule.json")).expect("one JSON object");
    assert_eq!(sign["doing"], "ended");
    // It let go of its lock.
    let lock = File::open(desk.path(".spartacus/schedule.lock")).expect("it was made");
    lock.try_lock().expect("nobody holds it");
    drop(lock);
    // A configuration that is broken from the start is an error.
    desk.edit("targets.yaml", "targets:", "target:");
    desk.run(&["schedule", "--once"]).ends_with(2);
}

#[test]
fn the_units_are_what_systemd_accepts_and_hold_the_program_tightly() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let units = ["spartacus-check.service", "spartacus-check.timer", "spartacus-schedule.service", "spartacus-serve.service"];
    for unit in units {
        let text = fs::read_to_string(tools::repository().join("examples/systemd").join(unit)).expect("an example of ours");
        // systemd wants to see the program that a unit starts.
        let text = text.replace("/usr/bin/spartacus", env!("CARGO_BIN_EXE_spartacus"));
        fs::write(folder.path().join(unit), text).expect("a file of the test's own");
    }
    let analyze = || {
        let mut command = Command::new(tools::program("systemd-analyze"));
        command.current_dir(folder.path());
        command
    };
    let verified = process::output(analyze().args(["verify", "--man=no"]).args(units.map(|unit| format!("./{unit}"))));
    assert!(verified.status.success() && verified.stderr.is_empty(), "{}", process::text(&verified));
    for unit in units.iter().filter(|unit| unit.ends_with(".service")) {
        // 0 is nothing allowed, 10 everything; a plain unit has 9.6.
        let judged = process::output(analyze().args(["security", "--offline=true", "--threshold=20", &format!("./{unit}")]));
        assert!(judged.status.success(), "{}", process::text(&judged));
    }
}

#[test]
fn the_lines_for_cron_are_commands_that_work() {
    let desk = published();
    let text = fs::read_to_string(tools::repository().join("examples/systemd/crontab")).expect("an example of ours");
    let lines: Vec<&str> = text.lines().filter_map(|line| Some(&line[line.find("spartacus ")?..])).collect();
    let commands: Vec<&&str> = lines.iter().filter(|line| !line.contains("targets.yaml")).collect();
    assert_eq!(commands.len(), 5, "{text}");
    for command in commands {
        // Nobody waits for minutes in a test.
        let told = desk.shell(&command.replace("--jitter 30s", "--jitter 1ms").replace("0m", "ms"));
        assert_eq!(told.code, 0, "{command}: {}{}", told.out, told.err);
    }
}
