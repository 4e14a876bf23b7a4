//! The public status page: plain pages that work from a disk, below any path of any mirror, and without scripts.
//!
//! Everything that a page needs is in it: its style is inline, named by its digest in the page's own policy (CSP), which
//! forbids all else. A page opened from a file has no origin, so a style sheet beside it could not be named there.

mod bars;
mod frame;
mod index;
mod legend;
mod mirror;
mod public_words;
mod resilience;
mod sentence;
mod sparkline;

use super::board::Board;
use crate::health::Condition;

pub(super) use public_words::event_text;
pub use sentence::{Mood, banner};

/// Files of a public folder: relative paths and texts, in the order in which they should be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageSet {
    files: Vec<(String, String)>,
}

impl PageSet {
    /// The files. What refers to others comes after them.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of one file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files().find(|(other, _)| *other == path).map(|(_, text)| text)
    }

    pub(super) fn add(&mut self, path: impl Into<String>, text: String) {
        self.files.push((path.into(), text));
    }
}

/// A page for each mirror.
pub(super) fn add_mirrors(set: &mut PageSet, board: &Board) {
    for (mirror, past) in board.mirrors() {
        set.add(format!("mirrors/{}.html", mirror.name), mirror::page(board, mirror, past));
    }
}

/// The index, which links to all others.
pub(super) fn add_index(set: &mut PageSet, board: &Board) {
    set.add("index.html", index_page(board));
}

/// The index alone.
#[must_use]
pub fn index_page(board: &Board) -> String {
    index::page(board)
}

/// A share as a percentage that never rounds up to all.
pub(super) fn percent(share: f64) -> String {
    frame::percent(share)
}

/// How good or bad the news of a condition are.
pub(super) fn mood_of(condition: Condition) -> Mood {
    frame::sign(condition).0
}
