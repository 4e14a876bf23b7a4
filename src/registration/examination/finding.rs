//! What an examination finds.

use serde::{Deserialize, Serialize};

use crate::base::escape;

/// One question of an examination, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// S3 and WebDAV: whether others can read along when we write.
    Encryption,
    /// Whether others can read along when readers read.
    PublicEncryption,
    /// Whether the server lets us in.
    Login,
    /// Whether a copy that lies there already is the volunteer's own.
    Owner,
    /// Whether an object can be written.
    Write,
    /// Whether the account reads back what it wrote.
    ReadBack,
    /// Whether readers get what was written, byte for byte.
    PublicRead,
    /// Whether a file is not called a page.
    ContentType,
    /// Whether readers can ask for a part of a file.
    Ranges,
    /// The certificate of the public address.
    Certificate,
    /// Whether the public address works over every address family that its name has.
    Families,
    /// Whether an object can be replaced.
    Replace,
    /// Whether readers see the replacement.
    PublicReplace,
    /// Whether an object can be removed.
    Delete,
    /// Whether readers see that it is gone.
    PublicDelete,
    /// How readers see a replacement while it is made.
    Swap,
    /// Whether there is room.
    Space,
    /// SFTP: running commands should be refused.
    Commands,
    /// SFTP: a shell should be refused.
    Shell,
    /// SFTP: connections through the server should be refused.
    Forwarding,
    /// SFTP: listening for us should be refused.
    Listening,
    /// What lies beside the place should not be shown.
    ListingOutside,
    /// SFTP: files of the system should not be readable.
    ReadingOutside,
    /// Writing beside the place should be refused.
    WritingOutside,
    /// S3: other buckets should not be shown.
    OtherBuckets,
    /// S3: the policy of the bucket is not ours to read.
    BucketPolicy,
    /// S3: the access list of the bucket is not ours to read.
    BucketAcl,
    /// Something that was made could not be removed again.
    CleanUp,
    /// The folders down to a chroot, looked at on the server itself.
    Chroot,
}

impl Check {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 29] = [
        Self::Encryption,
        Self::PublicEncryption,
        Self::Login,
        Self::Owner,
        Self::Write,
        Self::ReadBack,
        Self::PublicRead,
        Self::ContentType,
        Self::Ranges,
        Self::Certificate,
        Self::Families,
        Self::Replace,
        Self::PublicReplace,
        Self::Delete,
        Self::PublicDelete,
        Self::Swap,
        Self::Space,
        Self::Commands,
        Self::Shell,
        Self::Forwarding,
        Self::Listening,
        Self::ListingOutside,
        Self::ReadingOutside,
        Self::WritingOutside,
        Self::OtherBuckets,
        Self::BucketPolicy,
        Self::BucketAcl,
        Self::CleanUp,
        Self::Chroot,
    ];

    /// The question in a few words, for tables.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Encryption => "encrypted when we write",
            Self::PublicEncryption => "encrypted for readers",
            Self::Login => "log in",
            Self::Owner => "yours to offer",
            Self::Write => "write",
            Self::ReadBack => "read back",
            Self::PublicRead => "readers get it",
            Self::ContentType => "sent as a file",
            Self::Ranges => "parts of files",
            Self::Certificate => "certificate",
            Self::Families => "IPv4 and IPv6",
            Self::Replace => "replace",
            Self::PublicReplace => "readers see the replacement",
            Self::Delete => "delete",
            Self::PublicDelete => "readers see that it is gone",
            Self::Swap => "how a replacement looks",
            Self::Space => "free space",
            Self::Commands => "no commands",
            Self::Shell => "no shell",
            Self::Forwarding => "no forwarding",
            Self::Listening => "no listening",
            Self::ListingOutside => "no listing outside",
            Self::ReadingOutside => "no reading outside",
            Self::WritingOutside => "no writing outside",
            Self::OtherBuckets => "no other buckets",
            Self::BucketPolicy => "no policy of the bucket",
            Self::BucketAcl => "no access list of the bucket",
            Self::CleanUp => "nothing left behind",
            Self::Chroot => "folders down to the chroot",
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Usable, and better mended.
    Warning,
    /// Not to be accepted like this.
    Failed,
    /// It could not be tried, or does not apply here.
    NotTried,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which question.
    pub check: Check,
    /// What it came to.
    pub outcome: Outcome,
    /// What was seen, safe to print.
    pub what: String,
    /// What mends it, for whoever runs the server; safe to print.
    pub fix: Option<String>,
}

impl Finding {
    pub(super) fn passed(check: Check, what: impl AsRef<str>) -> Self {
        Self::new(check, Outcome::Passed, what.as_ref(), None)
    }

    pub(super) fn not_tried(check: Check, what: impl AsRef<str>) -> Self {
        Self::new(check, Outcome::NotTried, what.as_ref(), None)
    }

    pub(super) fn warning(check: Check, what: impl AsRef<str>, fix: impl AsRef<str>) -> Self {
        Self::new(check, Outcome::Warning, what.as_ref(), Some(fix.as_ref()))
    }

    pub(super) fn failed(check: Check, what: impl AsRef<str>, fix: impl AsRef<str>) -> Self {
        Self::new(check, Outcome::Failed, what.as_ref(), Some(fix.as_ref()))
    }

    /// The last gate before a terminal: what strangers said is escaped here, if it was not before.
    fn new(check: Check, outcome: Outcome, what: &str, fix: Option<&str>) -> Self {
        Self { check, outcome, what: escape(what), fix: fix.map(escape) }
    }
}

/// Everything that was found, in the order in which it was tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// One for each check. What comes after a login that failed is left out.
    pub findings: Vec<Finding>,
}

impl Examination {
    /// Nothing failed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.outcome != Outcome::Failed)
    }

    /// What a check found first.
    #[must_use]
    pub fn of(&self, check: Check) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }
}
