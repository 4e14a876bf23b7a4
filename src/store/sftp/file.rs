//! Open files on the server, which are closed whatever happens.

use std::sync::Arc;

use super::channel::{Answer, Channel, unexpected};
use super::codec::{Handle, OpenFlags, Reply, Request};
use super::failure::Failure;
use super::session::RemotePath;
use super::slots::Slot;

/// Rights of a new file, in the open itself: the server's umask can only take away from them, so nobody but the owner
/// ever writes, and the web server may read unless the operator forbids it. Changing modes later is refused by many.
pub(super) const FILE_MODE: u32 = 0o644;

/// The channel that a file was opened on.
pub(super) enum Lane {
    /// With the right to work on a file.
    Own(Arc<Slot>),
    /// Lent by others, for a large file.
    Lent(Arc<Channel>),
}

impl std::ops::Deref for Lane {
    type Target = Channel;
    fn deref(&self) -> &Channel {
        match self {
            Self::Own(slot) => slot,
            Self::Lent(channel) => channel,
        }
    }
}

/// An open file. Dropped without [`close`](Self::close), it is closed all the same, without hearing the answer.
pub(super) struct OpenFile {
    pub lane: Lane,
    pub handle: Handle,
    closed: bool,
}

impl OpenFile {
    pub async fn open(lane: Lane, path: &RemotePath, flags: OpenFlags) -> Result<Self, Failure> {
        let mode = (flags == OpenFlags::WRITE_NEW).then_some(FILE_MODE);
        let request = Request::Open { path: path.as_bytes(), flags, mode };
        match lane.ask(request).await? {
            Reply::Handle(handle) => Ok(Self { lane, handle, closed: false }),
            other => Err(unexpected(&other)),
        }
    }

    /// Puts the close on its way, behind everything that was sent before it.
    pub async fn close(&mut self) -> Result<Answer, Failure> {
        self.closed = true;
        self.lane.send(Request::Close { handle: &self.handle }, None).await
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if !self.closed {
            self.lane.send_unheard(Request::Close { handle: &self.handle });
        }
    }
}
