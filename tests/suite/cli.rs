//! The program as a newcomer meets it: what it says, where, and how it ends.

use std::fs;

use serde_json::Value;

use crate::cli_desk::{Desk, KEY_PASSWORD};
use crate::support::schema;

const NO_PROJECT: &str = "\
hint: if there is a project: cd into its folder, or name its file with --config DIR/targets.yaml
hint: if there is none yet: spartacus init DIR --name NAME --recovery-out FILE";

#[test]
fn without_a_project_every_command_says_so_and_how_to_begin() {
    let desk = Desk::empty();
    for words in ["push", "repair", "check", "status", "target list", "target probe"] {
        let words: Vec<&str> = words.split(' ').collect();
        let expected =
            format!("error: cannot read targets.yaml\n  caused by: No such file or directory (os error 2)\n{NO_PROJECT}");
        desk.run(&words).complains(2, &expected);
    }
    for words in ["key list", "bundle . --as v1", "sign v1"] {
        let words: Vec<&str> = words.split(' ').collect();
        let expected = format!("error: . is not a spartacus project: it has no .spartacus/metadata/1.root.json\n{NO_PROJECT}");
        desk.run(&words).complains(2, &expected);
    }
}

#[test]
fn a_project_without_targets_says_how_to_add_one() {
    let desk = Desk::with_project();
    for words in ["push", "repair", "check", "status", "target list", "target probe", "push docs --as v1 --yes"] {
        let words: Vec<&str> = words.split(' ').collect();
        desk.run(&words).complains(2, "error: there are no targets yet in targets.yaml\nhint: spartacus target add NAME URL");
    }
    // What needs no target works.
    for words in ["key list", "key show maintainer", "bundle docs --as v1", "sign v1 --yes", "verify docs --root 1.root.json"] {
        let words: Vec<&str> = words.split(' ').collect();
        let expected = if words[0] == "verify" { 7 } else { 0 };
        desk.run(&words).ends_with(expected);
    }
}

#[test]
fn init_asks_for_what_it_needs_and_never_overwrites() {
    let mut desk = Desk::empty();
    desk.run(&["init", "p", "--name", "it's"]).complains(
        2,
        "error: where shall the recovery key go? Without it a lost password ends the project\n\
         hint: add --recovery-out with a path outside the project, best on another medium\n\
         hint: spartacus init p --name 'it'\\''s' --recovery-out ../recovery.key",
    );
    desk.run(&["init", "p", "--name", "x", "--recovery-out", "p/r.key"])
        .complains(2, "error: the recovery key must be written outside the project's folder");
    // However its place is written, and although the project's folder does not exist yet.
    std::os::unix::fs::symlink(desk.path(""), desk.path("link")).expect("a link");
    for inside in [&desk.path("p/r.key").display().to_string(), "./p/r.key", "p/keys/../r.key", "link/p/r.key", "q/../p/r.key"] {
        desk.run(&["init", "p", "--name", "x", "--recovery-out", inside])
            .complains(2, "error: the recovery key must be written outside the project's folder");
    }
    assert!(!desk.path("p").exists());
    desk.write("r.key", "");
    desk.run(&["init", "p", "--name", "x", "--recovery-out", "r.key"])
        .complains(2, "error: r.key exists, and a key is never overwritten\nhint: choose another name, or move r.key away first");
    desk.set("SPARTACUS_KEY_PASSWORD_FILE", "");
    desk.run(&["init", "p", "--name", "x", "--recovery-out", "s.key"]).complains(
        2,
        "error: the password of maintainer's key is needed and cannot be asked for here\n\
         hint: put it into a file with mode 600 and set SPARTACUS_KEY_PASSWORD_FILE to its path",
    );
    assert!(!desk.path("p/keys/maintainer.key").exists());
}

