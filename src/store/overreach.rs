//! What an account can do that no push needs: tried, because a careful operator's server refuses it.
//!
//! Every attempt is harmless: it reads a few names, or makes one empty object under a random name and removes it again.

use serde::{Deserialize, Serialize};

use super::{ErrorKind, StoreError};
use crate::base::sanitise;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// SFTP: to run a command.
    Commands,
    /// SFTP: to get a shell.
    Shell,
    /// SFTP: to reach other places of their network through their server.
    Forwarding,
    /// SFTP: to have their server listen for us.
    Listening,
    /// To list what lies beside the base.
    ListingOutside,
    /// SFTP: to read a file of their system.
    ReadingOutside,
    /// To write beside the base.
    WritingOutside,
    /// S3: to list buckets that are not ours.
    OtherBuckets,
    /// S3: to read the rights of the bucket.
    BucketPolicy,
    /// S3: to read the access list of the bucket.
    BucketAcl,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// The server said no, or has no such thing.
    Refused,
    /// It was done, and reached nothing but what is ours.
    Harmless,
    /// It was done.
    Done,
    /// It could not be tried, or the answer tells neither.
    Unclear,
}

/// One attempt and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was tried.
    pub aim: Aim,
    /// What came of it.
    pub met: Met,
    /// What the server did, safe to print.
    pub what: String,
    /// What was made and could not be removed again, safe to print.
    pub left: Option<String>,
}

impl Attempt {
    pub(super) fn new(aim: Aim, met: Met, what: impl Into<String>) -> Self {
        Self { aim, met, what: what.into(), left: None }
    }

    pub(super) fn leaving(self, left: Option<String>) -> Self {
        Self { left, ..self }
    }

    /// What a failed call amounts to. Only what is certainly a no counts as one.
    pub(super) fn failed(aim: Aim, error: &StoreError) -> Self {
        use ErrorKind::{Exists, NotFound, Other, PermissionDenied, Redirect, Unauthenticated, Unsupported};
        let is_no = matches!(error.kind, Exists | NotFound | Other | PermissionDenied | Redirect | Unauthenticated | Unsupported);
        let met = if is_no { Met::Refused } else { Met::Unclear };
        let what = if error.detail.is_empty() { error.kind.to_string() } else { error.detail.clone() };
        Self::new(aim, met, what)
    }

    /// A listing of what lies outside, with the names in it that are not ours.
    pub(super) fn listed(aim: Aim, kind: &str, others: &[String]) -> Self {
        /// So many names are told.
        const TOLD: usize = 3;
        if others.is_empty() {
            return Self::new(aim, Met::Harmless, format!("no {kind} but ours is shown"));
        }
        let mut names: Vec<String> = others.iter().take(TOLD).map(|name| sanitise(name)).collect();
        if others.len() > TOLD {
            names.push("...".to_owned());
        }
        Self::new(
            aim,
            Met::Done,
            format!("{} that {} not ours: {}", counted(others.len(), kind), is(others.len()), names.join(", ")),
        )
    }
}

fn counted(count: usize, kind: &str) -> String {
    if count == 1 { format!("1 {kind}") } else { format!("{count} {kind}s") }
}

fn is(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TargetName;
    use crate::store::Operation;

    #[test]
    fn only_a_no_is_a_refusal() {
        let target = TargetName::new("t").expect("a name");
        let met = |kind| Attempt::failed(Aim::WritingOutside, &StoreError::new(kind, Operation::Put, &target)).met;
        for kind in [ErrorKind::PermissionDenied, ErrorKind::NotFound, ErrorKind::Unsupported, ErrorKind::Unauthenticated] {
            assert_eq!(met(kind), Met::Refused, "{kind}");
        }
        for kind in [ErrorKind::Timeout, ErrorKind::ConnectionLost, ErrorKind::Unavailable, ErrorKind::NoSpace, ErrorKind::Tls] {
            assert_eq!(met(kind), Met::Unclear, "{kind}");
        }
    }

    #[test]
    fn names_of_others_are_few_and_safe() {
        let named = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Attempt::listed(Aim::ListingOutside, "name", &names)
        };
        assert_eq!(named(&[]).met, Met::Harmless);
        assert_eq!(named(&["a\u{1b}[2J"]).what, "1 name that is not ours: a\\u{1b}[2J");
        assert_eq!(named(&["a", "b", "c", "d"]).what, "4 names that are not ours: a, b, c, ...");
    }
}
