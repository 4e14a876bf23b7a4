//! Targets that cannot be pushed to: each is told, none stands in the way of the others.

use serde_json::Value;

use super::{start, trees};
use crate::support::mirror::Kind;
use crate::support::project::{Finished, Project};
use crate::support::{PASSWORD, rclone, schema};

#[test]
fn a_dead_server_neither_delays_nor_hides_the_others() {
    let mut mirrors = start(&[Kind::Sshd, Kind::ApacheBasic, Kind::RcloneS3, Kind::Folder]);
    let project = Project::with_mirrors(&mirrors);
    let (tree, second) = (project.beside("tree"), project.beside("second"));
    trees::many(&tree, 20, "first");
    trees::many(&second, 20, "second");
    project.push(&tree, "v1").ends_with(0);
    mirrors[1].stop();

    // Enough copies are good.
    project.want_replicas("3");
    let pushed = project.run(&["push", second.to_str().expect("UTF-8"), "--as", "v2", "--yes", "--json"]).ends_with(3);
    schema::expect_run(&pushed.stdout());
    assert_eq!(pushed.json()["headline"], "v2 complete on 3 of 4 mirrors", "{pushed}");
    assert_eq!(failures(&pushed), [("apache-basic".to_owned(), "unreachable".to_owned())], "{pushed}");
    for mirror in mirrors.iter().filter(|mirror| mirror.kind != Kind::ApacheBasic) {
        rclone::check_folder(&second, mirror, "releases/v2");
    }
    // What readers cannot reach is unreadable, never forged; whether it matters is for the policy to say.
    project.run(&["check", "--full"]).ends_with(7).concludes("v2 verified on 3 of 4 mirrors");
    project.want_replicas("all");
    project.run(&["check", "--full"]).ends_with(4).concludes("v2 verified on 3 of 4 mirrors, wanted 4");
    project.run(&["push"]).ends_with(4).says("apache-basic").concludes("v2 current on 3 of 4 mirrors, wanted 4");
    project.run(&["verify", &mirrors[1].public_url, "--root", "1.root.json"]).ends_with(7);
    project.run(&["status"]).ends_with(0).says("apache-basic");
}

#[test]
fn another_host_key_than_the_pinned_one_stops_the_push_to_that_target_alone() {
    let mirrors = start(&[Kind::Sshd, Kind::Folder]);
    let project = Project::with_mirrors(&mirrors);
    let tree = project.beside("tree");
    trees::many(&tree, 5, "first");
    let pinned = mirrors[0].settings.split("- ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a pin");
    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    project.reconfigure(pinned, other);
    project.want_replicas("1");

    let pushed = project.run(&["push", tree.to_str().expect("UTF-8"), "--as", "v1", "--yes", "--json"]).ends_with(3);
    assert_eq!(failures(&pushed), [("sshd".to_owned(), "host_key".to_owned())], "{pushed}");
    assert_eq!(rclone::list(&mirrors[0]), Vec::<String>::new(), "nothing was written to a server that nobody vouched for");
    project.run(&["push"]).ends_with(3).says(pinned);

    project.reconfigure(other, pinned);
    project.run(&["push"]).ends_with(0);
    rclone::check_folder(&tree, &mirrors[0], "releases/v1");
}

#[test]
fn a_wrong_password_is_told_without_being_repeated() {
    let mirrors = start(&[Kind::SshdPassword, Kind::ApacheBasic, Kind::ApacheDigest, Kind::Nginx, Kind::Folder]);
    let project = Project::with_mirrors(&mirrors);
    let tree = project.beside("tree");
    trees::many(&tree, 5, "first");
    let wrong = "not-the-password-7391";
    let say = |password: &str| {
        for mirror in mirrors.iter().filter(|mirror| mirror.kind != Kind::Folder) {
            std::fs::write(mirror.folder().join("password"), password).expect("the test's own file");
        }
    };
    say(wrong);

    let pushed = project.run(&["push", tree.to_str().expect("UTF-8"), "--as", "v1", "--yes", "--json", "-vv"]).ends_with(4);
    let expected =
        ["sshd-password", "apache-basic", "apache-digest", "nginx"].map(|name| (name.to_owned(), "unauthenticated".to_owned()));
    assert_eq!(failures(&pushed), expected, "{pushed}");
    pushed.hides(wrong);

    say(PASSWORD);
    project.run(&["push"]).ends_with(0).hides(PASSWORD);
}

/// Every target that failed, with the word for why.
fn failures(run: &Finished) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a word").to_owned();
    let report = run.json();
    let outcomes = report["outcomes"].as_array().expect("one for each target").iter();
    outcomes
        .filter(|outcome| outcome["ending"] == "failed")
        .map(|outcome| (text(&outcome["target"]), text(&outcome["failure"]["code"])))
        .collect()
}
