//! What can go wrong between a folder and a release.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::problem::Problem;
use crate::base::{BundleName, Hinted};
use crate::trust::{Rejection, TrustError};

/// Most problems of a tree that are shown.
const SHOWN: usize = 20;

/// Why no bundle, signature or release came about.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder holds what cannot be published; see [`BundleError::details`].
    #[error("{root}: {} of its names or files cannot be published, the first: {}", problems.len(), first(problems))]
    BadTree {
        /// The folder.
        root: Utf8PathBuf,
        /// Everything wrong with it, sorted by path; at least one.
        problems: Vec<Problem>,
    },
    /// A source file was written to, replaced, added or removed meanwhile.
    #[error("{path}: changed while it was being staged")]
    Changed {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The progress callback asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// No room for what had to be written. Nothing partial stays.
    #[error("disk full at {path}")]
    DiskFull {
        /// What was being written.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A local file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A local file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is in the way that is never overwritten.
    #[error("{path} exists already")]
    Exists {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The folder is no project.
    #[error("{path} is not a spartacus project: it has no .spartacus/metadata/1.root.json")]
    NoProject {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// A file of our own does not say what it should.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another process changes the project at this moment.
    #[error("{path} is held by {}", holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Locked {
        /// The lock file.
        path: Utf8PathBuf,
        /// The other's process id, if it was written there.
        holder: Option<u32>,
    },
    /// There is no stage of that name.
    #[error("no bundle {0} is staged")]
    NotStaged(BundleName),
    /// A published name is taken for ever: its files may be anywhere.
    #[error("a bundle {0} with other files is published")]
    Published(BundleName),
    /// The list of bundles moved on since the stage was made.
    #[error("the stage of {bundle} continues list {staged} of bundles, but list {current} is published")]
    Overtaken {
        /// The staged bundle.
        bundle: BundleName,
        /// The list that the stage was made upon.
        staged: u64,
        /// The list that is published now.
        current: u64,
    },
    /// Fewer maintainers signed than must.
    #[error("{role} has {has} {}, needs {needs}", if *has == 1 { "signature" } else { "signatures" })]
    Unsigned {
        /// The role.
        role: String,
        /// Signatures that count.
        has: usize,
        /// Signatures needed.
        needs: usize,
    },
    /// The key is not one that may do this.
    #[error("the key {key} may not sign {role}")]
    Stranger {
        /// The key's id.
        key: String,
        /// The role.
        role: String,
    },
    /// A signature line does not fit the staged role.
    #[error("the signature by {key} is not one of the staged {role}")]
    BadSignature {
        /// The key's id.
        key: String,
        /// The role.
        role: String,
    },
    /// What a maintainer rebuilt is not what she was asked to sign; see [`BundleError::details`].
    #[error("what was rebuilt of {bundle} is not what the request asks to sign")]
    Different {
        /// The bundle.
        bundle: BundleName,
        /// Everything that differs, safe to print; at least one.
        differences: Vec<String>,
    },
    /// The key choice for a new project is unwise or impossible.
    #[error("{0}")]
    Keys(&'static str),
    /// A key or a role could not be read or written.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The project's own published metadata does not verify.
    #[error("the project's own published metadata is not accepted")]
    Rejected(#[from] Rejection),
}

/// What kind of trouble an error is; the command line chooses its exit code by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The input or the request is wrong.
    Usage,
    /// Somebody else was faster, or is at it now.
    Conflict,
    /// A signature is missing or wrong.
    Signature,
    /// Cancelled on request.
    Cancelled,
    /// The machine failed us.
    System,
}

impl BundleError {
    /// What kind of trouble it is.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::BadTree { .. }
            | Self::Changed { .. }
            | Self::Exists { .. }
            | Self::NoProject { .. }
            | Self::NotStaged(_)
            | Self::Published(_)
            | Self::Keys(_) => Trouble::Usage,
            Self::Locked { .. } | Self::Overtaken { .. } => Trouble::Conflict,
            Self::Unsigned { .. }
            | Self::Stranger { .. }
            | Self::BadSignature { .. }
            | Self::Different { .. }
            | Self::Trust(_)
            | Self::Rejected(_) => Trouble::Signature,
            Self::Cancelled => Trouble::Cancelled,
            Self::DiskFull { .. } | Self::Read { .. } | Self::Write { .. } | Self::Malformed { .. } => Trouble::System,
        }
    }

    /// One line for each single problem behind this error, at most 20 and a line that counts the others; safe to print.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        let (mut lines, count): (Vec<String>, usize) = match self {
            Self::BadTree { problems, .. } => (problems.iter().take(SHOWN).map(ToString::to_string).collect(), problems.len()),
            Self::Different { differences, .. } => (differences.iter().take(SHOWN).cloned().collect(), differences.len()),
            _ => return Vec::new(),
        };
        if count > SHOWN {
            lines.push(format!("and {} more", count - SHOWN));
        }
        lines
    }

    pub(super) fn reading(path: &Utf8Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    pub(super) fn writing(path: &Utf8Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            _ => Self::Write { path, source },
        }
    }
}

/// Whether it is the folder in which stages lie.
fn is_staged(folder: &Utf8Path) -> bool {
    folder.file_name() == Some("staged")
}

fn first(problems: &[Problem]) -> String {
    problems.first().map(ToString::to_string).unwrap_or_default()
}

impl Hinted for BundleError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Changed { .. } => "stop whatever writes there, then stage again".to_owned(),
            Self::DiskFull { .. } => "free some space, then run the same command again".to_owned(),
            Self::NoProject { .. } => "spartacus init --name NAME".to_owned(),
            Self::Locked { .. } => "wait until the other run has ended".to_owned(),
            Self::NotStaged(name) => format!("spartacus bundle DIR --as {name}"),
            Self::Published(_) => "a published bundle never changes: choose another name for the new files".to_owned(),
            Self::Overtaken { bundle, .. } => format!("spartacus bundle --restage {bundle}, then sign it again"),
            Self::Different { .. } => "sign nothing before you know why; if only the list of bundles differs, your copy of \
                .spartacus/metadata is older or newer than theirs"
                .to_owned(),
            Self::Exists { path } => format!("choose another place, or move {path} away first"),
            Self::Malformed { path, .. } => match path.ancestors().find(|above| above.parent().is_some_and(is_staged)) {
                Some(stage) => format!("rm -r {stage}, then stage and sign again: spartacus bundle DIR --as NAME"),
                None => format!("put {path} back from a backup"),
            },
            Self::Stranger { .. } => "spartacus key list   says whose keys may".to_owned(),
            Self::BadSignature { .. } => "other bytes were signed: let her rebuild these with the file of `spartacus sign NAME \
                --request-out FILE`, then sign again"
                .to_owned(),
            Self::Rejected(_) => {
                "put .spartacus/metadata back from a backup, or copy metadata/ from a mirror that this accepts: \
                spartacus verify URL --root 1.root.json"
                    .to_owned()
            }
            Self::Trust(error) => return error.hint(),
            _ => return None,
        })
    }
}
