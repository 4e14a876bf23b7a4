//! What a server answered: the head at once, the body as far as it is wanted.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::OwnedSemaphorePermit;

use super::status;
use crate::net::{self, Failure, Pace, TooSlow};
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
        let (mut found, mut pace) = (Vec::new(), Pace::default());
        while let Some(piece) = next(&mut self.response, self.idle, &mut pace).await? {
            if found.len() + piece.len() > cap {
                return Err(ReadError::TooLong(cap));
            }
            found.extend_from_slice(&piece);
        }
        Ok(found)
    }
}

/// The next piece of a body, or its end.
async fn next(response: &mut reqwest::Response, idle: Duration, pace: &mut Pace) -> Result<Option<Bytes>, ReadError> {
    let piece = pace.next(tokio::time::timeout(idle, response.chunk()), |piece| match piece {
        Ok(Ok(Some(piece))) => piece.len() as u64,
        _ => 0,
    });
    Ok(piece.await.map_err(ReadError::Slow)?.map_err(|_| ReadError::Silent)??)
}

/// The body of an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the answer stopped midway")]
    Silent,
    #[error("the answer is {0}")]
    Slow(TooSlow),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the answer broke off")]
    Broken(#[from] reqwest::Error),
}

impl ReadError {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Silent | Self::Slow(_) => ErrorKind::Timeout,
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
        Failure::Refused => ErrorKind::Address,
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
    let (mut found, mut pace) = (Vec::new(), Pace::default());
    while found.len() < EXCERPT {
        match next(&mut response, idle, &mut pace).await {
            Ok(Some(piece)) => found.extend_from_slice(&piece[..piece.len().min(EXCERPT - found.len())]),
            _ => break,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};
    use tokio::time::{Instant, sleep};

    use super::*;

    fn trickle() -> reqwest::Response {
        let pieces = stream::repeat_with(|| Ok::<_, std::io::Error>("x")).then(|piece| async {
            sleep(Duration::from_secs(29)).await;
            piece
        });
        http::Response::new(reqwest::Body::wrap_stream(pieces)).into()
    }

    #[tokio::test(start_paused = true)]
    async fn neither_an_answer_nor_a_refusal_may_trickle() {
        let (idle, begun) = (Duration::from_secs(30), Instant::now());
        let permit = std::sync::Arc::new(tokio::sync::Semaphore::new(1)).acquire_owned().await.expect("it is open");
        let answer = Answer { response: trickle(), replayed: false, idle, permit };
        let error = answer.bytes(1 << 20).await.expect_err("it has no end");
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Timeout, 60), "{error}");
        drain(trickle(), idle).await;
        assert_eq!(begun.elapsed().as_secs(), 120);
    }
}
