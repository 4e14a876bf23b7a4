//! What each probe tells.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::FileCounts;
use crate::base::ByteCount;
use crate::health::Evidence;

/// What the probes of one round saw of one mirror.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Probes {
    /// Whether it can be reached, once for each address family that its name has.
    pub reach: Vec<Reach>,
    /// The certificate that it shows.
    pub certificate: Option<CertificateSight>,
    /// How complete it is, when every file was looked at.
    pub files: Option<FileCounts>,
    /// Pieces of its files, picked at random and hashed.
    pub sample: Option<Sample>,
    /// How fast it sends.
    pub throughput: Option<Throughput>,
    /// Whether we can write there, and how soon readers see it.
    pub write: Option<WriteProbe>,
}

impl Probes {
    /// How soon the first byte came over the faster family that worked, in milliseconds: readers' programs take that one.
    #[must_use]
    pub fn first_byte_ms(&self) -> Option<u32> {
        let working = self.reach.iter().filter(|reach| reach.trouble.is_none());
        let soonest = working.filter_map(|reach| reach.phases.first_byte_ms).min()?;
        Some(u32::try_from(soonest).unwrap_or(u32::MAX))
    }
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The word in JSON, metrics and tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    /// The word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }
}

/// The phases of a request, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its name is looked up.
    Dns,
    /// TCP.
    Connect,
    /// TLS.
    Tls,
    /// Until the first byte of the answer.
    FirstByte,
    /// The rest of the answer.
    Transfer,
}

impl Phase {
    /// The word in JSON and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::FirstByte => "first_byte",
            Self::Transfer => "transfer",
        }
    }
}

/// How long each phase took, in milliseconds; `None`: it was not reached, or there is none (TLS over plain HTTP).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Phases {
    /// Looking up the name.
    pub dns_ms: Option<u64>,
    /// TCP.
    pub connect_ms: Option<u64>,
    /// TLS.
    pub tls_ms: Option<u64>,
    /// From the request to the first byte of the answer.
    pub first_byte_ms: Option<u64>,
    /// From there to the last byte.
    pub transfer_ms: Option<u64>,
}

impl Phases {
    /// The phases that were passed, in their order, with how long each took in milliseconds.
    pub fn told(&self) -> impl Iterator<Item = (Phase, u64)> {
        [
            (Phase::Dns, self.dns_ms),
            (Phase::Connect, self.connect_ms),
            (Phase::Tls, self.tls_ms),
            (Phase::FirstByte, self.first_byte_ms),
            (Phase::Transfer, self.transfer_ms),
        ]
        .into_iter()
        .filter_map(|(phase, time)| Some((phase, time?)))
    }
}

/// What sort of trouble a probe met; a stable word for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleClass {
    /// The name has no address, or cannot be looked up.
    Dns,
    /// It has an address that must not be connected to.
    Address,
    /// Nobody listens, or a firewall says no.
    Refused,
    /// No answer in time.
    Timeout,
    /// TLS failed, or the certificate is not to be accepted.
    Tls,
    /// An HTTP status that is no success.
    HttpStatus,
    /// Redirected to another place.
    Redirect,
    /// An HTML page where a file should be.
    HtmlPage,
    /// Sent compressed although that was not accepted.
    Encoding,
    /// The connection broke.
    Broken,
    /// An answer that makes no sense.
    Protocol,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In which phase.
    pub phase: Phase,
    /// Of which sort.
    pub class: TroubleClass,
    /// In words, with the address that answered; safe to print.
    pub what: String,
}

/// Whether a mirror could be reached over one address family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Which family.
    pub family: Family,
    /// The address that was tried; `None`: the name has none of this family, which is no fault.
    pub address: Option<IpAddr>,
    /// The address of this machine that it was tried from, as far as this machine knows; a router may change it on the way.
    #[serde(default)]
    pub from: Option<IpAddr>,
    /// How long each phase took.
    pub phases: Phases,
    /// What went wrong; `None`: the pointer was read to its end.
    pub trouble: Option<Trouble>,
}

/// The certificate that a mirror shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateSight {
    /// When it ends.
    pub not_after: Timestamp,
    /// Who issued it: its common name or organisation, safe to print.
    pub issuer: String,
    /// The organisation that issued it: an authority has issuers that come and go. Safe to print.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Version of TLS, such as `TLSv1.3`.
    pub protocol: Option<String>,
    /// Why it is not to be accepted (chain, name, time); `None`: it is.
    pub trouble: Option<String>,
}

/// Pieces of files, picked at random and hashed against the signed digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Pieces that were hashed.
    pub chunks: u32,
    /// Bytes that were read for it.
    pub bytes: ByteCount,
    /// Pieces with wrong bytes, confirmed on a second connection past caches.
    pub bad: Vec<Evidence>,
    /// Pieces that could not be read.
    pub unread: Vec<Evidence>,
}

/// How fast a mirror sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    /// Bytes that were read.
    pub bytes: ByteCount,
    /// Milliseconds that it took, from the first byte.
    pub duration_ms: u64,
}

/// The steps of a write probe, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteStep {
    /// Logging in.
    Connect,
    /// Writing the canary.
    Write,
    /// Reading it back with our credentials.
    ReadBack,
    /// Reading it as readers do.
    Readers,
    /// Removing it.
    Remove,
}

/// A canary that was written with our credentials and read back as readers read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteProbe {
    /// The first step that went wrong.
    pub failed: Option<WriteStep>,
    /// What went wrong there, safe to print; `None`: it was written, read back through the public address and removed.
    pub trouble: Option<String>,
    /// Milliseconds that writing took.
    pub write_ms: Option<u64>,
    /// Milliseconds from the confirmed write until readers got it.
    pub propagation_ms: Option<u64>,
    /// Free bytes, where the server tells.
    pub free: Option<ByteCount>,
    /// What the newest release takes up: with less than that free, the next one will not fit.
    pub needed: Option<ByteCount>,
}
