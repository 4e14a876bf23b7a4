//! What was observed of a mirror, and what it amounts to.
//!
//! Rule V8 of docs/bundle-format.md.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Probes;
use crate::base::{BundleName, ByteCount, Level, ObjectPath, Quorum, TargetName};

/// What a mirror's state amounts to; from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// A signature threshold is not met or a digest differs.
    Forged,
    /// Authentic parts of different publishes.
    Mixed,
    /// Authentic, but older than this mirror was seen to be.
    RolledBack,
    /// Files are missing or short.
    Incomplete,
    /// Authentic, but this many publishes behind the newest known.
    Behind {
        /// Publishes (timestamp versions) behind.
        by: u64,
    },
    /// Authentic and newest, but a role has expired.
    Stale {
        /// Since when.
        since: Timestamp,
    },
    /// It could not be read; that says nothing about the content.
    Unreadable,
    /// The newest state, as far as was asked.
    Current,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Self::Forged => "FORGED OR ALTERED".to_owned(),
            Self::Mixed => "MIXED".to_owned(),
            Self::RolledBack => "ROLLED BACK".to_owned(),
            Self::Incomplete => "INCOMPLETE".to_owned(),
            Self::Behind { by } => format!("BEHIND {by}"),
            Self::Stale { since } => format!("STALE since {}", since.strftime("%Y-%m-%d %H:%MZ")),
            Self::Unreadable => "UNREADABLE".to_owned(),
            Self::Current => "CURRENT".to_owned(),
        };
        formatter.pad(&text)
    }
}

/// One fact that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which object it is about, if one.
    pub path: Option<ObjectPath>,
    /// What was found there, safe to print.
    pub what: String,
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) => write!(formatter, "{path}: {}", self.what),
            None => formatter.write_str(&self.what),
        }
    }
}

/// How deep a check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// Metadata only: is it current?
    Metadata,
    /// And is every file there with its size?
    Files,
    /// And is every byte right?
    Full,
}

/// Versions of roles that a mirror showed and that verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Root.
    pub root: u64,
    /// Timestamp.
    pub timestamp: u64,
    /// Snapshot.
    pub snapshot: u64,
    /// The list of bundles.
    pub targets: u64,
}

/// What a check proved to be missing or wrong, all of it: evidence is for people and is cut.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suspects {
    /// Objects whose bytes are wrong, or that are not there.
    pub paths: BTreeSet<ObjectPath>,
    /// Those of them that are not there, or too short: a look at sizes finds these too.
    pub missing: BTreeSet<ObjectPath>,
    /// Everything within the check's depth was looked at, so all else is right as far as that depth goes.
    pub exhaustive: bool,
}

/// What one check of one mirror found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorCheck {
    /// Which mirror.
    pub target: TargetName,
    /// Where it was read: its public address, or `store` for one without.
    pub via: String,
    /// What it amounts to.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How much is known of the copy; `None` unless the verdict is current (or stale).
    pub level: Option<Level>,
    /// The bundle it presents as newest.
    pub release: Option<BundleName>,
    /// Its timestamp version.
    pub version: Option<u64>,
    /// When its timestamp expires.
    pub expires: Option<Timestamp>,
    /// Versions of the roles that verified: it may never show older ones again.
    pub seen: Option<Seen>,
    /// Files looked at.
    pub files_checked: u64,
    /// Bytes hashed.
    pub bytes_hashed: ByteCount,
    /// What the verdict rests on, worst first.
    pub evidence: Vec<Evidence>,
    /// What is to be sent again. It is kept on its own and is no part of the record.
    #[serde(skip)]
    pub suspects: Suspects,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl MirrorCheck {
    /// Whether this mirror counts as a copy: it serves the newest state, as far as was asked.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.verdict == Verdict::Current && self.level.is_some()
    }
}

/// One round over all mirrors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// How deep it went.
    pub depth: Depth,
    /// The newest bundle we published.
    pub release: Option<BundleName>,
    /// The newest timestamp version known.
    pub version: u64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Copies wanted.
    pub wanted: usize,
    /// The verdict over all mirrors.
    pub quorum: Quorum,
    /// What each check found, in the order of the configuration.
    pub mirrors: Vec<MirrorCheck>,
    /// What the probes saw that were made in this round, of the mirrors for which any was.
    #[serde(default)]
    pub probes: BTreeMap<TargetName, Probes>,
    /// Whether we were online ourselves; `None`: nobody was asked.
    #[serde(default)]
    pub online: Option<bool>,
    /// Mirrors that were not looked at to the end because the round was cancelled: their check says nothing else.
    pub unfinished: Vec<TargetName>,
}
