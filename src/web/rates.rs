//! How often strangers may post: an allowance for each network, for the wider ones that it is part of, and one for all of them.
//!
//! Addresses are cheap in bulk: whoever has one IPv6 /48 has 256 networks that customers usually get. So a post takes from a ladder
//! of ever wider blocks, and no block of one owner can use up what all others share. That is spent last, by messages that are whole
//! and signed: noise costs only the networks that it comes from.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::AddressBlock;

/// So many at once, and one more after each span.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    /// At once.
    burst: u32,
    /// One more after this.
    every: Duration,
}

/// The allowance of a block that shares so many bits.
#[derive(Debug, Clone, Copy)]
struct Rung {
    bits: u8,
    allowance: Allowance,
}

impl Rung {
    const fn new(bits: u8, burst: u32, every: Duration) -> Self {
        Self { bits, allowance: Allowance { burst, every } }
    }
}

/// Posts of one network: people who correct what they pasted, not programs that try; then of a part of a provider.
const LADDER_V4: [Rung; 2] = [Rung::new(24, 10, Duration::from_mins(1)), Rung::new(16, 40, Duration::from_secs(10))];
/// A customer, a site or somebody's tunnel, a provider.
const LADDER_V6: [Rung; 3] = [
    Rung::new(56, 10, Duration::from_mins(1)),
    Rung::new(48, 20, Duration::from_secs(30)),
    Rung::new(32, 60, Duration::from_secs(5)),
];
/// Messages of everybody that are about to be kept.
const OF_ALL: Allowance = Allowance { burst: 120, every: Duration::from_secs(1) };
/// Blocks that are remembered; who posted longest ago is forgotten first.
const MOST_BLOCKS: usize = 8192;

/// What is left of all allowances.
#[derive(Debug)]
pub(super) struct Rates {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    all: Bucket,
    blocks: HashMap<AddressBlock, Bucket>,
}

/// How much was taken of an allowance by a moment.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: f64,
    at: Instant,
}

impl Bucket {
    fn new(now: Instant) -> Self {
        Self { used: 0.0, at: now }
    }

    /// After how long there will be one to take; zero: now.
    fn wait(&mut self, allowance: Allowance, now: Instant) -> Duration {
        let regained = now.saturating_duration_since(self.at).as_secs_f64() / allowance.every.as_secs_f64();
        (self.used, self.at) = ((self.used - regained).max(0.0), now);
        allowance.every.mul_f64((self.used + 1.0 - f64::from(allowance.burst)).max(0.0))
    }

    fn take(&mut self) {
        self.used += 1.0;
    }
}

impl Rates {
    pub(super) fn new(now: Instant) -> Self {
        Self { inner: Mutex::new(Inner { all: Bucket::new(now), blocks: HashMap::new() }) }
    }

    /// Counts one post of `address` against every block of its ladder, or tells how long it should wait. What one block refuses
    /// costs the others nothing.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let ladder: &[Rung] = if address.is_ipv4() { &LADDER_V4 } else { &LADDER_V6 };
        let rungs = || ladder.iter().map(|rung| (AddressBlock::around(address, rung.bits), rung.allowance));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = rungs().filter_map(|(block, allowance)| Some(inner.blocks.get_mut(&block)?.wait(allowance, now))).max();
        match wait {
            Some(wait) if !wait.is_zero() => return Err(wait),
            _ if inner.blocks.len() + ladder.len() > MOST_BLOCKS => inner.forget_half(),
            _ => {}
        }
        for (block, _) in rungs() {
            inner.blocks.entry(block).or_insert_with(|| Bucket::new(now)).take();
        }
        Ok(())
    }

    /// Counts one message that is about to be kept, or tells how long everybody should wait.
    pub(super) fn take_of_all(&self, now: Instant) -> Result<(), Duration> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = inner.all.wait(OF_ALL, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        inner.all.take();
        Ok(())
    }
}

