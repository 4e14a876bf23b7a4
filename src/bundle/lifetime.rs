//! How long signed things count as fresh.
//!
//! Rule R4 of docs/bundle-format.md.

use jiff::{SignedDuration, Timestamp};

use super::keyring::Keyring;

/// A bundle's content never expires: 100 years.
pub(super) const BUNDLE: SignedDuration = days(36_500);
/// Root, list of bundles and snapshot: they only bound what a thief of the online key can do.
pub(super) const ROLES: SignedDuration = days(3 * 365);
/// The timestamp of one person, who may be on holiday.
const ONE_PERSON: SignedDuration = days(30);
/// The timestamp of a team with a cron job.
const TEAM: SignedDuration = days(7);

const fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count * 24)
}

/// How long a new timestamp lives.
pub(super) fn of_timestamp(keyring: &Keyring) -> SignedDuration {
    if keyring.is_team() { TEAM } else { ONE_PERSON }
}

/// The whole second of `moment`, as TUF writes dates.
pub(super) fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// `life` after `moment`, in whole seconds.
pub(super) fn after(moment: Timestamp, life: SignedDuration) -> Timestamp {
    whole_second(moment).saturating_add(life).unwrap_or(Timestamp::MAX)
}

/// Whether less than half of `life` is left before `expires`.
pub(super) fn half_gone(expires: Timestamp, life: SignedDuration, now: Timestamp) -> bool {
    now.duration_until(expires) < life / 2
}

/// Whether what expires at `expires` was made a day ago or earlier, if it was to live for `life`.
pub(super) fn is_a_day_old(expires: Timestamp, life: SignedDuration, now: Timestamp) -> bool {
    now.duration_until(expires) <= life - days(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_life_is_counted_from_the_end() {
        let start: Timestamp = "2026-01-01T00:00:00.9Z".parse().expect("a moment");
        let expires = after(start, ONE_PERSON);
        assert_eq!(expires.to_string(), "2026-01-31T00:00:00Z");
        assert!(!half_gone(expires, ONE_PERSON, "2026-01-15T23:59:59Z".parse().expect("a moment")));
        assert!(half_gone(expires, ONE_PERSON, "2026-01-16T00:00:01Z".parse().expect("a moment")));
    }
}
