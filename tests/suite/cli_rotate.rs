//! Another deploy key, with volunteers who add it, who put it in the place of the old one, and who do nothing.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::cli_desk::Desk;
use crate::support::schema;
use crate::support::sshd::{Sshd, settings};

const OLD: &str = "keys/deploy_ed25519.pub";
const NEXT: &str = "keys/deploy_ed25519.next.pub";

/// A server that lets in whoever has one of these keys.
fn authorize(server: &Sshd, desk: &Desk, keys: &[&str]) {
    let lines: String = keys.iter().map(|key| desk.read(key)).collect();
    fs::write(server.folder.path().join("authorized_keys"), lines).expect("a file of the test's own");
}

/// A project whose targets these servers are, by name; all know its deploy key.
fn project(servers: &[(&str, &Sshd)], more: &str) -> Desk {
    let desk = Desk::with_project();
    let offline = desk.shell("age-keygen -o offline.txt && age-keygen -y offline.txt").ends_with(0).out.trim().to_owned();
    let mut entries = String::new();
    for (name, server) in servers {
        let place = settings(server.port, &server.user, &server.root.display().to_string(), &server.keys);
        let contact = format!("{name}@volunteers.example");
        writeln!(entries, "  - name: {name}\n    contact: {contact}\n{place}      key: keys/deploy_ed25519")
            .expect("into memory");
        authorize(server, &desk, &[OLD]);
    }
    let invite = format!("invite: {{send_to: [mirrors@example.org], recipients: [{offline}]}}\n");
    desk.edit("targets.yaml", "targets: []\n", &format!("{invite}targets:\n{entries}{more}"));
    desk.edit("targets.yaml", "project:\n", "project:\n  publish_status: true\n");
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

fn rotation(said: &str) -> Value {
    schema::expect_command("rotation", said)
}

/// Which keys the newest invite names.
fn invited(desk: &Desk) -> Vec<String> {
    desk.run(&["invite", "--yes"]).ends_with(0);
    let shown = desk.run(&["invite", "--show", "invite/invite.json", "--root", "1.root.json", "--json"]).ends_with(0);
    let keys = schema::expect_command("invite_shown", &shown.out)["invite"]["deploy_keys"].clone();
    keys.as_array().expect("a list").iter().map(|key| key.as_str().expect("a line").to_owned()).collect()
}

fn has(server: &Sshd, bundle: &str) -> bool {
    server.root.join(format!("releases/{bundle}/README")).exists()
}

/// Whether the invite is among the newest files of the fleet that a server has.
fn carries_an_invite(server: &Sshd) -> bool {
    let entries = fs::read_dir(server.root.join("fleet")).expect("a folder");
    let names: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    let number = |name: &String| name.strip_suffix(".status.html")?.parse::<u64>().ok();
    let newest = names.iter().filter_map(number).max().expect("there is a page");
    names.contains(&format!("{newest}.invite.json"))
}

#[test]
fn pushes_go_on_while_volunteers_add_the_key_replace_it_or_do_nothing() {
    let [paris, lyon, rome] = [Sshd::start(), Sshd::start(), Sshd::start()];
    let desk = project(&[("paris", &paris), ("lyon", &lyon), ("rome", &rome)], "");
    let old = desk.read(OLD).trim().to_owned();
    assert_eq!(invited(&desk), std::slice::from_ref(&old));
    for words in [&["status"][..], &["finish"], &["cancel"]] {
        let said = desk.run(&[&["rotate"][..], words].concat());
        said.complains(2, "error: no change of the deploy key is under way\nhint: spartacus rotate begin");
    }

    // 1. Both are there, and the invite says so.
    let begun = rotation(&desk.run(&["rotate", "begin", "--json"]).ends_with(0).out);
    let next = desk.read(NEXT).trim().to_owned();
    assert_eq!((&begun["state"], &begun["keys"]), (&"under_way".into(), &serde_json::json!([old, next])));
    assert_eq!(begun["targets"].as_array().map(Vec::len), Some(3));
    assert_eq!((&begun["messages"], &begun["not_told"]), (&0.into(), &serde_json::json!(["paris", "lyon", "rome"])));
    let only = desk.run(&["rotate", "finish", "--only", "paris"]);
    only.complains(2, "error: --only names targets, and this command is not about targets\nhint: leave --only out");
    assert_eq!(invited(&desk), [old.clone(), next.clone()]);
    let again = desk.run(&["rotate", "begin"]).ends_with(2);
    assert!(again.err.starts_with("error: a change of the deploy key is under way already\n"), "{}", again.err);
    assert_eq!(desk.read(NEXT).trim(), next);

    // 2. Each volunteer does what they like.
    authorize(&paris, &desk, &[OLD, NEXT]);
    authorize(&lyon, &desk, &[NEXT]);
    let told = rotation(&desk.run(&["rotate", "status", "--json"]).ends_with(7).out);
    let takes: Vec<&Value> = told["targets"].as_array().expect("a list").iter().map(|target| &target["takes"]).collect();
    assert_eq!(takes, ["both", "next", "old"]);
    assert!(told["targets"][2]["next"].as_str().is_some_and(|why| why.contains("the server accepts publickey")), "{told}");
    let text = desk.run(&["rotate", "status"]).ends_with(7);
    assert_eq!(text.headline(), "2 of 3 take the next key");
    assert!(text.out.contains("rome             takes only the old key: rome: connect: credentials refused"), "{}", text.out);
    let only = desk.run(&["rotate", "status", "--only", "paris"]).ends_with(0);
    assert_eq!(
        only.out,
        "paris            takes both keys\nall that were asked take the next key; of the others tells: spartacus rotate status\n"
    );
    // Whoever looks at a place gets in with either key, as a push does.
    let looked = desk.run(&["offer", "doctor", "lyon"]).ends_with(7);
    assert!(looked.out.contains("  yes      log in "), "{}", looked.out);
    desk.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    assert!([&paris, &lyon, &rome].into_iter().all(|server| has(server, "v2") && carries_an_invite(server)));

    // 3. Nobody is cut off without being named.
    let refused = desk.run(&["rotate", "finish"]).ends_with(7);
    assert!(
        refused.err.starts_with("error: 1 target may not let us in without the old key, so it is not removed\n  rome  ")
            && refused.err.ends_with("hint: to cut them off: spartacus rotate finish --force\n"),
        "{}",
        refused.err
    );
    let refused = desk.run(&["rotate", "cancel"]).ends_with(7);
    assert!(refused.err.contains("without the next key") && refused.err.contains("  lyon  "), "{}", refused.err);
    assert_eq!((desk.read(OLD).trim(), desk.read(NEXT).trim()), (old.as_str(), next.as_str()), "nothing was changed");

    let forced = desk.run(&["rotate", "finish", "--force"]).ends_with(0);
    assert!(forced.err.contains("warning: cut off without the old key"), "{}", forced.err);
    assert!(!desk.path(NEXT).exists() && !desk.path("keys/deploy_ed25519.next").exists());
    let over = desk.run(&["push", "docs", "--as", "v3", "--yes"]);
    assert_ne!(over.code, 0, "{}", over.out);
    assert!(has(&paris, "v3") && has(&lyon, "v3") && !has(&rome, "v3"));
    // The invite names the key that is gone: nobody is to let it in any more.
    let gone = "the newest invite names a deploy key that is not used any more, and is not published: spartacus invite\n";
    assert!(over.err.contains(&format!("warning: {gone}")) && desk.run(&["status"]).out.contains(gone), "{}", over.err);
    assert!(!carries_an_invite(&paris) && !carries_an_invite(&lyon));
    assert_eq!(invited(&desk), [next]);
    assert!(!desk.run(&["status"]).out.contains(gone));
    desk.run(&["renew"]);
    assert!(carries_an_invite(&paris) && carries_an_invite(&lyon));
}

#[test]
fn volunteers_are_told_of_the_key_and_later_that_the_old_line_can_go() {
    let server = Sshd::start();
    let routes = "alerts:\n  - {name: volunteers, audience: volunteer, command: [/bin/sh, ./note.sh, ./kept]}\n  \
                  - {name: team, command: [/bin/false]}\n";
    let desk = project(&[("paris", &server)], routes);
    desk.write("note.sh", crate::alerts::KEEP);
    fs::create_dir(desk.path("kept")).expect("a folder of the test's own");
    // Two more whom nobody writes to; nobody connects to them, either.
    let other = |name: &str, more: &str| {
        let place = settings(server.port, &server.user, &format!("/nowhere/{name}"), &server.keys);
        format!("  - name: {name}\n    {more}\n{place}      key: keys/deploy_ed25519\n")
    };
    let others = other("lyon", "state: paused\n    contact: lyon@volunteers.example") + &other("rome", "country: IT");
    desk.edit("targets.yaml", "alerts:\n", &format!("{others}alerts:\n"));
    let begun = desk.run(&["rotate", "begin"]).ends_with(0);
    assert!(begun.out.contains("not written to, so tell them yourself: lyon (paused), rome (no contact)"), "{}", begun.out);
    let waits = desk.run(&["alert", "send", "--dry-run"]).ends_with(0);
    assert!(waits.headline().contains(", 0 messages wait from before"), "nothing proves the key yet: {}", waits.out);
    let signed = desk.run(&["invite", "--yes"]).ends_with(0);
    for words in ["sends the message to its volunteer that waits", "tell them yourself: lyon (paused), rome (no contact)"] {
        assert!(signed.out.contains(words), "{words:?} is not in {}", signed.out);
    }
    // Another time it is no news, neither while it waits nor when it was sent.
    let again = schema::expect_command("invited", &desk.run(&["invite", "--yes", "--json"]).ends_with(0).out);
    assert_eq!((&again["messages"], &again["not_told"]), (&0.into(), &serde_json::json!(["lyon", "rome"])));
    desk.edit("targets.yaml", &others, "");
    desk.run(&["alert", "send"]).ends_with(0);
    desk.run(&["invite", "--yes"]).ends_with(0);
    desk.run(&["alert", "send"]).ends_with(0);
    let told = crate::alerts::events(&desk.path("kept"));
    assert_eq!((told.len(), &told[0]["title"]), (1, &"[demo] a new key for your mirror paris".into()));
    assert_eq!(told[0]["to"], serde_json::json!(["paris@volunteers.example"]));
    let text = told[0]["text"].as_str().expect("text");
    let pin = desk.shell("sha256sum 1.root.json").ends_with(0).out[..64].to_owned();
    assert!(text.contains(&format!("--pin {pin}")), "{text}");
    // The line is one that sshd takes as it is pasted, in the place of the old one.
    let line = text.lines().map(str::trim).find(|line| line.starts_with("ssh-ed25519 ")).expect("the line");
    fs::write(server.folder.path().join("authorized_keys"), format!("{line}\n")).expect("a file of the test's own");
    let asked = rotation(&desk.run(&["rotate", "status", "--json"]).ends_with(0).out);
    assert_eq!(asked["targets"][0]["takes"], "next");

    // One that is not there takes no key, as far as anybody knows.
    let port = server.port;
    desk.edit("targets.yaml", &format!("port: {port}"), &format!("port: {}", crate::support::process::free_ports(1)[0]));
    desk.edit("targets.yaml", "policy:\n", "policy:\n  retry: {tries: 1}\n");
    let asked = rotation(&desk.run(&["rotate", "status", "--json"]).ends_with(7).out);
    assert_eq!(asked["targets"][0]["takes"], "unknown");
    for verb in ["finish", "cancel"] {
        let refused = desk.run(&["rotate", verb]).ends_with(7);
        assert!(refused.err.contains("paris            could not be asked: "), "{}", refused.err);
    }
    // One whose volunteer wants to be left alone is not asked.
    desk.edit("targets.yaml", "name: paris\n", "name: paris\n    state: paused\n");
    let asked = desk.run(&["rotate", "status"]).ends_with(0);
    assert!(asked.out.starts_with("paris            is paused, and was not asked\n"), "{}", asked.out);
    desk.edit("targets.yaml", "    state: paused\n", "");
    let text = desk.read("targets.yaml");
    let now = text.lines().find(|line| line.trim().starts_with("port: ")).expect("a port").to_owned();
    desk.edit("targets.yaml", &now, &format!("      port: {port}"));

    desk.run(&["rotate", "finish"]).ends_with(0);
    desk.run(&["alert", "send"]).ends_with(0);
    let told = crate::alerts::events(&desk.path("kept"));
    assert_eq!(told.last().map(|event| &event["title"]), Some(&"[demo] the old key of your mirror paris can be removed".into()));
    assert_eq!(told.len(), 2);
    desk.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);

    // It can be changed once more, and thought better of.
    desk.run(&["rotate", "begin"]).ends_with(0);
    let signed = desk.run(&["invite", "--yes"]).ends_with(0);
    assert!(signed.out.contains("sends the message to its volunteer that waits"), "{}", signed.out);
    let before = desk.read(OLD);
    desk.run(&["rotate", "cancel"]).ends_with(0);
    assert_eq!((desk.read(OLD), desk.path(NEXT).exists()), (before, false));
    desk.run(&["alert", "send"]).ends_with(0);
    assert_eq!(crate::alerts::events(&desk.path("kept")).len(), 2, "the letter about the key that there is no more is not sent");
    let listed = desk.run(&["alert", "list"]).ends_with(0);
    assert!(listed.out.contains("[demo] a new key for your mirror paris (given up)\n"), "{}", listed.out);
    desk.run(&["push"]).ends_with(0);

    // One that was killed when the key had taken its place is ended by the next one, and then its volunteer hears of it.
    desk.run(&["rotate", "begin"]).ends_with(0);
    fs::rename(desk.path("keys/deploy_ed25519.next"), desk.path("keys/deploy_ed25519")).expect("as `finish` does it");
    let ended = rotation(&desk.run(&["rotate", "finish", "--json"]).ends_with(0).out);
    assert_eq!((&ended["state"], &ended["messages"]), (&"finished".into(), &1.into()));
    desk.run(&["rotate", "finish"]).ends_with(2);
}
