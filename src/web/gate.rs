//! Who is let in: so many connections in all, and so many of one address.
//!
//! When all seats are taken, the connection that has waited longest without a request under way gives its own to the newcomer. So
//! thousands that say nothing, or little and slowly, only take seats from one another: whoever asks at once is answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::base::AddressBlock;

/// The seats of one listener.
#[derive(Debug)]
pub(super) struct Gate {
    /// Seats in all.
    most: usize,
    /// Seats of one address.
    most_of_one: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    seats: HashMap<u64, Taken>,
    houses: HashMap<AddressBlock, usize>,
    next: u64,
}

#[derive(Debug)]
struct Taken {
    house: Option<AddressBlock>,
    since: Instant,
    busy: bool,
    leave: CancellationToken,
}

/// A place at the table; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    gate: Arc<Gate>,
    number: u64,
    /// Cancelled when the seat is needed for somebody else.
    pub(super) leave: CancellationToken,
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many connections of that address.
    Address,
    /// Every seat has a request under way.
    All,
}

impl Gate {
    pub(super) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_one, inner: Mutex::default() })
    }

    /// A seat for a connection of `house`; `None` for one of our own proxy, which speaks for many.
    pub(super) fn enter(self: &Arc<Self>, house: Option<AddressBlock>, now: Instant) -> Result<Seat, Refusal> {
        let mut inner = self.lock();
        if house.is_some_and(|house| inner.houses.get(&house).is_some_and(|count| *count >= self.most_of_one)) {
            return Err(Refusal::Address);
        }
        if inner.seats.len() >= self.most && !inner.send_one_away() {
            return Err(Refusal::All);
        }
        let (number, leave) = (inner.next, CancellationToken::new());
        inner.next += 1;
        if let Some(house) = house {
            *inner.houses.entry(house).or_default() += 1;
        }
        inner.seats.insert(number, Taken { house, since: now, busy: false, leave: leave.clone() });
        Ok(Seat { gate: Arc::clone(self), number, leave })
    }

    /// How many seats are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().seats.len()
    }

    /// Sends those away that have waited longest, at most so many: there are no descriptors left. False: nobody waits.
    pub(super) fn make_room(&self, most: usize) -> bool {
        let mut inner = self.lock();
        (0..most).take_while(|_| inner.send_one_away()).count() > 0
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A count that a panic left half-done is off by one connection.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A look at every seat, which are a thousand: some microseconds, and only when all are taken.
    fn send_one_away(&mut self) -> bool {
        let idle = self.seats.iter().filter(|(_, taken)| !taken.busy);
        let Some(number) = idle.min_by_key(|(number, taken)| (taken.since, **number)).map(|(number, _)| *number) else {
            return false;
        };
        self.remove(number);
        true
    }

    fn remove(&mut self, number: u64) {
        let Some(taken) = self.seats.remove(&number) else { return };
        taken.leave.cancel();
        let Some(house) = taken.house else { return };
        if let Some(count) = self.houses.get_mut(&house) {
            *count -= 1;
            if *count == 0 {
                self.houses.remove(&house);
            }
        }
    }
}

impl Seat {
    /// Whether a request is under way: then nobody takes the seat away.
    pub(super) fn set_busy(&self, busy: bool, now: Instant) {
        if let Some(taken) = self.gate.lock().seats.get_mut(&self.number) {
            (taken.busy, taken.since) = (busy, now);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.gate.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn house(last: u8) -> AddressBlock {
        AddressBlock::around([192, 0, 2, last].into(), 32)
    }

    #[test]
    fn whoever_waited_longest_leaves_and_whoever_is_answered_stays() {
        let (gate, now) = (Gate::new(3, 2), Instant::now());
        let at = |second: u64| now + Duration::from_secs(second);
        let first = gate.enter(Some(house(1)), at(0)).unwrap();
        let second = gate.enter(Some(house(1)), at(1)).unwrap();
        assert_eq!(gate.enter(Some(house(1)), at(2)).unwrap_err(), Refusal::Address);
        let third = gate.enter(Some(house(2)), at(2)).unwrap();
        first.set_busy(true, at(3));
        let fourth = gate.enter(Some(house(3)), at(4)).unwrap();
        assert!(second.leave.is_cancelled() && !first.leave.is_cancelled() && !third.leave.is_cancelled());
        third.set_busy(true, at(5));
        fourth.set_busy(true, at(5));
        assert_eq!(gate.enter(Some(house(4)), at(6)).unwrap_err(), Refusal::All);
        third.set_busy(false, at(7));
        first.set_busy(false, at(8));
        let fifth = gate.enter(Some(house(4)), at(9)).unwrap();
        assert!(third.leave.is_cancelled() && !first.leave.is_cancelled());
        assert_eq!(gate.taken(), 3);
        drop((first, second, third, fourth, fifth));
        assert_eq!(gate.taken(), 0);
        assert!(gate.lock().houses.is_empty(), "nobody is counted twice");
    }
}
