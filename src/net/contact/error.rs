//! Why a contact failed.

use std::io;
use std::time::Duration;

use crate::base::{causes, sanitise};
use crate::net::{NetError, RefusedDestination, ResolveError};

/// The stages of a contact, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Looking up the name.
    Dns,
    /// TCP.
    Connect,
    /// TLS.
    Tls,
    /// Waiting for the answer.
    FirstByte,
    /// Reading it.
    Transfer,
}

/// Why a contact failed. What strangers sent is safe to print.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// The name has no address.
    #[error("the name has no address")]
    NoName,
    /// The name cannot be looked up.
    #[error("the name cannot be looked up: {0}")]
    Dns(io::Error),
    /// It leads to an address that must not be connected to.
    #[error(transparent)]
    Forbidden(RefusedDestination),
    /// This machine has no route over this family: that says nothing about the other side.
    #[error("this machine has no route there: {0}")]
    NoRoute(io::Error),
    /// Nobody listens, or a firewall says no.
    #[error("no connection: {0}")]
    Refused(io::Error),
    /// Nothing came in time.
    #[error("nothing came within {} s", .limit.as_secs_f32())]
    Timeout {
        /// Of which stage.
        stage: Stage,
        /// How long was waited.
        limit: Duration,
    },
    /// TLS failed; the certificate says why if it is the reason.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The connection broke.
    #[error("the connection broke")]
    Broken {
        /// In which stage.
        stage: Stage,
    },
    /// A status that is no success.
    #[error("it answers {0}")]
    Status(http::StatusCode),
    /// Sent elsewhere; nothing is followed.
    #[error("it answers {status}: redirected to {to}")]
    Redirect {
        /// With which status.
        status: http::StatusCode,
        /// Where to, as a whole address where it is one.
        to: String,
    },
    /// A page for people where a file should be.
    #[error("it sends an HTML page instead of the file")]
    HtmlPage,
    /// Compressed although that was not accepted.
    #[error("it sends the file compressed ({0}) although that was not accepted")]
    Encoding(String),
    /// An answer that makes no sense.
    #[error("the answer makes no sense: {0}")]
    Protocol(String),
    /// Our own settings do not work; that says nothing about the other side.
    #[error("{}", causes(.0.as_ref()).join(": "))]
    Setup(Box<NetError>),
}

impl ContactError {
    /// In which stage it failed.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::NoName | Self::Dns(_) | Self::Forbidden(_) => Stage::Dns,
            Self::NoRoute(_) | Self::Refused(_) => Stage::Connect,
            Self::Tls(_) | Self::Setup(_) => Stage::Tls,
            Self::Timeout { stage, .. } | Self::Broken { stage } => *stage,
            Self::Status(_) | Self::Redirect { .. } | Self::HtmlPage | Self::Encoding(_) => Stage::FirstByte,
            Self::Protocol(_) => Stage::Transfer,
        }
    }

    /// Whether somebody answered over HTTP, whatever it was.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Redirect { .. } | Self::HtmlPage | Self::Encoding(_) | Self::Protocol(_))
    }

    pub(super) fn resolve(error: ResolveError) -> Self {
        match error {
            ResolveError::Lookup(error) => Self::Dns(error),
            ResolveError::NoAddress => Self::NoName,
            ResolveError::Refused(refused) => Self::Forbidden(refused),
        }
    }

    pub(super) fn connect(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => Self::NoRoute(error),
            io::ErrorKind::TimedOut => Self::Broken { stage: Stage::Connect },
            _ => Self::Refused(error),
        }
    }

    pub(super) fn tls(error: &io::Error) -> Self {
        match error.kind() {
            // rustls says what is wrong with certificate or protocol as invalid data.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::Tls(sanitise(&causes(error).pop().unwrap_or_default()))
            }
            _ => Self::Broken { stage: Stage::Tls },
        }
    }

    pub(super) fn http(stage: Stage, error: &hyper::Error) -> Self {
        if error.is_parse() {
            return Self::Protocol(sanitise(&error.to_string()));
        }
        Self::Broken { stage }
    }
}
