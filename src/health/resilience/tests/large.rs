//! Large fleets: how soon they are assessed. The figures in docs/health.md are what the last test here prints.

use std::time::Duration;

use super::*;

/// How long this thread has been running: other tests on the same processors do not count (`proc_pid_schedstat(5)`).
fn time_on_processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("/proc is mounted");
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first number"))
}

/// Mirrors of 150 operators in 40 networks and 25 countries, drawn with a fixed seed.
fn even(count: u32) -> Vec<Standpoint> {
    let mut chance = fastrand::Rng::with_seed(7);
    let mut pick = |letter: char, count: u32| format!("{letter}{}", chance.u32(0..count));
    (0..count).map(|number| mirror(&format!("m{number}"), &pick('o', 150), &pick('n', 40), &pick('c', 25))).collect()
}

/// A fleet as they are: a few networks, countries, registries and authorities have most of it, most operators have one or two
/// mirrors. Each kind has so many names, and the first of them are the more frequent the higher the exponent is.
fn skewed(count: u32, unknown: f64, seed: u64) -> Vec<Standpoint> {
    let kinds = [
        (PartyKind::Operator, count * 2 / 3 + 2, 0.5),
        (PartyKind::Network, count / 4 + 6, 1.1),
        (PartyKind::Country, 60, 1.2),
        (PartyKind::Suffix, 40, 1.6),
        (PartyKind::Domain, count * 3 / 4 + 2, 0.4),
        (PartyKind::DnsHost, count / 6 + 4, 1.3),
        (PartyKind::Authority, 8, 2.2),
    ];
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut drawn = |names: u32, exponent: f64| {
        let (rest, chance) = (1.0 - exponent, chance.f64());
        (f64::from(names).powf(rest) * chance + 1.0 - chance).powf(1.0 / rest).clamp(1.0, f64::from(names)).floor()
    };
    let mut blank = fastrand::Rng::with_seed(seed);
    let one = |number| {
        kinds.iter().fold(Standpoint::new(name(&format!("m{number}"))), |own, (kind, names, exponent)| {
            let drawn = format!("{}{}", kind.word(), drawn(*names, *exponent));
            let is_unknown = !matches!(kind, PartyKind::Suffix | PartyKind::Domain) && blank.f64() < unknown;
            own.with(*kind, Some(drawn).filter(|_| !is_unknown))
        })
    };
    (0..count).map(one).collect()
}

#[test]
fn fleets_without_any_order_are_solved_exactly() {
    for count in [300, 2000] {
        let found = assessed(&even(count));
        assert_eq!((found.mixed.at_least, found.mixed.at_most, found.raised_to), (25, 25, Some(26)), "{count}");
    }
}

#[test]
fn a_mirror_that_keeps_to_what_is_said_helps_a_large_fleet_too() {
    let mut mirrors = skewed(300, 0.1, 7);
    let before = assessed(&mirrors);
    let new = PartyKind::ALL.into_iter().fold(Standpoint::new(name("new")), |own, kind| own.with(kind, Some("new".to_owned())));
    assert!(before.avoid.iter().all(|party| party.name.is_some()), "here nobody unknown has to be avoided: {:?}", before.avoid);
    mirrors.push(new);
    assert_eq!(Some(assessed(&mirrors).mixed.at_least), before.raised_to);
}

/// What docs/health.md says: a debug build tells it with
/// `cargo nextest run --no-capture -E 'test(/fleets_as_they_are/)'`.
#[test]
fn fleets_as_they_are_are_solved_exactly_and_soon() {
    for (count, unknown) in [(24, 0.0), (300, 0.0), (300, 0.1), (2000, 0.0), (2000, 0.1)] {
        for seed in [7, 8] {
            let mirrors = skewed(count, unknown, seed);
            let begun = time_on_processor();
            let found = assessed(&mirrors);
            let took = time_on_processor().saturating_sub(begun);
            let (mixed, kinds) = (&found.mixed, &found.by_kind);
            println!(
                "{count} mirrors, {:.0} % unknown, seed {seed}: {} to {} parties, {} to avoid, {} ms",
                unknown * 100.0,
                mixed.at_least,
                mixed.at_most,
                found.avoid.len(),
                took.as_millis()
            );
            assert_eq!(found.raised_to, Some(mixed.at_least + 1), "{mixed:?}");
            assert!(kinds.len() == 7 && kinds.values().all(|kind| kind.at_least >= mixed.at_least), "{kinds:?}");
            assert!(took < Duration::from_secs(8), "several times what it took when this was written: {took:?}");
        }
    }
}
