//! What a takedown needs, counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::hitting_set::{Found, in_some_minimum, minimum};
use super::party::{NetworkDisagreement, Party, PartyKind, Standpoint};
use crate::base::TargetName;

/// The fewest parties that reach every mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Minimum {
    /// So many are certainly needed, whoever the unknown ones are.
    pub at_least: usize,
    /// So many are enough, whoever the unknown ones are. Equal to `at_least` unless somebody is not known or the search was
    /// given up.
    pub at_most: usize,
    /// The fewest that were found, at least `at_least`: enough if the unknown ones are whoever suits a takedown best.
    pub parties: Vec<Party>,
}

/// Mirrors that depend on somebody of a kind who is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// Of which kind.
    pub kind: PartyKind,
    /// Which mirrors, in the order in which they were given.
    pub mirrors: Vec<TargetName>,
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
    /// The one known party whose loss costs most, and how many mirrors go with it; one that is not known only where nobody is.
    pub costliest: Option<(Party, usize)>,
    /// What one more mirror has to do without to help. An unknown party means: whoever that turns out to be.
    pub avoid: Vec<Party>,
    /// What `mixed.at_least` becomes with one more mirror that depends on none of `avoid`; `None`: not proved, because the
    /// search was given up.
    pub raised_to: Option<usize>,
    /// Who is not known.
    pub unknown: Vec<Unknown>,
    /// Mirrors that are in another network than is declared.
    pub network_disagreements: Vec<NetworkDisagreement>,
}

/// Who could take all of `mirrors` down; `None` without any.
#[must_use]
pub fn assess(mirrors: &[Standpoint]) -> Option<Assessment> {
    if mirrors.is_empty() {
        return None;
    }
    let parties = Parties::of(mirrors);
    let all = parties.sets(mirrors, |_| true);
    let least = minimum(&all.suiting, parties.names.len());
    let raised_to = least.is_exact().then_some(least.at_least + 1);
    let avoid =
        if least.is_exact() { in_some_minimum(&all.suiting, parties.names.len(), &least.chosen) } else { least.chosen.clone() };
    let of_kind = |kind| {
        // Where a mirror depends on nobody of this kind (a disk in a drawer has no domain), this kind alone cannot end it.
        let reaches_all = !mirrors.iter().any(|mirror| mirror.is_free_of(kind));
        let sets = reaches_all.then(|| parties.sets(mirrors, |party| party.kind == kind))?;
        Some((kind, parties.told(&minimum(&sets.suiting, parties.names.len()), &sets)))
    };
    Some(Assessment {
        mirrors: mirrors.len(),
        mixed: parties.told(&least, &all),
        by_kind: PartyKind::ALL.into_iter().filter_map(of_kind).collect(),
        costliest: costliest(mirrors),
        avoid: parties.named(&avoid),
        raised_to,
        unknown: PartyKind::ALL.into_iter().filter_map(|kind| unknown(mirrors, kind)).collect(),
        network_disagreements: mirrors.iter().filter_map(|mirror| mirror.disagreement.clone()).collect(),
    })
}

/// Every party, by its number.
struct Parties<'a> {
    names: Vec<&'a Party>,
    numbers: BTreeMap<&'a Party, usize>,
    /// All numbers of a kind.
    of_kind: BTreeMap<PartyKind, Vec<usize>>,
}

/// The parties of each mirror, by number.
struct Sets {
    /// Whoever is not known is anybody of its kind.
    suiting: Vec<Vec<usize>>,
    /// Known ones alone.
    known: Vec<Vec<usize>>,
}

impl<'a> Parties<'a> {
    fn of(mirrors: &'a [Standpoint]) -> Self {
        let names: Vec<&Party> = mirrors.iter().flat_map(|mirror| &mirror.parties).collect::<BTreeSet<_>>().into_iter().collect();
        let numbers = names.iter().enumerate().map(|(number, party)| (*party, number)).collect();
        let mut of_kind: BTreeMap<PartyKind, Vec<usize>> = BTreeMap::new();
        for (number, party) in names.iter().enumerate() {
            of_kind.entry(party.kind).or_default().push(number);
        }
        Self { names, numbers, of_kind }
    }

    fn sets(&self, mirrors: &[Standpoint], counts: impl Fn(&Party) -> bool) -> Sets {
        let mut sets = Sets { suiting: Vec::new(), known: Vec::new() };
        for mirror in mirrors {
            let (mut suiting, mut known) = (Vec::new(), Vec::new());
            for party in mirror.parties.iter().filter(|party| counts(party)) {
                if party.name.is_some() {
                    known.push(self.numbers[party]);
                    suiting.push(self.numbers[party]);
                } else {
                    suiting.extend(&self.of_kind[&party.kind]);
                }
            }
            suiting.sort_unstable();
            suiting.dedup();
            sets.suiting.push(suiting);
            sets.known.push(known);
        }
        sets
    }

    /// Where somebody different is unknown at each mirror, nobody unknown reaches two.
    fn told(&self, least: &Found, sets: &Sets) -> Minimum {
        let alone = sets.known.iter().zip(&sets.suiting).filter(|(known, suiting)| known.is_empty() && !suiting.is_empty());
        let at_most = if sets.known == sets.suiting {
            least.chosen.len()
        } else {
            minimum(&sets.known, self.names.len()).chosen.len() + alone.count()
        };
        Minimum { at_least: least.at_least, at_most: at_most.max(least.at_least), parties: self.named(&least.chosen) }
    }

    fn named(&self, numbers: &[usize]) -> Vec<Party> {
        numbers.iter().map(|number| self.names[*number].clone()).collect()
    }
}

fn costliest(mirrors: &[Standpoint]) -> Option<(Party, usize)> {
    let mut losses: BTreeMap<&Party, usize> = BTreeMap::new();
    for party in mirrors.iter().flat_map(|mirror| &mirror.parties) {
        *losses.entry(party).or_default() += 1;
    }
    // The first of several, so that the same mirrors always give the same answer.
    let worst = losses.into_iter().max_by_key(|(party, lost)| (party.name.is_some(), *lost, std::cmp::Reverse(*party)))?;
    Some((worst.0.clone(), worst.1))
}

fn unknown(mirrors: &[Standpoint], kind: PartyKind) -> Option<Unknown> {
    let nobody = Party { kind, name: None };
    let mirrors: Vec<TargetName> =
        mirrors.iter().filter(|mirror| mirror.parties.contains(&nobody)).map(|mirror| mirror.mirror.clone()).collect();
    (!mirrors.is_empty()).then_some(Unknown { kind, mirrors })
}
