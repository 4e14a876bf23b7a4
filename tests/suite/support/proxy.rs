//! A TCP proxy that misbehaves to order: delay, cut, reset, stall, on and off. For any protocol.
//!
//! Two tasks a direction: one reads and notes when each piece is due, the other waits until then and writes. So a delay
//! is latency and not a limit of throughput: pieces travel behind one another, as on a long line.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc as blocking};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Bytes of one piece, and pieces under way: 16 MiB a direction at most.
const PIECE: usize = 16 * 1024;
const UNDER_WAY: usize = 1024;

/// How one direction ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// It does not.
    #[default]
    None,
    /// After so many bytes both connections are closed; who is still sending then sees a reset, as from any server that
    /// closes early.
    CutAfter(u64),
    /// After so many bytes both sides get a reset.
    ResetAfter(u64),
    /// After so many bytes nothing moves any more, and nothing is closed.
    StallAfter(u64),
}

/// What one direction of each connection goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// Time that every byte is under way.
    pub delay: Duration,
    /// How it ends.
    pub fault: Fault,
}

/// What the connections go through that are accepted from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conditions {
    /// From the client to the server.
    pub up: Line,
    /// From the server to the client.
    pub down: Line,
    /// Only connections up to this one, counted from the proxy's first, go through it; later ones meet a good line.
    pub only_first: Option<u64>,
    /// Off: running connections are reset, and new ones as soon as they are made.
    pub off: bool,
}

impl Conditions {
    /// Latency in both directions.
    pub fn round_trip(time: Duration) -> Self {
        let line = Line { delay: time / 2, fault: Fault::None };
        Self { up: line, down: line, ..Self::default() }
    }

    /// A fault for what the client sends.
    pub fn up(fault: Fault) -> Self {
        Self { up: Line { fault, ..Line::default() }, ..Self::default() }
    }

    /// A fault for what the server answers.
    pub fn down(fault: Fault) -> Self {
        Self { down: Line { fault, ..Line::default() }, ..Self::default() }
    }

    /// The same, for the first `count` connections only.
    pub fn for_the_first(self, count: u64) -> Self {
        Self { only_first: Some(count), ..self }
    }
}

/// What went through so far.
#[derive(Debug, Default)]
pub struct Counters {
    connections: AtomicU64,
    breaks: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

/// A running proxy before one server. Stops, with its connections, when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    conditions: watch::Sender<Conditions>,
    counters: Arc<Counters>,
}

impl Proxy {
    /// Starts it before the loopback port `upstream`, on a thread with a runtime of its own: a test's paused clock does
    /// not touch it.
    pub fn before(upstream: u16) -> Self {
        Self::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), upstream)
    }

    /// Another one over IPv6, before the same server and at the same port number as this one.
    pub fn over_ipv6(&self, upstream: u16) -> Self {
        Self::listen(SocketAddr::from((Ipv6Addr::LOCALHOST, self.port())), upstream)
    }

    fn listen(address: SocketAddr, upstream: u16) -> Self {
        let (conditions, orders) = watch::channel(Conditions::default());
        let counters = Arc::new(Counters::default());
        let (report, listening) = blocking::channel();
        let counted = Arc::clone(&counters);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(async {
                let listener = TcpListener::bind(address).await.expect("loopback has this port free");
                report.send(listener.local_addr().expect("a listener has an address")).expect("the test waits");
                accept(listener, upstream, orders, counted).await;
            });
        });
        Self { address: listening.recv().expect("the proxy starts"), conditions, counters }
    }

    /// The loopback port that clients use instead of the server's.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes what new connections go through; [`Conditions::off`] acts on running ones, too.
    pub fn set(&self, conditions: Conditions) {
        self.conditions.send_replace(conditions);
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.counters.connections.load(Ordering::SeqCst)
    }

    /// Connections that a fault has reset or cut so far.
    pub fn breaks(&self) -> u64 {
        self.counters.breaks.load(Ordering::SeqCst)
    }

    /// Bytes passed on to the server so far.
    pub fn bytes_up(&self) -> u64 {
        self.counters.up.load(Ordering::SeqCst)
    }

    /// Bytes passed on to clients so far.
    pub fn bytes_down(&self) -> u64 {
        self.counters.down.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, upstream: u16, mut orders: watch::Receiver<Conditions>, counters: Arc<Counters>) {
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => accepted.expect("a loopback listener lasts").0,
            // The guard was dropped. Returning ends the runtime, and with it every connection.
            () = gone(&mut orders) => return,
        };
        let number = counters.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let (orders, counters) = (orders.clone(), Arc::clone(&counters));
        tokio::spawn(async move {
            // Errors of a connection are what the proxy is for; both of its ends see them by themselves.
            let _ = carry(client, upstream, number, orders, &counters).await;
        });
    }
}

