//! What is found out about small fleets by trying everything, and about large ones soon enough.

mod large;
mod unknown;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::hitting_set::{in_some_minimum, minimum, minimum_within};
use super::{Assessment, Party, PartyKind, Standpoint, assess};
use crate::base::TargetName;

fn name(name: &str) -> TargetName {
    TargetName::new(name).expect("a name")
}

fn mirror(of: &str, operator: &str, network: &str, country: &str) -> Standpoint {
    Standpoint::new(name(of))
        .with(PartyKind::Operator, Some(operator.to_owned()))
        .with(PartyKind::Network, Some(network.to_owned()))
        .with(PartyKind::Country, Some(country.to_owned()))
}

fn party(kind: PartyKind, name: &str) -> Party {
    Party { kind, name: Some(name.to_owned()) }
}

fn assessed(mirrors: &[Standpoint]) -> Assessment {
    assess(mirrors).expect("there are mirrors")
}

#[test]
fn mirrors_in_two_countries_take_two_parties_whatever_else_they_share() {
    let mirrors = [
        mirror("a", "ann", "AS1", "NO"),
        mirror("b", "bob", "AS2", "NO"),
        mirror("c", "cid", "AS3", "US"),
        mirror("d", "dan", "AS3", "FR"),
    ];
    let found = assessed(&mirrors);
    assert_eq!((found.mixed.at_least, found.mixed.at_most), (2, 2));
    assert_eq!(found.mixed.parties, [party(PartyKind::Network, "AS3"), party(PartyKind::Country, "NO")]);
    assert_eq!(found.by_kind[&PartyKind::Operator].at_least, 4);
    assert_eq!(found.by_kind[&PartyKind::Country].at_least, 3);
    assert_eq!(found.costliest, Some((party(PartyKind::Network, "AS3"), 2)));
    assert_eq!(found.avoid, [party(PartyKind::Network, "AS3"), party(PartyKind::Country, "NO")]);
    assert_eq!((found.raised_to, found.unknown), (Some(3), Vec::new()));
}

#[test]
fn a_mirror_outside_of_what_is_to_be_avoided_raises_the_number() {
    let mut mirrors = vec![mirror("a", "ann", "AS1", "NO"), mirror("b", "bob", "AS1", "US"), mirror("c", "cid", "AS2", "US")];
    let before = assessed(&mirrors);
    mirrors.push(mirror("d", "dan", "AS9", "FR"));
    let after = assessed(&mirrors);
    assert_eq!((after.mixed.at_least, before.raised_to), (before.mixed.at_least + 1, Some(after.mixed.at_least)));
}

#[test]
fn a_kind_that_some_mirror_does_not_depend_on_cannot_end_them_all() {
    let folder = Standpoint::new(name("disk")).with(PartyKind::Operator, Some("ann".to_owned()));
    let found = assessed(&[folder, mirror("a", "bob", "AS1", "NO")]);
    assert!(!found.by_kind.contains_key(&PartyKind::Country));
    assert_eq!(found.mixed.at_least, 2);
}

#[test]
fn without_mirrors_there_is_nothing_to_say() {
    assert_eq!(assess(&[]), None);
}

#[test]
fn a_common_certificate_authority_is_one_party() {
    let certified = |name: &str, operator: &str| {
        mirror(name, operator, operator, operator).with(PartyKind::Authority, Some("Example CA".to_owned()))
    };
    let found = assessed(&[certified("a", "ann"), certified("b", "bob")]);
    assert_eq!(found.mixed.parties, [party(PartyKind::Authority, "Example CA")]);
    assert_eq!(found.mixed.parties[0].to_string(), "certificate authority Example CA");
}

#[test]
fn a_search_that_is_given_up_leaves_limits_on_both_sides() {
    // Every two of nine elements, three times over: eight are needed, and no reduction helps.
    let pairs = |first: usize| (0..9).flat_map(move |one| (0..one).map(move |other| vec![first + other, first + one]));
    let sets: Vec<Vec<usize>> = (0..3).flat_map(|copy| pairs(copy * 9)).collect();
    assert_eq!((minimum(&sets, 27).at_least, minimum(&sets, 27).chosen.len()), (24, 24));
    let hasty = minimum_within(&sets, 27, 2);
    assert!(hasty.at_least < 24 && hasty.chosen.len() >= 24, "{hasty:?}");
    assert!(sets.iter().all(|set| set.iter().any(|element| hasty.chosen.contains(element))), "{hasty:?}");
}

