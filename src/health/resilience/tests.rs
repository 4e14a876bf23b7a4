use std::collections::BTreeSet;

use proptest::prelude::*;

use super::hitting_set::minimum;
use super::{Party, PartyKind, Standpoint, assess};
use crate::base::TargetName;

fn mirror(name: &str, operator: &str, network: &str, country: &str) -> Standpoint {
    Standpoint::new(TargetName::new(name).expect("a name"))
        .with(PartyKind::Operator, Some(operator.to_owned()))
        .with(PartyKind::Network, Some(network.to_owned()))
        .with(PartyKind::Country, Some(country.to_owned()))
}

fn party(kind: PartyKind, name: &str) -> Party {
    Party { kind, name: Some(name.to_owned()) }
}

#[test]
fn mirrors_in_two_countries_take_two_parties_whatever_else_they_share() {
    let mirrors = [
        mirror("a", "ann", "AS1", "NO"),
        mirror("b", "bob", "AS2", "NO"),
        mirror("c", "cid", "AS3", "US"),
        mirror("d", "dan", "AS3", "FR"),
    ];
    let found = assess(&mirrors).expect("there are mirrors");
    assert_eq!((found.mixed.at_least, found.mixed.at_most), (2, 2));
    assert_eq!(found.mixed.parties, [party(PartyKind::Network, "AS3"), party(PartyKind::Country, "NO")]);
    assert_eq!(found.by_kind[&PartyKind::Operator].at_least, 4);
    assert_eq!(found.by_kind[&PartyKind::Country].at_least, 3);
    assert_eq!(found.costliest, Some((party(PartyKind::Network, "AS3"), 2)));
    assert_eq!(found.avoid, [party(PartyKind::Network, "AS3"), party(PartyKind::Country, "NO")]);
}

#[test]
fn a_mirror_outside_of_what_is_to_be_avoided_raises_the_number() {
    let mut mirrors = vec![mirror("a", "ann", "AS1", "NO"), mirror("b", "bob", "AS1", "US"), mirror("c", "cid", "AS2", "US")];
    let before = assess(&mirrors).expect("there are mirrors");
    mirrors.push(mirror("d", "dan", "AS9", "FR"));
    let after = assess(&mirrors).expect("there are mirrors");
    assert_eq!(after.mixed.at_least, before.mixed.at_least + 1);
}

#[test]
fn what_is_not_known_may_all_be_one() {
    let unknown = |name: &str| Standpoint::new(TargetName::new(name).expect("a name")).with(PartyKind::Country, None);
    let found = assess(&[unknown("a"), unknown("b")]).expect("there are mirrors");
    assert_eq!(found.by_kind[&PartyKind::Country].at_least, 1);
    assert_eq!(found.mixed.parties[0].to_string(), "an unknown country");
}

#[test]
fn a_kind_that_some_mirror_does_not_depend_on_cannot_end_them_all() {
    let folder = Standpoint::new(TargetName::new("disk").expect("a name")).with(PartyKind::Operator, Some("ann".to_owned()));
    let found = assess(&[folder, mirror("a", "bob", "AS1", "NO")]).expect("there are mirrors");
    assert!(!found.by_kind.contains_key(&PartyKind::Country));
    assert_eq!(found.mixed.at_least, 2);
}

#[test]
fn without_mirrors_there_is_nothing_to_say() {
    assert_eq!(assess(&[]), None);
}

#[test]
fn three_hundred_mirrors_are_solved_exactly_and_soon() {
    let mut chance = fastrand::Rng::with_seed(7);
    let mut pick = |letter: char, count: u32| format!("{letter}{}", chance.u32(0..count));
    let mirrors: Vec<Standpoint> =
        (0..300).map(|number| mirror(&format!("m{number}"), &pick('o', 150), &pick('n', 40), &pick('c', 25))).collect();
    let found = assess(&mirrors).expect("there are mirrors");
    assert_eq!((found.mixed.at_least, found.mixed.at_most), (25, 25), "{found:?}");
}

proptest! {
    /// Against trying everything.
    #[test]
    fn the_minimum_is_one(sets in prop::collection::vec(prop::collection::btree_set(0..8_u8, 1..4), 1..8)) {
        let found = minimum(&sets);
        let hits = |chosen: &BTreeSet<u8>| sets.iter().all(|set| !set.is_disjoint(chosen));
        let chosen: BTreeSet<u8> = found.chosen.iter().copied().collect();
        prop_assert!(hits(&chosen));
        let every = (0..256_u16).map(|bits| (0..8_u8).filter(|element| bits >> element & 1 == 1).collect::<BTreeSet<u8>>());
        let smallest = every.filter(|chosen| hits(chosen)).map(|chosen| chosen.len()).min();
        prop_assert_eq!(Some(found.chosen.len()), smallest);
        prop_assert_eq!(found.at_least, found.chosen.len());
    }
}
