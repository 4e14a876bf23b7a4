//! `targets.yaml`: what is refused and how that is told, what is accepted, and that no secret is ever shown.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use camino::Utf8Path;
use proptest::prelude::*;
use spartacus::base::TargetName;
use spartacus::config::{Config, ConfigError, FolderTarget, NewTarget, TargetKind, add_target};

/// Set to write the snapshots instead of comparing them.
const BLESS: &str = "SPARTACUS_BLESS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad-config")
}

/// What a user sees for `text`: problems, or warnings, or nothing.
fn told(text: &str) -> String {
    match Config::from_text(Utf8Path::new("targets.yaml"), text) {
        Ok(loaded) => loaded.render_warnings(false),
        Err(error) => {
            let mut told = error.render(false);
            writeln!(told, "\nerror: {error}").expect("a string takes everything");
            told
        }
    }
}

fn bad_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_bad_file_is_told_as_its_snapshot_says() {
    let bless = std::env::var_os(BLESS).is_some();
    let files = bad_files();
    assert!(files.len() >= 110, "only {} bad files", files.len());
    let mut differing = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable file");
        let snapshot = file.with_extension("txt");
        let told = told(&text);
        assert!(!told.is_empty(), "{} is accepted without a word", file.display());
        if bless {
            fs::write(&snapshot, told).expect("a snapshot is written");
        } else if fs::read_to_string(&snapshot).ok().as_deref() != Some(told.as_str()) {
            differing.push(format!("{}\n{told}", file.display()));
        }
    }
    assert!(differing.is_empty(), "{BLESS}=1 updates these:\n\n{}", differing.join("\n\n"));
}

#[test]
fn the_example_is_accepted_without_a_warning() {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("targets.example.yaml");
    let loaded = Config::load(&path).unwrap_or_else(|error| panic!("{}", error.render(false)));
    assert_eq!(loaded.render_warnings(false), "");
    let names: Vec<&str> = loaded.config.targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["alpha", "beta", "gamma", "delta"]);
    let kinds: Vec<&str> = loaded.config.targets.iter().map(|target| target.kind.word()).collect();
    assert_eq!(kinds, ["sftp", "s3", "webdav", "folder"]);
    assert_eq!(loaded.config.targets[0].country.as_deref(), Some("NO"));
}

/// What a user writes under each documented key is what the program gets.
#[test]
fn a_full_file_is_read_as_it_is_meant() {
    let text = include_str!("../good-config/full.yaml");
    let loaded = Config::from_text(Utf8Path::new("/etc/mirrors/targets.yaml"), text)
        .unwrap_or_else(|error| panic!("{}", error.render(false)));
    insta::assert_debug_snapshot!("full_config", loaded.config);
}

const CANARY: &str = "canary-4xQ9";

/// Asserts that no way to print the outcome shows the canary.
fn assert_unseen(text: &str, what: &str) {
    let outcome = Config::from_text(Utf8Path::new("targets.yaml"), text);
    let mut shown = String::new();
    match &outcome {
        Ok(loaded) => {
            let _ = write!(shown, "{}{}", loaded.render_warnings(true), loaded.render_warnings(false));
        }
        Err(error) => {
            let _ = write!(shown, "{}{}{error}{error:?}", error.render(true), error.render(false));
        }
    }
    assert!(!shown.contains(CANARY), "{what} shows a secret:\n{text}\n{shown}");
}

/// Places where a secret could stand in plain text, in a `webdav:` section.
const PLAIN: [&str; 14] = [
    "password: CANARY",
    "password: \"CANARY\"",
    "password: 'CANARY'",
    "password: [CANARY]",
    "password: {CANARY: x}",
    "password: {vault: CANARY}",
    "password: |\n        CANARY\n        CANARY",
    "password: >-\n        CANARY",
    "password: \"env:CANARY\"",
    "pasword: CANARY",
    "token: CANARY",
    "user: blue:CANARY",
    "url: https://blue:CANARY@dav.example.org/",
    "url: https://dav.example.org/?key=CANARY",
];

