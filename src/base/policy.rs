//! Policy types, filled in by `config` and read by everyone else.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ByteCount;

/// A text that does not say what its policy needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct ParsePolicyError {
    /// What was written.
    pub text: String,
    /// What would have been right, with an example.
    pub expected: &'static str,
}

/// How a bundle's files lie on a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Immutable bundles under `releases/<bundle>/`.
    #[default]
    Releases,
    /// One browsable tree at the base, changed in place.
    Site,
}

/// How many mirrors must hold a complete copy for a run to count as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Replicas {
    /// Every target.
    #[default]
    All,
    /// This many targets.
    Count(u32),
    /// This share of the targets, rounded up.
    Percent(u8),
}

impl Replicas {
    /// The number of copies wanted of `targets` targets, `paused` of which take no part: never more than there are, and at
    /// least one. A share is one of those that take part; a number stays what it is when some are paused.
    #[must_use]
    pub fn wanted(self, targets: usize, paused: usize) -> usize {
        let active = targets.saturating_sub(paused);
        let wanted = match self {
            Self::All => active,
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX).min(targets),
            Self::Percent(percent) => (active * usize::from(percent)).div_ceil(100),
        };
        wanted.max(1)
    }

    /// What `good` copies out of `targets`, `paused` of which take no part, amount to.
    #[must_use]
    pub fn verdict(self, good: usize, targets: usize, paused: usize) -> Quorum {
        if good < self.wanted(targets, paused) {
            Quorum::Missed
        } else if good == targets.saturating_sub(paused) {
            Quorum::All
        } else if good > 0 {
            Quorum::Met
        } else {
            Quorum::Missed
        }
    }
}

impl FromStr for Replicas {
    type Err = ParsePolicyError;
    fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
        let fail = || ParsePolicyError { text: text.to_owned(), expected: "a number of copies: write 3, 80% or all" };
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(number) = text.strip_suffix('%') {
            let percent: u8 = number.trim().parse().map_err(|_| fail())?;
            return if (1..=100).contains(&percent) { Ok(Self::Percent(percent)) } else { Err(fail()) };
        }
        match text.parse() {
            Ok(count) if count > 0 => Ok(Self::Count(count)),
            _ => Err(fail()),
        }
    }
}

/// A run's verdict over all targets; decides the exit code (docs/exit-codes.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// Every target is good.
    All,
    /// Some are not, but the wanted number is.
    Met,
    /// Fewer than wanted are good.
    Missed,
}

/// How much of what is published a target holds; this defines what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Holds {
    /// Every live bundle.
    #[default]
    All,
    /// The newest bundles only, this many.
    Newest(u32),
}

impl fmt::Display for Holds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.pad("all"),
            Self::Newest(count) => write!(formatter, "newest {count}"),
        }
    }
}

impl FromStr for Holds {
    type Err = ParsePolicyError;
    fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
        let fail = || ParsePolicyError { text: text.to_owned(), expected: "what a target holds: write all or newest 3" };
        if text == "all" {
            return Ok(Self::All);
        }
        let count = text.strip_prefix("newest").map(str::trim).ok_or_else(fail)?;
        match count.parse() {
            Ok(number) if number > 0 => Ok(Self::Newest(number)),
            _ => Err(fail()),
        }
    }
}

/// When and how often a failed request is sent again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Tries per request, the first one included.
    pub tries: u32,
    /// The first pause's upper bound; each further bound doubles (full jitter below it).
    pub base: Duration,
    /// No pause is longer.
    pub cap: Duration,
    /// Retries allowed per target, as a share of its first tries.
    pub budget: f64,
    /// Retries always allowed per target.
    pub budget_floor: u32,
    /// A server's `Retry-After` is obeyed up to this long.
    pub retry_after_cap: Duration,
    /// When to stop asking a target at all.
    pub breaker: Breaker,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 3,
            base: Duration::from_millis(500),
            cap: Duration::from_mins(1),
            budget: 0.10,
            budget_floor: 10,
            retry_after_cap: Duration::from_mins(5),
            breaker: Breaker::default(),
        }
    }
}

/// When a target is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Consecutive failures that open it.
    pub failures: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5 }
    }
}

/// How long each part of a conversation may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connection.
    pub connect: Duration,
    /// TLS or SSH handshake and authentication.
    pub handshake: Duration,
    /// From the end of a request to the first byte of its answer.
    pub first_byte: Duration,
    /// Without any byte in either direction.
    pub idle: Duration,
    /// All work on one target; `None`: no limit.
    pub target: Option<Duration>,
    /// The whole run; `None`: no limit.
    pub run: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(15),
            first_byte: Duration::from_mins(1),
            idle: Duration::from_secs(30),
            target: None,
            run: None,
        }
    }
}