#[test]
fn from_nothing_to_a_verified_release_and_back_after_damage() {
    let desk = Desk::with_targets(&["one", "two"]);
    let pushed = desk.run(&["push", "docs", "--as", "v1", "--yes", "--verify"]).ends_with(0);
    assert_eq!(pushed.headline(), "v1 verified on 2 of 2 mirrors");

    desk.edit("two/releases/v1/README", "read", "r3ad");
    let found = desk.run(&["check", "--full"]).ends_with(6);
    assert!(found.out.contains("releases/v1/README"), "{}", found.out);
    assert!(!found.out.contains("guide/one.txt"), "{}", found.out);
    assert_eq!(found.headline(), "v1 verified on 1 of 2 mirrors, wanted 2");

    desk.run(&["repair"]).ends_with(0);
    assert_eq!(desk.read("two/releases/v1/README"), "read me\n");
    assert_eq!(desk.run(&["check", "--full"]).ends_with(0).headline(), "v1 verified on 2 of 2 mirrors");
    assert_eq!(desk.run(&["status"]).ends_with(0).headline(), "last known: v1 verified on 2 of 2 mirrors");
    desk.run(&["verify", "one", "--root", "1.root.json", "--full"]).ends_with(0);
}

#[test]
fn a_target_that_may_hold_more_gets_it_with_the_next_push() {
    let desk = Desk::with_targets(&["one"]);
    desk.edit("targets.yaml", "- name: one\n", "- name: one\n    holds: newest 1\n");
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    fs::remove_dir_all(desk.path("one/releases/v1")).expect("it was there");
    assert!(desk.run(&["push"]).ends_with(0).out.contains("unchanged"));
    desk.edit("targets.yaml", "holds: newest 1", "holds: all");
    let forecast = desk.run(&["push", "--dry-run"]).ends_with(0);
    assert!(forecast.out.contains("  releases/v1/README  8 B\n"), "{}", forecast.out);
    desk.run(&["push"]).ends_with(0);
    assert_eq!(desk.read("one/releases/v1/README"), "read me\n");
    assert!(desk.run(&["push"]).ends_with(0).out.contains("unchanged"));
}

#[test]
fn the_exit_code_says_whether_enough_copies_are_good() {
    let desk = Desk::with_targets(&["one", "two"]);
    fs::remove_dir(desk.path("two")).expect("an empty folder");
    desk.write("two", "a file where a folder should be");
    let missed = desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(4);
    assert_eq!(missed.headline(), "v1 complete on 1 of 2 mirrors, wanted 2");
    desk.edit("targets.yaml", "replicas: all", "replicas: 1");
    desk.run(&["push"]).ends_with(3);
    desk.run(&["check"]).ends_with(7);
    desk.run(&["push", "--only", "one"]).ends_with(0);
    desk.run(&["push", "--only", "three"])
        .complains(2, "error: --only three: no target has that name or tag\nhint: targets are: one, two");
}

#[test]
fn what_cannot_be_signed_is_told_with_the_way_out() {
    let mut desk = Desk::with_targets(&["one"]);
    desk.run(&["push"]).complains(2, "error: nothing was published yet\nhint: spartacus push FOLDER --as v1");
    desk.run(&["push", "v1"]).complains(2, "error: no bundle v1 is staged\nhint: spartacus bundle DIR --as v1");
    desk.run(&["push", "docs"])
        .complains(2, "error: no bundle docs is staged, but there is a folder of that name\nhint: spartacus push docs --as NAME");
    desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(0);
    desk.run(&["push", "v1"]).complains(6, "error: v1 has 0 signatures, needs 1\nhint: spartacus sign v1");

    let asked = desk.run(&["sign", "v1"]).ends_with(2);
    assert!(
        asked.err.ends_with("error: this needs an answer: sign this?\nhint: say it beforehand with --yes\n"),
        "{}",
        asked.err
    );
    let missing = desk.run(&["sign", "v1", "--yes", "--key", "nowhere.key"]).ends_with(2);
    assert!(missing.err.contains("error: secret-key file nowhere.key\n  caused by: No such file"), "{}", missing.err);

    desk.write("wrong", "another password");
    desk.set("SPARTACUS_KEY_PASSWORD_FILE", "wrong");
    let open = desk.run(&["sign", "v1", "--yes"]).ends_with(2);
    assert!(open.err.contains("hint: chmod 600 wrong"), "{}", open.err);
    desk.shell("chmod 600 wrong").ends_with(0);
    let wrong = desk.run(&["sign", "v1", "--yes"]).ends_with(2);
    assert!(wrong.err.contains("error: wrong password for ./keys/maintainer.key\nhint: try again; "), "{}", wrong.err);

    desk.write(".spartacus/staged/v1/manifest.json", "{");
    let damaged = desk.run(&["sign", "v1", "--yes"]).ends_with(1);
    assert!(damaged.err.contains("\nhint: rm -r ./.spartacus/staged/v1, then stage and sign again"), "{}", damaged.err);
}

