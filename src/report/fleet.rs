//! Everything that the outputs about health are made from.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::base::{BundleName, Lifecycle, TargetName, VantageName};
use crate::health::{Elsewhere, Observation, Standing, TroubleClass};
use crate::history::{LastProbes, Uptime};

/// All mirrors of a project at one moment, and what led there. Nothing in here is secret: no credentials, no write
/// addresses, no contacts.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// The project's name.
    pub project: String,
    /// The moment.
    pub at: Timestamp,
    /// The newest release.
    pub release: Option<BundleName>,
    /// Copies wanted.
    pub wanted: usize,
    /// Who looked.
    pub observer: Observer,
    /// Who else looked, by name.
    pub vantages: Vec<VantageSight>,
    /// The mirrors, in the order of the configuration.
    pub mirrors: Vec<FleetMirror>,
}

/// Who looked at the mirrors.
#[derive(Debug, Clone)]
pub struct Observer {
    /// Whether the last round saw the mirrors; `false`: so many failed at once that the fault was ours.
    pub saw: bool,
    /// Why it did not, if so.
    pub fault: Option<String>,
    /// Whether we were online ourselves in the last round; `None`: nobody was asked.
    pub online: Option<bool>,
    /// When the last round ended.
    pub round_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub round_ms: Option<u64>,
    /// How often a round is due.
    pub every: Duration,
    /// Rounds in a row without an answer until a mirror counts as away.
    pub patience: u32,
}

impl Fleet {
    /// Whether this mirror counts as a copy: it stands well, and not only because others say so while we do not reach it.
    #[must_use]
    pub fn counts(&self, mirror: &FleetMirror) -> bool {
        mirror.standing.condition.is_good() && mirror.standing.counters.unseen < self.observer.patience
    }
}

/// The last testimony of a vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VantageSight {
    /// Which vantage.
    pub name: VantageName,
    /// When it looked.
    pub at: Timestamp,
    /// Until when that counts.
    pub expires: Timestamp,
    /// Whether it saw the mirrors; `false`: it saw nothing by its own fault.
    pub saw: bool,
}

impl VantageSight {
    /// Whether its word counts at `now`.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> bool {
        self.saw && self.expires > now
    }
}

/// One mirror: what is public of its configuration, what was last seen, and its past.
#[derive(Debug, Clone)]
pub struct FleetMirror {
    /// Its name.
    pub name: TargetName,
    /// `folder`, `s3`, `sftp` or `webdav`.
    pub protocol: String,
    /// Where readers find it.
    pub public_url: Option<Url>,
    /// ISO 3166 two-letter code.
    pub country: Option<String>,
    /// What people decided.
    pub lifecycle: Lifecycle,
    /// How it is, since when and why.
    pub standing: Standing,
    /// What was last seen.
    pub seen: Option<Observation>,
    /// What its probes saw last, whenever that was.
    pub probes: LastProbes,
    /// Publishes that it lacks, as far as the last look tells.
    pub behind: Option<u64>,
    /// Since when it should have shown what it lacks, counted from our push to it; zero when it lacks nothing.
    pub lag: Option<Duration>,
    /// What vantages saw of it last, whether that still counts or not.
    pub elsewhere: Vec<Elsewhere>,
    /// Over 24 hours, 7, 30 and 90 days.
    pub uptime: [Uptime; 4],
}

impl FleetMirror {
    /// Whether the last look was not made because of our own rule about addresses.
    #[must_use]
    pub fn is_refused_by_us(&self) -> bool {
        let reach = self.seen.iter().flat_map(|seen| &seen.probes.reach);
        let troubles: Vec<_> = reach.filter_map(|reach| reach.trouble.as_ref()).collect();
        !troubles.is_empty() && troubles.iter().all(|trouble| trouble.class == TroubleClass::Address)
    }
}
