//! A release on a server of every kind, and what the world makes of it.

use super::judged::Reader;
use super::{headline, one_of_each, trees};
use crate::support::project::Project;
use crate::support::tree::files_below;
use crate::support::{rclone, schema};

#[test]
fn a_release_arrives_whole_on_every_kind_of_server_and_every_judge_accepts_it() {
    let mirrors = one_of_each();
    let count = mirrors.len();
    let project = Project::with_mirrors(&mirrors);
    let tree = project.beside("tree");
    trees::unusual(&tree);

    // One command for all of them.
    project.push(&tree, "v1").ends_with(0).concludes(&headline("v1", "complete", count));

    // Judged by programs that others wrote: every byte arrived, and readers can tell.
    let reader = Reader::of(&project);
    let files = files_below(&tree).len();
    for mirror in &mirrors {
        rclone::check_folder(&tree, mirror, "releases/v1");
        // SHA256SUMS is a target like the files that it lists.
        reader.accepts_by_tuf(mirror, &project.pin(), files + 1);
        reader.accepts_by_hand(mirror, "v1", &tree);
    }

    // Judged by the program itself, at its three levels.
    project.run(&["check"]).ends_with(0).concludes(&headline("v1", "current", count));
    project.run(&["check", "--files"]).ends_with(0).concludes(&headline("v1", "complete", count));
    project.run(&["check", "--full"]).ends_with(0).concludes(&headline("v1", "verified", count));
    let checked = project.run(&["check", "--full", "--json"]).ends_with(0);
    schema::expect_check(&checked.stdout());

    // The same again sends nothing.
    let again = project.run(&["push", "v1", "--json"]).ends_with(0);
    schema::expect_run(&again.stdout());
    for outcome in again.json()["outcomes"].as_array().expect("one for each target") {
        assert_eq!((&outcome["ending"], &outcome["objects_sent"]), (&"unchanged".into(), &0.into()), "{again}");
    }

    // Another release on top: both are there, and only the new one is sent.
    let second = project.beside("second");
    trees::many(&second, 30, "second");
    let pushed = project.run(&["push", second.to_str().expect("UTF-8"), "--as", "v2", "--yes", "--verify"]).ends_with(0);
    pushed.concludes(&headline("v2", "verified", count));
    for mirror in &mirrors {
        rclone::check_folder(&tree, mirror, "releases/v1");
        rclone::check_folder(&second, mirror, "releases/v2");
        reader.accepts_by_tuf(mirror, &project.pin(), files + 1 + 30 + 1);
    }
}