#[test]
fn a_published_name_is_taken_and_an_overtaken_stage_can_be_restaged() {
    let desk = Desk::with_targets(&["one"]);
    for name in ["v1", "v2"] {
        desk.run(&["bundle", "docs", "--as", name]).ends_with(0);
        desk.run(&["sign", name, "--yes"]).ends_with(0);
    }
    desk.run(&["push", "v2"]).ends_with(0);
    desk.run(&["push", "v1"]).complains(
        5,
        "error: the stage of v1 continues list 0 of bundles, but list 1 is published\n\
         hint: spartacus bundle --restage v1 && spartacus sign v1",
    );
    desk.run(&["bundle", "--restage", "v1"]).ends_with(0);
    desk.run(&["sign", "v1", "--yes"]).ends_with(0);
    desk.run(&["push", "v1"]).ends_with(0);

    desk.write("docs/README", "other words\n");
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).complains(
        2,
        "error: a bundle v1 with other files is published\n\
         hint: a published bundle never changes: choose another name for the new files",
    );
}

#[test]
fn every_error_of_the_projects_own_files_has_a_way_out() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.edit(".spartacus/metadata/timestamp.json", "\"version\":1", "\"version\":7");
    let rejected = desk.run(&["push"]).ends_with(6);
    assert!(rejected.err.contains("\nhint: put .spartacus/metadata back from a backup, or copy metadata/"), "{}", rejected.err);
    desk.write("keys/online.key", &desk.read("keys/maintainer.key"));
    desk.shell("cp one/metadata/timestamp.json .spartacus/metadata/").ends_with(0);
    let locked = desk.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(2);
    assert!(locked.err.contains("hint: minisign -C -W -s ./keys/online.key"), "{}", locked.err);
}

#[test]
fn an_init_that_was_killed_before_its_last_step_says_what_is_missing() {
    let desk = Desk::with_project();
    let pin = desk.read("targets.yaml");
    fs::remove_file(desk.path("targets.yaml")).expect("it was made");
    let told = desk.run(&["init", "--name", "it's", "--recovery-out", "../r.key"]).ends_with(2);
    let hint = told.err.lines().find_map(|line| line.split_once("printf").map(|(_, rest)| format!("printf{rest}")));
    desk.shell(&hint.expect("a hint to paste")).ends_with(0);
    assert!(pin.contains(desk.read("targets.yaml").split_once("root: ").expect("a pin").1.lines().next().expect("a line")));
    desk.run(&["key", "list"]).ends_with(0);
    fs::create_dir(desk.path("one")).expect("a new folder");
    desk.run(&["target", "add", "one", &format!("folder:{}", desk.path("one").display())]).ends_with(0);
}

