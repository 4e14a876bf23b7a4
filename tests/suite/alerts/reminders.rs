//! What is agreed with a volunteer ends: who hears of it, and when.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::{KEEP, events};
use crate::cli_desk::{Desk, Said};
use crate::support::sshd::{Sshd, settings};

/// A project with a mirror that was offered for 60 days, its volunteer, and two routes.
struct Agreed {
    project: Desk,
    volunteer: Desk,
    ticket: String,
    _server: Sshd,
}

impl Agreed {
    fn new() -> Self {
        let server = Sshd::start();
        let project = Desk::with_targets(&["home"]);
        let offline = project.shell("age-keygen -o offline.txt && age-keygen -y offline.txt").ends_with(0).out.trim().to_owned();
        project.write("note.sh", KEEP);
        let mut routes = "alerts:\n".to_owned();
        for (name, more) in
            [("team", "on: [expiring]"), ("volunteers", "audience: volunteer, on: [expiring]"), ("pager", "on: [quarantined]")]
        {
            fs::create_dir(project.path(name)).expect("a folder of the test's own");
            writeln!(routes, "  - {{name: {name}, {more}, command: [/bin/sh, ./note.sh, ./{name}]}}").expect("into memory");
        }
        let invite = format!("invite: {{send_to: [mirrors@example.org], recipients: [{offline}]}}\n");
        project.edit("targets.yaml", "policy:\n", &format!("{invite}{routes}policy:\n  private_networks: [127.0.0.0/8]\n"));
        project.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
        for (from, to) in [("id_ed25519", "keys/deploy_ed25519"), ("id_ed25519.pub", "keys/deploy_ed25519.pub")] {
            fs::copy(server.folder.path().join(from), project.path(to)).expect("the key can be copied");
        }
        project.run(&["invite", "--yes"]).ends_with(0);

        let volunteer = Desk::empty();
        let place = settings(server.port, &server.user, &server.root.display().to_string(), &server.keys);
        let entry = format!(
            "  - name: paris\n    public_url: http://127.0.0.1:9/\n    contact: alice@volunteers.example\n{place}      key: {}\n",
            server.keys.client.display()
        );
        volunteer.write("targets.yaml", &format!("project: {{name: my offer}}\ntargets:\n{entry}"));
        volunteer.write("invite.json", &project.read("invite/invite.json"));
        volunteer.run(&["key", "new", "volunteer", "--vantage", "--out", "volunteer.key"]).ends_with(0);
        let sealed = volunteer.run(&["offer", "seal", "--valid", "60 days", "--json"]).ends_with(0);
        let sealed: Value = serde_json::from_str(&sealed.out).expect("JSON");
        let ticket = sealed["ticket"].as_str().expect("a ticket").to_owned();
        let agreed = Self { project, volunteer, ticket, _server: server };
        agreed.hand_over("offer.json", "+0d");
        // Nobody reads at its address here, and sshd is no chroot: what matters is that it is agreed.
        agreed.project.run(&["offers", "accept", "paris", "--force", "--no-push", "--yes"]).ends_with(0);
        // The report on how the place was tried out is the first that its volunteer hears.
        assert_eq!(agreed.titles("volunteers").len(), 1);
        fs::remove_file(agreed.project.path("volunteers/0.json")).expect("it was just there");
        agreed
    }

    fn hand_over(&self, name: &str, time: &str) {
        self.project.write(name, &self.volunteer.read(name));
        self.after(time, &format!("offers add {name}")).ends_with(0);
    }

    /// A command of the project, as if this much time had gone by.
    fn after(&self, time: &str, command: &str) -> Said {
        self.project.shell(&format!("faketime -f '{time}' spartacus {command}"))
    }

    fn titles(&self, route: &str) -> Vec<String> {
        let told = events(&self.project.path(route));
        told.iter().map(|event| event["title"].as_str().expect("text").to_owned()).collect()
    }
}

