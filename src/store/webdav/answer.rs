//! What a server answered: the head at once, the body as far as it is wanted.

use std::time::Duration;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::OwnedSemaphorePermit;

use super::status;
use crate::net::{self, Failure};
use crate::store::ErrorKind;

/// The head of an answer, and its body still to be read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: reqwest::Response,
    /// The request was sent twice: the first time with a login that the server did not take.
    pub(super) replayed: bool,
    pub(super) idle: Duration,
    /// Held until the body has been read: the connection is busy until then.
    pub(super) permit: OwnedSemaphorePermit,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Reads the rest of a short body, so that the connection can be used again.
    pub(super) async fn drained(self) {
        drain(self.response, self.idle).await;
    }

    /// The start of a text that the server sent along with a refusal; empty or ` : words`.
    pub(super) async fn excerpt(self) -> String {
        let is_text = self.response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/"));
        let bytes = read_start(self.response, self.idle).await;
        let words = status::words(&String::from_utf8_lossy(&bytes));
        if is_text && !words.is_empty() { format!(": {words}") } else { String::new() }
    }

    /// The whole body, at most `cap` bytes.
    pub(super) async fn bytes(mut self, cap: usize) -> Result<Vec<u8>, ReadError> {
        let mut found = Vec::new();
        while let Some(piece) = tokio::time::timeout(self.idle, self.response.chunk()).await.map_err(|_| ReadError::Silent)?? {
            if found.len() + piece.len() > cap {
                return Err(ReadError::TooLong(cap));
            }
            found.extend_from_slice(&piece);
        }
        Ok(found)
    }
}

/// The body of an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the answer stopped midway")]
    Silent,
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the answer broke off")]
    Broken(#[from] reqwest::Error),
}

impl ReadError {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Silent => ErrorKind::Timeout,
            Self::TooLong(_) => ErrorKind::Protocol,
            Self::Broken(error) => kind_while_reading(error),
        }
    }
}

/// What a broken answer means. Its head was good, and a body of ours is out of question by then: asking for the rest,
/// or again, can help.
pub(super) fn kind_while_reading(error: &reqwest::Error) -> ErrorKind {
    match net::describe(error) {
        Failure::Body | Failure::Protocol => ErrorKind::ConnectionLost,
        failure => kind_of(failure),
    }
}

/// What a failed exchange means.
pub(super) fn kind_of(failure: Failure) -> ErrorKind {
    match failure {
        Failure::Unreachable => ErrorKind::Unreachable,
        Failure::Tls => ErrorKind::Tls,
        Failure::Timeout => ErrorKind::Timeout,
        Failure::ConnectionLost => ErrorKind::ConnectionLost,
        Failure::Body => ErrorKind::Local,
        Failure::Protocol => ErrorKind::Protocol,
    }
}

/// Most of a refusal's body that is read at all.
const EXCERPT: usize = 64 << 10;

pub(super) async fn drain(response: reqwest::Response, idle: Duration) {
    read_start(response, idle).await;
}

/// The first 64 KiB of a body; an error ends it early, since nothing depends on it.
async fn read_start(mut response: reqwest::Response, idle: Duration) -> Vec<u8> {
    let mut found = Vec::new();
    while found.len() < EXCERPT {
        match tokio::time::timeout(idle, response.chunk()).await {
            Ok(Ok(Some(piece))) => found.extend_from_slice(&piece[..piece.len().min(EXCERPT - found.len())]),
            _ => break,
        }
    }
    found
}
