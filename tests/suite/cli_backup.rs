//! Backup and restore, by the commands of docs/operations.md.

use std::fs;

use crate::cli_desk::Desk;
use crate::support::tools;

/// The commands of the page, with the places of this test.
fn commands(desk: &Desk) -> Vec<String> {
    let page = fs::read_to_string(tools::repository().join("docs/operations.md")).expect("a page of ours");
    let (_, section) = page.split_once("\n## Backup\n").expect("there is such a section");
    let lines = section.lines().filter_map(|line| line.strip_prefix("    "));
    let backup = desk.path("backup").display().to_string();
    let here =
        |line: &str| line.replace("/var/lib/spartacus-front/", ".spartacus/front/").replace("/backup/", &format!("{backup}/"));
    lines.map(here).collect()
}

#[test]
fn a_backup_is_a_project_that_goes_on_where_it_was() {
    let desk = Desk::with_targets(&["paris", "lyon"]);
    desk.edit("targets.yaml", "targets:", "serve: {}\ntargets:");
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
    for folder in ["backup", "secrets"] {
        fs::create_dir(desk.path(folder)).expect("a new folder");
    }
    let commands = commands(&desk);
    assert_eq!(commands.len(), 3, "{commands:?}");
    // Somebody has the state open meanwhile.
    let open = rusqlite::Connection::open(desk.path(".spartacus/state.db")).expect("it is there");
    for command in &commands {
        desk.shell(command).ends_with(0);
    }
    drop(open);
    let before = desk.run(&["status", "--json"]).ends_with(0).out;

    // The machine is lost; what is on the mirrors is not.
    for folder in [".spartacus", "keys", "secrets"] {
        fs::remove_dir_all(desk.path(folder)).expect("it is there");
    }
    for file in ["targets.yaml", "1.root.json"] {
        fs::remove_file(desk.path(file)).expect("it is there");
    }
    desk.shell("tar -xf backup/project.tar && cp backup/state.db .spartacus/state.db").ends_with(0);
    let generated = |text: &str| {
        let mut told: serde_json::Value = serde_json::from_str(text).expect("one JSON object");
        told.as_object_mut().expect("an object").remove("generated");
        told["runs"].clone()
    };
    assert_eq!(generated(&desk.run(&["status", "--json"]).ends_with(0).out), generated(&before));
    assert_eq!(desk.run(&["push"]).ends_with(0).headline(), "v1 current on 2 of 2 mirrors");
    desk.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
    assert!(desk.path(".spartacus/front/front.db").exists(), "it was made anew");
}
