//! A publisher that is killed or stopped midway, while readers read.

use super::readers::{Watch, verify};
use super::running::Running;
use super::{ATOMIC, headline, start, trees};
use crate::support::mirror::Mirror;
use crate::support::project::Project;
use crate::support::{http, rclone};

const FILES: usize = 400;
/// SIGKILL after so many files went out to any of the targets.
const KILLED_AFTER: [usize; 4] = [1, 150, 600, 1100];

#[test]
fn a_killed_push_is_finished_by_the_next_and_readers_never_see_a_broken_mirror() {
    let mirrors = start(&ATOMIC);
    let project = Project::with_mirrors(&mirrors);
    let (first, second) = (project.beside("first"), project.beside("second"));
    trees::many(&first, FILES, "first");
    trees::many(&second, FILES, "second");
    project.push(&first, "v1").ends_with(0);

    let last = Watch::over(&project, &mirrors, ["v1", "v2"], || {
        let mut killed = 0;
        for moment in KILLED_AFTER {
            let mut push = Running::push(&project, &second, "v2");
            push.until_sent(moment);
            killed += usize::from(push.kill());
        }
        assert!(killed >= 2, "too fast to be killed midway: only {killed} times");
        project.run(&["push", "v2", "--json"]).ends_with(0)
    });
    let report = last.json();
    assert_eq!(report["good"], ATOMIC.len(), "{last}");
    // Those that were finished before the last kill had nothing to go on with.
    let outcomes = report["outcomes"].as_array().expect("one for each target");
    if outcomes.iter().any(|outcome| outcome["ending"] == "done") {
        last.says("went on after an interrupted run");
    }

    // Some were finished before the last kill: a push looks at their pointer alone, so the program is asked for more.
    project.run(&["check", "--full"]).ends_with(0).concludes(&headline("v2", "verified", ATOMIC.len()));
    for mirror in &mirrors {
        rclone::check_folder(&first, mirror, "releases/v1");
        rclone::check_folder(&second, mirror, "releases/v2");
    }
}

#[test]
fn a_push_that_is_interrupted_moves_no_pointer_afterwards() {
    let mirrors = start(&ATOMIC);
    let project = Project::with_mirrors(&mirrors);
    let (first, second) = (project.beside("first"), project.beside("second"));
    trees::many(&first, 20, "first");
    trees::many(&second, FILES, "second");
    project.push(&first, "v1").ends_with(0);
    let before: Vec<_> = mirrors.iter().map(pointer).collect();

    let push = Running::push(&project, &second, "v2");
    push.until_sent(1);
    push.signal("INT");
    let finished = push.finish().ends_with(130);
    let report = finished.json();
    assert_eq!(report["cancelled"], true, "{finished}");
    let outcomes = report["outcomes"].as_array().expect("one for each target");
    assert!(outcomes.iter().any(|outcome| outcome["ending"] == "cancelled"), "too fast to be interrupted: {finished}");
    for ((outcome, mirror), before) in outcomes.iter().zip(&mirrors).zip(before) {
        let moved = pointer(mirror) != before;
        assert_eq!(moved, outcome["ending"] == "done", "{}: {finished}", mirror.kind.name());
        // Old or new, what is there is whole.
        verify(&project, mirror, "--full").ends_with(0);
    }
    project.run(&["push", "v2"]).ends_with(0);
    project.run(&["check", "--full"]).ends_with(0).concludes(&headline("v2", "verified", ATOMIC.len()));
}

/// What readers get as the mirror's pointer.
fn pointer(mirror: &Mirror) -> Vec<u8> {
    http::get(&mirror.url_of("metadata/timestamp.json")).expect("the mirror answers").body
}