#[test]
fn everybody_concerned_is_reminded_once_a_step_and_a_renewal_begins_anew() {
    let agreed = Agreed::new();
    agreed.after("+29d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("team"), Vec::<String>::new());
    assert!(!agreed.after("+29d", "status").ends_with(0).out.contains("what is agreed"));

    // 1. A month before. A rehearsal says so, and does not count.
    let rehearsed = agreed.after("+31d", "alert send --dry-run").ends_with(0);
    assert!(
        rehearsed.out.contains("--- on volunteers, to the volunteer of paris: [demo] your offer of paris ends in 29 days\n"),
        "{}",
        rehearsed.out
    );
    agreed.after("+31d", "alert send").ends_with(0);
    agreed.after("+31d", "alert send").ends_with(0);
    agreed.after("+40d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("team"), ["[demo] what is agreed ends soon: paris"]);
    assert_eq!(agreed.titles("volunteers"), ["[demo] your offer of paris ends in 29 days"]);
    assert_eq!(agreed.titles("pager"), Vec::<String>::new(), "a route hears of what it is for");
    let (team, volunteers) = (events(&agreed.project.path("team")), events(&agreed.project.path("volunteers")));
    assert_eq!(volunteers[0]["to"], serde_json::json!(["alice@volunteers.example"]));
    assert_eq!((&team[0]["items"][0]["condition"], &team[0]["items"][0]["mirror"]), (&"expiring".into(), &"paris".into()));
    let text = volunteers[0]["text"].as_str().expect("text");
    for words in [
        &*agreed.ticket,
        "spartacus offer update",
        "update.json to mailto:mirrors@example.org",
        "expiry-time=",
        "spartacus invite --show invite.json --pin ",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    let text = team[0]["text"].as_str().expect("text");
    assert!(text.contains("Its volunteer is reminded, too.") && !text.contains("alice@"), "{text}");
    let status = agreed.after("+31d", "status").ends_with(0);
    assert!(status.out.contains("\nparis: what is agreed with its volunteer ends 2"), "{}", status.out);
    let listed = agreed.after("+31d", "offers list").ends_with(0);
    assert!(listed.out.lines().any(|line| line.starts_with(&agreed.ticket) && line.ends_with(", in 29 days")), "{}", listed.out);

    // 2. A week before, at the end of a round.
    agreed.after("+54d", "check --alert");
    agreed.after("+54d", "check --alert");
    assert_eq!(agreed.titles("team").len(), 2);
    let last = agreed.titles("volunteers");
    assert_eq!(last.iter().filter(|title| title.contains("ends in 6 days")).count(), 1, "{last:?}");

    // 3. An update that is not looked at yet: its volunteer has done enough. The team has not.
    let made = agreed.volunteer.shell("faketime -f '+59d' spartacus offer update --valid '60 days'");
    made.ends_with(0);
    agreed.hand_over("update.json", "+59d");
    let before = agreed.titles("volunteers");
    agreed.after("+59d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("volunteers"), before);
    assert_eq!(agreed.titles("team").len(), 3);
    let text = events(&agreed.project.path("team"))[2]["text"].as_str().expect("text").to_owned();
    assert!(
        text.contains(&format!("An update of it waits for your decision: spartacus offers show {}", agreed.ticket)),
        "{text}"
    );

    // 4. It counts from the next run on, and all begins anew.
    let renewed = agreed.after("+59d", "check");
    assert!(renewed.err.contains("paris: renewed by its volunteer until "), "{}", renewed.err);
    agreed.after("+60d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("team").len(), 3);
    agreed.after("+90d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("team").len(), 4);
}

#[test]
fn the_team_hears_that_nobody_reminds_a_volunteer_who_is_left_alone() {
    let agreed = Agreed::new();
    agreed.project.edit("targets.yaml", "    addresses: public\n", "    addresses: public\n    state: paused\n");
    agreed.after("+31d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("volunteers"), Vec::<String>::new());
    let text = events(&agreed.project.path("team"))[0]["text"].as_str().expect("text").to_owned();
    assert!(text.contains("Nobody reminds its volunteer") && !text.contains("is reminded, too"), "{text}");
}

#[test]
fn what_was_missed_is_not_told_all_at_once_and_a_quiet_hour_is_waited_for() {
    let agreed = Agreed::new();
    let route = "{name: volunteers, audience: volunteer, ";
    let quiet = "quiet: [{from: \"00:00\", until: \"24:00\", zone: UTC}], ";
    agreed.project.edit("targets.yaml", route, &format!("{route}{quiet}"));
    agreed.after("+53d", "alert send").ends_with(0);
    agreed.after("+59d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("team").len(), 2, "the step of a week, and that of a day");
    assert_eq!(agreed.titles("volunteers"), Vec::<String>::new());
    agreed.project.edit("targets.yaml", quiet, "");
    // Whoever wants to be left alone is.
    agreed.project.edit("targets.yaml", "    addresses: public\n", "    addresses: public\n    state: paused\n");
    agreed.after("+59d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("volunteers"), Vec::<String>::new());
    agreed.project.edit("targets.yaml", "    state: paused\n", "");
    agreed.after("+59d", "alert send").ends_with(0);
    assert_eq!(agreed.titles("volunteers"), ["[demo] your offer of paris ends within a day"]);
    // Its end itself is no reminder.
    agreed.after("+61d", "alert send").ends_with(0);
    assert_eq!((agreed.titles("team").len(), agreed.titles("volunteers").len()), (2, 1));
}
