//! What the state file promises, tried from this side of the handle. `kill -9` is tried in `tests/suite/history.rs`.

mod alerts;
mod file;
mod health;
mod name_servers;
mod probes;
mod records;
mod reminders;
mod testimonies;

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::{History, RunStart};
use crate::base::{ByteCount, Level, ObjectPath, Quorum, TargetName};
use crate::health::{Depth, Evidence, MirrorCheck, Round, Suspects, Verdict};
use crate::store::SwapClass;
use crate::transfer::{Ending, FailureRecord, Outcome, Run, RunKind};

/// A folder of its own and the state file's path in it.
fn place() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join(".spartacus/state.db")).unwrap();
    (folder, path)
}

fn fresh() -> (tempfile::TempDir, History) {
    let (folder, path) = place();
    let history = History::open(&path).unwrap();
    (folder, history)
}

fn target(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

fn object(path: &str) -> ObjectPath {
    ObjectPath::new(path).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn start() -> RunStart {
    RunStart {
        kind: RunKind::Push,
        release: Some("demo-1".parse().unwrap()),
        version: 7,
        started: at("2026-03-01T10:00:00.123456789Z"),
        wanted: 2,
    }
}

fn outcome(name: &str) -> Outcome {
    Outcome {
        target: target(name),
        protocol: "sftp".into(),
        ending: Ending::Failed,
        level: Some(Level::Complete),
        swap: Some(SwapClass::Gap),
        objects_sent: 3,
        bytes_sent: ByteCount(u64::MAX),
        retries: 1,
        duration_ms: 1500,
        notes: vec!["resumed \"é\"".into()],
        failure: Some(FailureRecord { code: "no_space".into(), messages: vec!["full".into()], hint: None }),
    }
}

fn run_of(start: &RunStart, outcomes: Vec<Outcome>) -> Run {
    Run {
        kind: start.kind,
        release: start.release.clone(),
        version: start.version,
        started: start.started,
        finished: at("2026-03-01T10:05:00Z"),
        wanted: start.wanted,
        quorum: Quorum::Met,
        level: Some(Level::Complete),
        cancelled: false,
        outcomes,
    }
}

fn check(name: &str, verdict: Verdict, level: Option<Level>) -> MirrorCheck {
    MirrorCheck {
        target: target(name),
        via: "https://mirror.example/".into(),
        verdict,
        level,
        release: Some("demo-1".parse().unwrap()),
        version: Some(7),
        expires: Some(at("2026-04-01T00:00:00Z")),
        seen: None,
        files_checked: 12,
        bytes_hashed: ByteCount(4096),
        evidence: vec![Evidence { path: Some(object("releases/demo-1/a")), what: "digest differs".into() }],
        suspects: Suspects::default(),
        duration_ms: 88,
    }
}

fn round(started: &str, mirrors: Vec<MirrorCheck>) -> Round {
    Round {
        depth: Depth::Full,
        release: Some("demo-1".parse().unwrap()),
        version: 7,
        started: at(started),
        finished: at(started),
        wanted: 1,
        quorum: Quorum::Met,
        mirrors,
        probes: BTreeMap::new(),
        online: None,
        unfinished: Vec::new(),
    }
}
