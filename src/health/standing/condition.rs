//! The words for how a mirror is, and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a mirror is, from worst to best; with several troubles the worst one names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It served bytes that nobody signed, or took something back. It counts again only after clean full verifications.
    Quarantined,
    /// Readers get nothing.
    Unreachable,
    /// Files are missing or short.
    Incomplete,
    /// What it serves is authentic and old.
    Stale,
    /// It has no room for what is new; what it has is right.
    Full,
    /// Right, with something to mend.
    Degraded,
    /// Never looked at, or not since it was changed.
    #[default]
    Unknown,
    /// It serves verified bytes of the newest release.
    Healthy,
}

impl Condition {
    /// Every condition, worst first.
    pub const ALL: [Self; 8] = [
        Self::Quarantined,
        Self::Unreachable,
        Self::Incomplete,
        Self::Stale,
        Self::Full,
        Self::Degraded,
        Self::Unknown,
        Self::Healthy,
    ];

    /// The word in JSON, metrics and tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Unreachable => "unreachable",
            Self::Incomplete => "incomplete",
            Self::Stale => "stale",
            Self::Full => "full",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
        }
    }

    /// Whether readers may be sent there: what it serves of the newest release is right, as far as is known.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded | Self::Full)
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.word())
    }
}

/// Why a mirror is in its condition: a stable word for each rule that speaks against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// A byte that nobody signed, or a signature that is none.
    Altered,
    /// Authentic parts of different publishes.
    Mixed,
    /// It showed an older state than before.
    RolledBack,
    /// No answer, or no right one, in several rounds.
    NoAnswer,
    /// Files are missing.
    Missing,
    /// Its release is older than ours for longer than the grace time.
    Behind,
    /// Its pointer has expired.
    Expired,
    /// The last push found no space left or its limit reached, or the next release will not fit.
    NoSpace,
    /// We cannot write there.
    CannotWrite,
    /// We can write there, and readers do not get what we write.
    NotShown,
    /// It came back and is verified before it counts.
    Reverifying,
    /// Its certificate ends soon.
    CertificateEnds,
    /// It is reached over one address family and not over the other.
    HalfReached,
    /// It takes much longer to answer than the others.
    Slow,
    /// It changes its condition again and again.
    Flapping,
    /// It is out of reach, older or incomplete where some of those look who look, and not where the others do.
    Regional,
    /// Somebody elsewhere reports wrong bytes, and from here they are not seen.
    Unconfirmed,
}

/// One thing that speaks against a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Which rule.
    pub code: ReasonCode,
    /// In words, with the evidence; safe to print.
    pub message: String,
    /// Since when.
    pub first_seen: Timestamp,
}

/// What the rules remember between rounds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Rounds in a row without a right answer.
    pub failed: u32,
    /// Rounds in a row with one.
    pub answered: u32,
    /// Rounds in a row in which it lagged beyond the grace time.
    pub lagging: u32,
    /// When files were first found missing, in an unbroken series of rounds that looked.
    pub missing_since: Option<Timestamp>,
    /// Rounds in a row in which IPv4 was in trouble and IPv6 was not.
    pub ipv4_failed: u32,
    /// Rounds in a row in which IPv6 was in trouble and IPv4 was not.
    pub ipv6_failed: u32,
    /// Rounds in a row in which we ourselves got no right answer, whatever others got.
    pub unseen: u32,
    /// Clean full verifications since it was quarantined.
    pub clean: u32,
    /// It must be verified in full before it counts again.
    pub verify_first: bool,
    /// Too little is free for the next release, in words: what the last canary found.
    pub tight: Option<String>,
    /// What it would be if it did not flap.
    pub raw: Condition,
    /// The moments at which that changed, of the last 24 hours.
    pub changes: Vec<Timestamp>,
    /// The worst condition while it flaps.
    pub held: Option<Condition>,
}

/// How a mirror is and what the next judgement needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How it is.
    pub condition: Condition,
    /// Since when.
    pub since: Timestamp,
    /// Why, worst first; empty when nothing speaks against it.
    pub reasons: Vec<Reason>,
    /// When it was last looked at with a result (our own outages excluded).
    pub seen_at: Option<Timestamp>,
    /// When it last answered rightly.
    pub answered_at: Option<Timestamp>,
    /// When every byte of it was last hashed and right.
    pub verified_at: Option<Timestamp>,
    /// What the rules remember.
    #[serde(default)]
    pub counters: Counters,
}

impl Standing {
    /// Of a mirror that was never looked at.
    #[must_use]
    pub fn unknown(since: Timestamp) -> Self {
        Self {
            condition: Condition::Unknown,
            since,
            reasons: Vec::new(),
            seen_at: None,
            answered_at: None,
            verified_at: None,
            counters: Counters::default(),
        }
    }
}
