//! Who could take every copy down.
//!
//! Each mirror that serves readers depends on parties: who runs it, who hosts it, a country, a registry, whoever holds its
//! name, who certifies it. The fewest parties that together reach every mirror are what a takedown
//! needs: a minimum hitting set.

mod hitting_set;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::TargetName;
use hitting_set::{Found, minimum};

/// What a party is to a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// Runs it.
    Operator,
    /// Hosts it: an autonomous system, or a name for one.
    Network,
    /// Has its laws.
    Country,
    /// Keeps the registry of its name's ending.
    Suffix,
    /// Holds the name that was registered.
    Domain,
    /// Issued the certificate that it shows.
    Authority,
}

impl PartyKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Operator, Self::Network, Self::Country, Self::Suffix, Self::Domain, Self::Authority];

    /// The word in JSON and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Network => "network",
            Self::Country => "country",
            Self::Suffix => "suffix",
            Self::Domain => "domain",
            Self::Authority => "authority",
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Network => "network",
            Self::Country => "country",
            Self::Suffix => "domain suffix",
            Self::Domain => "registered domain",
            Self::Authority => "certificate authority",
        }
    }
}

/// Somebody who can take mirrors down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Party {
    /// What they are.
    pub kind: PartyKind,
    /// Who; `None` for "not known", which is taken for one and the same party: the cautious reading.
    pub name: Option<String>,
}

impl std::fmt::Display for Party {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(formatter, "{} {name}", self.kind.words()),
            None => write!(formatter, "an unknown {}", self.kind.words()),
        }
    }
}

/// A mirror that serves readers, and everybody who could end that, each of them alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standpoint {
    /// Which.
    pub mirror: TargetName,
    parties: BTreeSet<Party>,
}

impl Standpoint {
    /// A mirror that depends on nobody yet.
    #[must_use]
    pub fn new(mirror: TargetName) -> Self {
        Self { mirror, parties: BTreeSet::new() }
    }

    /// It depends on this one of a kind; `None`: on one that is not known.
    #[must_use]
    pub fn with(mut self, kind: PartyKind, name: Option<String>) -> Self {
        self.parties.insert(Party { kind, name });
        self
    }
}

/// The fewest parties that reach every mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Minimum {
    /// So many are certainly needed.
    pub at_least: usize,
    /// So many are enough; equal to `at_least` unless the search was given up.
    pub at_most: usize,
    /// Some that are enough.
    pub parties: Vec<Party>,
}

/// What a takedown needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// Mirrors that were looked at.
    pub mirrors: usize,
    /// With parties of all kinds together.
    pub mixed: Minimum,
    /// With parties of one kind alone.
    pub by_kind: BTreeMap<PartyKind, Minimum>,
    /// The one party whose loss costs most, and how many mirrors go with it.
    pub costliest: Option<(Party, usize)>,
    /// What one more mirror has to do without to help. Where `raised_to` is `None`, the parties of one answer only.
    pub avoid: Vec<Party>,
    /// What `mixed` becomes with one more mirror that depends on none of `avoid`; `None`: not proved, because the search was
    /// given up or there are more than [`EXACT_MIRRORS`] mirrors.
    pub raised_to: Option<usize>,
}

/// Up to so many mirrors, what one more has to avoid is computed exactly: that takes a search for each party.
pub const EXACT_MIRRORS: usize = 500;

/// Who could take all of `mirrors` down; `None` without any.
#[must_use]
pub fn assess(mirrors: &[Standpoint]) -> Option<Assessment> {
    if mirrors.is_empty() {
        return None;
    }
    let all: Vec<BTreeSet<Party>> = mirrors.iter().map(|mirror| mirror.parties.clone()).collect();
    let mixed = minimum(&all);
    let of_kind = |kind| {
        let sets: Vec<BTreeSet<Party>> =
            all.iter().map(|parties| parties.iter().filter(|party| party.kind == kind).cloned().collect()).collect();
        // Where a mirror depends on nobody of this kind (a disk in a drawer has no domain), this kind alone cannot end it.
        sets.iter().all(|set| !set.is_empty()).then(|| (kind, told(minimum(&sets))))
    };
    let proved = mixed.at_least == mixed.chosen.len() && mirrors.len() <= EXACT_MIRRORS;
    Some(Assessment {
        mirrors: mirrors.len(),
        by_kind: PartyKind::ALL.into_iter().filter_map(of_kind).collect(),
        costliest: costliest(&all),
        avoid: if proved { in_some_minimum(&all, &mixed) } else { mixed.chosen.clone() },
        raised_to: proved.then_some(mixed.chosen.len() + 1),
        mixed: told(mixed),
    })
}

fn told(found: Found<Party>) -> Minimum {
    Minimum { at_least: found.at_least, at_most: found.chosen.len(), parties: found.chosen }
}

fn costliest(all: &[BTreeSet<Party>]) -> Option<(Party, usize)> {
    let mut losses: BTreeMap<&Party, usize> = BTreeMap::new();
    for party in all.iter().flatten() {
        *losses.entry(party).or_default() += 1;
    }
    // The first of several, so that the same mirrors always give the same answer; known ones before unknown.
    let worst = losses.into_iter().max_by_key(|(party, lost)| (*lost, party.name.is_some(), std::cmp::Reverse(*party)))?;
    Some((worst.0.clone(), worst.1))
}

/// Every party that belongs to at least one of the smallest sets: a new mirror helps only if it depends on none of them,
/// or else that set takes it down too.
fn in_some_minimum(all: &[BTreeSet<Party>], mixed: &Found<Party>) -> Vec<Party> {
    let candidates: BTreeSet<&Party> = all.iter().flatten().collect();
    let belongs = |party: &&Party| {
        let rest: Vec<BTreeSet<Party>> = all.iter().filter(|set| !set.contains(*party)).cloned().collect();
        minimum(&rest).chosen.len() < mixed.chosen.len()
    };
    candidates.into_iter().filter(belongs).cloned().collect()
}