/// A small fleet: operator, network and country of each mirror.
fn fleet(numbers: &[(u8, u8, u8)]) -> Vec<Standpoint> {
    let one = |(number, (operator, network, country)): (usize, &(u8, u8, u8))| {
        mirror(&format!("m{number}"), &format!("o{operator}"), &format!("n{network}"), &format!("c{country}"))
    };
    numbers.iter().enumerate().map(one).collect()
}

proptest! {
    /// Against trying everything.
    #[test]
    fn the_minimum_is_one_and_all_others_are_known(
        sets in prop::collection::vec(prop::collection::btree_set(0..8_usize, 1..4), 1..9),
    ) {
        let lists: Vec<Vec<usize>> = sets.iter().map(|set| set.iter().copied().collect()).collect();
        let found = minimum(&lists, 8);
        let hits = |chosen: &BTreeSet<usize>| sets.iter().all(|set| !set.is_disjoint(chosen));
        prop_assert!(hits(&found.chosen.iter().copied().collect()));
        let every = (0..256_u16).map(|bits| (0..8).filter(|element| bits >> element & 1 == 1).collect::<BTreeSet<usize>>());
        let all: Vec<BTreeSet<usize>> = every.filter(hits).collect();
        let smallest = all.iter().map(BTreeSet::len).min();
        prop_assert_eq!((Some(found.chosen.len()), Some(found.at_least)), (smallest, smallest));
        let in_some: BTreeSet<usize> = all.into_iter().filter(|chosen| Some(chosen.len()) == smallest).flatten().collect();
        let told: BTreeSet<usize> = in_some_minimum(&lists, 8, &found.chosen).into_iter().collect();
        prop_assert_eq!(told, in_some);
    }

    /// Against trying every set of parties.
    #[test]
    fn no_smaller_set_of_parties_takes_a_small_fleet_down(
        numbers in prop::collection::vec((0..4_u8, 0..3_u8, 0..3_u8), 1..7),
    ) {
        let mirrors = fleet(&numbers);
        let found = assessed(&mirrors);
        let all: Vec<&Party> = mirrors.iter().flat_map(|mirror| &mirror.parties).collect::<BTreeSet<_>>().into_iter().collect();
        let ends_all = |bits: u32| {
            let chosen: BTreeSet<&Party> = all.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1).map(|(_, party)| *party).collect();
            mirrors.iter().all(|mirror| mirror.parties.iter().any(|party| chosen.contains(party)))
        };
        let smallest = (0..1_u32 << all.len()).filter(|bits| ends_all(*bits)).map(u32::count_ones).min();
        prop_assert_eq!(u32::try_from(found.mixed.at_most).ok(), smallest);
        prop_assert_eq!(found.mixed.at_least, found.mixed.at_most);
    }

    /// A mirror that has none of what is to be avoided raises the number, whatever else it shares with others; one that has
    /// any of it does not.
    #[test]
    fn what_is_to_be_avoided_is_exactly_what_matters(
        numbers in prop::collection::vec((0..5_u8, 0..4_u8, 0..4_u8), 1..9),
        new in (0..6_u8, 0..5_u8, 0..5_u8),
    ) {
        let mut mirrors = fleet(&numbers);
        let before = assessed(&mirrors);
        mirrors.push(mirror("new", &format!("o{}", new.0), &format!("n{}", new.1), &format!("c{}", new.2)));
        let avoids = mirrors.last().is_some_and(|new| before.avoid.iter().all(|party| !new.parties.contains(party)));
        let expected = if avoids { before.raised_to } else { Some(before.mixed.at_most) };
        prop_assert_eq!(Some(assessed(&mirrors).mixed.at_most), expected);
    }
}
