//! How slowly a peer may send or take bytes while it is waited for.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// The slowest peer that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowest {
    /// So many bytes at least ...
    pub bytes: u64,
    /// ... in so much time.
    pub window: Duration,
}

impl Default for Slowest {
    /// 1 KiB a second, for a minute.
    fn default() -> Self {
        Self { bytes: 60 << 10, window: Duration::from_mins(1) }
    }
}

/// Fewer bytes moved in a whole window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("slower than {} bytes in {} seconds", .0.bytes, .0.window.as_secs())]
pub struct TooSlow(pub Slowest);

/// Watches one transfer. Only time spent waiting for the peer counts: what a disk, a reader or a bandwidth limit of ours
/// takes is not its fault. Total silence is for shorter time-outs to end.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    slowest: Slowest,
    waited: Duration,
    moved: u64,
}

impl Pace {
    /// For peers that are at least so fast.
    #[must_use]
    pub fn new(slowest: Slowest) -> Self {
        Self { slowest, ..Self::default() }
    }

    /// Waits for a piece that holds `size` bytes. The wait ends with the window, so that silence after a trickle does not
    /// get a window of its own.
    pub async fn next<T>(&mut self, piece: impl Future<Output = T>, size: impl FnOnce(&T) -> u64) -> Result<T, TooSlow> {
        let mut piece = pin!(piece);
        loop {
            let begun = Instant::now();
            if let Ok(found) = timeout(self.left(), &mut piece).await {
                self.charge(begun.elapsed(), size(&found))?;
                return Ok(found);
            }
            self.charge(begun.elapsed(), 0)?;
        }
    }

    /// Waits for `work` on a line that several transfers share: `carried` tells the bytes that it carried so far for all.
    pub async fn during<T>(&mut self, carried: impl Fn() -> u64, work: impl Future<Output = T>) -> Result<T, TooSlow> {
        let mut work = pin!(work);
        loop {
            let (begun, before) = (Instant::now(), carried());
            let done = timeout(self.left(), &mut work).await;
            self.charge(begun.elapsed(), carried().saturating_sub(before))?;
            if let Ok(done) = done {
                return Ok(done);
            }
        }
    }

    fn left(&self) -> Duration {
        self.slowest.window.saturating_sub(self.waited)
    }

    fn charge(&mut self, waited: Duration, moved: u64) -> Result<(), TooSlow> {
        self.waited += waited;
        self.moved += moved;
        if self.waited >= self.slowest.window {
            if self.moved < self.slowest.bytes {
                return Err(TooSlow(self.slowest));
            }
            (self.waited, self.moved) = (Duration::ZERO, 0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_byte_every_29_seconds_is_given_up_after_a_minute() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        while pace.next(sleep(Duration::from_secs(29)), |()| 1).await.is_ok() {}
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_peer_that_is_fast_enough_is_waited_for_as_long_as_it_takes() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        while begun.elapsed() < Duration::from_hours(1) {
            pace.next(sleep(Duration::from_secs(25)), |()| 30 << 10).await.expect("1.2 KiB a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn our_own_time_is_not_the_peers() {
        let mut pace = Pace::default();
        for _ in 0..100 {
            sleep(Duration::from_mins(10)).await;
            pace.next(sleep(Duration::from_millis(500)), |()| 1).await.expect("it was waited for 50 s in all");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_shares_a_line_is_judged_by_what_the_line_carries() {
        let carried = AtomicU64::new(0);
        let line = async |bytes| {
            loop {
                sleep(Duration::from_secs(1)).await;
                carried.fetch_add(bytes, Ordering::Relaxed);
            }
        };
        for (bytes, good) in [(2000, true), (200, false)] {
            let mut pace = Pace::default();
            let work = pace.during(|| carried.load(Ordering::Relaxed), sleep(Duration::from_mins(10)));
            let done = tokio::select! {
                done = work => done,
                () = line(bytes) => unreachable!("the line goes on for ever"),
            };
            assert_eq!(done.is_ok(), good, "{bytes} bytes a second");
        }
    }
}
