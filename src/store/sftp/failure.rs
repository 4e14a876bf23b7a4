//! What can go wrong below the store, and what a caller is told.

use std::time::Duration;

use camino::Utf8PathBuf;

use super::certificate::Fault;
use super::codec::StatusCode;
use super::reader::Malformed;
use crate::base::{Hinted as _, ObjectPath, TargetName, sanitise};
use crate::net::{RefusedDestination, ResolveError, TooSlow};
use crate::store::{ErrorKind, Operation, Retry, StoreError};

/// A failed request or connection. It can be cloned: one broken connection ends every request under way.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// The server said no.
    #[error("SFTP status {code}: {message}", code = code.0)]
    Status { code: StatusCode, message: String },
    /// The connection broke, or one of its requests broke it.
    #[error("{0}")]
    Lost(String),
    /// A request was not answered.
    #[error("no answer for {} s", .0.as_secs())]
    Silent(Duration),
    /// Bytes moved, but hardly.
    #[error("{0}")]
    Crawling(TooSlow),
    /// Connecting took too long.
    #[error("no {what} within {} s", limit.as_secs())]
    Slow { what: &'static str, limit: Duration },
    /// No TCP connection.
    #[error("{0}")]
    Unreachable(String),
    /// It leads to an address that must not be connected to.
    #[error(transparent)]
    Destination(#[from] RefusedDestination),
    /// The folder that everything lies below is not there.
    #[error("the base folder {0} is not there")]
    NoBase(String),
    /// The server's key is none of those pinned.
    #[error("the server shows the {algorithm} key {fingerprint}")]
    HostKey { algorithm: String, fingerprint: String },
    /// Nobody we trust vouches for the server's key.
    #[error("host certificate: {fault}")]
    Certificate { fault: Fault, host: String },
    /// A jump host that lets us in and forwards nothing.
    #[error("it does not forward connections to {0}")]
    NoForwarding(String),
    /// Something went wrong before the target was reached.
    #[error("jump host {host}: {failure}")]
    AtJumpHost { host: String, failure: Box<Failure> },
    /// The server has no room for one more channel.
    #[error("{0}")]
    Busy(String),
    /// It opened no further file, and was given fewer at once: to be tried again. Never leaves `upload`.
    #[error("too many files at once")]
    Crowded,
    /// The server refused us; with its banner, if it showed one.
    #[error("{0}")]
    Unauthenticated(String),
    /// An answer that makes no sense.
    #[error("{0}")]
    Protocol(String),
    /// Algorithms too weak, no SFTP, or an operation that the server lacks.
    #[error("{0}")]
    Unsupported(String),
    /// Our own key file or body.
    #[error("{0}")]
    Local(String),
    /// Our key file can be read by other users of this machine.
    #[error("the key file {path} may be read by others (mode {mode:03o})")]
    KeyMode { path: Utf8PathBuf, mode: u32 },
    /// The file system or quota is full.
    #[error("{0}")]
    NoSpace(String),
    /// A folder where a file should go, or the reverse.
    #[error("{0}")]
    Exists(String),
}

impl From<Malformed> for Failure {
    fn from(broken: Malformed) -> Self {
        Self::Protocol(broken.to_string())
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Lookup(error) => Self::Unreachable(error.to_string()),
            ResolveError::NoAddress => Self::Unreachable(error.to_string()),
            ResolveError::Refused(refused) => refused.into(),
        }
    }
}

impl Failure {
    /// The server's refusal, with its words made safe.
    pub fn status(code: StatusCode, message: &[u8]) -> Self {
        Self::Status { code, message: sanitise(&String::from_utf8_lossy(message)) }
    }

