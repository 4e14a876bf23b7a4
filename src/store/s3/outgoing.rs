//! A body on its way out.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::net::Progress;
use crate::store::{Body, BodyStream};

/// One sending of some bytes of a body: what the connector and the caller need to know about it.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    /// How many bytes.
    pub(super) length: u64,
    /// How far they have come.
    pub(super) progress: Progress,
    /// Our own body could not be read.
    trouble: Arc<Mutex<Option<io::Error>>>,
}

impl Sending {
    /// The bytes from `offset` on, as the SDK wants them.
    pub(super) fn of(body: &Body, offset: u64, length: u64) -> (Self, SdkBody) {
        let sending = Self { length, ..Self::nothing() };
        let stream: BodyStream = Box::pin(sending.progress.watch(body.stream(offset, offset + length)));
        let outgoing = Outgoing { stream: Mutex::new(stream), left: length, trouble: Arc::clone(&sending.trouble) };
        (sending, SdkBody::from_body_1_x(outgoing))
    }

    /// A request without bytes of ours.
    pub(super) fn nothing() -> Self {
        Self { length: 0, progress: Progress::default(), trouble: Arc::default() }
    }

    /// Why our own body could not be read, if that is what happened.
    pub(super) fn trouble(&self) -> Option<io::Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body of exactly the announced length.
struct Outgoing {
    /// The mutex is never locked: it lends the stream the `Sync` that the SDK asks of every body.
    stream: Mutex<BodyStream>,
    left: u64,
    trouble: Arc<Mutex<Option<io::Error>>>,
}

impl Outgoing {
    fn fail(&self, error: io::Error) -> io::Error {
        let told = io::Error::new(error.kind(), error.to_string());
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        told
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let stream = self.stream.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Poll::Ready(piece) = stream.as_mut().poll_next(context) else { return Poll::Pending };
        let found = match piece {
            None if self.left == 0 => return Poll::Ready(None),
            None => Err(self.fail(io::ErrorKind::UnexpectedEof.into())),
            Some(Err(error)) => Err(self.fail(error)),
            Some(Ok(bytes)) => match self.left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Ok(Frame::data(bytes))
                }
                None => Err(self.fail(io::Error::other("longer than announced"))),
            },
        };
        Poll::Ready(Some(found))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
