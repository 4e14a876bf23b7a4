//! How mirrors are watched and judged: policy types, filled in by `config`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use camino::Utf8PathBuf;
use url::Url;

use super::{ByteCount, ListedVantage};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// How often mirrors are looked at, and what that amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthPolicy {
    /// Time between two rounds: what coverage is measured against, whoever starts the rounds.
    pub every: Duration,
    /// Pieces of files that one sample picks; 0: none are taken.
    pub sample: u32,
    /// Bytes that samples and measures of speed may read of one mirror within 24 hours.
    pub bytes_per_day: ByteCount,
    /// Places of others that tell whether we are online; any answer of any of them counts.
    pub control: Vec<Url>,
    /// Others who look at the mirrors from elsewhere, and whose word counts.
    pub vantages: Vec<ListedVantage>,
    /// The addresses that mirrors see when we look, for their volunteers; empty: what this machine knows by itself.
    pub seen_from: Vec<IpAddr>,
    /// Database of networks in MaxMind's format, by which the network of an address is known.
    pub asn_database: Option<Utf8PathBuf>,
    /// Who is asked for the name servers of mirrors' domains.
    pub resolver: NameServerPolicy,
    /// When a mirror counts as what.
    pub rules: HealthRules,
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5 * MINUTE),
            sample: 8,
            bytes_per_day: ByteCount(200_000_000),
            control: Vec::new(),
            vantages: Vec::new(),
            seen_from: Vec::new(),
            asn_database: None,
            resolver: NameServerPolicy::default(),
            rules: HealthRules::default(),
        }
    }
}

/// Who is asked for the name servers of a domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NameServerPolicy {
    /// The resolvers of this machine.
    #[default]
    System,
    /// Nobody.
    Never,
    /// This one, over UDP and TCP.
    At(SocketAddr),
}

impl std::fmt::Display for NameServerPolicy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => formatter.write_str("system"),
            Self::Never => formatter.write_str("never"),
            Self::At(address) => address.fmt(formatter),
        }
    }
}

/// The numbers in the rules by which mirrors are judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HealthRules {
    /// Rounds in a row without a right answer until a mirror counts as unreachable.
    pub unreachable_after: u32,
    /// Rounds in a row with one until it is looked at again in earnest.
    pub back_after: u32,
    /// How long a mirror may show the release before ours, from the moment we pushed to it.
    pub grace: Duration,
    /// Rounds in a row beyond the grace time until it counts as stale.
    pub stale_after: u32,
    /// Missing files count when they are still missing this long after they were first missed.
    pub missing_apart: Duration,
    /// Clean full verifications until a quarantined mirror counts again.
    pub clean_after: u32,
    /// Changes of condition within 24 hours that make it flapping.
    pub flapping_changes: u32,
    /// A flapping mirror is calm again after this long without a change.
    pub calm_after: Duration,
    /// A certificate that ends sooner than this is told.
    pub certificate: Duration,
    /// Looks over a day that it takes to call a mirror slow.
    pub slow_looks: u32,
    /// A mirror is slow when the slowest twentieth of its first bytes takes this many times the median of the fleet.
    pub slow_times: u32,
    /// And at least so long: below it nobody minds.
    pub slow_floor: Duration,
    /// When more than this share of the mirrors (and at least `fault_floor`) newly fail in one round, it is our fault.
    pub fault_share: f64,
    /// See `fault_share`.
    pub fault_floor: u32,
}

impl Default for HealthRules {
    fn default() -> Self {
        Self {
            unreachable_after: 3,
            back_after: 2,
            grace: Duration::from_secs(15 * MINUTE),
            stale_after: 2,
            missing_apart: Duration::from_secs(10 * MINUTE),
            clean_after: 2,
            flapping_changes: 5,
            calm_after: Duration::from_secs(6 * HOUR),
            certificate: Duration::from_secs(14 * 24 * HOUR),
            slow_looks: 12,
            slow_times: 3,
            slow_floor: Duration::from_millis(500),
            fault_share: 0.5,
            fault_floor: 3,
        }
    }
}
