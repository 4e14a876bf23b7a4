//! How the program ends: an interface, documented in docs/exit-codes.md.

use std::process::ExitCode;

/// All done, all healthy.
pub const OK: u8 = 0;
/// Something unexpected.
pub const UNEXPECTED: u8 = 1;
/// Usage or configuration.
pub const USAGE: u8 = 2;
/// Some targets failed, but enough copies are good.
pub const PARTIAL: u8 = 3;
/// Fewer good copies than wanted.
pub const QUORUM_MISSED: u8 = 4;
/// Somebody else published, or another run holds the lock.
pub const CONFLICT: u8 = 5;
/// A signature or a digest is wrong.
pub const FORGED: u8 = 6;
/// Mirrors are unhealthy.
pub const UNHEALTHY: u8 = 7;
/// Cancelled by SIGINT.
pub const INTERRUPTED: u8 = 130;
/// Cancelled by SIGTERM.
pub const TERMINATED: u8 = 143;

/// An error with the exit code that it stands for, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub code: u8,
    /// What happened.
    pub error: anyhow::Error,
    /// Commands or edits that help.
    pub hints: Vec<String>,
    /// Further lines that belong to the message, printed before the hints.
    pub details: Vec<String>,
}

impl Failure {
    /// A failure with this code.
    pub fn new(code: u8, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into(), hints: Vec::new(), details: Vec::new() }
    }

    /// A failure told in words.
    #[must_use]
    pub fn told(code: u8, message: impl Into<String>) -> Self {
        Self::new(code, anyhow::Error::msg(message.into()))
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(UNEXPECTED, error)
    }
}

/// How a command ends when nothing stopped it.
pub type Ended = Result<u8, Failure>;

/// The process's own type.
#[must_use]
pub fn code(number: u8) -> ExitCode {
    ExitCode::from(number)
}
