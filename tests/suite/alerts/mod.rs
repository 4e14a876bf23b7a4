//! Alerts from a round to whoever is told, over real sockets: the program of a user, and peers that nobody here wrote or that
//! only record what they get.

mod command;
mod kill;
mod mail;
mod people;
mod reminders;
mod rules;
mod web;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli_desk::{Desk, Said};
use crate::support::process::free_ports;
use crate::support::{face::Face, schema};

/// Three mirrors, each with a public address and pushed to, and a project that believes in silence at once.
struct Fleet {
    desk: Desk,
    faces: Vec<(&'static str, Face)>,
}

/// The mirrors' names.
const MIRRORS: [&str; 3] = ["paris", "lyon", "rome"];

impl Fleet {
    fn new() -> Self {
        let desk = Desk::with_targets(&MIRRORS);
        let faces = MIRRORS.map(|name| (name, Face::over(&desk.path(name)))).into();
        let fleet = Self { desk, faces };
        for (name, face) in &fleet.faces {
            let entry = format!("name: {name}\n");
            let more = format!("    public_url: {}\n    contact: {name}@volunteers.example\n", face.url());
            fleet.desk.edit("targets.yaml", &entry, &format!("{entry}{more}"));
        }
        fleet.desk.edit("targets.yaml", "targets:", "health: {unreachable_after: 1}\ntargets:");
        fleet.desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
        fleet.desk.run(&["check", "--full"]).ends_with(0);
        fleet
    }

    /// Writes `alerts:` with these routes, each a flow mapping.
    fn routes(&self, routes: &[String]) {
        let kept = self.desk.read("targets.yaml");
        let kept = kept.split("alerts:\n").next().expect("the part before").to_owned();
        let lines: Vec<String> = routes.iter().map(|route| format!("  - {route}\n")).collect();
        self.desk.write("targets.yaml", &format!("{kept}alerts:\n{}", lines.concat()));
    }

    fn url(&self, mirror: &str) -> &str {
        self.faces.iter().find(|(name, _)| *name == mirror).expect("one of the three").1.url()
    }

    /// From now on nobody answers at the mirror's address. Returns the address.
    fn away(&self, mirror: &str) -> String {
        let dead = format!("http://127.0.0.1:{}/", free_ports(1)[0]);
        self.desk.edit("targets.yaml", &format!("public_url: {}\n", self.url(mirror)), &format!("public_url: {dead}\n"));
        dead
    }

    fn back(&self, mirror: &str, dead: &str) {
        self.desk.edit("targets.yaml", &format!("public_url: {dead}\n"), &format!("public_url: {}\n", self.url(mirror)));
    }

    /// A round that tells.
    fn round(&self) -> Said {
        self.desk.run(&["check", "--alert"])
    }

    /// The same, as if this much time had gone by (`+5m`).
    fn round_after(&self, time: &str) -> Said {
        let clock = "FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 faketime -m -f";
        self.desk.shell(&format!("{clock} {time} spartacus check --alert"))
    }

    fn listed(&self) -> Value {
        schema::expect_command("alerts", &self.desk.run(&["alert", "list", "--json"]).ends_with(0).out)
    }

    /// What is remembered of one route.
    fn route(&self, name: &str) -> Value {
        let listed = self.listed();
        let routes = listed["routes"].as_array().expect("a list");
        routes.iter().find(|route| route["route"] == name).expect("a route of the test's own").clone()
    }
}

/// A program that keeps each event that it reads as `N.json` in the folder of its first argument.
pub const KEEP: &str = "cat > \"$1/part\"; mv \"$1/part\" \"$1/$(ls \"$1\" | grep -c json).json\"\n";

/// The events that were kept there, oldest first; each is what the schema says.
pub fn events(folder: &Path) -> Vec<Value> {
    let read = |number: usize| fs::read_to_string(folder.join(format!("{number}.json"))).ok();
    (0..).map_while(read).map(|event| schema::expect_command("alert", &event)).collect()
}

/// Asserts that none of these secrets is in any of these places: what was said, and files below the desk.
#[track_caller]
fn assert_unseen(desk: &Desk, secrets: &[&str], said: &[&Said], files: &[&str]) {
    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    for (number, said) in said.iter().enumerate() {
        places.push((format!("stdout of command {number}"), said.out.clone().into_bytes()));
        places.push((format!("stderr of command {number}"), said.err.clone().into_bytes()));
    }
    for name in files {
        places.push(((*name).to_owned(), fs::read(desk.path(name)).expect("a file of the test's own")));
    }
    for secret in secrets {
        for (place, bytes) in &places {
            let at = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
            if let Some(at) = at {
                let around = String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]).into_owned();
                panic!("{place} shows {secret}, after:\n{around}");
            }
        }
    }
}
