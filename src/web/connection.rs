//! Connections: accepted within limits, served for so long, ended in good order.

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::asker::house;
use super::counts::Dropped;
use super::gate::{Gate, Seat};
use super::guard::answer;
use super::rest;
use super::view::Web;

/// From the beginning of a connection, or the end of the answer before, to the last byte of a request's head.
const HEAD: Duration = Duration::from_secs(10);
/// After this a connection takes no further request.
const LAST_REQUEST: Duration = Duration::from_secs(50);
/// What is under way then, or when the process is to end, has so long.
const LAST_ANSWER: Duration = Duration::from_secs(10);
/// Longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// Most header fields.
const MOST_FIELDS: usize = 64;
/// Connections that leave when there are no descriptors left: with one at a time, everybody would wait for all who came before.
const AT_ONCE: usize = 16;
/// Pauses while there are no descriptors left: doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// Accepts connections until `stop` is cancelled, then lets those under way end, at most for [`LAST_ANSWER`].
pub(super) async fn accept(
    listener: TcpListener,
    web: Arc<Web>,
    router: Router,
    gate: Arc<Gate>,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut spare = Spare::new()?;
    let under_way = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                spare.all_is_well();
                let_in(&under_way, stream, peer, &web, &router, &gate, &stop);
            }
            Err(error) if is_scarce(&error) => {
                web.counts.drop(Dropped::Descriptors);
                let is_coming = gate.make_room(AT_ONCE);
                spare.wait(&listener, !is_coming).await;
            }
            // Whoever came has gone already.
            Err(error) => tracing::debug!(%error, "a connection was not accepted"),
        }
    }
    drop(listener);
    under_way.close();
    // Each of them ends by itself within that time; this is for what blocks in spite of it.
    let _ = tokio::time::timeout(LAST_ANSWER + Duration::from_secs(1), under_way.wait()).await;
    Ok(())
}

fn let_in(
    under_way: &TaskTracker,
    stream: TcpStream,
    peer: SocketAddr,
    web: &Arc<Web>,
    router: &Router,
    gate: &Arc<Gate>,
    stop: &CancellationToken,
) {
    let peer = peer.ip().to_canonical();
    // A proxy of ours speaks for many people; their requests are counted by what it tells.
    let counted = (!is_proxy(web, peer)).then(|| house(peer));
    let seat = match gate.enter(counted, Instant::now()) {
        Ok(seat) => Arc::new(seat),
        Err(refusal) => {
            web.counts.drop(Dropped::Seat(refusal));
            return;
        }
    };
    let (web, router, stop) = (Arc::clone(web), router.clone(), stop.clone());
    under_way.spawn(async move { connection(stream, peer, web, router, &seat, &stop).await });
}

async fn connection(stream: TcpStream, peer: IpAddr, web: Arc<Web>, router: Router, seat: &Arc<Seat>, stop: &CancellationToken) {
    // Small answers go out at once.
    let _ = stream.set_nodelay(true);
    let is_proxy = is_proxy(&web, peer);
    let service = service_fn(|request: Request<Incoming>| {
        let (web, router, seat) = (Arc::clone(&web), router.clone(), Arc::clone(seat));
        async move {
            seat.set_busy(true, Instant::now());
            let (head, body) = request.into_parts();
            let (body, rest) = rest::lend(body);
            let response = answer(&web, router, peer, Request::from_parts(head, Body::new(body))).await;
            // From here on it only takes bytes: if it takes them too slowly, others need the seat more.
            seat.set_busy(false, Instant::now());
            if is_proxy {
                rest.forget().await;
            }
            Ok::<Response, std::convert::Infallible>(response)
        }
    });
    let mut settings = http1::Builder::new();
    settings.timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(MOST_FIELDS).max_buf_size(LONGEST_HEAD);
    let serving = settings.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        // What a stranger sent that is no HTTP is nothing to be told of.
        _ = serving.as_mut() => return,
        () = seat.leave.cancelled() => return web.counts.drop(Dropped::Seated),
        () = stop.cancelled() => {}
        () = tokio::time::sleep(LAST_REQUEST) => {}
    }
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        _ = serving.as_mut() => {}
        () = seat.leave.cancelled() => web.counts.drop(Dropped::Seated),
        () = tokio::time::sleep(LAST_ANSWER) => web.counts.drop(Dropped::Time),
    }
}

fn is_proxy(web: &Web, peer: IpAddr) -> bool {
    web.behind.iter().any(|block| block.contains(peer))
}

/// No descriptors or no memory for one more.
fn is_scarce(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

/// A descriptor that is kept for the moment when there are none: with it one connection can be taken and closed, so that whoever
/// waits learns of it, and the queue of the system does not keep us spinning.
struct Spare {
    file: Option<File>,
    pause: Duration,
}

impl Spare {
    fn new() -> io::Result<Self> {
        Ok(Self { file: Some(File::open("/dev/null")?), pause: PAUSES.0 })
    }

    fn all_is_well(&mut self) {
        self.pause = PAUSES.0;
        if self.file.is_none() {
            self.file = File::open("/dev/null").ok();
        }
    }

    /// Waits until there may be descriptors again. With `turn_away`, nobody will leave: whoever waits first is turned away.
    async fn wait(&mut self, listener: &TcpListener, turn_away: bool) {
        if turn_away {
            self.file = None;
            // Nobody may be there any more.
            drop(tokio::time::timeout(Duration::from_millis(1), listener.accept()).await);
            self.file = File::open("/dev/null").ok();
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
    }
}
