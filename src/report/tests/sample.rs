//! Records as a small project would have them.

use std::collections::BTreeMap;

use crate::base::{ByteCount, Level, ObjectPath, Quorum, TargetName};
use crate::health::{
    CertificateSight, Depth, Evidence, Family, FileCounts, MirrorCheck, Phase, Phases, Probes, Reach, Round, Sample, Suspects,
    Throughput, Trouble, TroubleClass, Verdict, WriteProbe, WriteStep,
};
use crate::history::{History, LastCheck, MirrorState, RecordedRun, RunStart};
use crate::store::SwapClass;
use crate::transfer::{Ending, FailureRecord, Outcome, Run, RunKind};

pub fn target(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

pub fn done(name: &str) -> Outcome {
    Outcome {
        target: target(name),
        protocol: "sftp".into(),
        ending: Ending::Done,
        level: Some(Level::Complete),
        swap: Some(SwapClass::Atomic),
        objects_sent: 12,
        bytes_sent: ByteCount(3 << 20),
        retries: 0,
        duration_ms: 2140,
        notes: Vec::new(),
        failure: None,
    }
}

pub fn failed(name: &str) -> Outcome {
    Outcome {
        protocol: "webdav".into(),
        ending: Ending::Failed,
        level: None,
        swap: None,
        objects_sent: 3,
        bytes_sent: ByteCount(4096),
        retries: 4,
        duration_ms: 245_000,
        failure: Some(FailureRecord {
            code: "no_space".into(),
            messages: vec![format!("{name}: put releases/demo-1/a.iso: no space left"), "507 Insufficient Storage".into()],
            hint: Some(format!("ask the operator for space, or set `holds: newest 3` on target {name}")),
        }),
        ..done(name)
    }
}

pub fn run() -> Run {
    let noted = Outcome { notes: vec!["readers may find no timestamp.json for a moment (swap: gap)".into()], ..done("gamma") };
    Run {
        kind: RunKind::Push,
        release: Some("demo-1".parse().unwrap()),
        version: 7,
        started: "2026-03-01T10:00:00Z".parse().unwrap(),
        finished: "2026-03-01T10:04:05Z".parse().unwrap(),
        wanted: 3,
        quorum: Quorum::Missed,
        level: Some(Level::Complete),
        cancelled: false,
        outcomes: vec![done("alpha"), failed("beta"), noted],
    }
}

/// Every probe, with something to tell.
pub fn probes() -> Probes {
    let evidence = |what: &str| Evidence { path: Some(ObjectPath::new("releases/demo-1/a.iso").unwrap()), what: what.into() };
    let trouble = Trouble { phase: Phase::Connect, class: TroubleClass::Refused, what: "connection refused".into() };
    let phases = Phases { dns_ms: Some(3), ..Phases::default() };
    Probes {
        reach: vec![Reach {
            family: Family::Ipv6,
            address: Some("2001:db8::7".parse().unwrap()),
            from: Some("2001:db8::1".parse().unwrap()),
            phases,
            trouble: Some(trouble),
        }],
        files: Some(FileCounts { expected: 40, present: 38, missing: 1, wrong_size: 1, altered: 0 }),
        certificate: Some(CertificateSight {
            not_after: "2026-04-01T00:00:00Z".parse().unwrap(),
            issuer: "Example CA".into(),
            organisation: Some("Example Trust".into()),
            protocol: Some("TLSv1.3".into()),
            trouble: None,
        }),
        sample: Some(Sample {
            chunks: 8,
            bytes: ByteCount(9 << 20),
            bad: vec![evidence("altered: bytes 0 to 4194303")],
            unread: vec![evidence("no answer in time")],
        }),
        throughput: Some(Throughput { bytes: ByteCount(1 << 20), duration_ms: 120 }),
        write: Some(WriteProbe {
            failed: Some(WriteStep::Readers),
            trouble: Some("readers do not find it".into()),
            write_ms: Some(40),
            propagation_ms: None,
            free: Some(ByteCount(7 << 30)),
            needed: Some(ByteCount(1 << 30)),
        }),
    }
}

pub fn check(name: &str, verdict: Verdict, level: Option<Level>) -> MirrorCheck {
    MirrorCheck {
        target: target(name),
        via: format!("https://{name}.example/"),
        verdict,
        level,
        release: Some("demo-1".parse().unwrap()),
        version: Some(7),
        expires: Some("2026-04-01T00:00:00Z".parse().unwrap()),
        seen: None,
        files_checked: 12,
        bytes_hashed: ByteCount(3 << 20),
        evidence: Vec::new(),
        suspects: Suspects::default(),
        duration_ms: 900,
    }
}

pub fn round() -> Round {
    let fact = Evidence {
        path: Some(ObjectPath::new("releases/demo-1/a.iso").unwrap()),
        what: "sha256 is 01ba4719, signed is e3b0c442".into(),
    };
    let forged = MirrorCheck { evidence: vec![fact], ..check("gamma", Verdict::Forged, None) };
    let silent = MirrorCheck {
        release: None,
        version: None,
        expires: None,
        seen: None,
        files_checked: 0,
        bytes_hashed: ByteCount(0),
        evidence: vec![Evidence { path: None, what: "connection refused".into() }],
        ..check("beta", Verdict::Unreadable, None)
    };
    Round {
        depth: Depth::Full,
        release: Some("demo-1".parse().unwrap()),
        version: 7,
        started: "2026-03-01T11:00:00Z".parse().unwrap(),
        finished: "2026-03-01T11:01:00Z".parse().unwrap(),
        wanted: 2,
        quorum: Quorum::Missed,
        mirrors: vec![
            check("alpha", Verdict::Current, Some(Level::Verified)),
            silent,
            forged,
            check("delta", Verdict::Behind { by: 2 }, None),
            check("epsilon", Verdict::Stale { since: "2026-02-01T00:00:00Z".parse().unwrap() }, None),
        ],
        probes: BTreeMap::from([(target("alpha"), probes())]),
        online: None,
        unfinished: Vec::new(),
    }
}

/// What history remembers after the run and the round above and an interrupted run.
pub fn remembered() -> (Vec<MirrorState>, Vec<RecordedRun>) {
    let folder = tempfile::tempdir().unwrap();
    let path = camino::Utf8PathBuf::from_path_buf(folder.path().join("state.db")).unwrap();
    let history = History::open(&path).unwrap();
    let run = run();
    let start =
        RunStart { kind: run.kind, release: run.release.clone(), version: run.version, started: run.started, wanted: run.wanted };
    let id = history.begin_run(&start).unwrap();
    history.finish_run(id, &run).unwrap();
    history.record_round(&round()).unwrap();
    let interrupted = history.begin_run(&RunStart { kind: RunKind::Renew, version: 8, ..start }).unwrap();
    history.record_outcome(interrupted, &done("zeta")).unwrap();
    (history.last_state().unwrap(), history.last_runs(5).unwrap())
}

/// Text of strangers that got past every earlier gate.
pub const HOSTILE: &str = "\u{1b}[2J\u{202e}evil\u{7f}\u{9b}31m\r\n\tx\u{0}";

/// The last check of a mirror whose words are hostile.
pub fn hostile_round() -> Round {
    let mut round = round();
    for check in &mut round.mirrors {
        check.via = HOSTILE.into();
        check.evidence =
            vec![Evidence { path: Some(ObjectPath::new("releases/\u{202e}gpj.exe").unwrap()), what: HOSTILE.into() }];
    }
    round
}

pub fn hostile_run() -> Run {
    let mut run = run();
    for outcome in &mut run.outcomes {
        outcome.protocol = HOSTILE.into();
        outcome.notes = vec![HOSTILE.into()];
        outcome.failure =
            Some(FailureRecord { code: HOSTILE.into(), messages: vec![HOSTILE.into(); 2], hint: Some(HOSTILE.into()) });
    }
    run
}

pub fn hostile_states() -> Vec<MirrorState> {
    let at = "2026-03-01T11:01:00Z".parse().unwrap();
    let state = |found: MirrorCheck| MirrorState {
        target: found.target.clone(),
        check: Some(LastCheck { at, depth: Depth::Full, since: at, verified_at: Some(at), found }),
        outcome: None,
        sent: None,
        altered: 0,
    };
    hostile_round().mirrors.into_iter().map(state).collect()
}
