//! What can go wrong at a store, and whether trying again can help.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::base::{Hinted, ObjectPath, TargetName, sanitise};
use crate::net::RefusedDestination;

/// What a store was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Connecting and authenticating.
    Connect,
    /// [`Store::make_collections`](super::Store::make_collections).
    MakeCollections,
    /// [`Store::put`](super::Store::put).
    Put,
    /// [`Store::get`](super::Store::get).
    Get,
    /// [`Store::stat`](super::Store::stat).
    Stat,
    /// [`Store::list`](super::Store::list).
    List,
    /// [`Store::delete`](super::Store::delete) and `delete_empty_collection`.
    Delete,
    /// [`Store::rename`](super::Store::rename).
    Rename,
    /// [`Store::space`](super::Store::space).
    Space,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Connect => "connect",
            Self::MakeCollections => "make folders",
            Self::Put => "put",
            Self::Get => "get",
            Self::Stat => "stat",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Space => "ask for free space",
        })
    }
}

/// What kind of trouble it is. The retry code does not read this: see [`Retry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// Nothing under that name.
    NotFound,
    /// Something is there already (a file where a folder is needed, or the reverse).
    Exists,
    /// The server knows us and refuses.
    PermissionDenied,
    /// The server does not accept our credentials.
    Unauthenticated,
    /// The SSH host key is not the pinned one.
    HostKey,
    /// Its host has an address that must not be connected to.
    Address,
    /// TLS failed: certificate, name or protocol.
    Tls,
    /// Disk or quota is full.
    NoSpace,
    /// The server refuses objects of this size.
    TooLarge,
    /// Someone holds a lock.
    Locked,
    /// The server asks us to slow down.
    RateLimited,
    /// The server is there but cannot serve now (5xx).
    Unavailable,
    /// No answer in time, or bytes too slow.
    Timeout,
    /// The connection broke.
    ConnectionLost,
    /// No connection at all: name, route or port.
    Unreachable,
    /// The answer makes no sense in its protocol.
    Protocol,
    /// Stored bytes are not what was sent.
    Corrupt,
    /// The server cannot do this.
    Unsupported,
    /// The server points elsewhere; following would show it our credentials.
    Redirect,
    /// Our own file could not be read.
    Local,
    /// The run was cancelled.
    Cancelled,
    /// Anything else.
    Other,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::NotFound => "not found",
            Self::Exists => "something else is in the way",
            Self::PermissionDenied => "permission denied",
            Self::Unauthenticated => "credentials refused",
            Self::HostKey => "host key is not the pinned one",
            Self::Address => "address not allowed",
            Self::Tls => "TLS failed",
            Self::NoSpace => "no space left",
            Self::TooLarge => "object too large for this server",
            Self::Locked => "locked",
            Self::RateLimited => "asked to slow down",
            Self::Unavailable => "server unavailable",
            Self::Timeout => "timed out",
            Self::ConnectionLost => "connection lost",
            Self::Unreachable => "unreachable",
            Self::Protocol => "unintelligible answer",
            Self::Corrupt => "stored bytes differ from those sent",
            Self::Unsupported => "not supported by this server",
            Self::Redirect => "redirected elsewhere",
            Self::Local => "local file",
            Self::Cancelled => "cancelled",
            Self::Other => "failed",
        })
    }
}

impl ErrorKind {
    /// A stable word for JSON and the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Exists => "exists",
            Self::PermissionDenied => "permission_denied",
            Self::Unauthenticated => "unauthenticated",
            Self::HostKey => "host_key",
            Self::Address => "address",
            Self::Tls => "tls",
            Self::NoSpace => "no_space",
            Self::TooLarge => "too_large",
            Self::Locked => "locked",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection_lost",
            Self::Unreachable => "unreachable",
            Self::Protocol => "protocol",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Redirect => "redirect",
            Self::Local => "local",
            Self::Cancelled => "cancelled",
            Self::Other => "other",
        }
    }
}

