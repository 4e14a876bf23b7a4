//! What a failed HTTP exchange amounts to.

use std::error::Error;
use std::io;

use super::refused_destination;

/// A failed exchange, in words that a store or a probe can turn into its own error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A place that must not be connected to: [`refused_destination`] says why.
    Refused,
    /// No connection: name, route, port or proxy.
    Unreachable,
    /// TLS: certificate, name or protocol.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke after it stood. [`closed_before_answer`] tells whether to send again at once.
    ConnectionLost,
    /// Our own body could not be read.
    Body,
    /// The answer makes no sense.
    Protocol,
}

/// Tells what kind of failure `error` is.
#[must_use]
pub fn describe(error: &reqwest::Error) -> Failure {
    if refused_destination(error).is_some() {
        return Failure::Refused;
    }
    if error.is_timeout() {
        return Failure::Timeout;
    }
    // The innermost cause that says anything decides: outer layers only say which step it happened in.
    let innermost = causes(error).filter_map(failure_of).last();
    match innermost {
        Some(failure) => failure,
        None if error.is_connect() => Failure::Unreachable,
        None if error.is_request() => Failure::ConnectionLost,
        None if error.is_body() => Failure::Body,
        None => Failure::Protocol,
    }
    .while_connecting(error.is_connect())
}

/// Whether the server closed the connection without a word of an answer.
///
/// That is what a request looks like that was sent on a kept connection just as the server gave up on it (measured on
/// Apache under load): it was not handled, and sending it again at once, on a fresh connection, is right.
#[must_use]
pub fn closed_before_answer(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
        .any(|cause| cause.is_incomplete_message() || cause.is_canceled() || cause.is_closed())
}

impl Failure {
    /// A reset or an early close while connecting means that nobody serves there.
    fn while_connecting(self, connecting: bool) -> Self {
        if connecting && self == Self::ConnectionLost { Self::Unreachable } else { self }
    }
}

fn failure_of(cause: &(dyn Error + 'static)) -> Option<Failure> {
    if cause.is::<rustls::Error>() {
        return Some(Failure::Tls);
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return if error.is_user() {
            Some(Failure::Body)
        } else if error.is_parse() {
            Some(Failure::Protocol)
        } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            Some(Failure::ConnectionLost)
        } else {
            None
        };
    }
    let io = cause.downcast_ref::<io::Error>()?;
    match io.kind() {
        io::ErrorKind::TimedOut => Some(Failure::Timeout),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionAborted => Some(Failure::ConnectionLost),
        _ => None,
    }
}

/// The causes below `error`, outermost first. An error of our own body ends the chain: what lies below it (a file
/// that ended early, say) is no news about the connection.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let current = next?;
        let ours = current.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user);
        // An I/O error that wraps another error answers `source` with that one's source, and hides it.
        let wrapped = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            _ if ours => None,
            Some(inner) => Some(inner),
            None => current.source(),
        };
        Some(current)
    })
}