    /// Whether the server said that nothing is there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Status { code, .. } if code.is_absent())
    }

    /// Whether the server said that we may not.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Status { code: StatusCode::PERMISSION_DENIED, .. })
    }

    /// Whether the server said no more than "failure".
    pub fn is_unexplained(&self) -> bool {
        matches!(self, Self::Status { code: StatusCode::FAILURE, .. }) && self.kind() == ErrorKind::Other
    }

    /// Whether connecting once more would come to the same, and look like an attack.
    pub fn is_final(&self) -> bool {
        match self {
            Self::HostKey { .. }
            | Self::Certificate { .. }
            | Self::Unauthenticated(_)
            | Self::NoForwarding(_)
            | Self::Destination(_) => true,
            Self::AtJumpHost { failure, .. } => failure.is_final(),
            _ => false,
        }
    }

    /// Whether the server is not the one that is pinned.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Self::HostKey { .. } | Self::Certificate { .. })
    }

    /// The same with the jump host that it happened at; the one that was asked to forward is named already.
    pub fn at_jump_host(self, host: &str) -> Self {
        match self {
            Self::AtJumpHost { .. } => self,
            other => Self::AtJumpHost { host: host.to_owned(), failure: Box::new(other) },
        }
    }

    /// Whether the server answered at all: otherwise the connection is no good and nothing can be cleaned up.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Status { .. })
    }

    /// Whether the server does not know the request.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Status { code: StatusCode::UNSUPPORTED, .. })
    }

    /// The error that the caller of the store sees.
    pub fn into_store(self, operation: Operation, target: &TargetName, path: Option<&ObjectPath>) -> StoreError {
        let mut error = StoreError::new(self.kind(), operation, target).saying(self.to_string());
        if let Some(path) = path {
            error = error.at(path);
        }
        match &self {
            Self::AtJumpHost { host, failure } => {
                let advice = failure.advice(&format!("jump host {host}"), "`host_keys` of that entry of `jump`");
                if let Some(advice) = advice { error.advising(advice) } else { error }
            }
            // Version 3 has one code for everything that is not its own word, passing troubles included; tries are few.
            Self::Status { .. } if error.kind == ErrorKind::Other => error.retry(Retry::Later),
            // Made by us it might lie beside what readers see, or in the home of an account that is not ours to fill.
            Self::NoBase(_) => error.advising(format!(
                "correct `path` of target {target}, or ask the operator to create that folder: it is never created from here"
            )),
            other => match other.advice(target.as_str(), "`host_keys`") {
                Some(advice) => error.advising(advice),
                None => error,
            },
        }
    }

    /// What can be done where `who` is not the server that is pinned, or does not do what a jump host is for.
    fn advice(&self, who: &str, pins: &str) -> Option<String> {
        match self {
            Self::HostKey { fingerprint, .. } => Some(format!(
                "ask the operator over another channel whether the host key of {who} is now {fingerprint}, and only then pin it under {pins}"
            )),
            Self::Certificate { fault, host } => Some(fault.advice(who, host)),
            Self::NoForwarding(place) => Some(format!(
                "ask the operator of {who} to allow it for our account, in sshd_config: AllowTcpForwarding local, PermitOpen {place}"
            )),
            Self::KeyMode { path, .. } => Some(format!("chmod 600 {path}")),
            Self::Destination(refused) => refused.hint(),
            _ => None,
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Status { code, message } => status_kind(*code, message),
            Self::Lost(_) => ErrorKind::ConnectionLost,
            Self::Silent(_) | Self::Crawling(_) | Self::Slow { .. } => ErrorKind::Timeout,
            Self::Unreachable(_) => ErrorKind::Unreachable,
            Self::Destination(_) => ErrorKind::Address,
            Self::NoBase(_) => ErrorKind::NotFound,
            Self::HostKey { .. } | Self::Certificate { .. } => ErrorKind::HostKey,
            Self::NoForwarding(_) => ErrorKind::PermissionDenied,
            Self::AtJumpHost { failure, .. } => failure.kind(),
            Self::Busy(_) | Self::Crowded => ErrorKind::Unavailable,
            Self::Unauthenticated(_) => ErrorKind::Unauthenticated,
            Self::Protocol(_) => ErrorKind::Protocol,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Local(_) | Self::KeyMode { .. } => ErrorKind::Local,
            Self::NoSpace(_) => ErrorKind::NoSpace,
            Self::Exists(_) => ErrorKind::Exists,
        }
    }
}

fn status_kind(code: StatusCode, message: &str) -> ErrorKind {
    match code {
        _ if code.is_absent() => ErrorKind::NotFound,
        StatusCode::PERMISSION_DENIED | StatusCode::WRITE_PROTECT => ErrorKind::PermissionDenied,
        StatusCode::NO_CONNECTION | StatusCode::CONNECTION_LOST => ErrorKind::ConnectionLost,
        StatusCode::UNSUPPORTED => ErrorKind::Unsupported,
        StatusCode::NO_SPACE | StatusCode::QUOTA_EXCEEDED => ErrorKind::NoSpace,
        // "Failure" with the system's words in its message: ProFTPD and the Go servers do that, OpenSSH does not.
        _ if says_full(message) => ErrorKind::NoSpace,
        _ => ErrorKind::Other,
    }
}

fn says_full(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    lower.contains("no space left") || lower.contains("quota exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURE: StatusCode = StatusCode::FAILURE;

    fn told(failure: Failure) -> StoreError {
        failure.into_store(Operation::Put, &TargetName::new("t").expect("a name"), None)
    }

    #[test]
    fn a_refusal_is_permanent_and_a_plain_failure_is_not() {
        let refused = told(Failure::status(StatusCode::PERMISSION_DENIED, b"no"));
        assert_eq!((refused.kind, refused.retry), (ErrorKind::PermissionDenied, Retry::Never));
        let failed = told(Failure::status(FAILURE, b"Failure"));
        assert_eq!((failed.kind, failed.retry), (ErrorKind::Other, Retry::Later));
    }

    #[test]
    fn a_full_disk_is_recognised_by_its_words() {
        let full = told(Failure::status(FAILURE, b"write: No space left on device"));
        assert_eq!((full.kind, full.retry), (ErrorKind::NoSpace, Retry::Never));
    }

    #[test]
    fn words_of_the_server_are_made_safe() {
        let error = told(Failure::status(FAILURE, b"\x1b[2Jgone"));
        assert_eq!(error.to_string(), "t: put: failed (SFTP status 4: \\u{1b}[2Jgone)");
    }
}
