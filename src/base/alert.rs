//! Who hears of what: policy types, filled in by `config`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Window;

const DAY: Duration = Duration::from_hours(24);

/// What somebody can be told about; worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertCondition {
    /// A mirror served bytes that nobody signed, or took something back.
    Quarantined,
    /// Fewer good copies than wanted.
    Replication,
    /// A round could not be made at all.
    Round,
    /// So many mirrors failed at once that the fault is ours.
    Observer,
    /// Readers of a mirror get nothing.
    Unreachable,
    /// Files of a mirror are missing.
    Incomplete,
    /// What a mirror serves is authentic and old.
    Stale,
    /// A mirror has no room for what is new.
    Full,
    /// What is agreed with the volunteer of a mirror ends soon.
    Expiring,
    /// A mirror is right, with something to mend.
    Degraded,
}

impl AlertCondition {
    /// All of them, worst first.
    pub const ALL: [Self; 10] = [
        Self::Quarantined,
        Self::Replication,
        Self::Round,
        Self::Observer,
        Self::Unreachable,
        Self::Incomplete,
        Self::Stale,
        Self::Full,
        Self::Expiring,
        Self::Degraded,
    ];

    /// The word in the configuration, in JSON and in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Replication => "replication",
            Self::Round => "round",
            Self::Observer => "observer",
            Self::Unreachable => "unreachable",
            Self::Incomplete => "incomplete",
            Self::Stale => "stale",
            Self::Full => "full",
            Self::Expiring => "expiring",
            Self::Degraded => "degraded",
        }
    }

    /// Whether it is about all mirrors or ourselves, not about one mirror.
    #[must_use]
    pub fn is_of_fleet(self) -> bool {
        matches!(self, Self::Replication | Self::Round | Self::Observer)
    }

    /// Whether it is told in quiet hours too: forged content, and too few copies.
    #[must_use]
    pub fn is_critical(self) -> bool {
        matches!(self, Self::Quarantined | Self::Replication)
    }
}

impl fmt::Display for AlertCondition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

impl FromStr for AlertCondition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|condition| condition.word() == text).ok_or_else(|| format!("{text:?} is no condition"))
    }
}

/// For whom a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Whoever looks after the project: hears of all mirrors.
    #[default]
    Maintainer,
    /// Whoever runs a mirror: hears of that one only.
    Volunteer,
}

impl Audience {
    /// The word in the configuration and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Maintainer => "maintainer",
            Self::Volunteer => "volunteer",
        }
    }
}

/// When a route is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRules {
    /// What is told.
    pub on: BTreeSet<AlertCondition>,
    /// Rounds in a row with it until it is told. Conditions have their own patience already, so one is enough.
    pub threshold: u32,
    /// How long until it is told again while it lasts, at least five minutes; `None`: never.
    pub reminder: Option<Duration>,
    /// Whether the end is told too.
    pub resolved: bool,
    /// When only what is critical is told; the rest waits.
    pub quiet: Vec<Window>,
    /// When more mirrors than this change in one round, one summary is sent; `None`: three, or 30 % of the mirrors if
    /// that is more.
    pub storm: Option<u32>,
    /// For whom it is.
    pub audience: Audience,
}

impl AlertRules {
    /// The shortest time until a reminder.
    pub const SHORTEST_REMINDER: Duration = Duration::from_mins(5);
    /// So many days before what is agreed with a volunteer ends, everybody concerned is reminded.
    pub const REMINDERS: [u32; 3] = [30, 7, 1];
    /// A volunteer hears of one condition of a mirror at most once in this time.
    pub const VOLUNTEERS_REST: Duration = DAY;

    /// What holds for an audience unless the configuration says otherwise.
    #[must_use]
    pub fn of(audience: Audience) -> Self {
        let told = |condition: &AlertCondition| {
            *condition != AlertCondition::Degraded && (audience == Audience::Maintainer || !condition.is_of_fleet())
        };
        Self {
            on: AlertCondition::ALL.into_iter().filter(told).collect(),
            threshold: 1,
            reminder: Some(DAY),
            resolved: true,
            quiet: Vec::new(),
            storm: None,
            audience,
        }
    }

    /// How many of `mirrors` may change in one round before it is a storm.
    #[must_use]
    pub fn storm_above(&self, mirrors: usize) -> usize {
        self.storm.map_or_else(|| (mirrors * 3).div_ceil(10).max(3), |most| usize::try_from(most).unwrap_or(usize::MAX))
    }
}

/// Longest mail address (RFC 5321, section 4.5.3.1.3).
const LONGEST_ADDRESS: usize = 254;

/// A text that is no mail address. It is not repeated: addresses are private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a mail address: write name@example.org")]
pub struct MailAddressError;

/// A mail address of the plain kind: `name@host`, without display name, quotes, comments and blanks. Nothing in it can end a
/// line or a header. Its `Debug` shows nothing but the host.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress(String);

impl MailAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after the @.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, host)| host)
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MailAddress(…@{})", self.host())
    }
}

impl FromStr for MailAddress {
    type Err = MailAddressError;

    fn from_str(text: &str) -> Result<Self, MailAddressError> {
        let (name, host) = text.split_once('@').ok_or(MailAddressError)?;
        let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        let dotted = |text: &str, good: fn(u8) -> bool| text.split('.').all(|part| !part.is_empty() && part.bytes().all(good));
        let label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if text.len() > LONGEST_ADDRESS || !dotted(name, atom) || !dotted(host, label) {
            return Err(MailAddressError);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_carry_a_header() {
        for good in ["ann@example.org", "a.b+c@mail.example.org", "root@localhost"] {
            assert!(good.parse::<MailAddress>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@example.org\r\nBcc: x@example.org",
            "Ann <ann@example.org>",
            "a b@example.org",
            "a@b@c",
            "a,b@example.org",
            ".a@example.org",
            "a@example..org",
            "é@example.org",
        ] {
            assert!(bad.parse::<MailAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_storm_is_more_than_three_or_three_tenths() {
        let rules = AlertRules::of(Audience::Maintainer);
        assert_eq!([0, 3, 10, 11, 100].map(|mirrors| rules.storm_above(mirrors)), [3, 3, 3, 4, 30]);
        assert_eq!(AlertRules { storm: Some(7), ..rules }.storm_above(100), 7);
    }
}
