//! The process: listeners, a look at the database every second, an end in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use super::connection::accept;
use super::error::WebError;
use super::gate::Gate;
use super::routes::{metrics_router, router};
use super::token::Tokens;
use super::view::Web;
use crate::base::AddressBlock;

/// Connections in all.
const MOST: usize = 1024;
/// Connections of one address.
const MOST_OF_ONE: usize = 32;
/// Connections of the listener of metrics.
const MOST_METRICS: usize = 16;
/// Connections that the system keeps for us.
const BACKLOG: u32 = 1024;
/// Between two looks at the database.
const LOOK: Duration = Duration::from_secs(1);
/// Descriptors that are no connections: the database, the runtime, the standard streams, and some to spare.
const OTHER_FILES: usize = 32;

/// How the front is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where people come to; port 0: any that is free.
    pub listen: SocketAddr,
    /// Where metrics are read; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// The front database, which has to be there.
    pub database: Utf8PathBuf,
    /// Proxies that are believed when they tell who asks.
    pub behind: Vec<AddressBlock>,
    /// Files that this process may have open; `None`: without a limit.
    pub files: Option<u64>,
}

/// Serves until `stop` is cancelled. `listening` is told the addresses once both can be connected to.
///
/// # Errors
/// [`WebError`], before anything is served.
pub async fn serve(
    settings: Settings,
    stop: CancellationToken,
    listening: impl FnOnce(SocketAddr, Option<SocketAddr>),
) -> Result<(), WebError> {
    let tokens = Tokens::new().map_err(WebError::Start)?;
    let web = Arc::new(Web::open(&settings.database, settings.behind, tokens).map_err(WebError::Front)?);
    let (public, address) = listen(settings.listen)?;
    let metrics = settings.metrics.map(listen).transpose()?;
    listening(address, metrics.as_ref().map(|(_, address)| *address));
    let most = settings.files.and_then(|files| usize::try_from(files).ok()).map_or(MOST, |files| {
        // With few descriptors fewer people are let in, so that the database can always be opened.
        MOST.min(files.saturating_sub(OTHER_FILES).max(8))
    });
    let gate = Gate::new(most, MOST_OF_ONE);
    let looking = tokio::spawn(keep_looking(Arc::clone(&web), stop.clone()));
    let people = accept(public, Arc::clone(&web), router(Arc::clone(&web)), Arc::clone(&gate), stop.clone());
    let watching = async {
        match metrics {
            Some((listener, _)) => {
                let router = metrics_router(Arc::clone(&web), gate);
                accept(listener, Arc::clone(&web), router, Gate::new(MOST_METRICS, MOST_METRICS), stop.clone()).await
            }
            None => Ok(()),
        }
    };
    let (people, watching) = tokio::join!(people, watching);
    // It ends by itself now; had it panicked, that was told.
    let _ = looking.await;
    people.and(watching).map_err(WebError::Start)
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), WebError> {
    let fail = |source| WebError::Listen { address, source };
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(fail)?;
    // After a restart the old connections still fade away.
    socket.set_reuseaddr(true).map_err(fail)?;
    socket.bind(address).map_err(fail)?;
    let listener = socket.listen(BACKLOG).map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, address))
}

async fn keep_looking(web: Arc<Web>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let web = Arc::clone(&web);
        if tokio::task::spawn_blocking(move || web.look()).await.is_err() {
            tracing::error!("looking at the front database failed");
        }
    }
}
