//! What became of each target: the record that report and history read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::{BundleName, ByteCount, Level, Quorum, TargetName};
use crate::store::SwapClass;

/// How work on one target ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Everything was sent and confirmed.
    Done,
    /// The target held everything already.
    Unchanged,
    /// Outside its window, or its breaker is open: later.
    Deferred,
    /// It takes no part at present.
    Paused,
    /// The target holds a newer authentic state than ours.
    Conflict,
    /// Something failed for good, or too often.
    Failed,
    /// The run was cancelled before this target was done.
    Cancelled,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Deferred => "deferred",
            Self::Paused => "paused",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// A failure, as told to people and machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRecord {
    /// A stable word: [`crate::store::ErrorKind::code`], or the room's own.
    pub code: String,
    /// The message and its causes, outermost first.
    pub messages: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What became of one target in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which target.
    pub target: TargetName,
    /// `folder`, `s3`, `sftp` or `webdav`.
    pub protocol: String,
    /// How it ended.
    pub ending: Ending,
    /// How much is known of the copy now; `None` when it is not current.
    pub level: Option<Level>,
    /// How a swap looks to this target's readers.
    pub swap: Option<SwapClass>,
    /// Objects sent.
    pub objects_sent: u64,
    /// Bytes sent, repeats included.
    pub bytes_sent: ByteCount,
    /// Requests sent again.
    pub retries: u64,
    /// From first to last request, in milliseconds.
    pub duration_ms: u64,
    /// What a person should know besides (the swap is not atomic, a resume happened ...).
    pub notes: Vec<String>,
    /// Why it failed, if it did.
    pub failure: Option<FailureRecord>,
}

impl Outcome {
    /// Whether this target holds the current state after the run.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self.ending, Ending::Done | Ending::Unchanged) && self.level.is_some()
    }
}

/// What a run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// `push`
    Push,
    /// `repair`
    Repair,
    /// `renew`
    Renew,
}

impl std::fmt::Display for RunKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Push => "push",
            Self::Repair => "repair",
            Self::Renew => "renew",
        })
    }
}

/// One run over all targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What it was for.
    pub kind: RunKind,
    /// The bundle presented as newest.
    pub release: Option<BundleName>,
    /// The timestamp version that was pushed.
    pub version: u64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Copies wanted.
    pub wanted: usize,
    /// The verdict over all targets.
    pub quorum: Quorum,
    /// The lowest level that all good copies reached; the headline names it.
    pub level: Option<Level>,
    /// The run was cancelled.
    pub cancelled: bool,
    /// What became of each target, in the order of the configuration.
    pub outcomes: Vec<Outcome>,
}
