//! What can go wrong before anything is served.

use std::io;
use std::net::SocketAddr;

use crate::base::Hinted;
use crate::history::HistoryError;

/// Why the front does not start.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The front database cannot be used.
    #[error("there is nothing to show")]
    Front(#[source] HistoryError),
    /// Nobody can be listened to at that address.
    #[error("{address} cannot be listened on")]
    Listen {
        /// The address and the port.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no random bytes or no spare descriptor.
    #[error("the front cannot start")]
    Start(#[source] io::Error),
}

impl Hinted for WebError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Front(error) => error.hint(),
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("another process has that port: spartacus serve --listen 127.0.0.1:0 takes a free one".to_owned())
            }
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 belong to root: put a web server before it, see docs/operations.md".to_owned())
            }
            Self::Listen { .. } | Self::Start(_) => None,
        }
    }
}
