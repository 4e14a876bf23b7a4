//! Which probes are made of a mirror in a round.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::base::{ByteCount, ObjectPath};
use crate::store::{Store, StoreError};

/// What is to be probed at a mirror, beside the look at its metadata and files; nothing unless said.
#[derive(Clone, Default)]
pub struct ProbeOrders {
    /// Pieces of its files.
    pub sample: Option<SampleOrder>,
    /// Objects that somebody elsewhere says to be wrong: each is read again, whatever the depth.
    pub reread: Vec<ObjectPath>,
    /// How fast it sends: bytes that may be read for it at most.
    pub throughput: Option<u64>,
    /// Whether we can write there.
    pub write: Option<WriteOrder>,
}

impl ProbeOrders {
    /// Whether nothing is probed.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.sample.is_none() && self.reread.is_empty() && self.throughput.is_none() && self.write.is_none()
    }
}

/// How many pieces are looked at, and what that may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleOrder {
    /// Pieces, picked at random.
    pub picks: u32,
    /// No piece is begun once so many bytes were read.
    pub share: u64,
    /// No piece is begun that would lead beyond so many bytes, except to confirm a wrong one.
    pub most: u64,
}

/// How a canary is written.
#[derive(Clone)]
pub struct WriteOrder {
    /// The way in.
    pub account: Arc<dyn Account>,
    /// The mirror's source is what readers use, so the canary must show there.
    pub has_readers: bool,
    /// How long it is waited for there.
    pub patience: Duration,
    /// What the newest release takes up, in bytes: the next one will need about as much.
    pub needed: Option<ByteCount>,
}

/// Logs in to a mirror with our credentials.
#[async_trait]
pub trait Account: Send + Sync {
    /// An open store.
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError>;
}
