//! How often strangers may post: an allowance for each network, and one for all of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::AddressBlock;

/// So many at once, and one more after each span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// At once.
    pub(super) burst: u32,
    /// One more after this.
    pub(super) every: Duration,
}

/// Networks that are remembered; who posted longest ago is forgotten first.
const MOST_NETWORKS: usize = 4096;

/// What is left of all allowances.
#[derive(Debug)]
pub(super) struct Rates {
    of_one: Allowance,
    of_all: Allowance,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    all: Bucket,
    networks: HashMap<AddressBlock, Bucket>,
}

/// How much was taken of an allowance by a moment.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: f64,
    at: Instant,
}

impl Bucket {
    /// Takes one, or tells after how long there will be one.
    fn take(&mut self, allowance: Allowance, now: Instant) -> Result<(), Duration> {
        let regained = now.saturating_duration_since(self.at).as_secs_f64() / allowance.every.as_secs_f64();
        (self.used, self.at) = ((self.used - regained).max(0.0), now);
        let over = self.used + 1.0 - f64::from(allowance.burst);
        if over > 0.0 {
            return Err(allowance.every.mul_f64(over));
        }
        self.used += 1.0;
        Ok(())
    }
}

impl Rates {
    pub(super) fn new(of_one: Allowance, of_all: Allowance, now: Instant) -> Self {
        let inner = Inner { all: Bucket { used: 0.0, at: now }, networks: HashMap::new() };
        Self { of_one, of_all, inner: Mutex::new(inner) }
    }

    /// Counts one posting of `network`, or tells how long it should wait. One that is refused for its own network does not count
    /// against all others.
    pub(super) fn take(&self, network: AddressBlock, now: Instant) -> Result<(), Duration> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.networks.len() >= MOST_NETWORKS && !inner.networks.contains_key(&network) {
            inner.forget_half();
        }
        let bucket = inner.networks.entry(network).or_insert(Bucket { used: 0.0, at: now });
        bucket.take(self.of_one, now)?;
        inner.all.take(self.of_all, now)
    }
}

impl Inner {
    /// Half of them at once, so that a flood from ever new networks does not sort at each posting.
    fn forget_half(&mut self) {
        let mut moments: Vec<Instant> = self.networks.values().map(|bucket| bucket.at).collect();
        let middle = moments.len() / 2;
        let (_, median, _) = moments.select_nth_unstable(middle);
        let median = *median;
        self.networks.retain(|_, bucket| bucket.at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u32) -> AddressBlock {
        AddressBlock::around(std::net::Ipv4Addr::from_bits(number << 8).into(), 24)
    }

    #[test]
    fn a_network_gets_its_allowance_and_all_together_get_theirs() {
        let now = Instant::now();
        let each = Allowance { burst: 3, every: Duration::from_mins(1) };
        let all = Allowance { burst: 5, every: Duration::from_secs(1) };
        let rates = Rates::new(each, all, now);
        let given = |number: u32, at: Instant| (0..10).filter(|_| rates.take(network(number), at).is_ok()).count();
        assert_eq!(given(1, now), 3);
        assert_eq!(given(2, now), 2, "of all");
        assert_eq!(rates.take(network(1), now).unwrap_err(), Duration::from_mins(1));
        let later = now + Duration::from_mins(2);
        assert_eq!((given(1, later), given(3, later)), (2, 3));
    }

    #[test]
    fn ever_new_networks_take_no_ever_growing_memory() {
        let now = Instant::now();
        let plenty = Allowance { burst: 1, every: Duration::from_secs(1) };
        let rates = Rates::new(plenty, Allowance { burst: u32::MAX, ..plenty }, now);
        for number in 0..20_000 {
            rates.take(network(number), now + Duration::from_millis(number.into())).unwrap();
        }
        assert!(rates.inner.lock().unwrap().networks.len() <= MOST_NETWORKS);
        assert!(rates.take(network(19_999), now + Duration::from_secs(20)).is_err(), "the newest is remembered");
    }
}
