//! The connection under SSH: it can be cut, and it knows when bytes last went out and when it was let go.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

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
}

impl LineControl {
    pub fn new() -> Self {
        Self {
            cut: CancellationToken::new(),
            ended: CancellationToken::new(),
            started: Instant::now(),
            last_sent: Arc::default(),
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
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.control.cut.is_cancelled() {
            return Poll::Ready(Err(was_cut()));
        }
        let taken = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
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
