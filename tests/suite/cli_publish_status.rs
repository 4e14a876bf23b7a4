//! What is told of the mirrors lies on every mirror, signed: for stock clients, for our own checks, and after the publisher is gone.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::cli_desk::{Desk, Said};
use crate::support::face::Face;
use crate::support::{judges, process, schema};

/// The pinned root of a desk's project.
const ROOT: &str = ".spartacus/metadata/1.root.json";

/// Two mirrors of a project that publishes how they are; readers find the first one at an address.
fn telling() -> (Desk, Face) {
    let desk = Desk::with_targets(&["paris", "lyon"]);
    let face = Face::over(&desk.path("paris"));
    desk.edit("targets.yaml", "project:\n", "project:\n  publish_status: true\n");
    desk.edit(
        "targets.yaml",
        "name: paris\n",
        &format!("name: paris\n    contact: someone@example.org\n    public_url: {}\n", face.url()),
    );
    (desk, face)
}

fn push(desk: &Desk, name: &str) -> Said {
    desk.run(&["push", "docs", "--as", name, "--yes"]).ends_with(0)
}

fn later(desk: &Desk, hours: u32, command: &str) -> Said {
    desk.shell(&format!("faketime -f '+{hours}h' spartacus {command}"))
}

/// python-tuf over the readers' side of paris: how many targets it verified, or what it says against them.
fn stock_client(desk: &Desk, face: &Face) -> Result<u32, String> {
    let into = tempfile::tempdir().expect("a temporary folder");
    let output = judges::tuf(face.url(), &desk.path(ROOT), into.path(), &[]);
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().parse().expect("a count"));
    }
    Err(process::text(&output))
}

#[test]
fn a_signed_list_of_mirrors_and_a_page_lie_on_every_mirror() {
    let (desk, face) = telling();
    push(&desk, "v1");
    // The first release finds nothing to tell but names; the next one tells what was seen meanwhile.
    desk.run(&["check", "--full"]).ends_with(0);
    push(&desk, "v2");
    for mirror in ["paris", "lyon"] {
        let list = schema::expect_command("mirrors", &desk.read(&format!("{mirror}/fleet/2.mirrors.json")));
        assert_eq!((&list["mirrors"][0]["name"], &list["mirrors"][0]["url"]), (&"paris".into(), &face.url().into()));
        assert_eq!(list["mirrors"][0]["condition"], "healthy");
        for name in ["mirrors.json", "status.html"] {
            let signed = desk.read(&format!("{mirror}/fleet/2.{name}"));
            assert_eq!(desk.read(&format!("{mirror}/{name}")), signed, "the copy under a constant name");
            assert!(!signed.contains("someone@example.org"), "{signed}");
        }
        let page = desk.read(&format!("{mirror}/status.html"));
        assert!(page.contains(&format!("<a href=\"{}\" rel=", face.url())), "{page}");
        for absent in ["feed.atom", "mirrors/paris.html", "mirrorlist.txt"] {
            assert!(!page.contains(absent), "nothing lies beside it: {absent}");
        }
        assert!(desk.read(&format!("{mirror}/index.html")).contains("<a href=\"status.html\">"));
    }
    desk.run(&["check", "--full"]).ends_with(0);
    // Two bundles of two files and their sums, the list and the page.
    assert_eq!(stock_client(&desk, &face), Ok(8));
    desk.run(&["verify", face.url(), "--root", ROOT, "--full"]).ends_with(0);
    // What signers were shown was the bundle: that the online key tells of mirrors is nothing new in any list.
    let role: Value = serde_json::from_str(&desk.read("paris/metadata/2.fleet.json")).expect("JSON");
    assert_eq!((&role["signed"]["version"], &role["signatures"].as_array().map(Vec::len)), (&2.into(), &Some(1)));
}

