//! A TCP proxy that adds distance: every piece of data, and the connection itself, arrives later.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Pieces between the two sides: far more than any window.
const QUEUE: usize = 4096;

pub struct DelayProxy {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// Bytes towards the server after which the connection that carries them is cut; the next are left alone.
    cut_after: Arc<AtomicU64>,
    _accepting: AbortOnDropHandle<()>,
}

impl DelayProxy {
    /// A proxy to `server`, `round_trip` away.
    pub async fn to(server: SocketAddr, round_trip: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let cut_after = Arc::new(AtomicU64::new(u64::MAX));
        let (count, cut) = (Arc::clone(&connections), Arc::clone(&cut_after));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(client, server, round_trip, Arc::clone(&cut)));
            }
        });
        Self { address, connections, cut_after, _accepting: AbortOnDropHandle::new(accepting) }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Cuts one connection after that many more bytes towards the server.
    pub fn cut_after(&self, bytes: u64) {
        self.cut_after.store(bytes, Ordering::SeqCst);
    }
}

async fn carry(client: TcpStream, server: SocketAddr, round_trip: Duration, cut: Arc<AtomicU64>) {
    // The three-way handshake takes one round trip.
    tokio::time::sleep(round_trip).await;
    let Ok(server) = TcpStream::connect(server).await else { return };
    client.set_nodelay(true).expect("an open socket");
    server.set_nodelay(true).expect("an open socket");
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let half = round_trip / 2;
    tokio::select! {
        () = one_way(client_in, server_out, half, Some(cut)) => {}
        () = one_way(server_in, client_out, half, None) => {}
    }
}

async fn one_way(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
    cut: Option<Arc<AtomicU64>>,
) {
    let (send, mut receive) = mpsc::channel::<(Instant, Vec<u8>)>(QUEUE);
    let reading = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            if let Some(cut) = &cut {
                let left = cut.load(Ordering::SeqCst);
                if left <= count as u64 {
                    cut.store(u64::MAX, Ordering::SeqCst);
                    return false;
                }
                if left != u64::MAX {
                    cut.store(left - count as u64, Ordering::SeqCst);
                }
            }
            if send.send((Instant::now() + delay, buffer[..count].to_vec())).await.is_err() {
                return false;
            }
        }
        true
    };
    let writing = async move {
        while let Some((due, bytes)) = receive.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::pin!(writing);
    tokio::select! {
        // What was read before the end still arrives; a cut loses it.
        orderly = reading => if orderly { writing.await },
        () = &mut writing => {}
    }
}