async fn carry(
    mut client: TcpStream,
    upstream: u16,
    number: u64,
    mut orders: watch::Receiver<Conditions>,
    counters: &Counters,
) -> io::Result<()> {
    let mut conditions = *orders.borrow();
    if conditions.off {
        return client.set_zero_linger();
    }
    if conditions.only_first.is_some_and(|last| number > last) {
        conditions = Conditions::default();
    }
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).await?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let ending = {
        // Borrowed halves: owned ones would say a polite goodbye when dropped, before the reset.
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let mut up = std::pin::pin!(pass(from_client, to_server, conditions.up, &counters.up));
        let mut down = std::pin::pin!(pass(from_server, to_client, conditions.down, &counters.down));
        let both = async {
            // One direction may end in order while the other goes on; a fault in either ends both.
            tokio::select! {
                ending = &mut up => if ending == Ending::Closed { down.await } else { ending },
                ending = &mut down => if ending == Ending::Closed { up.await } else { ending },
            }
        };
        tokio::select! {
            ending = both => ending,
            () = switched_off(&mut orders) => Ending::Reset,
        }
    };
    if ending != Ending::Closed && [conditions.up, conditions.down].iter().any(|line| line.fault != Fault::None) {
        counters.breaks.fetch_add(1, Ordering::SeqCst);
    }
    if ending == Ending::Reset {
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    Ok(())
}

/// Returns when the proxy is switched off or dropped.
async fn switched_off(orders: &mut watch::Receiver<Conditions>) {
    // An error means that the guard was dropped.
    let _ = orders.wait_for(|conditions| conditions.off).await;
}

/// Returns when the guard is dropped.
async fn gone(orders: &mut watch::Receiver<Conditions>) {
    while orders.changed().await.is_ok() {}
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The sender closed its side, and that was passed on.
    Closed,
    /// A cut: both sides are closed now.
    Cut,
    /// Both sides get a reset.
    Reset,
}

/// Carries one direction until it ends.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, line: Line, counter: &AtomicU64) -> Ending {
    let (due, mut waiting) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let read = async move {
        let mut left = match line.fault {
            Fault::None => u64::MAX,
            Fault::CutAfter(bytes) | Fault::ResetAfter(bytes) | Fault::StallAfter(bytes) => bytes,
        };
        let mut buffer = vec![0; PIECE];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let count = match from.read(&mut buffer[..most]).await {
                Ok(0) => return Ok(Ending::Closed),
                Ok(count) => count,
                Err(_) => return Err(Ending::Reset),
            };
            left -= count as u64;
            if due.send((Instant::now() + line.delay, buffer[..count].to_vec())).await.is_err() {
                return Err(Ending::Reset);
            }
        }
        match line.fault {
            // Reads no more and never ends; `due` stays open, so that the writer waits, too.
            Fault::StallAfter(_) => std::future::pending().await,
            Fault::ResetAfter(_) => Ok(Ending::Reset),
            Fault::CutAfter(_) | Fault::None => Ok(Ending::Cut),
        }
    };
    let write = async {
        while let Some((moment, piece)) = waiting.recv().await {
            tokio::time::sleep_until(moment).await;
            // Counted first: who has received the bytes must find them counted.
            counter.fetch_add(piece.len() as u64, Ordering::SeqCst);
            to.write_all(&piece).await.map_err(|_| Ending::Reset)?;
        }
        Ok(())
    };
    // The reader drops its sender when it ends, so the writer first delivers what is under way.
    match tokio::try_join!(read, write) {
        Ok((Ending::Closed, ())) => {
            // The other side may have gone meanwhile; then it knows already.
            let _ = to.shutdown().await;
            Ending::Closed
        }
        Ok((ending, ())) | Err(ending) => ending,
    }
}
