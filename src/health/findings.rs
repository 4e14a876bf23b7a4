//! What is found at one mirror, while it is looked at.

use std::time::Instant;

use super::probe::FileState;
use super::{Evidence, FileCounts, MirrorCheck, Probes, Seen, Suspects, Verdict};
use crate::base::{ByteCount, ObjectPath, Sha256};
use crate::trust::{Rejection, Verified};

use super::check::{Expectation, Mirror};

/// Pieces of evidence that are kept of one mirror, the worst ones; the rest is counted.
const EVIDENCE: usize = 50;

/// A check in the making. The worst that was found decides the verdict.
#[derive(Debug)]
pub(super) struct Findings {
    check: MirrorCheck,
    evidence: Vec<(Verdict, Evidence)>,
    left_out: usize,
    begun: Instant,
    snapshot: Option<Sha256>,
    /// Of all files; `None`: not all were looked at.
    counts: Option<FileCounts>,
}

/// A finished check, with the digest of the snapshot that the mirror's pointer leads to.
#[derive(Debug)]
pub(super) struct Inspection {
    pub check: MirrorCheck,
    pub snapshot: Option<Sha256>,
    /// What the probes saw.
    pub probes: Probes,
    /// The look was broken off; nothing is known.
    pub stopped: bool,
}

impl Inspection {
    /// A mirror that was not looked at to the end.
    pub fn stopped(mirror: &Mirror) -> Self {
        let mut found = Findings::begin(mirror);
        found.tell(Verdict::Unreadable, None, "stopped before this mirror was done".to_owned());
        Self { stopped: true, ..found.finish(crate::base::Level::Current) }
    }
}

impl Findings {
    pub fn begin(mirror: &Mirror) -> Self {
        let check = MirrorCheck {
            target: mirror.target.clone(),
            via: mirror.source.name(),
            verdict: Verdict::Current,
            level: None,
            release: None,
            version: None,
            expires: None,
            seen: None,
            files_checked: 0,
            bytes_hashed: ByteCount(0),
            evidence: Vec::new(),
            suspects: Suspects { exhaustive: true, ..Suspects::default() },
            duration_ms: 0,
        };
        Self { check, evidence: Vec::new(), left_out: 0, begun: Instant::now(), snapshot: None, counts: None }
    }

    /// Authentic metadata, measured against what is expected.
    pub fn authentic(&mut self, verified: &Verified, expected: &Expectation) {
        let version = verified.timestamp.version;
        self.check.release.clone_from(&verified.newest);
        self.check.version = Some(version);
        self.check.expires = Some(verified.timestamp.expires);
        self.check.seen = Some(Seen {
            root: verified.root_version,
            timestamp: version,
            snapshot: verified.snapshot.version,
            targets: verified.targets.version,
        });
        self.snapshot = Some(Sha256::of(&verified.snapshot.bytes));
        let pointer = Some(&verified.timestamp.path);
        if let Some(since) = verified.stale_since {
            self.tell(Verdict::Stale { since }, pointer, format!("expired {}", since.strftime("%Y-%m-%d %H:%MZ")));
        }
        let behind = expected.version.saturating_sub(version);
        if behind > 0 {
            self.tell(Verdict::Behind { by: behind }, pointer, format!("version {version}, the newest is {}", expected.version));
        }
    }

    /// Metadata that was not accepted.
    pub fn rejected(&mut self, rejection: &Rejection) {
        // What this metadata lists was not looked at.
        self.check.suspects.exhaustive = false;
        match rejection {
            Rejection::Forged { path, reason } => self.tell(Verdict::Forged, Some(path), reason.clone()),
            Rejection::Mixed { path, reason } => self.tell(Verdict::Mixed, Some(path), reason.clone()),
            Rejection::RolledBack { path, found, known } => {
                let what = format!("version {found}, but version {known} was seen here before");
                self.tell(Verdict::RolledBack, Some(path), what);
            }
            Rejection::Missing { path } => self.tell(Verdict::Incomplete, Some(path), "missing".to_owned()),
            Rejection::Empty => self.tell(Verdict::Incomplete, None, rejection.to_string()),
            Rejection::Unreadable(error) => self.tell(Verdict::Unreadable, Some(&error.path), error.reason.clone()),
        }
    }

    /// Every file is about to be looked at.
    pub fn begin_files(&mut self) {
        self.counts = Some(FileCounts::default());
    }

    /// So many more files belong there.
    pub fn expect_files(&mut self, count: usize) {
        if let Some(counts) = &mut self.counts {
            counts.expected += u64::try_from(count).unwrap_or(u64::MAX);
        }
    }

    /// Nobody knows which files belong there, or the look at them was broken off: there is nothing to count.
    pub fn files_unknown(&mut self) {
        self.counts = None;
    }

    /// One file that was looked at.
    pub fn file(&mut self, hashed: u64, state: FileState) {
        self.check.files_checked += 1;
        self.check.bytes_hashed += ByteCount(hashed);
        if let Some(counts) = &mut self.counts {
            counts.count(state);
        }
    }

    /// One file that was read besides: the look at all files has counted it, or will.
    pub fn read_again(&mut self, hashed: u64) {
        self.check.files_checked += 1;
        self.check.bytes_hashed += ByteCount(hashed);
    }

    /// A fact that speaks for this verdict.
    pub fn tell(&mut self, verdict: Verdict, path: Option<&ObjectPath>, what: String) {
        self.check.verdict = self.check.verdict.min(verdict);
        if verdict == Verdict::Incomplete {
            self.check.suspects.missing.extend(path.cloned());
        }
        match verdict {
            Verdict::Forged | Verdict::Mixed | Verdict::Incomplete => self.check.suspects.paths.extend(path.cloned()),
            Verdict::Unreadable => self.check.suspects.exhaustive = false,
            _ => {}
        }
        // Worst first; equally bad ones as they were found.
        let place = self.evidence.partition_point(|(other, _)| *other <= verdict);
        self.evidence.insert(place, (verdict, Evidence { path: path.cloned(), what }));
        if self.evidence.len() > EVIDENCE {
            self.evidence.pop();
            self.left_out += 1;
        }
    }

    /// The check, with `level` reached if nothing but age speaks against the copy: a stale copy is authentic and whole,
    /// a copy behind is not the one that we count.
    pub fn finish(self, level: crate::base::Level) -> Inspection {
        let Self { mut check, evidence, left_out, begun, snapshot, counts } = self;
        let whole = check.version.is_some() && evidence.iter().all(|(verdict, _)| matches!(verdict, Verdict::Stale { .. }));
        check.level = whole.then_some(level);
        check.evidence = evidence.into_iter().map(|(_, evidence)| evidence).collect();
        if left_out > 0 {
            check.evidence.push(Evidence { path: None, what: format!("and {left_out} more") });
        }
        check.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Inspection { check, snapshot, probes: Probes { files: counts, ..Probes::default() }, stopped: false }
    }
}