#[test]
fn a_plain_secret_is_never_shown_wherever_it_stands() {
    let head = "project:\n  name: Demo\ntargets:\n  - name: a\n    country: XX\n    webdav:\n";
    for plain in PLAIN {
        let plain = plain.replace("CANARY", CANARY);
        // Problems on the line before, on the line after, in the same section, and in the syntax.
        for around in [
            "      auth: bearer\n      SECRET\n      insecure: perhaps\n",
            "      SECRET\n      colour: blue\n",
            "      SECRET # CANARY\n      insecure: perhaps # CANARY\n",
            "      # CANARY\n      SECRET\n      \t- broken: [\n",
            "      SECRET\n      broken: a: b\n",
            "      SECRET\n     broken: b\n",
            "      SECRET\n      'open\n",
            "      broken: *alias\n      SECRET\n",
            "      SECRET\n      SECRET\n",
        ] {
            assert_unseen(&format!("{head}{}", around.replace("SECRET", &plain).replace("CANARY", CANARY)), &plain);
        }
    }
}

#[test]
fn a_secret_in_the_same_line_as_a_problem_is_not_shown() {
    for line in [
        "{name: A, country: XX, webdav: {url: 'https://d.example.org', user: b, password: CANARY}}",
        "{name: A, country: XX, webdav: {password: CANARY, url: 'ftp://d.example.org', user: b}}",
        "{name: A, webdav: {url: 'https://d.example.org', user: b, password CANARY}}",
        "{name: A, webdav: {url: 'https://d.example.org', user: b, password=CANARY}, country: XX}",
        "{name: A, webdav: {url: 'https://d.example.org', user: b, CANARY}, country: XX}",
        "{name: A, s3: {endpoint: 'http://s3.example.org', bucket: 'a/b', access_key: CANARY, secret_key: CANARY}}",
        "{name: A, sftp: {host: 'b:CANARY@h.example.org', port: 0, user: 'b:CANARY', path: .., password: [CANARY]}}",
        "{name: A, folder: {path: /srv/a}, proxy: 'CANARY:b@127.0.0.1', public_url: 'https:///b:CANARY@h.example.org'}",
        "{name: A, folder: {path: /srv/a}, proxy: 'http:b:CANARY@127.0.0.1', public_url: 'https://h.example.org/b:CANARY@'}",
        "{name: A, proxy: 'http://b:CANARY@127.0.0.1:80', public_url: 'b:CANARY@h.example.org', folder: {path: ~}}",
        "{name: A, folder: {path: /srv/a}, password: CANARY} # CANARY",
        "{name: A, folder: {path: /srv/a, password: 'CANARY\n      CANARY'}, country: XX}",
        "{name: A, folder: {path: /srv/a}, ? CANARY : CANARY, [CANARY]: b}",
        "!CANARY {name: !CANARY A, folder: {path: /srv/a}, country: XX}",
        "{name: A, folder: {path: /srv/a}, password: &CANARY x}",
        "{name: A, folder: {path: /srv/a}, password: *CANARY}",
        "{name: A, folder: {path: /srv/a}, password: %CANARY}",
        "{name: A, folder: {path: /srv/a}, password: \"\\qCANARY\"}",
        "{name: A, folder: {path: /srv/a}, password: CANARY",
    ] {
        let text = format!("project:\n  name: Demo\ntargets:\n  - {line}\n").replace("CANARY", CANARY);
        assert_unseen(&text, line);
    }
}

/// Each line of each bad file is given a neighbour with a secret, before and after, at its own indentation.
#[test]
fn a_secret_beside_any_defect_is_not_shown() {
    for file in bad_files() {
        let text = fs::read_to_string(&file).expect("a readable file");
        assert!(!told(&text).contains("hunter"), "{}", file.display());
        let lines: Vec<&str> = text.lines().collect();
        for position in 0..=lines.len() {
            let neighbour = lines.get(position).or(lines.last()).copied().unwrap_or_default();
            let indent = neighbour.len() - neighbour.trim_start_matches([' ', '-']).len();
            let mut with: Vec<String> = lines.iter().map(ToString::to_string).collect();
            with.insert(position, format!("{}password: {CANARY}", " ".repeat(indent)));
            assert_unseen(&with.join("\n"), &format!("{} line {position}", file.display()));
        }
    }
}

