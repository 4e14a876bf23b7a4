//! What strangers could make us say over and over is said seldom: a log that fills is no use to anybody.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something that is told at most once in a span.
#[derive(Debug)]
pub(super) struct Seldom {
    /// `None`: never again.
    every: Option<Duration>,
    last: Mutex<Option<Instant>>,
}

impl Seldom {
    /// Once in the life of this process.
    pub(super) const fn once() -> Self {
        Self { every: None, last: Mutex::new(None) }
    }

    /// Again after so long.
    pub(super) const fn each(every: Duration) -> Self {
        Self { every: Some(every), last: Mutex::new(None) }
    }

    /// Whether it may be told now; then it counts as told.
    pub(super) fn may(&self, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| self.every.is_some_and(|every| now.saturating_duration_since(last) >= every));
        if may {
            *last = Some(now);
        }
        may
    }
}

/// What the front says seldom.
#[derive(Debug)]
pub(super) struct Said {
    /// Somebody whom `--behind` does not name tells who asks.
    pub(super) unasked: Seldom,
    /// A proxy of ours tells it in a way that we cannot read.
    pub(super) unreadable: Seldom,
    /// The database cannot be used.
    pub(super) database: Seldom,
}

impl Said {
    pub(super) const fn nothing() -> Self {
        Self { unasked: Seldom::once(), unreadable: Seldom::once(), database: Seldom::each(Duration::from_mins(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_or_once_in_a_span() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let (once, each) = (Seldom::once(), Seldom::each(2 * second));
        assert!(once.may(now) && !once.may(now + 1000 * second));
        assert!(each.may(now) && !each.may(now + second));
        assert!(each.may(now + 2 * second) && !each.may(now + 3 * second), "the span begins anew");
    }
}
