//! How many files are worked on at the same time, and how that shrinks when the server finds it too many.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::channel::Channel;

/// The places of one connection.
pub(super) struct Slots {
    free: Arc<Semaphore>,
    width: Mutex<Width>,
}

/// How wide it is open.
struct Width {
    /// Places there are, those to be taken away left out.
    places: usize,
    /// Places to take away as soon as they are given back.
    surplus: usize,
    /// Counts the times that it was narrowed.
    narrowed: usize,
}

impl Slots {
    pub fn new(places: usize) -> Arc<Self> {
        let width = Mutex::new(Width { places, surplus: 0, narrowed: 0 });
        Arc::new(Self { free: Arc::new(Semaphore::new(places)), width })
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
            self.free.add_permits(more);
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
    /// Halves the places after a refusal. Of those who were refused in the same rush only the first does.
    ///
    /// Tells whether coming back for another place can help: not when this one was the last.
    pub fn narrow(&self) -> bool {
        let mut width = self.slots.width();
        if width.narrowed == self.narrowed {
            let fewer = width.places / 2;
            if fewer == 0 {
                return false;
            }
            width.places -= fewer;
            width.narrowed += 1;
            width.surplus += fewer - self.slots.free.forget_permits(fewer);
        }
        true
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
        let mut width = self.slots.width();
        if let Some(permit) = self.permit.take()
            && width.surplus > 0
        {
            width.surplus -= 1;
            permit.forget();
        }
    }
}
