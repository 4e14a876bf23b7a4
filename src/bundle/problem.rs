//! What can be wrong with one name or file of a tree.

use std::fmt;
use std::io;

use crate::base::{ObjectPath, PathError, sanitise};

/// Why one entry of a folder cannot be published.
#[derive(Debug)]
pub enum Defect {
    /// The name is not UTF-8.
    NotUtf8,
    /// The name breaks a rule of [`ObjectPath`].
    Name(PathError),
    /// It differs from its neighbour only in case: one of the two would be lost on many file systems.
    CaseCollision(String),
    /// The name is one that we write ourselves.
    KeptForUs,
    /// A spartacus project lies here: its keys would be published.
    ProjectInside,
    /// Neither a regular file nor a folder.
    NotAFile(&'static str),
    /// It could not be read.
    Unreadable(io::Error),
    /// There is no file at all.
    NothingInside,
}

impl fmt::Display for Defect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => formatter.write_str("the name is not UTF-8"),
            Self::Name(error) => write!(formatter, "the name has {error}"),
            Self::CaseCollision(twin) => write!(formatter, "differs from {:?} only in case", sanitise(twin)),
            Self::KeptForUs => formatter.write_str("the name is one that spartacus itself writes there"),
            Self::ProjectInside => formatter.write_str("a spartacus project: its keys and state must not be published"),
            Self::NotAFile(what) => write!(formatter, "is {what}, only regular files can be published"),
            Self::Unreadable(error) => write!(formatter, "cannot be read: {error}"),
            Self::NothingInside => formatter.write_str("there is no file in it"),
        }
    }
}

/// One entry of a folder that cannot be published, and why.
#[derive(Debug)]
pub struct Problem {
    /// Path from the folder, safe to print; empty for the folder itself.
    pub path: String,
    /// What is wrong.
    pub defect: Defect,
}

impl Problem {
    pub(super) fn new(path: &str, defect: Defect) -> Self {
        Self { path: sanitise(path), defect }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { self.defect.fmt(formatter) } else { write!(formatter, "{}: {}", self.path, self.defect) }
    }
}

/// A name that is allowed but will trouble some readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameWarning {
    /// Path from the folder.
    pub path: ObjectPath,
    /// What will happen, and where.
    pub reason: &'static str,
}

impl fmt::Display for NameWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", sanitise(self.path.as_str()), self.reason)
    }
}
