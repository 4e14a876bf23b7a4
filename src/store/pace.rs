//! How many calls are under way on a target that has asked us to slow down.
//!
//! Without a limit until the server refuses one for its pace (429, `SlowDown`, 503); then half of what was under way.
//! From there one more for each round of calls that went well. Calls that are refused wait in the retry, so that the next
//! ones find fewer beside them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{ErrorKind, StoreError};

/// The pace on one target.
#[derive(Debug)]
pub(super) struct Pace {
    state: Mutex<State>,
    /// Somebody left, or there is more room.
    room: Notify,
}

#[derive(Debug)]
struct State {
    under_way: usize,
    /// Calls that may be under way.
    width: usize,
    /// Calls that went well at this width.
    good: usize,
    /// Counts the times that the width was halved.
    narrowed: usize,
}

impl Pace {
    pub(super) fn new() -> Arc<Self> {
        let state = Mutex::new(State { under_way: 0, width: usize::MAX, good: 0, narrowed: 0 });
        Arc::new(Self { state, room: Notify::new() })
    }

    /// Waits until there is room for one more call.
    pub(super) async fn turn(self: &Arc<Self>) -> Turn {
        loop {
            if let Some(turn) = self.take() {
                return turn;
            }
            self.room.notified().await;
        }
    }

    fn take(self: &Arc<Self>) -> Option<Turn> {
        let mut state = self.state();
        if state.under_way >= state.width {
            return None;
        }
        state.under_way += 1;
        if state.under_way < state.width && state.narrowed > 0 {
            // Two who left at the same moment may have woken one alone.
            self.room.notify_one();
        }
        Some(Turn { narrowed: state.narrowed, pace: Arc::clone(self) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to have one call under way.
#[derive(Debug)]
pub(super) struct Turn {
    pace: Arc<Pace>,
    /// How often the width had been halved when this call began.
    narrowed: usize,
}

impl Turn {
    /// Takes note of how the call went. Of those that were refused in the same rush only the first halves the width.
    pub(super) fn heard<T>(&self, result: &Result<T, StoreError>) {
        let mut state = self.pace.state();
        match result {
            Err(error) if matches!(error.kind, ErrorKind::RateLimited | ErrorKind::Unavailable) => {
                if state.narrowed == self.narrowed {
                    state.width = (state.under_way / 2).max(1);
                    state.narrowed += 1;
                    state.good = 0;
                }
            }
            // Of a call that broke for another reason nothing is learnt about the pace.
            Err(_) => {}
            // Without a limit there is nothing to raise, and what began before the last refusal proves nothing about it.
            Ok(_) if state.narrowed == 0 || state.narrowed != self.narrowed => {}
            Ok(_) => {
                state.good += 1;
                if state.good >= state.width {
                    state.width += 1;
                    state.good = 0;
                    self.pace.room.notify_one();
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pace.state().under_way -= 1;
        self.pace.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Operation;

    fn refused(kind: ErrorKind) -> Result<(), StoreError> {
        Err(StoreError::new(kind, Operation::Put, &"target".parse().expect("a name")))
    }

    fn take(pace: &Arc<Pace>, most: usize) -> Vec<Turn> {
        std::iter::from_fn(|| pace.take()).take(most).collect()
    }

    #[test]
    fn a_refusal_halves_what_is_under_way_once_for_a_whole_rush() {
        let pace = Pace::new();
        let rush = take(&pace, 16);
        for turn in &rush {
            turn.heard(&refused(ErrorKind::RateLimited));
        }
        assert!(pace.take().is_none(), "those under way are enough");
        drop(rush);
        let rush = take(&pace, 100);
        assert_eq!(rush.len(), 8);
        rush[0].heard(&refused(ErrorKind::Unavailable));
        drop(rush);
        assert_eq!(take(&pace, 100).len(), 4);
        for _ in 0..10 {
            take(&pace, 1).remove(0).heard(&refused(ErrorKind::RateLimited));
        }
        assert_eq!(take(&pace, 100).len(), 1, "one is always left");
    }

    #[test]
    fn it_comes_back_one_by_one() {
        let pace = Pace::new();
        take(&pace, 4).remove(0).heard(&refused(ErrorKind::RateLimited));
        let mut widths = Vec::new();
        for _ in 0..4 {
            let round = take(&pace, 100);
            widths.push(round.len());
            for turn in &round {
                turn.heard(&Ok(()));
            }
        }
        assert_eq!(widths, [2, 3, 4, 5]);
    }

    #[test]
    fn other_failures_say_nothing_about_the_pace() {
        let pace = Pace::new();
        let rush = take(&pace, 16);
        for turn in &rush {
            turn.heard(&refused(ErrorKind::PermissionDenied));
        }
        assert_eq!(take(&pace, 50).len(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_let_in_when_somebody_leaves() {
        let pace = Pace::new();
        let mut rush = take(&pace, 2);
        rush[0].heard(&refused(ErrorKind::RateLimited));
        rush.pop();
        let waiting = tokio::spawn({
            let pace = Arc::clone(&pace);
            async move { drop(pace.turn().await) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(rush);
        waiting.await.expect("it is let in");
    }
}
