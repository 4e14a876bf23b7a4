//! Looks from several places: vantages as processes of their own, each with its folder and key, and what a maintainer makes
//! of what they write.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;
use spartacus::health::Testimony;
use spartacus::trust::SigningKey;

use crate::cli_desk::{Desk, Said};
use crate::support::face::Face;
use crate::support::{process, proxy, schema, tools};

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

    /// Looks, and brings what it wrote to the maintainer under this name.
    pub fn looks_for(&self, fleet: &Fleet, file: &str) {
        self.look(&[]).ends_with(0);
        fleet.desk.write(file, &self.desk.read("seen.json"));
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
        &["check", "--vantage", "de", "--out", "x.json", "--control", "ftp://example.org/"],
        &["check", "--vantage", "de", "--out", "x.json", "--control", "https://me:word@example.org/"],
        &["key", "new", "De", "--vantage"],
        &["key", "new", "de", "--vantage"],
    ] {
        de.desk.run(wrong).ends_with(2);
    }
    let lost = de.desk.run(&["check", "--vantage", "de", "--out", "x.json"]).ends_with(2);
    assert!(lost.err.contains("--root 1.root.json --mirrors mirrors.json"), "{}", lost.err);
    let own = fleet.desk.run(&["check", "--vantage", "de", "--out", "targets.yaml"]).ends_with(2);
    assert!(own.err.contains("that would overwrite what belongs to the project"), "{}", own.err);
    // Nobody ever writes into this pipe.
    process::run(Command::new(tools::program("mkfifo")).arg(fleet.desk.path("pipe")));
    let pipe = fleet.desk.run(&["check", "--merge", "pipe"]).ends_with(2);
    assert!(pipe.err.contains("pipe is no regular file"), "{}", pipe.err);
}

#[test]
fn an_output_replaces_nothing_but_a_file() {
    let fleet = Fleet::of(&["paris"]);
    let de = Vantage::of(&fleet, "de");
    let look = "spartacus check --vantage de --root 1.root.json --mirrors mirrors.json";
    let link = de.desk.path("link");
    std::os::unix::fs::symlink("kept.json", &link).expect("a new link");
    for name in ["link", "link"] {
        de.desk.shell(&format!("touch kept.json && {look} --out {name}")).ends_with(0);
        schema::expect_command("testimony", &de.desk.read("kept.json"));
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink(), "it is written through");
    }
    // A pipe gets what a file would.
    let piped =
        de.desk.shell(&format!("mkfifo out && (timeout 60 cat out > got.json & {look} --out out && wait) && test -p out"));
    piped.ends_with(0);
    schema::expect_command("testimony", &de.desk.read("got.json"));
}

/// The standing of a mirror, as it is explained.
fn explained(fleet: &Fleet, mirror: &str) -> String {
    fleet.desk.run(&["status", "--explain", mirror]).ends_with(0).out
}

#[test]
fn a_mirror_that_one_place_does_not_reach_is_regional_and_not_down() {
    let fleet = Fleet::of(&["paris", "lyon"]);
    let (de, br) = (Vantage::of(&fleet, "de"), Vantage::of(&fleet, "br"));
    fleet.cut("paris", true);
    de.looks_for(&fleet, "de.json");
    fleet.cut("paris", false);
    br.looks_for(&fleet, "br.json");

    let merged = fleet.desk.run(&["check", "--merge", "de.json", "br.json", "--prometheus", "spartacus.prom"]).ends_with(0);
    assert!(merged.err.contains("de.json: de saw 2 of our mirrors, counts until "), "{}", merged.err);
    let why = explained(&fleet, "paris");
    assert!(why.starts_with("paris is degraded since "), "{why}");
    assert!(why.contains("  regional (since ") && why.contains(": unreachable from de, fine from br and here: "), "{why}");
    assert!(why.contains("\n  from br, just now: CURRENT, first byte after "), "{why}");
    assert!(why.contains("\n  from de, just now: UNREADABLE\n"), "{why}");
    assert!(explained(&fleet, "lyon").starts_with("lyon is healthy since "));
    let told = schema::expect_command("mirror", &fleet.desk.run(&["status", "--explain", "paris", "--json"]).ends_with(0).out);
    let places: Vec<&Value> = told["elsewhere"].as_array().expect("a list").iter().map(|seen| &seen["vantage"]).collect();
    assert_eq!((places, &told["elsewhere"][0]["counts"]), (vec![&"br".into(), &"de".into()], &true.into()));
    schema::expect_command("status", &fleet.desk.run(&["status", "--json"]).ends_with(0).out);

    fleet.desk.run(&["status", "--html", "public"]).ends_with(0);
    let page = fleet.desk.read("public/mirrors/paris.html");
    assert!(page.contains("from de, just now: unreadable") && page.contains("from br, just now: current"), "{page}");

    let metrics = fleet.desk.read("spartacus.prom");
    for line in [
        "spartacus_mirror_up{mirror=\"paris\"} 1",
        "spartacus_vantage_counts{vantage=\"de\"} 1",
        "spartacus_probe_success{mirror=\"paris\",probe=\"reach\",family=\"ipv4\",vantage=\"de\"} 0",
        "spartacus_probe_success{mirror=\"paris\",probe=\"reach\",family=\"ipv4\",vantage=\"br\"} 1",
        "spartacus_probe_success{mirror=\"paris\",probe=\"reach\",family=\"ipv4\"} 1",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }
    let judge =
        format!("{} check metrics < {}", tools::program("promtool").display(), fleet.desk.path("spartacus.prom").display());
    assert_eq!(process::run(Command::new("/bin/sh").args(["-c", &judge])), "");

    // The files are not needed again: what was taken counts on. The newest word ends it.
    fleet.desk.run(&["check"]).ends_with(0);
    assert!(explained(&fleet, "paris").contains("unreachable from de"));
    de.looks_for(&fleet, "de.json");
    fleet.desk.run(&["check", "--merge", "de.json", "br.json"]).ends_with(0);
    assert!(explained(&fleet, "paris").starts_with("paris is healthy since "));
}