/// What a volunteer allows us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetLimits {
    /// Most bytes that may lie on the target.
    pub max_bytes: Option<ByteCount>,
    /// Bytes per second, both directions together.
    pub bandwidth: Option<ByteCount>,
    /// Connections (HTTP) or channels (SFTP) at the same time.
    pub connections: Option<u32>,
    /// When we may push; empty: always.
    pub windows: Vec<Window>,
    /// Bytes that samples and measures of speed may read within 24 hours, instead of `health.bytes_per_day`.
    pub verify_bytes_per_day: Option<ByteCount>,
    /// The volunteer pays for what is sent: its speed is never measured.
    pub metered: bool,
}

/// A daily span of time in a named zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Where it begins.
    pub from: TimeOfDay,
    /// Where it ends; before `from` means on the next day.
    pub until: TimeOfDay,
    /// An IANA time zone name.
    pub zone: String,
}

impl Window {
    /// Whether `moment` lies in this window. An unknown zone counts as UTC (config refuses it earlier).
    #[must_use]
    pub fn contains(&self, moment: jiff::Timestamp) -> bool {
        let zone = jiff::tz::TimeZone::get(&self.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let local = moment.to_zoned(zone);
        let now = TimeOfDay::at(u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs()));
        if self.from <= self.until { self.from <= now && now < self.until } else { now >= self.from || now < self.until }
    }
}

/// A time of day, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    fn at(minutes: u16) -> Self {
        Self(minutes)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = ParsePolicyError;
    fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
        let fail = || ParsePolicyError { text: text.to_owned(), expected: "a time of day: write 22:30" };
        let (hours, minutes) = text.split_once(':').ok_or_else(fail)?;
        let (hours, minutes): (u16, u16) = (hours.parse().map_err(|_| fail())?, minutes.parse().map_err(|_| fail())?);
        // 24:00 is the end of a day, as people write it.
        if minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0)) { Ok(Self(hours * 60 + minutes)) } else { Err(fail()) }
    }
}

/// Reads `500 ms`, `90 s`, `15 min`, `2 h`, `7 days`: a whole number and one unit.
pub fn parse_duration(text: &str) -> Result<Duration, ParsePolicyError> {
    let fail = || ParsePolicyError { text: text.to_owned(), expected: "a duration: write 30 s, 15 min, 12 h or 7 days" };
    let trimmed = text.trim();
    let digits = trimmed.find(|character: char| !character.is_ascii_digit()).unwrap_or(trimmed.len());
    let number: u64 = trimmed[..digits].parse().map_err(|_| fail())?;
    let unit = match trimmed[digits..].trim() {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        _ => return Err(fail()),
    };
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_round_up_and_never_exceed_the_targets() {
        assert_eq!("80%".parse(), Ok(Replicas::Percent(80)));
        assert_eq!(Replicas::Percent(80).wanted(24, 0), 20);
        assert_eq!(Replicas::Percent(80).wanted(24, 14), 8);
        assert_eq!(Replicas::Count(30).wanted(24, 0), 24);
        assert_eq!(Replicas::Count(3).verdict(3, 4, 0), Quorum::Met);
        assert_eq!(Replicas::Count(3).verdict(2, 4, 0), Quorum::Missed);
        assert_eq!(Replicas::Count(3).verdict(1, 3, 2), Quorum::Missed, "pausing two does not make one copy enough");
        assert_eq!(Replicas::All.verdict(1, 3, 2), Quorum::All);
        assert_eq!(Replicas::All.verdict(0, 2, 2), Quorum::Missed, "no copy at all is never all of them");
        assert!("0".parse::<Replicas>().is_err() && "101%".parse::<Replicas>().is_err());
    }

    #[test]
    fn what_a_target_holds_is_read_as_it_is_written() {
        for holds in [Holds::All, Holds::Newest(3)] {
            assert_eq!(holds.to_string().parse(), Ok(holds));
        }
        assert!("newest 0".parse::<Holds>().is_err() && "some".parse::<Holds>().is_err());
    }

    #[test]
    fn a_window_may_cross_midnight() {
        let window =
            Window { from: "22:00".parse().expect("a time"), until: "06:00".parse().expect("a time"), zone: "UTC".into() };
        assert!(window.contains("2026-01-01T23:30:00Z".parse().expect("a moment")));
        assert!(window.contains("2026-01-01T05:59:00Z".parse().expect("a moment")));
        assert!(!window.contains("2026-01-01T12:00:00Z".parse().expect("a moment")));
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("15 min"), Ok(Duration::from_mins(15)));
        assert_eq!(parse_duration("500 ms"), Ok(Duration::from_millis(500)));
        assert!(parse_duration("15").is_err());
    }
}
