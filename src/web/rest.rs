//! The rest of a body that nobody read: a proxy that still sends it when the connection ends says 502 instead of what we answered.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::oneshot;

/// How long a proxy may take to send it.
const LONGEST: Duration = Duration::from_secs(2);
/// Most bytes of it, read and forgotten: a form with the longest file has a fifth of that.
const MOST: usize = 1024 * 1024;

/// A body that is given back when whoever had it has done with it.
#[derive(Debug)]
pub(super) struct Lent {
    body: Option<Incoming>,
    back: Option<oneshot::Sender<Incoming>>,
}

/// Where it comes back.
#[derive(Debug)]
pub(super) struct Rest(oneshot::Receiver<Incoming>);

/// Lends a body.
pub(super) fn lend(body: Incoming) -> (Lent, Rest) {
    let (back, rest) = oneshot::channel();
    (Lent { body: Some(body), back: Some(back) }, Rest(rest))
}

impl Rest {
    /// Reads what is left, within [`LONGEST`] and [`MOST`]. Nothing where all of it was read, or somebody still has the body.
    pub(super) async fn forget(mut self) {
        let Ok(mut body) = self.0.try_recv() else { return };
        let reading = async {
            let mut left = MOST;
            while let Some(Ok(frame)) = body.frame().await {
                let Some(less) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
                left = less;
            }
        };
        // Whoever is slower than that, or sends more, gets a connection that ends.
        let _ = tokio::time::timeout(LONGEST, reading).await;
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody waits for it when the connection has ended meanwhile.
            let _ = back.send(body);
        }
    }
}