#[test]
fn a_mirror_that_most_do_not_reach_is_unreachable_after_the_usual_rounds() {
    let fleet = Fleet::of(&["paris", "lyon"]);
    let (de, br) = (Vantage::of(&fleet, "de"), Vantage::of(&fleet, "br"));
    fleet.desk.run(&["check"]).ends_with(0);
    fleet.cut("paris", true);
    de.looks_for(&fleet, "de.json");
    br.looks_for(&fleet, "br.json");
    fleet.desk.run(&["check", "--merge", "de.json", "br.json"]).ends_with(4);
    fleet.desk.run(&["check"]).ends_with(4);
    assert!(explained(&fleet, "paris").starts_with("paris is healthy since "), "two rounds say nothing");
    fleet.desk.run(&["check"]).ends_with(4);
    let why = explained(&fleet, "paris");
    assert!(why.starts_with("paris is unreachable since "), "{why}");
    assert!(why.contains("no right answer in 3 rounds from br, de and here: "), "{why}");
}

/// What a vantage wrote, changed by somebody who holds its key.
fn said_again(vantage: &Vantage, change: impl FnOnce(&mut Testimony)) -> String {
    let written: Value = serde_json::from_str(&vantage.desk.read("seen.json")).expect("JSON");
    let mut said: Testimony = serde_json::from_value(written["signed"].clone()).expect("a testimony");
    change(&mut said);
    String::from_utf8(said.to_file(&key_of(vantage))).expect("JSON")
}

fn key_of(vantage: &Vantage) -> SigningKey {
    let path = camino::Utf8PathBuf::from_path_buf(vantage.desk.path("vantage.key")).expect("UTF-8");
    SigningKey::load(&path, None).expect("an unlocked key")
}

