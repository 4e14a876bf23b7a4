//! The connection under SSH: it can be cut, and it knows when bytes last went out and when it was let go.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::failure::Failure;
use crate::net::Pace;

/// A write of at least this many bytes shows that our data is on its way; keepalives are smaller.
const CARRIES_DATA: usize = 1024;

/// What carries a session: a socket, or a channel of the session with a jump host.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What the rest of a session sees of its connection.
#[derive(Debug, Clone)]
pub(super) struct LineControl {
    cut: CancellationToken,
    /// The session is over and has let go of its connection.
    ended: CancellationToken,
    started: Instant,
    /// Milliseconds from `started` to the last write of data that the system took.
    last_sent: Arc<AtomicU64>,
    /// Bytes in both directions.
    carried: Arc<AtomicU64>,
}

impl LineControl {
    pub fn new() -> Self {
        Self {
            cut: CancellationToken::new(),
            ended: CancellationToken::new(),
            started: Instant::now(),
            last_sent: Arc::default(),
            carried: Arc::default(),
        }
    }

    /// Ends the connection at once, whatever SSH is doing.
    pub fn cut(&self) {
        self.cut.cancel();
    }

    /// Waits until the session has ended and everything it had to say is out, or lost.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// When data last went out: as long as it does, a silent server is only waiting for it.
    pub fn last_sent(&self) -> Instant {
        self.started + std::time::Duration::from_millis(self.last_sent.load(Ordering::Relaxed))
    }

    /// Waits for the server, as long as the connection carries enough meanwhile: its files share it, so it is judged and
    /// not one file. One that crawls is cut, for no request on it will fare better.
    pub async fn steady<T>(&self, pace: &mut Pace, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        match pace.during(|| self.carried.load(Ordering::Relaxed), work).await {
            Ok(done) => done,
            Err(slow) => {
                self.cut();
                Err(Failure::Crawling(slow))
            }
        }
    }

    fn carried(&self, bytes: usize) {
        self.carried.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn sent(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_sent.store(elapsed, Ordering::Relaxed);
    }
}

/// The connection itself.
pub(super) struct Line {
    stream: Box<dyn Stream>,
    control: LineControl,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Line {
    pub fn new(stream: Box<dyn Stream>, control: &LineControl) -> Self {
        Self { stream, control: control.clone(), cut: Box::pin(control.cut.clone().cancelled_owned()) }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.control.ended.cancel();
    }
}

fn was_cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "connection given up")
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(was_cut()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.control.carried(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.control.cut.is_cancelled() {
            return Poll::Ready(Err(was_cut()));
        }
        let taken = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.control.carried(taken);
        if taken >= CARRIES_DATA {
            self.control.sent();
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_crawls_is_cut_although_its_requests_are_answered() {
        let (control, mut pace) = (LineControl::new(), Pace::default());
        let begun = Instant::now();
        let failure = loop {
            let answer = async {
                sleep(Duration::from_secs(29)).await;
                control.carried(CARRIES_DATA);
                control.sent();
                Ok(())
            };
            if let Err(failure) = control.steady(&mut pace, answer).await {
                break failure;
            }
        };
        assert!(matches!(failure, Failure::Crawling(_)), "{failure}");
        assert_eq!((begun.elapsed().as_secs(), control.cut.is_cancelled()), (60, true));
    }
}