impl Inner {
    /// Half of them at once, so that a flood from ever new networks does not sort at each posting.
    fn forget_half(&mut self) {
        let mut moments: Vec<Instant> = self.blocks.values().map(|bucket| bucket.at).collect();
        let middle = moments.len() / 2;
        let (_, median, _) = moments.select_nth_unstable(middle);
        let median = *median;
        self.blocks.retain(|_, bucket| bucket.at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these are let through at one moment.
    fn given(rates: &Rates, now: Instant, addresses: impl Iterator<Item = String>) -> usize {
        addresses.filter(|address| rates.take(address.parse().unwrap(), now).is_ok()).count()
    }

    fn of_one(address: &str) -> impl Iterator<Item = String> {
        std::iter::repeat_n(address.to_owned(), 500)
    }

    #[test]
    fn a_network_gets_its_allowance_and_regains_it() {
        let now = Instant::now();
        let rates = Rates::new(now);
        assert_eq!(given(&rates, now, of_one("192.0.2.1")), 10);
        assert_eq!(rates.take("192.0.2.200".parse().unwrap(), now).unwrap_err(), Duration::from_mins(1), "the same /24");
        assert_eq!(given(&rates, now, of_one("192.0.3.1")), 10, "another");
        assert_eq!(given(&rates, now + Duration::from_mins(2), of_one("192.0.2.1")), 2);
    }

    #[test]
    fn whoever_has_a_wide_block_has_not_the_sum_of_its_networks() {
        let now = Instant::now();
        let rates = Rates::new(now);
        let many = |start: &'static str, end: &'static str| (0..256).map(move |part| format!("{start}{part}{end}"));
        assert_eq!(given(&rates, now, many("192.0.", ".1")), 40, "of one /16");
        assert_eq!(given(&rates, now, of_one("192.1.0.1")), 10, "next door");

        let customers = (0..256).map(|part| format!("2001:db8:1:{part:x}00::1"));
        assert_eq!(given(&rates, now, customers.clone().chain(customers)), 20, "of one /48");
        assert_eq!(given(&rates, now, of_one("2001:db8:2::1")), 10, "another /48");
        let sites = (0..65_536).map(|part| format!("2001:db8:{part:x}::1"));
        assert_eq!(given(&rates, now, sites), 30, "what is left of the /32");
        assert_eq!(given(&rates, now, of_one("2001:db9::1")), 10, "another /32");
        assert_eq!(rates.take("2001:db8:5::1".parse().unwrap(), now).unwrap_err(), Duration::from_secs(5));
    }

    #[test]
    fn what_a_narrow_block_refuses_costs_the_wide_ones_nothing() {
        let now = Instant::now();
        let rates = Rates::new(now);
        assert_eq!(given(&rates, now, of_one("2001:db8:1:100::1")), 10);
        assert_eq!(given(&rates, now, of_one("2001:db8:1:200::1")), 10, "the rest of the /48, after 490 that were refused");
        assert_eq!(given(&rates, now, of_one("2001:db8:1:300::1")), 0);
    }

    #[test]
    fn all_together_have_one_allowance_that_only_messages_spend() {
        let now = Instant::now();
        let rates = Rates::new(now);
        assert_eq!(given(&rates, now, (0..200).map(|part| format!("10.{part}.0.1"))), 200, "posts alone");
        assert_eq!((0..500).filter(|_| rates.take_of_all(now).is_ok()).count(), 120);
        assert_eq!(rates.take_of_all(now).unwrap_err(), Duration::from_secs(1));
        assert_eq!((0..500).filter(|_| rates.take_of_all(now + Duration::from_secs(3)).is_ok()).count(), 3);
    }

    #[test]
    fn ever_new_networks_take_no_ever_growing_memory() {
        let now = Instant::now();
        let rates = Rates::new(now);
        let address = |number: u32| std::net::Ipv4Addr::from_bits(number << 16).into();
        for number in 0..20_000 {
            rates.take(address(number), now + Duration::from_millis(number.into())).unwrap();
        }
        assert!(rates.inner.lock().unwrap().blocks.len() <= MOST_BLOCKS);
        let soon = now + Duration::from_secs(20);
        assert_eq!((0..20).filter(|_| rates.take(address(19_999), soon).is_ok()).count(), 9, "the newest is remembered");
    }
}
