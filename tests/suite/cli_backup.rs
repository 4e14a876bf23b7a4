//! Backup and restore, by the commands of docs/operations.md.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::cli_offers::{hand_over, invite, maintainer, sealed, volunteer, webdav_place};
use crate::support::{PASSWORD, tools};
use crate::webdav_servers::{Kind, Server};

/// The commands of the page, with the places of this test.
fn commands(backup: &str) -> Vec<String> {
    let page = fs::read_to_string(tools::repository().join("docs/operations.md")).expect("a page of ours");
    let (_, section) = page.split_once("\n## Backup\n").expect("there is such a section");
    let lines = section.lines().filter_map(|line| line.strip_prefix("    "));
    lines.map(|line| line.replace("/backup/", &format!("{backup}/"))).collect()
}

#[test]
fn a_backup_is_a_project_that_goes_on_where_it_was() {
    let server = Server::start(Kind::ApacheBasic);
    let desk = maintainer();
    desk.edit("targets.yaml", "targets:", "serve: {}\ntargets:");
    let mut bob = volunteer(&invite(&desk, None), &webdav_place(&server, "env:BOX_PASSWORD"));
    bob.set("BOX_PASSWORD", PASSWORD);
    sealed(&bob, &["seal"]);
    hand_over(&bob, "offer.json", &desk).ends_with(0);
    desk.run(&["offers", "accept", "lyon", "--yes"]).ends_with(0);

    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let backup = elsewhere.path().display().to_string();
    let commands = commands(&backup);
    assert_eq!(commands.len(), 3, "{commands:?}");
    // Somebody has the state open meanwhile.
    let open = rusqlite::Connection::open(desk.path(".spartacus/state.db")).expect("it is there");
    desk.shell(&commands.join(" && ")).ends_with(0);
    drop(open);
    for file in ["state.db", "project.tar"] {
        let mode = fs::metadata(elsewhere.path().join(file)).expect("it was made").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is for nobody else");
    }
    let before = desk.run(&["status", "--json"]).ends_with(0).out;

    // The machine is lost; what is on the mirrors is not.
    for folder in [".spartacus", "keys", "sealed"] {
        fs::remove_dir_all(desk.path(folder)).expect("it is there");
    }
    for file in ["targets.yaml", "1.root.json"] {
        fs::remove_file(desk.path(file)).expect("it is there");
    }
    desk.shell(&format!("tar -xf {backup}/project.tar && cp {backup}/state.db .spartacus/state.db")).ends_with(0);
    let runs = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("one JSON object")["runs"].clone();
    assert_eq!(runs(&desk.run(&["status", "--json"]).ends_with(0).out), runs(&before));
    assert_eq!(desk.run(&["push"]).ends_with(0).headline(), "v1 current on 2 of 2 mirrors");
    desk.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    assert!(server.data().join("releases/v2/README").exists(), "the volunteer's password was in it");
    desk.run(&["check", "--full"]).ends_with(0);
    assert!(desk.path(".spartacus/front/front.db").exists(), "it was made anew");
}
