//! Looks from several places: vantages as processes of their own, each with its folder and key, and what a maintainer makes
//! of what they write.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::cli_desk::{Desk, Said};
use crate::support::face::Face;
use crate::support::{proxy, schema};

/// A project with a release on mirrors that readers reach over HTTP, each behind a line that can be cut.
pub struct Fleet {
    pub desk: Desk,
    faces: Vec<(Face, proxy::Proxy)>,
    names: Vec<String>,
}

impl Fleet {
    pub fn of(names: &[&str]) -> Self {
        let desk = Desk::with_targets(names);
        let mut faces = Vec::new();
        for name in names {
            let face = Face::over(&desk.path(name));
            let port = face.url().trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
            let line = proxy::Proxy::before(port);
            let entry = format!("name: {name}\n");
            desk.edit("targets.yaml", &entry, &format!("{entry}    public_url: http://127.0.0.1:{}/\n", line.port()));
            faces.push((face, line));
        }
        desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
        desk.run(&["status", "--html", "public"]).ends_with(0);
        Self { desk, faces, names: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// Keeps everybody from this mirror, or lets them through again.
    pub fn cut(&self, name: &str, off: bool) {
        let place = self.names.iter().position(|known| known == name).expect("a mirror");
        self.faces[place].1.set(proxy::Conditions { off, ..proxy::Conditions::default() });
    }
}

/// Somebody elsewhere: a folder, a key, the pin and the public list; nothing of the project.
pub struct Vantage {
    pub desk: Desk,
    name: String,
}

impl Vantage {
    /// Makes a key, and has the maintainer list it.
    pub fn of(fleet: &Fleet, name: &str) -> Self {
        let vantage = Self::unlisted(fleet, name);
        let line = vantage.desk.read("vantage.pub").lines().nth(1).expect("the key").to_owned();
        let text = fleet.desk.read("targets.yaml");
        if !text.contains("vantages:") {
            fleet.desk.write("targets.yaml", &format!("{text}health:\n  vantages:\n"));
        }
        fleet.desk.edit("targets.yaml", "  vantages:\n", &format!("  vantages:\n    - {{name: {name}, key: {line}}}\n"));
        vantage
    }

    pub fn unlisted(fleet: &Fleet, name: &str) -> Self {
        let desk = Desk::empty();
        desk.run(&["key", "new", name, "--vantage"]).ends_with(0);
        desk.write("mirrors.json", &fleet.desk.read("public/mirrors.json"));
        desk.write("1.root.json", &fleet.desk.read("1.root.json"));
        Self { desk, name: name.to_owned() }
    }

    pub fn look(&self, more: &[&str]) -> Said {
        let usual = ["check", "--vantage", &self.name, "--out", "seen.json", "--root", "1.root.json", "--mirrors"];
        self.desk.run(&[&usual[..], &["mirrors.json"], more].concat())
    }
}

#[test]
fn a_vantage_needs_a_key_a_pin_and_a_list_and_nothing_else() {
    let fleet = Fleet::of(&["paris", "lyon"]);
    let de = Vantage::of(&fleet, "de");
    assert_eq!(fs::metadata(de.desk.path("vantage.key")).expect("a file").permissions().mode() & 0o777, 0o600);
    fleet.cut("lyon", true);
    let said = de.look(&[]).ends_with(0);
    assert!(said.out.contains("v1") && said.out.contains("UNREADABLE"), "{}", said.out);
    assert!(said.err.contains(" of de, which counts until ") && said.err.trim_end().ends_with(": seen.json"), "{}", said.err);
    let told = schema::expect_command("testimony", &de.desk.read("seen.json"));
    let signed = &told["signed"];
    let verdicts: Vec<&Value> = signed["mirrors"].as_array().expect("a list").iter().map(|seen| &seen["verdict"]).collect();
    assert_eq!(verdicts, ["current", "unreadable"], "{told}");
    let paris = &signed["mirrors"][0];
    assert!(paris["reach"][0]["phases"]["first_byte_ms"].is_u64(), "{paris}");
    assert_eq!((&paris["version"], &signed["vantage"], &signed["online"]), (&1.into(), &"de".into(), &Value::Null));
    assert!(signed["mirrors"][1]["evidence"][0]["what"].is_string(), "{told}");

    // The next one has a higher number; a deeper look says so; others tell whether we are online.
    let control = format!("http://127.0.0.1:{}/", fleet.faces[0].1.port());
    let again = de.look(&["--full", "--valid", "2h", "--control", &control, "--json"]).ends_with(0);
    schema::expect_check(&again.out);
    let next = schema::expect_command("testimony", &de.desk.read("seen.json"));
    assert!(next["signed"]["sequence"].as_u64() > signed["sequence"].as_u64(), "{next}");
    assert_eq!((&next["signed"]["depth"], &next["signed"]["online"]), (&"full".into(), &true.into()));
    assert_eq!(next["signed"]["mirrors"][0]["level"], "verified");

    // In a project the list and the pin are those of the project.
    let home = fleet.desk.run(&["check", "--vantage", "de", "--out", "home.json", "--key", "nowhere.key"]).ends_with(2);
    let expected = "hint: spartacus key new de --vantage --out nowhere.key\n";
    assert!(home.err.ends_with(expected), "{}", home.err);
    let key = de.desk.path("vantage.key").display().to_string();
    fleet.desk.run(&["check", "--vantage", "de", "--out", "home.json", "--key", &key, "--only", "paris"]).ends_with(0);
    let home: Value = serde_json::from_str(&fleet.desk.read("home.json")).expect("JSON");
    assert_eq!((home["signed"]["mirrors"].as_array().map(Vec::len), &home["signed"]["project"]), (Some(1), &signed["project"]));
}

#[test]
fn a_list_may_come_from_an_address_and_nothing_is_believed_of_it_but_names_and_places() {
    let fleet = Fleet::of(&["paris"]);
    let de = Vantage::of(&fleet, "de");
    let face = Face::over(&fleet.desk.path("public"));
    let arguments = ["check", "--vantage", "de", "--out", "seen.json", "--root", "1.root.json", "--mirrors"];
    let fetch = |place: &str| de.desk.run(&[&arguments[..], &[place]].concat());
    fetch(&format!("{}mirrors.json", face.url())).ends_with(0);
    assert!(de.desk.read("seen.json").contains("\"current\""));
    let gone = fetch(&format!("{}other.json", face.url())).ends_with(1);
    assert!(gone.err.contains("other.json could not be read: it is not there\nhint: "), "{}", gone.err);
    let login = fetch("https://user:canary-9@example.org/mirrors.json").ends_with(2);
    assert!(!login.err.contains("canary-9"), "{}", login.err);
    for (list, why) in [
        ("{}", "missing field `schema`"),
        (r#"{"schema":"spartacus.check/1","mirrors":[]}"#, "its schema is not spartacus.mirrors/1"),
        (r#"{"schema":"spartacus.mirrors/1","mirrors":[]}"#, "names no mirror with a public address"),
        (r#"{"schema":"spartacus.mirrors/1","mirrors":[{"name":"a","url":null}]}"#, "names no mirror with a public address"),
        (r#"{"schema":"spartacus.mirrors/1","mirrors":[{"name":"a","url":"file:///etc/passwd"}]}"#, "the address of a is none"),
        (
            r#"{"schema":"spartacus.mirrors/1","mirrors":[{"name":"a","url":"http://a/"},{"name":"a","url":"http://b/"}]}"#,
            "a is in it twice",
        ),
    ] {
        de.desk.write("mirrors.json", list);
        let refused = de.look(&[]).ends_with(2);
        assert!(refused.err.contains(why) && refused.err.contains("\nhint: "), "{list}: {}", refused.err);
    }
    // Nothing was written over by those that failed.
    assert!(de.desk.read("seen.json").contains("\"current\""));
}

#[test]
fn words_that_do_not_go_together_are_refused() {
    let fleet = Fleet::of(&["paris"]);
    let de = Vantage::of(&fleet, "de");
    for wrong in [
        &["check", "--vantage", "de"][..],
        &["check", "--out", "x.json"],
        &["check", "--vantage", "here", "--out", "x.json"],
        &["check", "--vantage", "de", "--out", "x.json", "--root", "1.root.json"],
        &["check", "--vantage", "de", "--out", "x.json", "--mirrors", "mirrors.json"],
        &["check", "--vantage", "de", "--out", "x.json", "--write"],
        &["check", "--vantage", "de", "--out", "x.json", "--valid", "25h"],
        &["key", "new", "De", "--vantage"],
        &["key", "new", "de", "--vantage"],
    ] {
        de.desk.run(wrong).ends_with(2);
    }
    let lost = de.desk.run(&["check", "--vantage", "de", "--out", "x.json"]).ends_with(2);
    assert!(lost.err.contains("--root 1.root.json --mirrors mirrors.json"), "{}", lost.err);
    let own = fleet.desk.run(&["check", "--vantage", "de", "--out", "targets.yaml"]).ends_with(2);
    assert!(own.err.contains("that would overwrite what belongs to the project"), "{}", own.err);
}
