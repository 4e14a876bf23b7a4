//! What volunteers read, of mirrors without a public address too, and that what it tells them to run works.

use std::fs;

use serde_json::Value;

use super::{Fleet, KEEP, MIRRORS, events};
use crate::cli_desk::Desk;
use crate::support::mirror::{Kind, Mirror};

/// Lets each volunteer hear through a program that keeps what it reads in `kept`.
fn tell_volunteers(desk: &Desk) -> String {
    desk.write("note.sh", KEEP);
    fs::create_dir_all(desk.path("kept")).expect("a folder of the test's own");
    let (script, kept) = (desk.path("note.sh"), desk.path("kept"));
    format!("{{name: volunteers, audience: volunteer, command: [/bin/sh, {}, {}]}}", script.display(), kept.display())
}

/// The lines below a heading.
fn section<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let below = text.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading:?} in\n{text}"));
    below.lines().take_while(|line| line.starts_with("  ")).map(str::trim).collect()
}

fn text(event: &Value) -> &str {
    event["text"].as_str().expect("text")
}

#[test]
fn the_commands_show_an_altered_file_and_work_as_they_are_pasted() {
    let fleet = Fleet::new();
    fleet.routes(&[tell_volunteers(&fleet.desk)]);
    fleet.desk.edit("targets.yaml", "health: {", "health: {seen_from: [203.0.113.7, \"2001:db8::7\"], ");
    fleet.desk.write("paris/releases/v1/README", "read it\n");
    fleet.desk.run(&["check", "--full", "--alert"]).ends_with(6);
    let told = events(&fleet.desk.path("kept"));
    assert_eq!(told.len(), 1, "{told:?}");
    let (seen, commands) = (section(text(&told[0]), "What we saw"), section(text(&told[0]), "To see it yourself"));
    assert!(seen.iter().any(|line| line.starts_with("we come from 203.0.113.7 and 2001:db8::7; ")), "{seen:?}");
    assert_eq!(commands.len(), 3, "{commands:?}");
    // The digest that the message names comes out, and the verification finds the same file.
    let digest = fleet.desk.shell(commands[0]).ends_with(0);
    let digest = digest.out.split_whitespace().next().expect("a digest").to_owned();
    assert!(seen.iter().any(|line| line.contains(&format!("sha256 {digest}, signed is "))), "{digest} is not in {seen:?}");
    fleet.desk.shell(commands[1]).ends_with(0);
    let whole = fleet.desk.shell(commands[2]).ends_with(6);
    assert!(whole.out.contains("releases/v1/README"), "{}", whole.out);
}

#[test]
fn a_volunteer_without_a_public_address_hears_of_their_own_side_only() {
    let desk = Desk::with_targets(&MIRRORS);
    desk.edit("targets.yaml", "name: paris\n", "name: paris\n    contact: paris@volunteers.example\n");
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
    let kept = desk.read("targets.yaml");
    desk.write("targets.yaml", &format!("{kept}alerts:\n  - {}\n", tell_volunteers(&desk)));
    desk.write("paris/releases/v1/README", "read it\n");
    desk.run(&["check", "--full", "--alert"]).ends_with(6);
    let told = events(&desk.path("kept"));
    assert_eq!(told.len(), 1, "{told:?}");
    let text = text(&told[0]);
    assert!(text.contains("your mirror paris, in a folder that our machine has mounted. It carries files of demo."), "{text}");
    assert!(!told[0].to_string().contains(desk.path("").to_str().expect("UTF-8")), "{text}");
    // They hold in the folder, wherever it is on their side.
    for command in section(text, "To see it yourself") {
        desk.shell(&format!("cd paris && {command}")).ends_with(0);
    }
}

#[test]
fn a_volunteer_with_an_account_for_us_gets_a_command_for_it() {
    let mirror: Mirror = Kind::Sshd.start();
    let desk = Desk::with_project();
    let entry = mirror.yaml_entry();
    let private: String = entry.split_inclusive('\n').filter(|line| !line.contains("public_url:")).collect();
    let written = desk.read("targets.yaml");
    let entry = format!("targets:\n{private}    contact: ann@volunteers.example\n");
    let routes = format!("alerts:\n  - {}\n", tell_volunteers(&desk));
    desk.write("targets.yaml", &(written.replace("targets: []\n", &entry) + &routes));
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    let root = mirror.root.as_ref().expect("sshd serves a folder");
    fs::write(root.join("releases/v1/README"), "read it\n").expect("a file of the test's own");
    desk.run(&["check", "--full", "--alert"]).ends_with(6);
    let told = events(&desk.path("kept"));
    let told = text(&told[0]);
    assert!(told.contains("by SFTP, in the folder ") && told.contains("we come from behind a router"), "{told}");
    let commands = section(told, "To see it yourself");
    // As pasted, but with the key of the tests and without a question about the host.
    let identity = "sftp -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -i KEY ";
    let key = mirror.settings.lines().find_map(|line| line.trim().strip_prefix("key: ")).expect("it logs in with a key");
    let listed = desk.shell(&commands[0].replace("sftp ", &identity.replace("KEY", key))).ends_with(0);
    assert!(listed.out.contains("releases/v1/README"), "{}{}", listed.out, listed.err);
}

#[test]
fn what_our_own_rule_about_addresses_refuses_is_told_to_the_maintainer_alone() {
    let fleet = Fleet::new();
    fleet.routes(&[tell_volunteers(&fleet.desk)]);
    fleet.desk.edit("targets.yaml", "name: paris\n", "name: paris\n    addresses: public\n");
    for _ in 0..3 {
        fleet.desk.run(&["check", "--alert"]);
    }
    let explained = fleet.desk.run(&["status", "--explain", "paris"]).ends_with(0).out;
    assert!(explained.starts_with("paris is unreachable since "), "{explained}");
    assert!(
        explained.contains("what to do: It was not asked: `addresses: public` does not let us go where it lies."),
        "{explained}"
    );
    assert!(!fleet.desk.path("kept").exists() || events(&fleet.desk.path("kept")).is_empty(), "no volunteer hears of it");
}