#[test]
fn a_project_that_was_set_back_publishes_no_version_twice() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.shell("cp -a .spartacus/metadata backup").ends_with(0);
    desk.write("docs/README", "second edition\n");
    desk.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    desk.shell("mv .spartacus/metadata newest && cp -a backup .spartacus/metadata").ends_with(0);

    desk.write("docs/README", "another second edition\n");
    let told = "error: ./.spartacus/metadata was set back: it has version 1 of timestamp, and version 2 was published from here\n\
        hint: restore the newest backup of .spartacus; without one, copy metadata/ from the mirror that is furthest: spartacus check\n\
        hint: how far a copy is: spartacus verify URL --root ./.spartacus/metadata/1.root.json";
    desk.run(&["push", "docs", "--as", "v3", "--yes"]).complains(5, told);
    desk.run(&["push"]).complains(5, told);
    desk.run(&["repair"]).complains(5, told);
    assert!(!desk.path(".spartacus/staged/v3").exists());
    // A mirror has all that is missing.
    desk.shell("cp one/metadata/*.json .spartacus/metadata/").ends_with(0);
    desk.run(&["push", "docs", "--as", "v3", "--yes"]).ends_with(0);
    desk.run(&["check", "--full"]).ends_with(0);
}

#[test]
fn a_project_at_work_is_left_alone() {
    let desk = Desk::with_targets(&["one"]);
    let folder = camino::Utf8PathBuf::from_path_buf(desk.path("")).expect("a UTF-8 path");
    let project = spartacus::bundle::Project::open(&folder).expect("a project");
    let _held = project.lock().expect("nobody holds it");
    let holder = std::process::id();
    desk.run(&["push", "docs", "--as", "v1", "--yes"])
        .complains(5, &format!("error: ./.spartacus/lock is held by process {holder}\nhint: wait until the other run has ended"));
}

#[test]
fn what_cannot_be_published_is_listed_file_by_file() {
    let desk = Desk::with_targets(&["one"]);
    desk.write("docs/what?.txt", "");
    desk.write("docs/50%.txt", "");
    std::os::unix::fs::symlink("/etc/passwd", desk.path("docs/link")).expect("a link");
    let told = desk.run(&["bundle", "docs", "--as", "v1"]).ends_with(2);
    for name in ["what?.txt", "50%.txt", "link"] {
        assert!(told.err.lines().any(|line| line.starts_with("  ") && line.contains(name)), "{name}:\n{}", told.err);
    }
    desk.run(&["bundle", "nowhere", "--as", "v1"]).ends_with(2);
    let name = desk.run(&["bundle", "docs", "--as", "Root/1"]).ends_with(2);
    assert!(name.err.starts_with("error: \"Root/1\" is no bundle name\n"), "{}", name.err);
}

#[test]
fn json_quiet_and_events_are_for_machines() {
    let desk = Desk::with_targets(&["one"]);
    let pushed =
        desk.run(&["push", "docs", "--as", "v1", "--yes", "--json", "--quiet", "--events", "events.ndjson"]).ends_with(0);
    assert_eq!(pushed.err, "");
    let report: Value = serde_json::from_str(&pushed.out).expect("one JSON object");
    assert_eq!(report["outcomes"][0]["target"], "one", "{report}");
    let events: Vec<Value> =
        desk.read("events.ndjson").lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect();
    assert!(events.len() > 3, "{events:?}");
    for words in ["check --json", "status --json", "target list --json", "target probe --json", "key list --json"] {
        let words: Vec<&str> = words.split(' ').collect();
        let said = desk.run(&words).ends_with(0);
        let object: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{words:?}: {error}: {}", said.out));
        assert!(object["schema"].is_string(), "{words:?}: {object}");
    }
    desk.run(&["push", "--events", "nowhere/e"])
        .complains(2, "error: cannot write nowhere/e\n  caused by: No such file or directory (os error 2)");
}

