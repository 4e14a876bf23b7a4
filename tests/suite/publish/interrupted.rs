//! A publisher that is killed or stopped midway, while readers read.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{headline, start, trees};
use crate::support::mirror::{Kind, Mirror};
use crate::support::process::{self, wait_until};
use crate::support::project::{Finished, Project, utf8};
use crate::support::{http, rclone};

/// One of each protocol, all with an atomic swap.
const KINDS: [Kind; 4] = [Kind::Sshd, Kind::ApacheBasic, Kind::Seaweed, Kind::Folder];
const FILES: usize = 400;
/// SIGKILL after so many files went out to any of the targets.
const KILLED_AFTER: [usize; 4] = [1, 150, 600, 1100];

#[test]
fn a_killed_push_is_finished_by_the_next_and_readers_never_see_a_broken_mirror() {
    let mirrors = start(&KINDS);
    let project = Project::with_mirrors(&mirrors);
    let (first, second) = (project.beside("first"), project.beside("second"));
    trees::many(&first, FILES, "first");
    trees::many(&second, FILES, "second");
    project.push(&first, "v1").ends_with(0);

    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = mirrors.iter().map(|mirror| scope.spawn(|| read_until(&over, &project, mirror))).collect();
        // Ends the readers on every way out, a failed expectation included.
        let ending = SetOnDrop(&over);
        let mut killed = 0;
        for moment in KILLED_AFTER {
            let mut push = Running::push(&project, &second);
            push.until_sent(moment);
            killed += usize::from(push.kill());
        }
        assert!(killed >= 2, "too fast to be killed midway: only {killed} times");
        let last = project.run(&["push", "v2", "--json"]).ends_with(0);
        assert_eq!(last.json()["good"], KINDS.len(), "{last}");
        last.says("went on after an interrupted run");
        drop(ending);
        for (reader, mirror) in readers.into_iter().zip(&mirrors) {
            let seen = reader.join().expect("the reader finds only whole releases");
            assert!(seen.contains_key("v1"), "{}: the reader came too late: {seen:?}", mirror.kind.name());
        }
    });

    // Some were finished before the last kill: a push looks at their pointer alone, so the program is asked for more.
    project.run(&["check", "--full"]).ends_with(0).concludes(&headline("v2", "verified", KINDS.len()));
    for mirror in &mirrors {
        rclone::check_folder(&first, mirror, "releases/v1");
        rclone::check_folder(&second, mirror, "releases/v2");
    }
}

#[test]
fn a_push_that_is_interrupted_moves_no_pointer_afterwards() {
    let mirrors = start(&KINDS);
    let project = Project::with_mirrors(&mirrors);
    let (first, second) = (project.beside("first"), project.beside("second"));
    trees::many(&first, 20, "first");
    trees::many(&second, FILES, "second");
    project.push(&first, "v1").ends_with(0);
    let before: Vec<_> = mirrors.iter().map(pointer).collect();

    let push = Running::push(&project, &second);
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
    project.run(&["check", "--full"]).ends_with(0).concludes(&headline("v2", "verified", KINDS.len()));
}

/// Verifies the mirror again and again; gives back how often it presented which release. Panics at the first look that
/// does not find one complete release, every byte of it.
fn read_until(over: &AtomicBool, project: &Project, mirror: &Mirror) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    while !over.load(Ordering::SeqCst) {
        let found = verify(project, mirror, "--full").ends_with(0);
        let release = found.json()["release"].as_str().expect("a whole release has a name").to_owned();
        assert!(["v1", "v2"].contains(&release.as_str()), "{found}");
        *seen.entry(release).or_default() += 1;
    }
    seen
}

fn verify(project: &Project, mirror: &Mirror, depth: &str) -> Finished {
    project.run(&["verify", &mirror.public_url, "--root", utf8(&project.pin()), depth, "--json"])
}

/// What readers get as the mirror's pointer.
fn pointer(mirror: &Mirror) -> Vec<u8> {
    http::get(&mirror.url_of("metadata/timestamp.json")).expect("the mirror answers").body
}

/// A push that is under way.
struct Running {
    child: Option<Child>,
    events: PathBuf,
}

impl Running {
    /// Begins to push the folder as v2.
    fn push(project: &Project, folder: &std::path::Path) -> Self {
        let events = project.path().join("events.ndjson");
        // What an earlier run wrote is not this one's progress.
        let _ = fs::remove_file(&events);
        let mut command = project.command(&["push", utf8(folder), "--as", "v2", "--yes", "--json", "--events", utf8(&events)]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        Self { child: Some(child), events }
    }

    /// Waits until so many objects were confirmed, or the push has ended by itself.
    fn until_sent(&self, count: usize) {
        wait_until(&format!("{count} objects are sent"), || {
            let events = fs::read_to_string(&self.events).unwrap_or_default();
            events.matches(r#""event":"sent""#).count() >= count || events.contains(r#""event":"run_finished""#)
        });
    }

    fn signal(&self, name: &str) {
        let id = self.child.as_ref().expect("it was not waited for").id();
        process::run(std::process::Command::new("/bin/sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id.to_string()]));
    }

    /// Kills it; whether it had not ended before.
    fn kill(&mut self) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        let mut child = self.child.take().expect("it is killed once");
        child.kill().expect("our own child");
        child.wait().expect("our own child").signal().is_some()
    }

    fn finish(mut self) -> Finished {
        let child = self.child.take().expect("it was not waited for");
        Finished::new("spartacus push", child.wait_with_output().expect("our own child"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Only a test that failed leaves it; it may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sets the flag when dropped.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
