//! How long a peer may stay silent while we send.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tokio::time::Instant;

/// What may still lie in the kernel's send buffer when the last byte has left us (Linux lets it grow this far).
const KERNEL_BUFFER: u64 = 4 << 20;

/// The slowest upstream that is still waited for, in bytes a second.
const SLOWEST: u64 = 16 << 10;

/// No sign of life in time, or the exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The peer took no byte of the body, or gave no answer, for this long.
    #[error("no sign of life for {} s", .0.as_secs())]
    Silent(Duration),
    /// The exchange failed.
    #[error("the request failed")]
    Failed(#[source] reqwest::Error),
}

/// How far an upload has come: shared between the body, which moves it, and [`send`], which watches it.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Mutex<Turn>>);

/// Whose turn it is.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// Ours: a disk, a hash or a bandwidth limit holds the next piece back. Not the peer's fault.
    Ours,
    /// The peer's, since then: it should take what was handed out, or answer.
    Theirs(Instant),
}

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Turn::Theirs(Instant::now()))))
    }
}

impl Progress {
    /// The pieces of `body`, with this progress moved on as the connection asks for them.
    pub fn watch<S: Stream + Send + Unpin + 'static>(&self, body: S) -> impl Stream<Item = S::Item> + Send + 'static
    where
        S::Item: Send,
    {
        let progress = self.clone();
        futures_util::stream::unfold((body, progress), |(mut body, progress)| async move {
            progress.set(Turn::Ours);
            let piece = body.next().await;
            progress.set(Turn::Theirs(Instant::now()));
            Some((piece?, (body, progress)))
        })
    }

    fn set(&self, turn: Turn) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = turn;
    }

    /// When the peer will have been silent for too long, if nothing moves until then.
    fn deadline(&self, allowance: Duration) -> Instant {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Turn::Ours => Instant::now() + allowance,
            Turn::Theirs(since) => since + allowance,
        }
    }
}

/// Sends `request`, whose body of `length` bytes moves `progress`, and waits for the head of the answer.
///
/// The peer may be silent for `silence`, plus what the kernel's buffer takes to drain on a slow link: seen from here,
/// a body is gone long before a slow line has carried it. There is no limit on the whole exchange.
pub async fn send(
    client: &reqwest::Client,
    request: reqwest::Request,
    length: u64,
    progress: &Progress,
    silence: Duration,
) -> Result<reqwest::Response, SendError> {
    let allowance = silence + Duration::from_secs(length.min(KERNEL_BUFFER) / SLOWEST);
    let mut answer = pin!(client.execute(request));
    loop {
        let deadline = progress.deadline(allowance);
        match tokio::time::timeout_at(deadline, &mut answer).await {
            Ok(result) => return result.map_err(SendError::Failed),
            Err(_) if progress.deadline(allowance) <= Instant::now() => return Err(SendError::Silent(allowance)),
            Err(_) => {}
        }
    }
}