#[test]
fn what_is_done_at_home_is_told_to_machines_too() {
    let desk = Desk::empty();
    desk.write("docs/README", "read me\n");
    let told = |name: &str, words: &[&str]| {
        let said = desk.run(&[words, &["--json", "--quiet"]].concat()).ends_with(0);
        assert_eq!(said.err, "", "{words:?}");
        schema::expect_command(name, &said.out)
    };
    let recovery = tempfile::tempdir().expect("a temporary folder");
    let out = recovery.path().join("recovery.key").display().to_string();
    let made = told("init", &["init", "--name", "demo", "--recovery-out", &out]);
    assert_eq!((&made["project"], &made["recovery"]), (&"demo".into(), &Value::from(out.as_str())), "{made}");
    assert!(desk.read("targets.yaml").contains(made["pin"].as_str().expect("a digest")), "{made}");

    let key = told("key", &["key", "new", "alice", "--out", "alice.key"]);
    assert_eq!((&key["secret"], &key["public"]), (&"alice.key".into(), &"alice.pub".into()), "{key}");
    let shown = told("key", &["key", "show", "alice.pub"]);
    assert_eq!(shown["key_id"], key["key_id"]);
    let shown = told("key", &["key", "show", "maintainer"]);
    assert_eq!(shown["secret"], "./keys/maintainer.key", "{shown}");
    assert_eq!(told("keys", &["key", "list"])["roles"][1]["keys"][0]["secret_here"], true);

    fs::create_dir(desk.path("one")).expect("a new folder");
    let added = told("target", &["target", "add", "one", "folder:one"]);
    assert_eq!((&added["protocol"], &added["certificate"]), (&"folder".into(), &Value::Null), "{added}");
    assert_eq!(told("targets", &["target", "list"])["targets"][0]["state"], "active");

    let checked = told("bundle", &["bundle", "docs", "--as", "v1", "--dry-run"]);
    assert_eq!((&checked["state"], &checked["files"]), (&"checked".into(), &1.into()), "{checked}");
    let staged = told("bundle", &["bundle", "docs", "--as", "v1"]);
    assert_eq!((&staged["state"], &staged["files"]), (&"staged".into(), &2.into()), "{staged}");
    assert_eq!(told("bundle", &["bundle", "--restage", "v1"])["state"], "restaged");
    let signed = told("sign", &["sign", "v1", "--yes"]);
    assert_eq!((&signed["signed"], &signed["signed_by"][0]), (&true.into(), &"maintainer".into()), "{signed}");
    desk.run(&["push", "v1"]).ends_with(0);
    assert_eq!(told("bundle", &["bundle", "docs", "--as", "v1"])["state"], "published");
}

