//! When to stop looking at a mirror that holds everybody up.

use std::time::Duration;

use tokio::time::Instant;

use crate::base::Timeouts;
use crate::trust::{FetchFault, Rejection};

/// Requests without an answer, in a row, after which a mirror is given up: each may have cost minutes.
const SILENCES: u32 = 5;

/// Counts requests that stayed without an answer.
#[derive(Debug, Default)]
pub(super) struct Patience {
    silences: u32,
}

impl Patience {
    /// A request that was answered, if `fault` is none or says so, or one that was not.
    pub fn heard(&mut self, fault: Option<FetchFault>) {
        self.silences = if fault == Some(FetchFault::Transport) { self.silences + 1 } else { 0 };
    }

    /// The same for metadata.
    pub fn heard_of(&mut self, rejection: &Rejection) {
        self.heard(match rejection {
            Rejection::Unreadable(error) => Some(error.fault),
            _ => None,
        });
    }

    /// Why the rest is not looked at, once that is so.
    pub fn is_over(&self) -> Option<String> {
        let over = self.silences >= SILENCES;
        over.then(|| format!("given up after {SILENCES} requests in a row without an answer: the rest was not looked at"))
    }
}

/// Until when mirrors are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deadlines {
    mirror: Option<Duration>,
    round: Option<(Instant, Duration)>,
}

impl Deadlines {
    /// Those of a round that begins now.
    pub fn from_now(timeouts: &Timeouts) -> Self {
        Self { mirror: timeouts.target, round: timeouts.run.map(|limit| (Instant::now() + limit, limit)) }
    }

    /// Does `work` on one mirror; why it was dropped, if it was not done in time.
    pub async fn keep(&self, work: impl Future<Output = ()>) -> Result<(), String> {
        let mirror = self.mirror.map(|limit| (Instant::now() + limit, limit));
        let Some((end, limit)) = mirror.into_iter().chain(self.round).min() else {
            work.await;
            return Ok(());
        };
        let late = |_| format!("not finished within {} s: the rest was not looked at", limit.as_secs());
        tokio::time::timeout_at(end, work).await.map_err(late)
    }
}
