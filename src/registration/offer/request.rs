//! What a volunteer wants, as far as everybody may read it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use super::OfferError;
use crate::base::{ByteCount, TargetLimits, TargetName, TimeOfDay, Window, sanitise};
use crate::config::is_country;

/// Longest text, in bytes.
const LONGEST_TEXT: usize = 200;
/// Longest address, in bytes.
const LONGEST_ADDRESS: usize = 2000;
/// Most lines of a sealed part: what fits into [`super::LONGEST_OFFER`] and some to spare.
const MOST_LINES: usize = 1024;
/// Most windows.
const MOST_WINDOWS: usize = 16;
/// Nobody promises for longer.
const LONGEST_PROMISE: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// A place is offered.
    Offer(Box<Offered>),
    /// The place, or what we may do there, has changed; it replaces the offer.
    Update(Box<Offered>),
    /// Nothing is to be sent and looked at until then.
    Pause {
        /// The end of it.
        until: Timestamp,
    },
    /// A pause is over.
    Resume {},
    /// The place is offered no longer.
    Withdraw(Withdrawal),
}

/// How an offer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// Our files are to be removed first.
    pub delete: bool,
}

/// A place that is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    /// How it would like to be called.
    pub name: TargetName,
    /// Where readers will find the files.
    pub public_url: String,
    /// How files get there: `sftp`, `s3` or `webdav`.
    pub kind: String,
    /// Who runs it, if that may be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Two-letter country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Hosting network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// What we may use of it.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// The offer holds until then.
    pub expires: Timestamp,
    /// The rest, sealed to the recipients of the invite: lines of age's armor.
    pub sealed: Vec<String>,
}

/// What a volunteer allows, as `limits:` of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most bytes that may lie there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<ByteCount>,
    /// Bytes per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<ByteCount>,
    /// Connections at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// When we may push: from, until, zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<(String, String, String)>,
    /// Bytes that looks may read within 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_bytes_per_day: Option<ByteCount>,
    /// The volunteer pays for what is sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub metered: bool,
}

impl Request {
    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Offer(_) => "offer",
            Self::Update(_) => "update",
            Self::Pause { .. } => "pause",
            Self::Resume {} => "resume",
            Self::Withdraw(_) => "withdraw",
        }
    }

    /// What is offered by it, if anything is.
    #[must_use]
    pub fn offered(&self) -> Option<&Offered> {
        match self {
            Self::Offer(offered) | Self::Update(offered) => Some(offered),
            _ => None,
        }
    }

    /// A stranger wrote it `at`: refused when it is more than we read, or over by `now`; its texts can be printed afterwards.
    pub(super) fn checked(self, at: Timestamp, now: Timestamp) -> Result<Self, OfferError> {
        match self {
            Self::Offer(offered) => offered.checked(at, now).map(|offered| Self::Offer(Box::new(offered))),
            Self::Update(offered) => offered.checked(at, now).map(|offered| Self::Update(Box::new(offered))),
            Self::Pause { until } if until > at + LONGEST_PROMISE => Err(form("a pause of more than 400 days is a withdrawal")),
            same => Ok(same),
        }
    }
}

fn form(what: &str) -> OfferError {
    OfferError::Form(what.to_owned())
}

impl Offered {
    /// The public address.
    ///
    /// # Errors
    /// When it is none that readers could be sent to.
    pub fn address(&self) -> Result<Url, OfferError> {
        let url = Url::parse(&self.public_url).map_err(|error| form(&format!("public_url: {error}")))?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) || !is_plain {
            return Err(form("public_url is no address of files: write https://mirror.example.org/archive/"));
        }
        Ok(url)
    }

    /// The sealed part as age reads it.
    #[must_use]
    pub fn armor(&self) -> String {
        let mut armor = self.sealed.join("\n");
        armor.push('\n');
        armor
    }

    fn checked(mut self, at: Timestamp, now: Timestamp) -> Result<Self, OfferError> {
        if self.expires <= now.max(at) {
            return Err(OfferError::Over(self.expires));
        }
        if self.expires > at + LONGEST_PROMISE {
            return Err(form("it promises more than 400 days"));
        }
        if !matches!(self.kind.as_str(), "sftp" | "s3" | "webdav") {
            return Err(form("its kind is none of sftp, s3 and webdav"));
        }
        if self.public_url.len() > LONGEST_ADDRESS || self.sealed.len() > MOST_LINES {
            return Err(form("it says more than is read"));
        }
        self.public_url = self.address()?.into();
        for text in [&mut self.operator, &mut self.network].into_iter().flatten() {
            if text.len() > LONGEST_TEXT {
                return Err(form("it says more than is read"));
            }
            if text.trim().is_empty() || sanitise(text) != *text {
                return Err(form("operator and network are lines of printable text"));
            }
        }
        if self.country.as_ref().is_some_and(|code| !is_country(code)) {
            return Err(form("country is no two-letter code of a country, such as DE"));
        }
        if self.sealed.first().is_none_or(|line| line != "-----BEGIN AGE ENCRYPTED FILE-----") {
            return Err(form("its sealed part is not sealed with age"));
        }
        self.limits.to_target()?;
        Ok(self)
    }
}

impl Limits {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As a target has them.
    ///
    /// # Errors
    /// When a number is zero, or a window cannot be read.
    pub fn to_target(&self) -> Result<TargetLimits, OfferError> {
        let numbers = [self.max_bytes, self.bandwidth];
        if numbers.iter().flatten().any(|count| count.0 == 0) || self.connections == Some(0) || self.windows.len() > MOST_WINDOWS
        {
            return Err(form("limits: numbers are 1 at least, and there are at most 16 windows"));
        }
        let windows = self.windows.iter().map(|(from, until, zone)| {
            window(from, until, zone).ok_or_else(|| form("limits: windows are [\"22:00\", \"06:00\", \"Europe/Berlin\"]"))
        });
        Ok(TargetLimits {
            max_bytes: self.max_bytes,
            bandwidth: self.bandwidth,
            connections: self.connections,
            windows: windows.collect::<Result<_, _>>()?,
            verify_bytes_per_day: self.verify_bytes_per_day,
            metered: self.metered,
        })
    }

    /// Of a target.
    #[must_use]
    pub fn of_target(limits: &TargetLimits) -> Self {
        let text = |window: &Window| (window.from.to_string(), window.until.to_string(), window.zone.clone());
        Self {
            max_bytes: limits.max_bytes,
            bandwidth: limits.bandwidth,
            connections: limits.connections,
            windows: limits.windows.iter().map(text).collect(),
            verify_bytes_per_day: limits.verify_bytes_per_day,
            metered: limits.metered,
        }
    }
}

fn window(from: &str, until: &str, zone: &str) -> Option<Window> {
    let (from, until): (TimeOfDay, TimeOfDay) = (from.parse().ok()?, until.parse().ok()?);
    jiff::tz::TimeZone::get(zone).ok()?;
    (from != until).then(|| Window { from, until, zone: zone.to_owned() })
}
