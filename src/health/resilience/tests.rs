use std::collections::BTreeSet;

use proptest::prelude::*;

use super::hitting_set::minimum;
use super::{Assessment, Party, PartyKind, Standpoint, assess};
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
    let found = assess(&many(300)).expect("there are mirrors");
    assert_eq!((found.mixed.at_least, found.mixed.at_most), (25, 25), "{found:?}");
    assert_eq!(found.raised_to, Some(26));
}

#[test]
fn beyond_the_exact_size_nothing_is_promised_of_one_more_mirror() {
    let found = assess(&many(2000)).expect("there are mirrors");
    assert!(found.mixed.at_least <= found.mixed.at_most && found.mixed.at_most <= 25, "{found:?}");
    assert_eq!((found.raised_to, &found.avoid), (None, &found.mixed.parties));
}

#[test]
fn a_common_certificate_authority_is_one_party() {
    let certified = |name: &str, operator: &str| {
        mirror(name, operator, operator, operator).with(PartyKind::Authority, Some("Example CA".to_owned()))
    };
    let found = assess(&[certified("a", "ann"), certified("b", "bob")]).expect("there are mirrors");
    assert_eq!(found.mixed.parties, [party(PartyKind::Authority, "Example CA")]);
    assert_eq!(found.mixed.parties[0].to_string(), "certificate authority Example CA");
}

/// Mirrors of 150 operators in 40 networks and 25 countries, drawn with a fixed seed.
fn many(count: u32) -> Vec<Standpoint> {
    let mut chance = fastrand::Rng::with_seed(7);
    let mut pick = |letter: char, count: u32| format!("{letter}{}", chance.u32(0..count));
    (0..count).map(|number| mirror(&format!("m{number}"), &pick('o', 150), &pick('n', 40), &pick('c', 25))).collect()
}

/// A small fleet: operator, network and country of each mirror.
fn fleet(numbers: &[(u8, u8, u8)]) -> Vec<Standpoint> {
    let one = |(number, (operator, network, country)): (usize, &(u8, u8, u8))| {
        mirror(&format!("m{number}"), &format!("o{operator}"), &format!("n{network}"), &format!("c{country}"))
    };
    numbers.iter().enumerate().map(one).collect()
}

fn assessed(mirrors: &[Standpoint]) -> Assessment {
    assess(mirrors).expect("there are mirrors")
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
