//! The rules of a route, through the program: threshold, reminder, quiet hours, storm, pause.

use std::fs;

use serde_json::Value;

use super::{Fleet, KEEP, events};

/// A route through a program that keeps what it reads in a folder of the route's name.
fn route(fleet: &Fleet, name: &str, more: &str) -> String {
    fleet.desk.write("note.sh", KEEP);
    fs::create_dir_all(fleet.desk.path(name)).expect("a folder of the test's own");
    let (script, kept) = (fleet.desk.path("note.sh"), fleet.desk.path(name));
    format!("{{name: {name}, {more}, command: [/bin/sh, {}, {}]}}", script.display(), kept.display())
}

fn titles(fleet: &Fleet, name: &str) -> Vec<String> {
    let told: Vec<Value> = events(&fleet.desk.path(name));
    told.iter().map(|event| event["title"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn each_route_goes_by_its_own_threshold_reminder_and_quiet_hours() {
    let fleet = Fleet::new();
    let always = "quiet: [{from: \"00:00\", until: \"24:00\", zone: UTC}]";
    fleet.routes(&[
        route(&fleet, "patient", "on: [unreachable], threshold: 3, resolved: false"),
        route(&fleet, "nagging", "on: [unreachable], reminder: 5 min"),
        route(&fleet, "asleep", always),
    ]);
    let dead = fleet.away("paris");
    for time in ["+0m", "+4m", "+6m", "+9m"] {
        fleet.round_after(time);
    }
    let down = "[demo] paris is unreachable";
    assert_eq!(titles(&fleet, "patient"), [down]);
    assert_eq!(titles(&fleet, "nagging"), [down, down], "at first, and once five minutes were over");
    assert_eq!(titles(&fleet, "asleep"), ["[demo] too few good copies"], "what is critical is told at any hour");
    fleet.back("paris", &dead);
    fleet.round_after("+10m");
    fleet.round_after("+630");
    assert_eq!(titles(&fleet, "patient").len(), 1);
    assert_eq!(titles(&fleet, "nagging").last().map(String::as_str), Some("[demo] paris is no longer unreachable"));
    assert_eq!(titles(&fleet, "asleep").last().map(String::as_str), Some("[demo] over: too few good copies"));
    // What would have been told but for the hour is remembered.
    assert_eq!(titles(&fleet, "asleep").len(), 2);
}

#[test]
fn a_storm_is_one_summary_and_volunteers_are_written_to_after_the_next_look() {
    let fleet = Fleet::new();
    fleet.routes(&[
        route(&fleet, "ops", "on: [unreachable], storm: 1"),
        route(&fleet, "volunteers", "audience: volunteer, storm: 1"),
    ]);
    fleet.away("paris");
    fleet.away("lyon");
    fleet.round();
    assert_eq!(titles(&fleet, "ops"), ["[demo] many mirrors at once: 2 unreachable"]);
    assert_eq!(titles(&fleet, "volunteers"), Vec::<String>::new());
    // Sending again between two rounds is no look.
    fleet.desk.run(&["alert", "send"]).ends_with(0);
    assert_eq!(titles(&fleet, "volunteers"), Vec::<String>::new());
    fleet.round();
    assert_eq!(titles(&fleet, "volunteers"), ["lyon", "paris"].map(|name| format!("[demo] your mirror {name} is unreachable")));
    assert_eq!(titles(&fleet, "ops").len(), 1);
}

#[test]
fn a_mirror_that_is_paused_is_told_of_no_more_not_even_what_waits() {
    let fleet = Fleet::new();
    let volunteers = route(&fleet, "volunteers", "audience: volunteer");
    let broken = volunteers.replace("/bin/sh", "/nowhere/sh");
    fleet.routes(std::slice::from_ref(&broken));
    fleet.away("paris");
    fleet.round();
    assert_eq!(fleet.route("volunteers")["waiting"], 1);
    fleet.desk.edit("targets.yaml", "name: paris\n", "name: paris\n    state: paused\n");
    fleet.routes(&[volunteers]);
    assert_eq!(fleet.desk.run(&["alert", "send"]).ends_with(0).out, "0 messages sent\n");
    fleet.round();
    assert_eq!(titles(&fleet, "volunteers"), Vec::<String>::new());
    let listed = fleet.listed();
    assert_eq!((&listed["routes"][0]["waiting"], &listed["past"][0]["error"]), (&0.into(), &"its mirror is paused".into()));
}
