//! How complete a copy is, counted.

use serde::{Deserialize, Serialize};

/// What a look at every file of a mirror found. What could not be read is expected and nothing else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Shown", from = "Shown")]
pub struct FileCounts {
    /// Files that its own signed metadata lists, as far as it holds them, and what we published beside them.
    pub expected: u64,
    /// Those that are there with their size, and in a full verification with the right bytes.
    pub present: u64,
    /// Those that are not there.
    pub missing: u64,
    /// Those that are shorter or longer than was signed.
    pub wrong_size: u64,
    /// Those that have their size and other bytes than were signed.
    pub altered: u64,
}

impl FileCounts {
    /// The share of what is expected that is there, 0 to 1; all of nothing is all.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a share of a count of files is told to a few digits")]
    pub fn ratio(&self) -> f64 {
        if self.expected == 0 { 1.0 } else { self.present as f64 / self.expected as f64 }
    }

    /// Counts one file.
    pub(in crate::health) fn count(&mut self, state: FileState) {
        match state {
            FileState::Present => self.present += 1,
            FileState::Missing => self.missing += 1,
            FileState::WrongSize => self.wrong_size += 1,
            FileState::Altered => self.altered += 1,
            FileState::Unread => {}
        }
    }
}

/// How one file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) enum FileState {
    /// There, as far as was looked.
    Present,
    /// Not there.
    Missing,
    /// Shorter or longer.
    WrongSize,
    /// With other bytes.
    Altered,
    /// It could not be read.
    Unread,
}

/// The same with the share, as programs read it.
#[derive(Serialize, Deserialize)]
struct Shown {
    expected: u64,
    present: u64,
    missing: u64,
    wrong_size: u64,
    altered: u64,
    #[serde(default)]
    ratio: f64,
}

impl From<FileCounts> for Shown {
    fn from(counts: FileCounts) -> Self {
        let FileCounts { expected, present, missing, wrong_size, altered } = counts;
        Self { expected, present, missing, wrong_size, altered, ratio: counts.ratio() }
    }
}

impl From<Shown> for FileCounts {
    fn from(shown: Shown) -> Self {
        let Shown { expected, present, missing, wrong_size, altered, .. } = shown;
        Self { expected, present, missing, wrong_size, altered }
    }
}
