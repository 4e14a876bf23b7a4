//! Looks at a mirror, made up, and what a series of them leads to.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::{ByteCount, HealthRules, Level, TargetName};
use crate::health::{
    Around, Elsewhere, Evidence, Glance, MirrorCheck, Observation, Probes, Standing, Suspects, Verdict, WriteProbe, WriteStep,
    judge,
};

/// Minutes between two rounds.
pub const MINUTES: i64 = 5;

pub fn start() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().expect("a moment")
}

/// A look with this verdict and depth, with a pinch of evidence.
pub fn look(verdict: Verdict, level: Option<Level>) -> Observation {
    let evidence =
        if verdict == Verdict::Current { Vec::new() } else { vec![Evidence { path: None, what: verdict.to_string() }] };
    let look = MirrorCheck {
        target: TargetName::new("alpha").expect("a name"),
        via: "https://alpha.example/".to_owned(),
        verdict,
        level: level.filter(|_| matches!(verdict, Verdict::Current | Verdict::Stale { .. })),
        release: None,
        version: None,
        expires: None,
        seen: None,
        files_checked: 0,
        bytes_hashed: ByteCount(0),
        evidence,
        duration_ms: 1,
        suspects: Suspects::default(),
    };
    Observation { at: start(), look, probes: Probes::default() }
}

pub fn current() -> Observation {
    look(Verdict::Current, Some(Level::Current))
}

pub fn complete() -> Observation {
    look(Verdict::Current, Some(Level::Complete))
}

pub fn verified() -> Observation {
    look(Verdict::Current, Some(Level::Verified))
}

pub fn silent() -> Observation {
    look(Verdict::Unreadable, None)
}

pub fn forged() -> Observation {
    look(Verdict::Forged, None)
}

pub fn incomplete() -> Observation {
    look(Verdict::Incomplete, None)
}

pub fn behind(by: u64) -> Observation {
    look(Verdict::Behind { by }, None)
}

/// What the vantage of this name saw, five minutes ago.
pub fn from(vantage: &str, verdict: Verdict, version: u64) -> Elsewhere {
    let seen = look(verdict, None).look;
    let glance = Glance {
        mirror: seen.target,
        url: seen.via,
        verdict,
        level: None,
        release: None,
        version: Some(version).filter(|_| verdict != Verdict::Unreadable),
        reach: Vec::new(),
        certificate: None,
        evidence: seen.evidence,
    };
    Elsewhere { vantage: vantage.parse().expect("a name"), at: start(), expires: start() + Duration::from_hours(24), glance }
}

/// A right answer, and what a canary told.
pub fn canary(failed: Option<WriteStep>, free: Option<u64>) -> Observation {
    let write = WriteProbe {
        failed,
        trouble: failed.map(|step| format!("{step:?}")),
        write_ms: None,
        propagation_ms: None,
        free: free.map(ByteCount),
        needed: Some(ByteCount(100)),
    };
    Observation { probes: Probes { write: Some(write), ..Probes::default() }, ..current() }
}

/// A mirror's life, round by round.
pub struct Life {
    pub standing: Standing,
    pub now: Timestamp,
    pub around: Around,
    pub rules: HealthRules,
}

impl Life {
    pub fn new() -> Self {
        let around = Around { due_since: Some(start() - Duration::from_hours(24)), ..Around::default() };
        Self { standing: Standing::unknown(start()), now: start(), around, rules: HealthRules::default() }
    }

    /// The next round.
    pub fn sees(&mut self, observation: &Observation) -> &Standing {
        self.now += SignedDuration::from_mins(MINUTES);
        self.standing = judge(&self.standing, Some(observation), &self.around, &self.rules, self.now);
        &self.standing
    }

    /// Several rounds that see the same.
    pub fn sees_often(&mut self, observation: &Observation, rounds: usize) -> &Standing {
        for _ in 0..rounds {
            self.sees(observation);
        }
        &self.standing
    }

    /// A round in which the fault was ours.
    pub fn sees_nothing(&mut self) -> &Standing {
        self.now += SignedDuration::from_mins(MINUTES);
        self.standing = judge(&self.standing, None, &self.around, &self.rules, self.now);
        &self.standing
    }
}
