//! `policy:`

use std::time::Duration;

use super::super::Policy;
use super::super::section::Section;
use super::limits::rate;
use super::vetting;
use crate::base::{Breaker, ParsePolicyError, RetryPolicy, Timeouts, parse_duration};

/// Targets worked on at the same time, unless said.
const CONCURRENCY: usize = 32;
/// More connections than this run into the usual limit of open files.
const MOST_CONCURRENCY: u32 = 1000;
/// No pause or time-out is longer than a week: it would be a slip of the unit.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// Reads `policy:`; everything in it has a default.
pub(super) fn policy(file: &Section<'_, '_>) -> Option<Policy> {
    let mut policy = Policy {
        replicas: crate::base::Replicas::default(),
        require_atomic: false,
        retry: RetryPolicy::default(),
        timeouts: Timeouts::default(),
        concurrency: CONCURRENCY,
        bandwidth: None,
        private_networks: Vec::new(),
    };
    if file.entry("policy").is_none() {
        return Some(policy);
    }
    let section = file.section("policy")?;
    set(&mut policy.replicas, section.parsed("replicas"));
    set(&mut policy.require_atomic, section.flag("require_atomic"));
    set(&mut policy.concurrency, section.number("concurrency", 1..=MOST_CONCURRENCY).map(|number| number as usize));
    policy.bandwidth = rate(&section, "bandwidth");
    policy.private_networks = vetting::private_networks(&section);
    retry(&section, &mut policy.retry);
    timeouts(&section, &mut policy.timeouts);
    deadlines(&section, &mut policy.timeouts);
    section.finish();
    Some(policy)
}

fn retry(policy: &Section<'_, '_>, retry: &mut RetryPolicy) {
    let Some(section) = policy.section("retry") else { return };
    set(&mut retry.tries, section.number("tries", 1..=10));
    set(&mut retry.base, duration(&section, "base"));
    set(&mut retry.cap, duration(&section, "cap"));
    set(&mut retry.budget, section.parsed_by("budget", share));
    set(&mut retry.budget_floor, section.number("budget_floor", 0..=1000));
    set(&mut retry.retry_after_cap, duration(&section, "retry_after_cap"));
    set(&mut retry.breaker, section.number("breaker", 1..=100).map(|failures| Breaker { failures }));
    if retry.base > retry.cap {
        section.wrong(section.span(), "`retry` begins with a pause longer than its `cap`", "base is above cap", None);
    }
    section.finish();
}

fn timeouts(policy: &Section<'_, '_>, timeouts: &mut Timeouts) {
    let Some(section) = policy.section("timeouts") else { return };
    set(&mut timeouts.connect, duration(&section, "connect"));
    set(&mut timeouts.handshake, duration(&section, "handshake"));
    set(&mut timeouts.first_byte, duration(&section, "first_byte"));
    set(&mut timeouts.idle, duration(&section, "idle"));
    section.finish();
}

fn deadlines(policy: &Section<'_, '_>, timeouts: &mut Timeouts) {
    let Some(section) = policy.section("deadlines") else { return };
    timeouts.target = duration(&section, "target");
    timeouts.run = duration(&section, "run");
    section.finish();
}

pub(super) fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// A duration above zero and of at most a week.
pub(super) fn duration(section: &Section<'_, '_>, key: &'static str) -> Option<Duration> {
    section.parsed_by(key, |text| {
        let duration = parse_duration(text).map_err(|error| error.to_string())?;
        match duration {
            Duration::ZERO => Err("a time of zero would let nothing happen".to_owned()),
            longer if longer > LONGEST => Err(format!("{text:?} is longer than 7 days")),
            other => Ok(other),
        }
    })
}

/// `10%` as 0.1.
fn share(text: &str) -> Result<f64, ParsePolicyError> {
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<u8>().ok()).filter(|number| *number <= 100);
    percent
        .map(|number| f64::from(number) / 100.0)
        .ok_or_else(|| ParsePolicyError { text: text.to_owned(), expected: "a share: write 10%" })
}
