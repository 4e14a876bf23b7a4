//! What a target lacks of what it should hold.

use std::collections::BTreeSet;

use crate::base::ObjectPath;

/// How an object was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// As it should be.
    Right,
    /// Something else lies under its name, and readers get that.
    Wrong,
    /// Nothing lies there.
    Missing,
}

/// Objects that are not there as they should be.
#[derive(Debug, Default)]
pub(super) struct Lacks {
    /// All of them.
    pub all: BTreeSet<ObjectPath>,
    /// Those under whose names nothing lies.
    pub missing: BTreeSet<ObjectPath>,
}

impl Lacks {
    /// Takes note of one object.
    pub fn note(&mut self, path: &ObjectPath, held: Held) {
        if held == Held::Missing {
            self.missing.insert(path.clone());
        }
        if held != Held::Right {
            self.all.insert(path.clone());
        }
    }

    /// These and those.
    pub fn and(mut self, other: Self) -> Self {
        self.all.extend(other.all);
        self.missing.extend(other.missing);
        self
    }
}
