//! What watches and slows the bytes of a transfer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::base::ByteCount;

/// Stands between a body and its backend: counts bytes, makes them wait, or (in tests) breaks them off.
#[async_trait]
pub trait Tap: Send + Sync + std::fmt::Debug {
    /// Called before `bytes` bytes go on; returns when they may.
    async fn pass(&self, bytes: u64) -> io::Result<()>;
}

/// Counts what passed.
#[derive(Debug, Default)]
pub struct Meter(AtomicU64);

impl Meter {
    /// A meter at zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Bytes so far; bytes of a retried request count again.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Tap for Meter {
    async fn pass(&self, bytes: u64) -> io::Result<()> {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// A leaky bucket that holds a fifth of a second's worth.
#[derive(Debug)]
pub struct Bandwidth {
    per_second: u64,
    /// When the bytes promised so far will all have passed.
    busy_until: Mutex<Option<Instant>>,
}

impl Bandwidth {
    /// At most `per_second` bytes a second (at least one).
    #[must_use]
    pub fn new(per_second: ByteCount) -> Arc<Self> {
        Arc::new(Self { per_second: per_second.0.max(1), busy_until: Mutex::new(None) })
    }
}

#[async_trait]
impl Tap for Bandwidth {
    async fn pass(&self, bytes: u64) -> io::Result<()> {
        const BURST: Duration = Duration::from_millis(200);
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.per_second);
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let wait_until = {
            let mut busy = self.busy_until.lock().await;
            let start = busy.map_or_else(Instant::now, |until| until.max(Instant::now()));
            let end = start + cost;
            *busy = Some(end);
            end
        };
        tokio::time::sleep_until(wait_until.checked_sub(BURST).unwrap_or(wait_until)).await;
        Ok(())
    }
}