#[test]
fn colours_are_on_only_where_they_are_wanted() {
    let mut desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    let plain = desk.run(&["check"]).ends_with(0);
    assert!(!plain.out.contains('\u{1b}'));
    let coloured = desk.run(&["check", "--color", "always"]).ends_with(0);
    assert!(coloured.out.contains('\u{1b}'), "{}", coloured.out);
    // `script` gives the program a terminal.
    let terminal = "script -qec 'spartacus check' /dev/null";
    assert!(desk.shell(terminal).ends_with(0).out.contains('\u{1b}'));
    desk.set("NO_COLOR", "1");
    assert!(!desk.shell(terminal).ends_with(0).out.contains("\u{1b}[3"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    for words in ["check", "status", "status --json", "completions bash", "completions zsh", "completions fish", "man", "--help"]
    {
        let said = desk.shell(&format!("set -o pipefail; spartacus {words} | true")).ends_with(0);
        assert_eq!(said.err, "", "{words}");
    }
}

#[test]
fn shells_and_man_know_every_command() {
    let desk = Desk::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.run(&["completions", shell]).ends_with(0).out;
        for word in ["push", "repair", "probe", "recovery-out"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(desk.run(&["man"]).ends_with(0).out.contains(".SH SUBCOMMANDS"));
    desk.run(&["man", "--dir", "pages"]).ends_with(2);
    fs::create_dir(desk.path("pages")).expect("a new folder");
    desk.run(&["man", "--dir", "pages"]).ends_with(0);
    assert!(desk.read("pages/spartacus-target-add.1").contains("sftp://"));
}

#[test]
fn verify_says_whose_copy_it_is() {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.run(&["verify", "one", "--root", "nowhere"]).complains(
        2,
        "error: cannot read nowhere\n  caused by: No such file or directory (os error 2)\n\
         hint: --root takes the project's 1.root.json, from a source that you trust",
    );
    desk.run(&["verify", "one", "--root", "targets.yaml"]).complains(
        2,
        "error: targets.yaml is not a root of trust\n\
         hint: --root takes the project's 1.root.json, from a source that you trust",
    );
    desk.run(&["verify", "nowhere", "--root", "1.root.json"]).ends_with(2);
    let other = Desk::with_project();
    fs::copy(other.path("1.root.json"), desk.path("other.json")).expect("a copy");
    desk.run(&["verify", "one", "--root", "other.json"]).ends_with(6);
    assert_eq!(
        desk.run(&["verify", "one", "--root", "1.root.json", "--full"]).ends_with(0).headline(),
        "v1 verified on 1 of 1 mirror"
    );
}

#[test]
fn a_key_can_be_made_listed_and_shown() {
    let desk = Desk::with_project();
    let list = desk.run(&["key", "list"]).ends_with(0).out;
    for word in ["recovery", "maintainer", "online", "secret here: ./keys/maintainer.key"] {
        assert!(list.contains(word), "{word}:\n{list}");
    }
    desk.run(&["key", "show", "nobody"])
        .complains(2, "error: no key is called nobody, and no file\nhint: keys are: maintainer, online, recovery");
    desk.run(&["key", "new", "alice", "--out", "alice.key"]).ends_with(0);
    assert!(desk.run(&["key", "show", "alice.pub"]).ends_with(0).out.contains("minisign -V -P RW"));
    desk.run(&["key", "new", "alice", "--out", "alice.key"]).complains(
        2,
        "error: alice.key exists, and a key is never overwritten\n\
         hint: choose another name, or move alice.key away first",
    );
    let secret = desk.read("alice.key");
    assert!(!secret.contains(KEY_PASSWORD));
}

#[test]
fn target_add_refuses_what_would_not_work() {
    let desk = Desk::with_targets(&["one"]);
    let before = desk.read("targets.yaml");
    let refused = [
        (vec!["one", "folder:one"], "error: there is already a target named one\nhint: choose another name, or edit the file"),
        (vec!["two", "folder:nowhere"], "error: the folder nowhere does not exist\nhint: mkdir -p ./nowhere"),
        (
            vec!["two", "sftp://u:hunter22@localhost/m"],
            "error: the address holds a password; shells and process lists remember it\n\
             hint: leave it out, and add --password env:NAME or --password file:PATH",
        ),
        (
            vec!["two", "webdavs://u@localhost/m", "--password", "hunter22"],
            "error: --password takes a reference, not the secret itself\n\
             hint: --password env:NAME, --password file:PATH (mode 600), or --password sealed:PATH (age)",
        ),
        (
            vec!["two", "https://localhost/m"],
            "error: the address cannot be used: http and https do not say which protocol is meant\n\
             hint: sftp://user@host[:port]/path, webdavs://user@host/path, s3+https://host/bucket[/prefix] or folder:/path",
        ),
        (
            vec!["two", "s3+https://localhost/bucket"],
            "error: an S3 target needs --access-key env:NAME or --access-key file:PATH\n\
             hint: spartacus target add two s3+https://localhost/bucket --access-key env:NAME --secret-key file:PATH",
        ),
    ];
    for (words, told) in refused {
        desk.run(&[vec!["target", "add"], words].concat()).complains(2, told);
        assert_eq!(desk.read("targets.yaml"), before);
    }
}