/// What is read from the file's entries, written by `add_target` into a new file, is read as the same again.
#[test]
fn every_kind_of_target_survives_being_written() {
    let path = Utf8Path::new("/etc/mirrors/targets.yaml");
    let text = include_str!("../good-config/full.yaml");
    let meant = Config::from_text(path, text).expect("the file is good").config.targets;
    let mut written = "project: {name: Demo}\ntargets: []\n".to_owned();
    for target in &meant {
        let mut new = NewTarget::new(target.name.clone(), target.kind.clone());
        new.public_url.clone_from(&target.public_url);
        new.operator.clone_from(&target.operator);
        new.country.clone_from(&target.country);
        new.network.clone_from(&target.network);
        new.tags.clone_from(&target.tags);
        new.limits = target.limits.clone();
        new.proxy.clone_from(&target.proxy);
        new.addresses = target.addresses;
        written = add_target(&written, &new).expect("it can be added");
    }
    let read = Config::from_text(path, &written).unwrap_or_else(|error| panic!("{written}{}", error.render(false)));
    for (mut meant, read) in meant.into_iter().zip(read.config.targets) {
        // Not part of a new target.
        (meant.holds, meant.ca, meant.contact, meant.state) = (read.holds, None, None, read.state);
        assert_eq!(format!("{meant:?}"), format!("{read:?}"));
    }
}

#[test]
fn a_file_that_is_no_text_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Utf8Path::from_path(folder.path()).expect("a UTF-8 path").join("targets.yaml");
    assert!(matches!(Config::load(&path), Err(ConfigError::Read { .. })));
    // A sparse file: it has a size, but nothing of it is on the disk.
    fs::File::create(&path).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
    assert!(matches!(Config::load(&path), Err(ConfigError::TooLarge { .. })));
    fs::write(&path, b"project:\n  name: \xff\n").expect("a file");
    assert!(matches!(Config::load(&path), Err(ConfigError::NotText { line: 2, .. })));
    assert!(matches!(Config::load("/dev/zero".into()), Err(ConfigError::NotAFile { .. })));
    assert!(matches!(Config::load(path.parent().expect("a folder")), Err(ConfigError::NotAFile { .. })));
}

#[test]
fn colour_adds_nothing_but_colour() {
    for file in bad_files() {
        let text = fs::read_to_string(&file).expect("a readable file");
        if let Err(error) = Config::from_text(Utf8Path::new("targets.yaml"), &text) {
            let coloured = error.render(true);
            let bare: String = coloured
                .split('\u{1b}')
                .enumerate()
                .map(|(number, part)| if number == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) })
                .collect();
            assert_eq!(bare, error.render(false), "{}", file.display());
            assert!(coloured.len() > bare.len());
        }
    }
}

/// A few places where characters are taken out and others put in.
fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, String)>> {
    proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..6, "[ \n:\\[\\]{}#'\"&*!|>a0é-]{0,3}"), 1..4)
}

fn damaged(text: &str, damage: &[(prop::sample::Index, usize, String)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (place, gone, piece) in damage {
        let begin = place.index(text.len());
        let end = (begin + gone).min(text.len());
        text.splice(begin..end, piece.chars());
    }
    text.into_iter().collect()
}

proptest! {
    /// A file cut, stirred and spliced: an answer comes, and a target is added without disturbing it, or not at all.
    #[test]
    fn a_damaged_file_never_breaks_the_reader(damage in damage()) {
        let text = damaged(include_str!("../good-config/full.yaml"), &damage);
        if let Err(error) = Config::from_text(Utf8Path::new("targets.yaml"), &text) {
            prop_assert!(error.render(false).contains("targets.yaml"));
        }
        let new = NewTarget::new(TargetName::new("new").expect("a name"), TargetKind::Folder(FolderTarget { path: "/n".into() }));
        if let Ok(edited) = add_target(&text, &new) {
            prop_assert!(edited.len() > text.len() && edited.contains("name: new"));
        }
    }

    /// The same with plain secrets in it.
    #[test]
    fn a_damaged_file_does_not_show_its_secrets(damage in damage()) {
        let secret = format!("\"{CANARY}\"");
        let text = include_str!("../good-config/full.yaml")
            .replace("{file: secrets/pass}", CANARY)
            .replace("env:ID", CANARY)
            .replace("\"file:/run/secrets/dav\"", &secret);
        prop_assert_eq!(text.matches(CANARY).count(), 3);
        assert_unseen(&damaged(&text, &damage), "a damaged file");
    }
}
