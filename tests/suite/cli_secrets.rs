//! No secret ever shows: not with every log line switched on, not in reports, not in the state file.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cli_desk::{Desk, KEY_PASSWORD, Said};
use crate::support::apache::Apache;
use crate::support::mirror::secret_file;
use crate::support::rclone::RcloneS3;
use crate::support::{PASSWORD, SECRET_KEY, USER};

/// A password that a server refuses: it could come back in the server's answer.
const WRONG: &str = "canary-refused-9Qx2";
/// A bearer token in an environment variable that no target names.
const BYSTANDER: &str = "canary-bystander-7Lm4";

/// Every secret in every form in which it goes over the wire, with a word for the report.
fn canaries(desk: &Desk) -> Vec<(&'static str, String)> {
    let basic = |password: &str| STANDARD.encode(format!("{USER}:{password}"));
    let second_line = |path: &str| desk.read(path).lines().nth(1).expect("a key").to_owned();
    let ssh = desk.read("keys/deploy_ed25519").lines().nth(3).expect("a key").to_owned();
    vec![
        ("password", PASSWORD.to_owned()),
        ("password, as Basic sends it", basic(PASSWORD)),
        ("refused password", WRONG.to_owned()),
        ("refused password, as Basic sends it", basic(WRONG)),
        ("secret access key", SECRET_KEY.to_owned()),
        ("password of the keys", KEY_PASSWORD.to_owned()),
        ("online key", second_line("keys/online.key")),
        ("maintainer's key", second_line("keys/maintainer.key")),
        ("deploy key", ssh),
        ("another program's secret", BYSTANDER.to_owned()),
    ]
}

fn assert_unseen(canaries: &[(&str, String)], place: &str, text: &[u8]) {
    for (what, canary) in canaries {
        let found = text.windows(canary.len()).position(|window| window == canary.as_bytes());
        if let Some(at) = found {
            let around = String::from_utf8_lossy(&text[at.saturating_sub(200)..at]).into_owned();
            panic!("{place} shows the {what}, after:\n{around}");
        }
    }
}

#[test]
fn no_secret_shows_with_every_log_line_switched_on() {
    let (apache, bucket) = (Apache::start().mirror_basic(), RcloneS3::start().mirror());
    let mut desk = Desk::with_project();
    let wrong = secret_file(&desk.path(""), "wrong", WRONG);
    let origin = apache.settings.lines().find_map(|line| line.trim().strip_prefix("url: ")).expect("an address");
    let refused = format!(
        "  - name: refused\n    webdav:\n      url: {origin}below/\n      user: {USER}\n      auth: basic\n      password: file:{}\n",
        wrong.display()
    );
    let entries = format!("targets:\n{}{}{refused}", apache.yaml_entry(), bucket.yaml_entry());
    let text = desk.read("targets.yaml").replace("targets: []\n", &entries).replace("replicas: all", "replicas: 2");
    desk.write("targets.yaml", &text);
    desk.set("RUST_LOG", "trace");
    desk.set("API_TOKEN", BYSTANDER);

    let canaries = canaries(&desk);
    let seen = |what: &str, said: Said| {
        assert!(said.err.len() > 200, "{what}: the log is not switched on:\n{}", said.err);
        assert_unseen(&canaries, &format!("{what}: stdout"), said.out.as_bytes());
        assert_unseen(&canaries, &format!("{what}: stderr"), said.err.as_bytes());
    };
    seen("probe", desk.run(&["target", "probe", "-vvv"]).ends_with(7));
    let push = ["push", "docs", "--as", "v1", "--yes", "-vvv", "--events", "events.ndjson"];
    seen("push", desk.run(&push).ends_with(3));
    seen("push --json", desk.run(&["push", "-vvv", "--json"]).ends_with(3));
    seen("check", desk.run(&["check", "--full", "-vvv"]).ends_with(7));
    seen("repair", desk.run(&["repair", "--full", "-vvv"]).ends_with(3));

    for name in ["events.ndjson", ".spartacus/state.db", "targets.yaml"] {
        assert_unseen(&canaries, name, &fs::read(desk.path(name)).expect("a file"));
    }
    let mirror = apache.root.as_ref().expect("Apache serves a folder");
    for name in ["metadata/timestamp.json", "index.html", "mirrors.json"] {
        assert_unseen(&canaries, name, &fs::read(mirror.join(name)).expect("a published file"));
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_refused_without_being_repeated() {
    let desk = Desk::with_project();
    let add = ["target", "add", "mirror"];
    for words in [
        vec!["sftp://deploy:canary-refused-9Qx2@127.0.0.1/m"],
        vec!["webdavs://deploy@127.0.0.1/m", "--password", WRONG],
        vec!["s3+https://127.0.0.1/m", "--access-key", "env:A", "--secret-key", WRONG],
    ] {
        let said = desk.run(&[&add[..], &words].concat()).ends_with(2);
        assert!(!format!("{}{}", said.out, said.err).contains(WRONG), "{}", said.err);
    }
    desk.edit(
        "targets.yaml",
        "targets: []",
        &format!("targets:\n  - name: m\n    webdav:\n      url: https://127.0.0.1/\n      user: u\n      password: {WRONG}\n"),
    );
    let said = desk.run(&["push"]).ends_with(2);
    assert!(!said.err.contains(WRONG), "{}", said.err);
}

#[test]
fn a_secret_sealed_to_the_project_is_opened_by_nobody_else_and_shows_nowhere() {
    let apache = Apache::start().mirror_basic();
    let mut desk = Desk::with_project();
    let entry = apache.yaml_entry();
    let line = entry.lines().find(|line| line.trim().starts_with("password: ")).expect("a password").to_owned();
    let sealed = line.split("password: ").next().expect("the indentation").to_owned() + "password: sealed:sealed/box.age";
    desk.edit("targets.yaml", "targets: []\n", &format!("targets:\n{}", entry.replace(&line, &sealed)));
    desk.set("SPARTACUS_TEST_SECRET", PASSWORD);
    let seal = "mkdir -p sealed && printf %s \"$SPARTACUS_TEST_SECRET\" | age -a -R keys/age_recipient.txt -o sealed/box.age";
    desk.shell(seal).ends_with(0);
    desk.set("SPARTACUS_TEST_SECRET", "");
    let pushed = desk.run(&["push", "docs", "--as", "v1", "--yes", "-vvv"]).ends_with(0);
    assert_unseen(&[("password", PASSWORD.to_owned())], "push", format!("{}{}", pushed.out, pushed.err).as_bytes());

    // Other recipients, an identity that others may read, a file that is gone.
    desk.shell("age-keygen -o other.txt && printf x | age -a -r $(age-keygen -y other.txt) -o sealed/other.age").ends_with(0);
    desk.edit("targets.yaml", "sealed/box.age", "sealed/other.age");
    let told = |words: &str| {
        let failed = desk.run(&["push"]).ends_with(4);
        assert!(format!("{}{}", failed.out, failed.err).contains(words), "{words:?} is not in {}{}", failed.out, failed.err);
    };
    told("cannot open the sealed secret sealed/other.age");
    told("it is sealed to other recipients than ours");
    desk.shell("cp sealed/box.age sealed/other.age && chmod 644 keys/age_identity.txt").ends_with(0);
    told("the identity file keys/age_identity.txt may be read by others (mode 644)");
    desk.shell("chmod 600 keys/age_identity.txt && rm sealed/other.age").ends_with(0);
    told("cannot read sealed/other.age");
}