#[test]
fn a_changed_page_is_found_by_everybody_who_looks_and_brought_again() {
    let (desk, face) = telling();
    push(&desk, "v1");
    let page = desk.path("paris/fleet/1.status.html");
    let mut bytes = fs::read(&page).expect("it was pushed");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&page, bytes).expect("a file of the mirror");

    let found = desk.run(&["check", "--full"]).ends_with(6);
    assert!(found.out.contains("\n  fleet/1.status.html: altered: "), "{}", found.out);
    desk.run(&["verify", face.url(), "--root", ROOT, "--full"]).ends_with(6);
    let complaint = stock_client(&desk, &face).expect_err("python-tuf refuses it");
    assert!(complaint.contains("hash") || complaint.contains("Hash"), "{complaint}");
    desk.run(&["repair"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
    assert_eq!(stock_client(&desk, &face), Ok(5));

    // A role by a stranger's hand, or none at all, is told as well.
    desk.edit("lyon/metadata/1.fleet.json", "\"length\":", "\"length\":1");
    let found = desk.run(&["check", "--files"]).ends_with(6);
    assert!(found.out.contains("\n  metadata/1.fleet.json: "), "{}", found.out);
    fs::remove_file(desk.path("lyon/metadata/1.fleet.json")).expect("it was there");
    let found = desk.run(&["check", "--files"]).ends_with(4);
    assert!(found.out.contains("\n  metadata/1.fleet.json: missing"), "{}", found.out);
    desk.run(&["repair"]).ends_with(0);
    desk.run(&["check", "--files"]).ends_with(0);
}

#[test]
fn it_is_told_anew_with_every_renewal_and_once_a_day() {
    let (desk, face) = telling();
    push(&desk, "v1");
    let version = |desk: &Desk| {
        let names = fs::read_dir(desk.path("paris/fleet")).expect("a folder");
        let numbers =
            names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().split('.').next().map(str::to_owned));
        numbers.flatten().max()
    };
    later(&desk, 23, "renew --if-due").ends_with(0);
    assert_eq!(version(&desk).as_deref(), Some("1"), "not due yet");
    let dry = later(&desk, 25, "renew --if-due --dry-run").ends_with(0);
    assert!(dry.out.contains("timestamp 2, until "), "{}", dry.out);
    later(&desk, 25, "renew --if-due").ends_with(0);
    assert_eq!(version(&desk).as_deref(), Some("2"));
    let plan = later(&desk, 26, "schedule --dry-run --json").ends_with(0);
    let plan: Value = serde_json::from_str(&plan.out).expect("JSON");
    let renew = plan["jobs"].as_array().expect("a list").iter().find(|job| job["job"] == "renew").expect("it is planned");
    let due: jiff::Timestamp = renew["at"].as_str().expect("a moment").parse().expect("a moment");
    let hours = due.duration_since(jiff::Timestamp::now()).as_hours();
    assert!((47..=49).contains(&hours), "{hours}");
    desk.run(&["renew"]).ends_with(0);
    desk.run(&["renew"]).ends_with(0);
    assert_eq!(version(&desk).as_deref(), Some("4"));
    assert_eq!(stock_client(&desk, &face), Ok(5));
    // Here the last three are kept, as of all roles.
    let kept = fs::read_dir(desk.path(".spartacus/fleet")).expect("a folder").count();
    assert_eq!(kept, 6);

    // Whoever stops telling leaves what was told: readers that saw the role must find it for ever.
    desk.edit("targets.yaml", "publish_status: true", "publish_status: false");
    desk.run(&["renew"]).ends_with(0);
    push(&desk, "v2");
    assert_eq!(version(&desk).as_deref(), Some("4"));
    desk.run(&["check", "--full"]).ends_with(0);
    assert_eq!(stock_client(&desk, &face), Ok(8));
    // The list under the constant name is that of today again, and what was lost here keeps nobody from pushing.
    let list: Value = serde_json::from_str(&desk.read("lyon/mirrors.json")).expect("JSON");
    assert_eq!((&list["schema"], &list["mirrors"][0]["url"]), (&1.into(), &face.url().into()), "{list:#}");
    fs::remove_dir_all(desk.path(".spartacus/fleet")).expect("it is there");
    push(&desk, "v3");
    desk.run(&["check", "--full"]).ends_with(0);
}

#[test]
fn a_project_that_begins_to_tell_does_so_with_its_next_push() {
    let (desk, face) = telling();
    desk.edit("targets.yaml", "publish_status: true", "publish_status: false");
    push(&desk, "v1");
    assert!(!desk.path("paris/fleet").exists());
    let due = || desk.run(&["renew", "--if-due", "--dry-run"]).ends_with(0).out.contains("timestamp 2, until ");
    assert!(!due());
    desk.edit("targets.yaml", "publish_status: false", "publish_status: true");
    assert!(due(), "there is something to tell that was never told");
    desk.run(&["push"]).ends_with(0);
    assert_eq!(stock_client(&desk, &face), Ok(5));
    let again = desk.run(&["push"]).ends_with(0);
    assert!(again.out.contains("unchanged"), "{}", again.out);
}

#[test]
fn a_mirror_that_missed_it_is_whole_by_its_own_state_and_a_dry_run_writes_nothing() {
    let (desk, _face) = telling();
    push(&desk, "v1");
    let before = fs::read_dir(desk.path(".spartacus/fleet")).expect("a folder").count();
    desk.run(&["bundle", "docs", "--as", "v2"]).ends_with(0);
    desk.run(&["sign", "v2", "--yes"]).ends_with(0);
    desk.run(&["push", "v2", "--dry-run"]).ends_with(0);
    assert_eq!(fs::read_dir(desk.path(".spartacus/fleet")).expect("a folder").count(), before);
    desk.run(&["push", "v2", "--only", "paris"]).ends_with(0);
    let report: Value = serde_json::from_str(&desk.run(&["check", "--full", "--json"]).ends_with(4).out).expect("JSON");
    let lyon = report["mirrors"].as_array().expect("a list").iter().find(|check| check["target"] == "lyon").expect("looked at");
    assert_eq!((&lyon["verdict"], &lyon["by"]), (&"behind".into(), &1.into()), "{lyon:#}");
    let folder = desk.path("lyon").display().to_string();
    let mut verify = Command::new(env!("CARGO_BIN_EXE_spartacus"));
    let said = process::output(desk.prepared(verify.args(["verify", &folder, "--root", ROOT, "--full"])));
    assert_eq!(said.status.code(), Some(0), "{}", process::text(&said));
}
