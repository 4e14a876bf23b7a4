//! A push that is watched, stopped and killed from outside.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::process::{self, wait_within};
use crate::support::project::{Finished, Project, utf8};

/// Longest that a push of thousands of files and a gigabyte takes to any of its moments.
const LONG: Duration = Duration::from_mins(4);

/// A push that is under way.
pub struct Running {
    child: Option<Child>,
    events: PathBuf,
}

impl Running {
    /// Begins to push the folder under this name.
    pub fn push(project: &Project, folder: &Path, name: &str) -> Self {
        let events = project.path().join("events.ndjson");
        // What an earlier run wrote is not this one's progress.
        let _ = fs::remove_file(&events);
        let mut command = project.command(&["push", utf8(folder), "--as", name, "--yes", "--json", "--events", utf8(&events)]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        Self { child: Some(child), events }
    }

    /// Waits until so many objects were confirmed, or the push has ended by itself.
    pub fn until_sent(&self, count: usize) {
        let mut events = None;
        let (mut sent, mut over) = (0, false);
        wait_within(LONG, &format!("{count} objects are sent"), || {
            events = events.take().or_else(|| File::open(&self.events).ok().map(BufReader::new));
            // What was read is counted once: a large push tells tens of thousands of events.
            let new = events.as_mut().map(text_behind).unwrap_or_default();
            sent += new.matches(r#""event":"sent""#).count();
            over |= new.contains(r#""event":"run_finished""#);
            over || sent >= count
        });
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().expect("it was not waited for").id();
        process::run(Command::new("/bin/sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id.to_string()]));
    }

    /// Kills it; whether it had not ended before.
    pub fn kill(&mut self) -> bool {
        let mut child = self.child.take().expect("it is killed once");
        child.kill().expect("our own child");
        child.wait().expect("our own child").signal().is_some()
    }

    pub fn finish(mut self) -> Finished {
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

/// The whole lines that were written since the last look.
fn text_behind(events: &mut BufReader<File>) -> String {
    let (mut text, mut place) = (String::new(), events.stream_position().expect("a regular file"));
    while let Ok(length @ 1..) = events.read_line(&mut text) {
        if !text.ends_with('\n') {
            // The rest of this line is still to come.
            text.truncate(text.len() - length);
            events.seek(SeekFrom::Start(place)).expect("a regular file");
            break;
        }
        place += length as u64;
    }
    text
}
