//! How many files are worked on at the same time: half as many when the server finds it too many, and one more after each
//! long run of files that went well.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::channel::Channel;

/// The places of one connection.
pub(super) struct Slots {
    free: Arc<Semaphore>,
    width: Mutex<Width>,
}

/// A place more is tried after as many files as this times the present width; twice the width means that every place
/// did good work twice. A server that refuses the place too many is asked again after twice as many files each time, so
/// one that never bears more costs a refusal for the 2nd, 4th, 8th ... run and not for each.
const RUN: usize = 2;

/// How wide it is open.
struct Width {
    /// Places there are, those to be taken away left out.
    places: usize,
    /// Places there were at the widest; never more.
    most: usize,
    /// Places to take away as soon as they are given back.
    surplus: usize,
    /// Counts the times that it was narrowed.
    narrowed: usize,
    /// Files that went well since it was last narrowed or raised.
    run: usize,
    /// Times the width: the run after which a place more is tried.
    patience: usize,
    /// Raised since it was last narrowed, so that the next refusal is the answer to that.
    raised: bool,
}

impl Slots {
    pub fn new(places: usize) -> Arc<Self> {
        let width = Width { places, most: places, surplus: 0, narrowed: 0, run: 0, patience: RUN, raised: false };
        Arc::new(Self { free: Arc::new(Semaphore::new(places)), width: Mutex::new(width) })
    }

    /// Waits for a place; it counts as work on the channel that `choose` picks then.
    pub async fn take<E>(self: &Arc<Self>, choose: impl FnOnce() -> Result<Arc<Channel>, E>) -> Result<Slot, E> {
        let permit = Arc::clone(&self.free).acquire_owned().await.expect("the slots are never closed");
        let channel = choose()?;
        channel.load.fetch_add(1, Ordering::Relaxed);
        let narrowed = self.width().narrowed;
        Ok(Slot { channel, slots: Arc::clone(self), permit: Some(permit), narrowed })
    }

    /// More places, on one more channel. A connection that was narrowed stays so: the server has said how much it bears.
    pub fn widen(&self, more: usize) {
        let mut width = self.width();
        if width.narrowed == 0 {
            width.places += more;
            width.most += more;
            self.free.add_permits(more);
        }
    }

    /// Halves the places after a refusal. Of those who were refused in the same rush (`seen` is how often the places
    /// had been narrowed before) only the first does.
    ///
    /// Tells whether coming back for another place can help: not when this one was the last.
    fn narrow(&self, seen: usize) -> bool {
        let mut width = self.width();
        if width.narrowed == seen {
            let fewer = width.places / 2;
            if fewer == 0 {
                return false;
            }
            width.places -= fewer;
            width.narrowed += 1;
            width.surplus += fewer - self.free.forget_permits(fewer);
            width.run = 0;
            if std::mem::take(&mut width.raised) {
                width.patience = width.patience.saturating_mul(2);
            }
        }
        true
    }

    /// One more file went well; after a long run of them a place is given back of those that were taken away.
    fn confirm(&self) {
        let mut width = self.width();
        if width.places == width.most {
            return;
        }
        width.run += 1;
        if width.run < width.places.saturating_mul(width.patience) {
            return;
        }
        width.run = 0;
        width.raised = true;
        width.places += 1;
        if width.surplus > 0 {
            width.surplus -= 1;
        } else {
            self.free.add_permits(1);
        }
    }

    /// Gives a place back, or away for good if there are too many.
    fn give_back(&self, permit: OwnedSemaphorePermit) {
        let mut width = self.width();
        if width.surplus > 0 {
            width.surplus -= 1;
            permit.forget();
        }
    }

    fn width(&self) -> MutexGuard<'_, Width> {
        self.width.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work on one file, on the channel with the fewest.
pub(super) struct Slot {
    channel: Arc<Channel>,
    slots: Arc<Slots>,
    /// Present until it is dropped.
    permit: Option<OwnedSemaphorePermit>,
    /// How often the places had been narrowed when this one was taken.
    narrowed: usize,
}

impl Slot {
    /// To be called when the server opens no further file: fewer at once from now on. Tells whether coming back for
    /// another place can help.
    pub fn narrow(&self) -> bool {
        self.slots.narrow(self.narrowed)
    }

