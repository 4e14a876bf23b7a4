//! How mirrors are over time, as it is told: after several checks, to people and to monitoring systems.

use std::fs;
use std::process::Command;

use crate::cli_desk::Desk;
use crate::support::{process, schema, tools};

/// A release on two folders that share a country and nothing else.
fn published() -> Desk {
    let desk = Desk::with_targets(&["paris", "lyon"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

fn alter(desk: &Desk, mirror: &str) {
    let file = desk.path(mirror).join("releases/v1/README");
    fs::write(file, "read it\n").expect("a file of the mirror");
}

#[test]
fn a_mirror_is_explained_from_its_first_look_to_its_return_from_quarantine() {
    let desk = published();
    let never = desk.run(&["status", "--explain", "paris"]).ends_with(0);
    assert!(never.out.starts_with("paris is unknown since "), "{}", never.out);
    assert!(never.out.contains("\n  next look: never looked: run `spartacus check`\n"), "{}", never.out);

    desk.run(&["check", "--full"]).ends_with(0);
    let well = desk.run(&["status", "--explain", "paris"]).ends_with(0);
    assert!(well.out.starts_with("paris is healthy since "), "{}", well.out);
    assert!(well.out.contains("\n  nothing speaks against it\n"), "{}", well.out);
    assert!(well.out.contains("\n  up: 100.00 % of 24 h (measured 0 % of it), "), "{}", well.out);

    alter(&desk, "paris");
    desk.run(&["check", "--full"]).ends_with(6);
    let caught = desk.run(&["status", "--explain", "paris"]).ends_with(0);
    assert!(caught.out.starts_with("paris is quarantined since "), "{}", caught.out);
    assert!(caught.out.contains("  altered (since "), "{}", caught.out);
    assert!(caught.out.contains("releases/v1/README: altered: 8 bytes"), "{}", caught.out);
    assert!(caught.out.contains("\n  what to do: Something changes files on the way to readers."), "{}", caught.out);
    assert!(caught.out.contains("  healthy -> quarantined: releases/v1/README"), "{}", caught.out);
    let told = schema::expect_command("mirror", &desk.run(&["status", "--explain", "paris", "--json"]).ends_with(0).out);
    assert_eq!((&told["standing"]["condition"], &told["events"][0]["to"]), (&"quarantined".into(), &"quarantined".into()));

    // Neither a repair nor a shallow look leads out, and one clean verification is not enough.
    desk.run(&["repair"]).ends_with(0);
    desk.run(&["check"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
    assert!(desk.run(&["status", "--explain", "paris"]).out.starts_with("paris is quarantined since "));
    desk.run(&["check", "--full"]).ends_with(0);
    assert!(desk.run(&["status", "--explain", "paris"]).out.starts_with("paris is healthy since "));
    assert!(desk.run(&["status", "--explain", "lyon"]).out.starts_with("lyon is healthy since "));
}

#[test]
fn an_unknown_mirror_is_named_with_those_there_are() {
    let desk = Desk::with_targets(&["paris", "lyon"]);
    let expected = "error: there is no mirror london\nhint: mirrors are: paris, lyon";
    desk.run(&["status", "--explain", "london"]).complains(2, expected);
}

#[test]
fn a_monitoring_system_gets_one_line_and_its_own_codes() {
    let desk = published();
    let well = desk.run(&["check", "--full", "--nagios"]).ends_with(0);
    let expected = "SPARTACUS OK - 2/2 good v1 | good=2;2:;2:;0;2 unreachable=0;;;0;2 quarantined=0;;0;0;2\n";
    assert_eq!(well.out, expected);

    alter(&desk, "paris");
    let caught = desk.run(&["check", "--full", "--nagios"]).ends_with(2);
    assert!(caught.out.starts_with("SPARTACUS CRITICAL - 1/2 good v1; 1 quarantined | good=1;"), "{}", caught.out);

    desk.edit("targets.yaml", "targets:", "target:");
    let lost = desk.run(&["check", "--nagios"]).ends_with(3);
    assert!(lost.out.starts_with("SPARTACUS UNKNOWN - "), "{}", lost.out);
}

#[test]
fn metrics_are_what_prometheus_expects() {
    let desk = published();
    alter(&desk, "lyon");
    desk.run(&["check", "--full", "--prometheus", "spartacus.prom"]).ends_with(6);
    let metrics = desk.read("spartacus.prom");
    for line in [
        "spartacus_mirror_up{mirror=\"paris\"} 1",
        "spartacus_mirror_up{mirror=\"lyon\"} 0",
        "spartacus_mirror_state{mirror=\"lyon\",state=\"quarantined\"} 1",
        "spartacus_mirror_state{mirror=\"lyon\",state=\"healthy\"} 0",
        "spartacus_release_verified_mirrors{version=\"v1\"} 1",
        "spartacus_release_replication_target 2",
        // Lyon is no good mirror, so whoever reaches Paris has reached all.
        "spartacus_resilience_parties{kind=\"any\"} 1",
        "spartacus_resilience_parties{kind=\"operator\"} 1",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }
    // Judged by Prometheus' own program.
    let judge = format!("{} check metrics < {}", tools::program("promtool").display(), desk.path("spartacus.prom").display());
    let told = process::run(Command::new("/bin/sh").args(["-c", &judge]));
    assert_eq!(told, "");
    // Written beside and renamed: nothing else is left.
    let left = fs::read_dir(desk.path("."))
        .expect("the folder")
        .filter(|entry| entry.as_ref().expect("an entry").file_name().to_string_lossy().contains("prom."));
    assert_eq!(left.count(), 0);
}

#[test]
fn metrics_that_cannot_be_written_are_an_error() {
    let desk = published();
    let failed = desk.run(&["check", "--prometheus", "nowhere/spartacus.prom"]).ends_with(2);
    assert!(failed.err.starts_with("error: cannot write nowhere/spartacus.prom\n"), "{}", failed.err);
}

#[test]
fn a_push_that_looks_at_the_pointer_alone_says_what_a_check_found() {
    let desk = published();
    alter(&desk, "paris");
    desk.run(&["check", "--full"]).ends_with(6);
    let pushed = desk.run(&["push"]).ends_with(0);
    let note = "a check found 1 of its objects missing or altered: spartacus repair --only paris";
    assert!(pushed.out.contains(note), "{}", pushed.out);
    desk.run(&["repair"]).ends_with(0);
    assert!(!desk.run(&["push"]).ends_with(0).out.contains("a check found"));
}

#[test]
fn one_folder_under_two_names_is_not_two_copies() {
    let desk = Desk::with_targets(&["paris"]);
    std::os::unix::fs::symlink(desk.path("paris"), desk.path("link")).expect("a new link");
    for other in ["folder:link", "folder:./keys/../paris", &format!("folder:{}", desk.path("paris").display())] {
        let refused = desk.run(&["target", "add", "lyon", other]).ends_with(2);
        assert!(refused.err.contains("targets `paris` and `lyon` are the same place"), "{other}: {}", refused.err);
    }
}

#[test]
fn the_project_itself_is_no_mirror() {
    let desk = Desk::with_project();
    for place in [".", "..", ".spartacus", "keys", ".spartacus/metadata"] {
        let refused = desk.run(&["target", "add", "me", &format!("folder:{place}")]).ends_with(2);
        assert!(refused.err.contains("the project's own folder"), "{place}: {}", refused.err);
    }
}

#[test]
fn status_begins_with_how_mirrors_are_over_time() {
    let desk = published();
    let before = desk.run(&["status"]).ends_with(0);
    assert!(!before.out.contains("condition"), "nobody has looked yet: {}", before.out);
    desk.run(&["check"]).ends_with(0);
    alter(&desk, "lyon");
    desk.run(&["check", "--full"]).ends_with(6);
    let told = desk.run(&["status"]).ends_with(0);
    let lines: Vec<Vec<&str>> = told.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..4], ["mirror", "condition", "since", "release"], "{}", told.out);
    assert_eq!(lines[1][..5], ["lyon", "quarantined", "0", "min", "v1"], "the worst is on top: {}", told.out);
    assert_eq!(lines[2][..2], ["paris", "healthy"], "{}", told.out);
    assert!(lines[2].contains(&"100.00"), "{}", told.out);
    assert!(told.headline().starts_with("last known: v1 "), "{}", told.out);
    let json = schema::expect_command("status", &desk.run(&["status", "--json"]).ends_with(0).out);
    let lyon = json["mirrors"].as_array().and_then(|all| all.iter().find(|mirror| mirror["target"] == "lyon")).expect("lyon");
    assert_eq!((&lyon["standing"]["condition"], &lyon["uptime"]["24h"]["ratio"]), (&"quarantined".into(), &0.5.into()), "{lyon}");
}

#[test]
fn a_watched_status_is_told_again_until_somebody_says_stop() {
    let desk = published();
    // Twice the headline, then Ctrl-C; no escape codes, because nobody sees them.
    let watched = desk.shell(
        "coproc W { exec spartacus status --watch 1; }; told=0
         while [ $told -lt 2 ] && read -r line <&${W[0]}; do echo \"$line\"; case $line in 'last known'*) told=$((told + 1));; esac; done
         id=$W_PID; kill -INT $id; wait $id",
    );
    let watched = watched.ends_with(0);
    assert_eq!(watched.out.matches("last known: v1 ").count(), 2, "{}", watched.out);
    assert!(!watched.out.contains('\u{1b}'), "{:?}", watched.out);
    // Nobody reads any more: there is nothing left to do.
    let closed = desk.shell("spartacus status --watch 1 | head -n 1; echo ${PIPESTATUS[0]}").ends_with(0);
    assert_eq!(closed.headline(), "0", "{}", closed.out);
    desk.run(&["status", "--watch", "0"]).ends_with(2);
}

#[test]
fn a_public_page_is_about_all_mirrors_whichever_were_looked_at() {
    let desk = published();
    desk.run(&["check", "--only", "paris", "--html", "public"]).ends_with(0);
    assert!(desk.read("public/index.html").contains("mirrors/lyon.html"));
    assert!(desk.read("public/mirrors/lyon.html").contains("Nobody has looked yet."));
    let told = schema::expect_command("public", &desk.run(&["status", "--html", "public", "--json"]).ends_with(0).out);
    assert_eq!(told["folder"], "public");
    schema::expect_command("mirrors", &desk.read("public/mirrors.json"));
    let failed = desk.run(&["status", "--html", "docs/README/public"]).ends_with(2);
    assert!(failed.err.starts_with("error: cannot make docs/README/public"), "{}", failed.err);
}
