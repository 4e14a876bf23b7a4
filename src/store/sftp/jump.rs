//! A connection to the next server by way of a jump host: a `direct-tcpip` channel of its session (RFC 4254,
//! section 7.2). The jump host resolves the name and sees nothing but the next session's cipher text.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use russh::client::Msg;
use russh::{ChannelOpenFailure, ChannelStream};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, ReadBuf, ReadHalf, SimplexStream, WriteHalf};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connect::Ssh;
use super::failure::Failure;

/// Most that waits here for the next session to read it: more than fits into the windows of all its channels (8 of
/// 2 MiB), so that a server that keeps to them never fills it.
const BACKLOG: usize = 32 << 20;
/// What is moved into it at once.
const PIECE: usize = 64 << 10;

/// The channel as a stream.
///
/// What comes in is taken off the jump host's session at once, by a task of its own. A russh session that is writing does
/// not read. If what it has not read held up the session below, which also carries the window that it waits for in order
/// to write, both would wait for ever. Sockets have buffers of the system between them, and this has one of ours.
pub(super) struct Tunnel {
    incoming: ReadHalf<SimplexStream>,
    outgoing: WriteHalf<ChannelStream<Msg>>,
    /// Dropped with this, it tells that nobody reads any more.
    _reading: DropGuard,
}

/// Asks `jump` for a connection to `host`.
pub(super) async fn forward(jump: &Ssh, host: &str, port: u16) -> Result<Tunnel, Failure> {
    // The last two say who asked the one that forwards; that is nobody but ourselves.
    let opened = jump.handle.channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0).await;
    let channel = opened.map_err(|error| refusal(error, host, port).at_jump_host(&jump.host))?;
    let (receiving, outgoing) = tokio::io::split(channel.into_stream());
    let (incoming, mut backlog) = tokio::io::simplex(BACKLOG);
    let reading = CancellationToken::new();
    let unread = reading.clone();
    jump.tunnels.spawn(async move {
        let mut receiving = BufReader::with_capacity(PIECE, receiving);
        tokio::select! {
            // However it ends, the next session reads an end.
            _ = tokio::io::copy_buf(&mut receiving, &mut backlog) => {}
            // Waited for all the same: the channel's end is the answer to our good-bye.
            () = unread.cancelled() => drop(tokio::io::copy_buf(&mut receiving, &mut tokio::io::sink()).await),
        }
        let _ = backlog.shutdown().await;
    });
    Ok(Tunnel { incoming, outgoing, _reading: reading.drop_guard() })
}

fn refusal(error: russh::Error, host: &str, port: u16) -> Failure {
    let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    match error {
        russh::Error::ChannelOpenFailure(ChannelOpenFailure::ConnectFailed) => {
            Failure::Unreachable(format!("it cannot connect to {place}"))
        }
        russh::Error::ChannelOpenFailure(ChannelOpenFailure::ResourceShortage) => {
            Failure::Busy(format!("it has no room for a connection to {place}"))
        }
        russh::Error::ChannelOpenFailure(_) => Failure::NoForwarding(place),
        other => other.into(),
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.incoming).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.outgoing).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.outgoing).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.outgoing).poll_shutdown(context)
    }
}
