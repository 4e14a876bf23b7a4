//! A process that is killed keeps what it had committed.

#![allow(clippy::unwrap_used, reason = "a test tells by failing")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use spartacus::base::{ObjectPath, Sha256, TargetName};
use spartacus::history::{History, RunStart};
use spartacus::transfer::RunKind;

/// Set in the child: where its state file lies.
const ROLE: &str = "SPARTACUS_TEST_STATE_FILE";

/// This test runs itself as a child process that writes without end, and kills it with SIGKILL in the middle.
#[test]
fn kill_nine_loses_nothing_that_was_committed() {
    if let Ok(path) = std::env::var(ROLE) {
        write_until_killed(Utf8Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("state.db")).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "history::kill_nine_loses_nothing_that_was_committed", "--nocapture"])
        .env(ROLE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let count = |line: String| line.strip_prefix("committed ").and_then(|number| number.parse::<usize>().ok());
    lines.by_ref().filter_map(count).find(|&number| number >= 3000).expect("the child reports its commits");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it still said before it died was committed too.
    let committed = lines.filter_map(count).last().unwrap_or(3000);

    let history = History::open(&path).unwrap();
    let confirmed = history.confirmed(&mirror()).unwrap();
    for number in 0..committed {
        assert_eq!(confirmed.get(&object(number)), Some(&digest(number)), "{number} of {committed}");
    }
    let runs = history.last_runs(5).unwrap();
    assert_eq!((runs.len(), runs[0].start.version), (1, 42));
    assert!(runs[0].end.is_none(), "the run is seen as interrupted");
}

/// The child: says after every commit how far it is. It ends by being killed, or by a broken pipe.
fn write_until_killed(path: &Utf8Path) -> ! {
    let history = History::open(path).unwrap();
    let started = "2026-03-01T10:00:00Z".parse().unwrap();
    history.begin_run(&RunStart { kind: RunKind::Push, release: None, version: 42, started, wanted: 1 }).unwrap();
    // The pipe itself: the test harness would keep what `println!` says.
    let mut pipe = std::io::stdout();
    for number in 0.. {
        history.confirm(&mirror(), 42, &object(number), digest(number)).unwrap();
        if number % 100 == 99 {
            history.flush().unwrap();
            writeln!(pipe, "committed {}", number + 1).unwrap();
        }
    }
    unreachable!("the numbers have no end")
}

fn mirror() -> TargetName {
    TargetName::new("mirror").unwrap()
}

fn object(number: usize) -> ObjectPath {
    ObjectPath::new(format!("releases/demo-1/file-{number}")).unwrap()
}

fn digest(number: usize) -> Sha256 {
    Sha256::of(&number.to_le_bytes())
}