#[test]
fn what_is_no_word_of_a_listed_vantage_is_refused_and_the_others_count() {
    let fleet = Fleet::of(&["paris", "lyon"]);
    let (de, br) = (Vantage::of(&fleet, "de"), Vantage::of(&fleet, "br"));
    let stranger = Vantage::unlisted(&fleet, "us");
    fleet.cut("paris", true);
    br.looks_for(&fleet, "br.json");
    de.looks_for(&fleet, "old.json");
    de.looks_for(&fleet, "de.json");
    stranger.looks_for(&fleet, "us.json");
    fleet.cut("paris", false);
    let hour = jiff::SignedDuration::from_hours(1);

    let as_de = said_again(&stranger, |said| said.vantage = "de".parse().expect("a name"));
    let refused = |text: &str, why: &str, hint: &str| {
        fleet.desk.write("bad.json", text);
        let said = fleet.desk.run(&["check", "--merge", "bad.json", "br.json"]).ends_with(6);
        let expected = format!("error: bad.json is not taken\n  caused by: {why}");
        assert!(said.err.contains(&expected), "{}", said.err);
        assert!(said.err.contains(&format!("\nhint: {hint}")), "{}", said.err);
        assert!(said.err.contains("br.json: ") && said.err.contains("br saw 2 of our mirrors"), "{}", said.err);
        let why = explained(&fleet, "paris");
        assert!(why.contains("unreachable from br, fine from here: "), "only br counts: {why}");
    };
    refused(&as_de, "it claims to be of de, but the key of de did not sign it", "fetch it from de again");
    let changed = fleet.desk.read("de.json").replace("\"unreadable\"", "\"current\"");
    refused(&changed, "it claims to be of de, but the key of de did not sign it", "fetch it from de again");
    refused(
        &fleet.desk.read("us.json"),
        "it is of a vantage called us, and none of that name is listed",
        "if it is one of yours",
    );
    let foreign = said_again(&de, |said| said.project = spartacus::base::Sha256::of(b"another root"));
    refused(&foreign, "de says it of another project, whose pin is ", "give de this project's 1.root.json");
    let over = said_again(&de, |said| (said.at, said.expires) = (said.at - hour, said.at));
    refused(&over, "what de saw counted until ", "run `spartacus check --vantage de` there more often");
    let early = said_again(&de, |said| (said.at, said.expires) = (said.at + hour, said.expires + hour));
    refused(&early, "de says that it looked at ", "compare the clocks");
    let forever = said_again(&de, |said| said.expires += hour * 24);
    refused(&forever, "de wants to be believed from ", "spartacus check --vantage NAME --valid 30m");
    refused("{}", "it is no testimony\n  caused by: no signed statement: ", "testimonies are written by: ");

    // Taken once, the newest is known for ever.
    fleet.desk.run(&["check", "--merge", "de.json"]).ends_with(0);
    let again = fleet.desk.run(&["check", "--merge", "de.json"]).ends_with(0);
    assert!(again.err.contains("de.json: taken before; de saw 2 of our mirrors"), "{}", again.err);
    let replayed = fleet.desk.run(&["check", "--merge", "old.json"]).ends_with(6);
    assert!(replayed.err.contains(" comes after number ") && replayed.err.contains("\nhint: "), "{}", replayed.err);
    let twice = said_again(&de, |said| said.mirrors.truncate(1));
    fleet.desk.write("twice.json", &twice);
    fleet.desk.run(&["check", "--merge", "twice.json"]).ends_with(6);

    // A file that is not there hinders no other; nor does a vantage that was given other addresses.
    let lost = fleet.desk.run(&["check", "--merge", "nowhere.json", "br.json"]).ends_with(2);
    assert!(lost.err.contains("error: cannot read nowhere.json") && lost.err.contains("br saw 2"), "{}", lost.err);
    let moved = de.desk.read("mirrors.json").replace("127.0.0.1", "localhost");
    de.desk.write("mirrors.json", &moved);
    de.looks_for(&fleet, "de.json");
    let other = fleet.desk.run(&["check", "--merge", "de.json"]).ends_with(0);
    assert!(
        other.err.contains("de saw 0 of our mirrors") && other.err.contains("2 are not ours under the address"),
        "{}",
        other.err
    );

    // Nobody is listed, or somebody whose key signs for the project.
    let online = fleet.desk.read("targets.yaml").lines().find(|line| line.contains("name: de,")).expect("listed").to_owned();
    let keys: Value = serde_json::from_str(&fleet.desk.run(&["key", "list", "--json"]).ends_with(0).out).expect("JSON");
    let own = keys["roles"][2]["keys"][0]["minisign"].as_str().expect("a key");
    fleet.desk.edit("targets.yaml", &online, &format!("    - {{name: de, key: {own}}}"));
    let own = fleet.desk.run(&["check", "--merge", "de.json"]).ends_with(2);
    assert!(own.err.contains("vantage de has a key that signs for this project"), "{}", own.err);
    let text = fleet.desk.read("targets.yaml");
    fleet.desk.write("targets.yaml", text.split("health:").next().expect("it is there"));
    let nobody = fleet.desk.run(&["check", "--merge", "de.json"]).ends_with(2);
    assert!(nobody.err.contains("--merge: targets.yaml lists no vantage\nhint: "), "{}", nobody.err);
}

#[test]
fn wrong_bytes_seen_elsewhere_are_looked_at_again_from_here() {
    let fleet = Fleet::of(&["paris", "lyon"]);
    let de = Vantage::of(&fleet, "de");
    let file = "paris/releases/v1/README";
    let right = fleet.desk.read(file);
    fleet.desk.write(file, "read it\n");
    de.look(&["--full"]).ends_with(0);
    fleet.desk.write("de.json", &de.desk.read("seen.json"));
    assert!(fleet.desk.read("de.json").contains("\"forged\""));

    // From here it is right: nobody is quarantined, and the evidence is named.
    fleet.desk.write(file, &right);
    fleet.desk.run(&["check", "--merge", "de.json"]).ends_with(0);
    let why = explained(&fleet, "paris");
    assert!(why.starts_with("paris is degraded since "), "{why}");
    let told = ": reported from de, not confirmed from here: releases/v1/README: altered: 8 bytes";
    assert!(why.contains("  unconfirmed (since ") && why.contains(told), "{why}");

    // What was looked at once is not read in every round: a change since is for the next look at all bytes, or the next word.
    fleet.desk.write(file, "read it\n");
    fleet.desk.run(&["check", "--sample", "0"]).ends_with(0);
    de.look(&["--full"]).ends_with(0);
    fleet.desk.write("de.json", &de.desk.read("seen.json"));
    fleet.desk.run(&["check", "--sample", "0", "--merge", "de.json"]).ends_with(6);
    let why = explained(&fleet, "paris");
    assert!(why.starts_with("paris is quarantined since "), "{why}");
    assert!(why.contains("  altered (since ") && !why.contains("unconfirmed (since"), "{why}");
}