    /// To be called when a file has its name.
    pub fn confirm(&self) {
        self.slots.confirm();
    }

    /// Whether others are at work on the same channel.
    pub fn has_company(&self) -> bool {
        self.channel.load.load(Ordering::Relaxed) > 1
    }

    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }
}

impl std::ops::Deref for Slot {
    type Target = Channel;
    fn deref(&self) -> &Channel {
        &self.channel
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.channel.load.fetch_sub(1, Ordering::Relaxed);
        if let Some(permit) = self.permit.take() {
            self.slots.give_back(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes every free place.
    fn all(slots: &Slots) -> Vec<OwnedSemaphorePermit> {
        std::iter::from_fn(|| Arc::clone(&slots.free).try_acquire_owned().ok()).collect()
    }

    fn confirm(slots: &Slots, files: usize) {
        (0..files).for_each(|_| slots.confirm());
    }

    #[test]
    fn a_refusal_halves_and_long_good_runs_raise_by_one() {
        let slots = Slots::new(16);
        confirm(&slots, 1000);
        assert_eq!(all(&slots).len(), 16, "never above the first width");
        assert!(slots.narrow(0));
        assert_eq!(all(&slots).len(), 8);
        confirm(&slots, 8 * RUN - 1);
        assert_eq!(all(&slots).len(), 8, "each of the 8 places has not yet done its work twice");
        confirm(&slots, 1);
        assert_eq!(all(&slots).len(), 9);
        confirm(&slots, 9 * RUN);
        assert_eq!(all(&slots).len(), 10);
    }

    #[test]
    fn a_rush_of_refusals_halves_once() {
        let slots = Slots::new(64);
        let taken = all(&slots);
        for _ in &taken {
            assert!(slots.narrow(0), "all of them were taken before the first refusal");
        }
        for permit in taken {
            slots.give_back(permit);
        }
        assert_eq!(all(&slots).len(), 32);
    }

    #[test]
    fn a_refusal_after_a_raise_halves_again_and_doubles_the_run_before_the_next() {
        let slots = Slots::new(8);
        assert!(slots.narrow(0));
        confirm(&slots, 4 * RUN);
        assert_eq!(all(&slots).len(), 5);
        assert!(slots.narrow(1));
        assert_eq!(all(&slots).len(), 3, "half of five, rounded up");
        confirm(&slots, 3 * RUN * 2 - 1);
        assert_eq!(all(&slots).len(), 3);
        confirm(&slots, 1);
        assert_eq!(all(&slots).len(), 4);
        // Nothing was raised between these two, so the run does not double once more.
        assert!(slots.narrow(2) && slots.narrow(3));
        assert_eq!(all(&slots).len(), 1);
        assert!(!slots.narrow(4), "the last place stays, and coming back for it does not help");
        confirm(&slots, RUN * 4);
        assert_eq!(all(&slots).len(), 2);
    }

    #[test]
    fn the_way_back_ends_at_the_widest() {
        let slots = Slots::new(4);
        slots.widen(4);
        assert!(slots.narrow(0));
        slots.widen(4);
        assert_eq!(all(&slots).len(), 4, "a server that refused gets no more with one more channel");
        confirm(&slots, 10_000);
        assert_eq!(all(&slots).len(), 8);
    }

    #[test]
    fn places_still_in_use_are_settled_when_they_come_back() {
        let slots = Slots::new(8);
        let mut taken = all(&slots);
        assert!(slots.narrow(0));
        confirm(&slots, 4 * RUN);
        assert_eq!(all(&slots).len(), 0, "all eight are in use, five of them rightly");
        for permit in taken.drain(..) {
            slots.give_back(permit);
        }
        assert_eq!(all(&slots).len(), 5);
    }
}
