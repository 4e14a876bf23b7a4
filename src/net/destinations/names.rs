//! How names are looked up.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;

/// Looks the addresses of a name up.
#[async_trait]
pub trait Lookup: Debug + Send + Sync {
    /// All addresses of `name`, in the order in which they should be tried. Their port means nothing.
    ///
    /// # Errors
    /// The name is not known, or nobody could be asked.
    async fn addresses(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// Asks as all programs of this machine do (`getaddrinfo`). What it takes for a name may be an address in a spelling of
/// its own, such as `0x7f.1`: the answer counts, not the spelling.
#[derive(Debug, Clone, Copy)]
pub(super) struct System;

#[async_trait]
impl Lookup for System {
    async fn addresses(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}
