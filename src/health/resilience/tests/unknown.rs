//! Parties that are not known: held against every way in which they could turn out.

use super::*;
use crate::health::resilience::Unknown;

#[test]
fn what_is_not_known_may_all_be_one_or_each_somebody_else() {
    let unknown = |of: &str| Standpoint::new(name(of)).with(PartyKind::Country, None);
    let found = assessed(&[unknown("a"), unknown("b")]);
    let minimum = &found.by_kind[&PartyKind::Country];
    assert_eq!((minimum.at_least, minimum.at_most), (1, 2));
    assert_eq!(found.mixed.parties[0].to_string(), "an unknown country");
    assert_eq!(found.unknown, [Unknown { kind: PartyKind::Country, mirrors: vec![name("a"), name("b")] }]);
}

#[test]
fn what_is_not_known_may_be_what_another_mirror_depends_on() {
    let found = assessed(&[
        mirror("a", "ann", "AS1", "NO"),
        Standpoint::new(name("b")).with(PartyKind::Operator, Some("bob".to_owned())).with(PartyKind::Country, None),
    ]);
    assert_eq!((found.mixed.at_least, found.mixed.at_most), (1, 2));
    assert_eq!(found.mixed.parties, [party(PartyKind::Country, "NO")]);
    assert_eq!(found.costliest, Some((party(PartyKind::Operator, "ann"), 1)), "of what is known nothing takes two");
}

#[test]
fn where_a_known_party_takes_all_down_unknown_ones_change_nothing() {
    let certified =
        |of: &str| Standpoint::new(name(of)).with(PartyKind::Authority, Some("CA".into())).with(PartyKind::Network, None);
    let found = assessed(&[certified("a"), certified("b")]);
    assert_eq!((found.mixed.at_least, found.mixed.at_most), (1, 1));
}

/// Three kinds of party of each mirror, `None` for an unknown one.
type Numbers = [Option<u8>; 3];

fn standpoint(of: &str, numbers: Numbers) -> Standpoint {
    let kinds = [PartyKind::Operator, PartyKind::Network, PartyKind::Country];
    let parties = kinds.into_iter().zip(numbers);
    parties.fold(Standpoint::new(name(of)), |own, (kind, number)| own.with(kind, number.map(|number| number.to_string())))
}

/// Every way in which the unknown ones of `fleet` could turn out: one of the known names, or a new one that others may have too.
fn every_turn(fleet: &[Numbers]) -> Vec<Vec<[u8; 3]>> {
    let slots: Vec<(usize, usize)> = (0..fleet.len())
        .flat_map(|mirror| (0..3).map(move |kind| (mirror, kind)))
        .filter(|(mirror, kind)| fleet[*mirror][*kind].is_none())
        .collect();
    let base: Vec<[u8; 3]> = fleet.iter().map(|numbers| numbers.map(Option::unwrap_or_default)).collect();
    let mut turns = vec![base];
    for (place, (mirror, kind)) in (0_u8..).zip(slots) {
        // New names count from 100; this slot may take that of an earlier one.
        let names = (0..4).chain(100..=100 + place);
        turns = names
            .flat_map(|name| {
                turns.iter().cloned().map(move |mut turn| {
                    turn[mirror][kind] = name;
                    turn
                })
            })
            .collect();
    }
    turns
}

/// The fewest parties that reach every mirror, by trying every set of them.
fn fewest(fleet: &[[u8; 3]]) -> u32 {
    let parties = |mirror: &[u8; 3]| (0_u8..).zip(*mirror).collect::<Vec<(u8, u8)>>();
    let all: Vec<(u8, u8)> = fleet.iter().flat_map(parties).collect::<BTreeSet<_>>().into_iter().collect();
    let place = |party: &(u8, u8)| all.iter().position(|other| other == party).expect("it is one of all");
    let masks: Vec<u32> = fleet.iter().map(|mirror| parties(mirror).iter().map(|party| 1 << place(party)).sum()).collect();
    (0..1_u32 << all.len()).filter(|bits| masks.iter().all(|mask| bits & mask != 0)).map(u32::count_ones).min().expect("all do")
}

/// At most three are unknown, or else there are too many ways to try.
fn few_unknown(mut fleet: Vec<Numbers>) -> Vec<Numbers> {
    fleet.iter_mut().flatten().filter(|number| number.is_none()).skip(3).for_each(|number| *number = Some(0));
    fleet
}

fn numbers() -> impl Strategy<Value = Numbers> {
    prop::array::uniform3(prop::option::weighted(0.7, 0..3_u8))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The limits are the best and the worst way in which the unknown ones can turn out, and one more mirror that keeps to
    /// what is said raises the number in every one of them.
    #[test]
    fn the_limits_hold_however_the_unknown_turn_out(
        fleet in prop::collection::vec(numbers(), 1..4).prop_map(few_unknown),
        new in prop::array::uniform3(0..4_u8),
    ) {
        let mut mirrors: Vec<Standpoint> = fleet.iter().enumerate().map(|(number, one)| standpoint(&format!("m{number}"), *one)).collect();
        let found = assessed(&mirrors);
        let turns = every_turn(&fleet);
        let counts = || turns.iter().map(|turn| fewest(turn));
        prop_assert_eq!(u32::try_from(found.mixed.at_least).ok(), counts().min());
        prop_assert_eq!(u32::try_from(found.mixed.at_most).ok(), counts().max());

        mirrors.push(standpoint("new", new.map(Some)));
        let avoids = mirrors.last().is_some_and(|new| found.avoid.iter().all(|party| !new.parties.contains(party)));
        let kinds = [PartyKind::Operator, PartyKind::Network, PartyKind::Country];
        // Where an unknown one is to be avoided, the promise holds if it turns out to be somebody else than the new mirror has.
        let is_elsewhere = |turn: &[[u8; 3]]| {
            (0..3).all(|kind| {
                let is_promised = found.avoid.contains(&Party { kind: kinds[kind], name: None });
                !is_promised || turn.iter().zip(&fleet).all(|(one, was)| was[kind].is_some() || one[kind] != new[kind])
            })
        };
        let after = turns.iter().filter(|turn| is_elsewhere(turn)).map(|turn| fewest(&[turn.as_slice(), &[new]].concat())).min();
        if avoids {
            prop_assert_eq!(after, found.raised_to.and_then(|raised| u32::try_from(raised).ok()));
        }
    }
}
