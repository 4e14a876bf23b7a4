//! Random lives of mirrors: ten thousand of them.

use proptest::prelude::*;

use super::mend::{ending, half_reached};
use super::sight::{Life, behind, complete, current, forged, from, incomplete, silent, verified};
use crate::health::{Condition, Observation, Verdict};

/// Rounds in a life.
const ROUNDS: usize = 120;
/// Rounds until the slowest rule has to know that something is wrong.
const SOON: usize = 4;

/// What is true of a mirror for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Truth {
    Good,
    Forged,
    Away,
    Behind,
    Incomplete,
    /// Right bytes, over IPv4 alone.
    HalfReached,
    /// Right bytes, under a certificate that ends within days.
    Ending,
}

impl Truth {
    /// What a look at it sees, as deep as this round goes.
    fn look(self, depth: u8) -> Observation {
        match (self, depth) {
            (Self::Good, 0) => current(),
            (Self::Good, 1) => complete(),
            (Self::Good, _) => verified(),
            (Self::Forged, _) => forged(),
            (Self::Away, _) => silent(),
            (Self::Behind, _) => behind(1),
            (Self::Incomplete, _) => incomplete(),
            (Self::HalfReached, _) => half_reached(),
            (Self::Ending, _) => ending(),
        }
    }
}

fn truths() -> impl Strategy<Value = Vec<(Truth, usize)>> {
    let truth = prop_oneof![
        3 => Just(Truth::Good),
        1 => Just(Truth::Forged),
        1 => Just(Truth::Away),
        1 => Just(Truth::Behind),
        1 => Just(Truth::Incomplete),
        1 => Just(Truth::HalfReached),
        1 => Just(Truth::Ending),
    ];
    prop::collection::vec((truth, 1..40_usize), 1..8)
}

/// What a vantage may say; nothing: it does not count in this round.
fn lie() -> impl Strategy<Value = Option<Verdict>> {
    prop::option::of(prop_oneof![
        Just(Verdict::Current),
        Just(Verdict::Unreadable),
        Just(Verdict::Forged),
        Just(Verdict::Mixed),
        Just(Verdict::RolledBack),
        Just(Verdict::Incomplete),
        Just(Verdict::Behind { by: 3 }),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn a_bad_mirror_is_never_healthy(life in truths(), depths in prop::collection::vec(0..3_u8, ROUNDS)) {
        let mut mirror = Life::new();
        let mut rounds = depths.into_iter();
        for (truth, length) in life {
            for (position, depth) in (0..length).zip(rounds.by_ref()) {
                let condition = mirror.sees(&truth.look(depth)).condition;
                let known = truth == Truth::Forged || position >= SOON;
                prop_assert!(
                    truth == Truth::Good || !known || condition != Condition::Healthy,
                    "{truth:?} for {position} rounds: {:?}", mirror.standing
                );
            }
        }
    }

    /// One vantage tells the truth, or none does, and one says whatever it likes, in each round anew.
    #[test]
    fn a_bad_mirror_is_never_healthy_whatever_one_vantage_says(
        life in truths(),
        depths in prop::collection::vec(0..3_u8, ROUNDS),
        lies in prop::collection::vec(lie(), ROUNDS),
        is_honest in any::<bool>(),
    ) {
        let mut mirror = Life::new();
        let mut rounds = depths.into_iter().zip(lies);
        for (truth, length) in life {
            for (position, (depth, lie)) in (0..length).zip(rounds.by_ref()) {
                let seen = truth.look(depth);
                let honest = is_honest.then(|| from("de", seen.look.verdict, 1));
                mirror.around.elsewhere = lie.map(|verdict| from("br", verdict, 1)).into_iter().chain(honest).collect();
                let condition = mirror.sees(&seen).condition;
                let known = truth == Truth::Forged || position >= SOON;
                prop_assert!(
                    truth == Truth::Good || !known || condition != Condition::Healthy,
                    "{truth:?} for {position} rounds: {:?}", mirror.standing
                );
            }
        }
    }

    /// Readers go on to be sent to a good mirror, whatever one vantage says of it.
    #[test]
    fn one_vantage_can_neither_quarantine_nor_shut_out_a_good_mirror(
        depths in prop::collection::vec(0..3_u8, ROUNDS),
        lies in prop::collection::vec(lie(), ROUNDS),
        is_honest in any::<bool>(),
    ) {
        let mut mirror = Life::new();
        for (depth, lie) in depths.into_iter().zip(lies) {
            let honest = is_honest.then(|| from("de", Verdict::Current, 1));
            mirror.around.elsewhere = lie.map(|verdict| from("br", verdict, 0)).into_iter().chain(honest).collect();
            let condition = mirror.sees(&Truth::Good.look(depth)).condition;
            prop_assert!(condition.is_good(), "{:?}", mirror.standing);
        }
    }

    #[test]
    fn nothing_but_clean_verifications_leads_out_of_quarantine(life in truths(), depths in prop::collection::vec(0..2_u8, ROUNDS)) {
        let mut mirror = Life::new();
        mirror.sees(&forged());
        let looks = life.into_iter().flat_map(|(truth, length)| std::iter::repeat_n(truth, length));
        for (truth, depth) in looks.zip(depths) {
            // No look hashes everything.
            prop_assert_eq!(mirror.sees(&truth.look(depth)).condition, Condition::Quarantined);
        }
    }

    #[test]
    fn the_same_past_gives_the_same_present(life in truths(), depths in prop::collection::vec(0..3_u8, ROUNDS)) {
        let (mut one, mut other) = (Life::new(), Life::new());
        let looks = life.into_iter().flat_map(|(truth, length)| std::iter::repeat_n(truth, length));
        for (truth, depth) in looks.zip(depths) {
            one.sees(&truth.look(depth));
            // As after a restart: what the rules remember went through the state file.
            let text = serde_json::to_string(&other.standing).expect("a standing is plain data");
            other.standing = serde_json::from_str(&text).expect("it can be read again");
            other.sees(&truth.look(depth));
            prop_assert_eq!(&one.standing, &other.standing);
        }
    }
}

/// A line that loses one look in a hundred makes a good mirror bad in fewer than one round of a thousand.
#[test]
fn a_good_mirror_on_a_poor_line_is_hardly_ever_bad() {
    let mut chance = fastrand::Rng::with_seed(2010);
    let (mut rounds, mut bad) = (0_u32, 0_u32);
    for _ in 0..10_000 {
        let mut mirror = Life::new();
        mirror.sees(&verified());
        for _ in 0..60 {
            let lost = chance.u32(0..100) == 0;
            let depth = if chance.u32(0..12) == 0 { 2 } else { 0 };
            let condition = mirror.sees(&if lost { silent() } else { Truth::Good.look(depth) }).condition;
            rounds += 1;
            bad += u32::from(!condition.is_good());
        }
    }
    assert!(bad * 1000 <= rounds, "{bad} of {rounds} rounds");
}
