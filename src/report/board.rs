//! Everything that the public outputs are made from: the fleet, and what is behind it.

use jiff::Timestamp;

use super::fleet::{Fleet, FleetMirror};
use crate::base::{BundleName, HealthRules, Level, Sha256};
use crate::health::resilience::Assessment;
use crate::history::{Day, Event};

/// The fleet with its past, for readers, volunteers and whoever watches. Whatever is made of it is public.
#[derive(Debug, Clone)]
pub struct Board {
    /// All mirrors at one moment.
    pub fleet: Fleet,
    /// The past of each mirror, in the order of the fleet.
    pub pasts: Vec<Past>,
    /// What happened to all mirrors at once, or to ourselves; newest first.
    pub events: Vec<Event>,
    /// The rules by which mirrors are judged.
    pub rules: HealthRules,
    /// Who could take every good copy down; `None` without any.
    pub resilience: Option<Assessment>,
    /// Digest of the project's `1.root.json`: what its feeds are known by, for ever.
    pub identity: Sha256,
    /// The live bundles, newest first.
    pub bundles: Vec<BoardBundle>,
    /// The page stands alone: there are none beside it that it could link to.
    pub alone: bool,
    /// An invite lies beside the pages: `invite.html`.
    pub invites: bool,
    /// Length of the chunks of large files, in bytes; the last one may be shorter.
    pub chunk_bytes: u64,
}

/// What is remembered of one mirror.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The last 90 days, today last; days without a look are there too.
    pub days: Vec<Day>,
    /// How soon it sent a first byte in each of the last 24 hours, in milliseconds, oldest first.
    pub first_bytes: Vec<(Timestamp, Option<u32>)>,
    /// What happened, newest first.
    pub events: Vec<Event>,
}

/// A bundle that readers can download.
#[derive(Debug, Clone)]
pub struct BoardBundle {
    /// Its name.
    pub name: BundleName,
    /// When it was staged.
    pub created: Timestamp,
    /// Its files.
    pub files: Vec<BoardFile>,
    /// Positions in the fleet of the mirrors whose every byte of it was hashed and right, best first.
    pub verified_on: Vec<usize>,
}

/// A file of a bundle, as its signed list has it.
#[derive(Debug, Clone)]
pub struct BoardFile {
    /// Path from a mirror's base.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
    /// Digest of the whole.
    pub sha256: Sha256,
    /// Digests of its chunks; empty when there is only one.
    pub chunks: Vec<Sha256>,
}

impl Board {
    /// Each mirror with its past.
    pub fn mirrors(&self) -> impl Iterator<Item = (&FleetMirror, &Past)> {
        self.fleet.mirrors.iter().zip(&self.pasts)
    }

    /// The same, worst first, then by name.
    #[must_use]
    pub fn worst_first(&self) -> Vec<(&FleetMirror, &Past)> {
        let mut sorted: Vec<_> = self.mirrors().collect();
        sorted.sort_by_key(|(mirror, _)| (!mirror.lifecycle.is_listed(), mirror.standing.condition, &mirror.name));
        sorted
    }

    /// Mirrors that take part: those that people have not set aside.
    #[must_use]
    pub fn taking_part(&self) -> usize {
        self.fleet.mirrors.iter().filter(|mirror| mirror.lifecycle.is_listed()).count()
    }

    /// Mirrors that readers can be sent to.
    #[must_use]
    pub fn good(&self) -> usize {
        self.fleet.mirrors.iter().filter(|mirror| mirror.serves(Level::Current)).count()
    }
}

impl FleetMirror {
    /// Whether it takes part, stands well, and the last look found at least this level of the newest state.
    #[must_use]
    pub fn serves(&self, level: Level) -> bool {
        let seen = |seen: &crate::health::Observation| seen.look.is_good() && seen.look.level >= Some(level);
        self.lifecycle.is_listed() && self.standing.condition.is_good() && self.seen.as_ref().is_some_and(seen)
    }

    /// Milliseconds to the first byte in the last look, over the faster address family.
    #[must_use]
    pub fn first_byte_ms(&self) -> Option<u32> {
        self.seen.as_ref()?.probes.first_byte_ms()
    }

    /// When the certificate ends that it last showed.
    #[must_use]
    pub fn certificate_ends(&self) -> Option<Timestamp> {
        Some(self.seen.as_ref()?.probes.certificate.as_ref()?.not_after)
    }
}