/// Whether the same call can succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// No: asking again would only cost time, or lock an account.
    Never,
    /// Yes, at once: the answer was lost on a connection the server had already dropped.
    Now,
    /// Yes, after the usual pause.
    Later,
    /// Yes, after at least this long: the server said so.
    After(Duration),
}

/// A failed call: what, on which target, at which path, why, and whether to try again.
#[derive(Debug)]
pub struct StoreError {
    /// What kind of trouble.
    pub kind: ErrorKind,
    /// Whether another try can help.
    pub retry: Retry,
    /// What was asked.
    pub operation: Operation,
    /// Of which target.
    pub target: TargetName,
    /// For which object, if for one.
    pub path: Option<ObjectPath>,
    /// What the server or the system said, safe to print; may be empty.
    pub detail: String,
    /// What to do about it, when more is known than the kind tells.
    pub advice: Option<String>,
    /// The cause below.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error of this kind with the kind's usual retry status.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: Operation, target: &TargetName) -> Self {
        Self {
            kind,
            retry: usual_retry(kind),
            operation,
            target: target.clone(),
            path: None,
            detail: String::new(),
            advice: None,
            source: None,
        }
    }

    /// Our own file could not be read while it was being sent.
    #[must_use]
    pub fn local(operation: Operation, target: &TargetName, error: std::io::Error) -> Self {
        Self::new(ErrorKind::Local, operation, target).saying(error.to_string()).because(error)
    }

    /// At this path.
    #[must_use]
    pub fn at(mut self, path: &ObjectPath) -> Self {
        self.path = Some(path.clone());
        self
    }

    /// With these words of the server, made safe to print.
    #[must_use]
    pub fn saying(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = sanitise(detail.as_ref());
        self
    }

    /// With another retry status than the kind's usual one.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// With a hint.
    #[must_use]
    pub fn advising(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// For this reason: the connection must not be made. With what can be done about it.
    #[must_use]
    pub fn refusing(self, refused: &RefusedDestination) -> Self {
        let error = Self { advice: refused.hint(), ..self };
        error.saying(refused.to_string())
    }

    /// With its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

fn usual_retry(kind: ErrorKind) -> Retry {
    match kind {
        ErrorKind::Locked
        | ErrorKind::RateLimited
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::ConnectionLost
        | ErrorKind::Unreachable
        | ErrorKind::Corrupt => Retry::Later,
        ErrorKind::NotFound
        | ErrorKind::Exists
        | ErrorKind::PermissionDenied
        | ErrorKind::Unauthenticated
        | ErrorKind::HostKey
        | ErrorKind::Address
        | ErrorKind::Tls
        | ErrorKind::NoSpace
        | ErrorKind::TooLarge
        | ErrorKind::Protocol
        | ErrorKind::Unsupported
        | ErrorKind::Redirect
        | ErrorKind::Local
        | ErrorKind::Cancelled
        | ErrorKind::Other => Retry::Never,
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.target, self.operation)?;
        if let Some(path) = &self.path {
            write!(formatter, " {path}")?;
        }
        write!(formatter, ": {}", self.kind)?;
        if !self.detail.is_empty() {
            write!(formatter, " ({})", self.detail)?;
        }
        Ok(())
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl Hinted for StoreError {
    fn hint(&self) -> Option<String> {
        if let Some(advice) = &self.advice {
            return Some(advice.clone());
        }
        let target = &self.target;
        Some(match self.kind {
            ErrorKind::Unauthenticated => format!("check the credentials of target {target} in targets.yaml"),
            ErrorKind::HostKey => format!(
                "ask the operator whether the host key changed; then `spartacus target probe {target}` shows the new one to pin"
            ),
            ErrorKind::PermissionDenied => format!("`spartacus target probe {target}` shows what this account may do"),
            ErrorKind::NoSpace => format!("ask the operator of target {target} for space"),
            ErrorKind::TooLarge => "ask the operator to raise the server's limit for uploads".to_owned(),
            ErrorKind::Unreachable => format!("is the server up? `spartacus target probe {target}` tries it alone"),
            ErrorKind::Redirect => format!("put the address it redirects to into the entry of target {target}"),
            _ => return None,
        })
    }
}
