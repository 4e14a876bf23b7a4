//! When the probes that cost a mirror bytes are made again, and what they may read: pure.

use jiff::{SignedDuration, Timestamp};

use super::SampleOrder;
use crate::base::ByteCount;

/// Between two samples of one mirror: an hour, less what a timer may be early. Otherwise a round every five minutes would
/// sample every 65.
const SAMPLE_EVERY: SignedDuration = SignedDuration::from_mins(59);
/// Between two measures of its speed, and between two canaries.
const RARELY: SignedDuration = SignedDuration::from_mins(6 * 60 - 1);
/// Over which the bytes are budgeted.
const MINUTES_OF_A_DAY: u64 = 24 * 60;
/// Bytes that one measure of speed reads at most.
const THROUGHPUT_BYTES: u64 = 1 << 20;

/// When a probe is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// When it is due.
    Due,
    /// In this round.
    Now,
    /// Not in this round.
    #[default]
    Never,
}

/// When the probes of a mirror were last made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProbeClock {
    /// A sample, or a full verification in its stead; where none was made, the mirror's first round.
    pub sample: Option<Timestamp>,
    /// A measure of its speed.
    pub throughput: Option<Timestamp>,
    /// A canary.
    pub write: Option<Timestamp>,
    /// Bytes that samples and measures of speed have read within the last 24 hours.
    pub read: ByteCount,
}

impl ProbeClock {
    /// The sample to take, of at most `picks` pieces and within `per_day` bytes in 24 hours.
    ///
    /// A sample that is due gets its share of the day: all that a day may cost is never spent at once, so that damage
    /// is found at night, too.
    #[must_use]
    pub fn sample(&self, when: When, picks: u32, per_day: ByteCount, now: Timestamp) -> Option<SampleOrder> {
        let left = per_day.0.saturating_sub(self.read.0);
        if picks == 0 || left == 0 {
            return None;
        }
        let share = match when {
            When::Never => return None,
            When::Now => left,
            When::Due => {
                let since = now.duration_since(self.sample?);
                if since < SAMPLE_EVERY {
                    return None;
                }
                let minutes = u64::try_from(since.as_mins()).unwrap_or(0).min(MINUTES_OF_A_DAY);
                let share = u128::from(per_day.0) * u128::from(minutes) / u128::from(MINUTES_OF_A_DAY);
                u64::try_from(share).unwrap_or(u64::MAX).clamp(1, left)
            }
        };
        Some(SampleOrder { picks, share, most: left })
    }

    /// Bytes that may be read to measure its speed, if that is to be done. Whoever pays for bytes is never asked for these.
    #[must_use]
    pub fn throughput(&self, when: When, metered: bool, per_day: ByteCount, now: Timestamp) -> Option<u64> {
        let due = match (when, self.throughput) {
            (When::Never, _) => false,
            (When::Now, _) => true,
            (When::Due, Some(last)) => now.duration_since(last) >= RARELY,
            // Its first hour is for the push that is perhaps still under way.
            (When::Due, None) => self.sample.is_some_and(|known| now.duration_since(known) >= SAMPLE_EVERY),
        };
        let most = per_day.0.saturating_sub(self.read.0).min(THROUGHPUT_BYTES);
        (due && !metered && most > 0).then_some(most)
    }

    /// Whether a canary is to be written.
    #[must_use]
    pub fn write(&self, when: When, now: Timestamp) -> bool {
        match when {
            When::Never => false,
            When::Now => true,
            When::Due => self.write.is_none_or(|last| now.duration_since(last) >= RARELY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_DAY: ByteCount = ByteCount(240);

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn known() -> ProbeClock {
        ProbeClock { sample: Some(at(0)), ..ProbeClock::default() }
    }

    #[test]
    fn a_sample_is_due_an_hour_after_the_last_and_gets_its_share_of_the_day() {
        assert_eq!(ProbeClock::default().sample(When::Due, 8, PER_DAY, at(600)), None, "its first round only starts the clock");
        assert_eq!(known().sample(When::Due, 8, PER_DAY, at(58)), None);
        assert!(known().sample(When::Due, 8, PER_DAY, at(59)).is_some(), "a timer may be a little early");
        let order = |share, most| Some(SampleOrder { picks: 8, share, most });
        assert_eq!(known().sample(When::Due, 8, PER_DAY, at(60)), order(10, 240));
        assert_eq!(known().sample(When::Due, 8, PER_DAY, at(60 * 30)), order(240, 240), "never more than a day's");
        assert_eq!(known().sample(When::Now, 8, PER_DAY, at(1)), order(240, 240), "who asks gets all that is left");
        let spent = ProbeClock { read: ByteCount(235), ..known() };
        assert_eq!(spent.sample(When::Due, 8, PER_DAY, at(60)), order(5, 5));
        assert_eq!(ProbeClock { read: PER_DAY, ..known() }.sample(When::Now, 8, PER_DAY, at(60)), None);
        assert_eq!(
            (known().sample(When::Never, 8, PER_DAY, at(60)), known().sample(When::Now, 0, PER_DAY, at(60))),
            (None, None)
        );
    }

    #[test]
    fn speed_is_measured_every_six_hours_and_never_where_bytes_are_paid_for() {
        let large = ByteCount(10 << 20);
        assert_eq!(known().throughput(When::Due, false, large, at(58)), None);
        assert_eq!(known().throughput(When::Due, false, large, at(60)), Some(1 << 20));
        let timed = ProbeClock { throughput: Some(at(60)), ..known() };
        assert_eq!(timed.throughput(When::Due, false, large, at(60 + 358)), None);
        assert_eq!(timed.throughput(When::Due, false, large, at(60 + 360)), Some(1 << 20));
        assert_eq!(timed.throughput(When::Now, false, large, at(61)), Some(1 << 20));
        assert_eq!(timed.throughput(When::Now, true, large, at(61)), None);
        assert_eq!(ProbeClock { read: large, ..known() }.throughput(When::Now, false, large, at(61)), None);
    }

    #[test]
    fn a_canary_is_due_every_six_hours() {
        assert!(known().write(When::Due, at(0)) && !known().write(When::Never, at(0)));
        let wrote = ProbeClock { write: Some(at(0)), ..known() };
        assert!(!wrote.write(When::Due, at(358)) && wrote.write(When::Due, at(360)) && wrote.write(When::Now, at(1)));
    }
}
