//! Pushes under faults, kills and cancellations: at every moment a reader gets one complete release, old or new, and
//! the same push again ends as if nothing had happened.

use std::sync::Arc;
use std::time::Duration;

use spartacus::base::RetryPolicy;
use spartacus::store::{ErrorKind, Fault, FaultPlan, Faulty, Operation, Store as _};
use spartacus::transfer::{Ending, run};

use super::actor::{Actor, Cue, Notebook, job_on, orders};
use super::world::{Objects, holds_all_of, published, release};

/// A target that holds release `from` (0: nothing).
fn at(from: usize) -> Objects {
    if from == 0 { Objects::new() } else { published(&release(from)) }
}

/// A reader saw only complete releases, and never an older one after a newer one.
fn assert_promise(actor: &Actor, from: usize, to: usize, case: &str) {
    let mut last = from as u64;
    for seen in actor.seen() {
        let version = seen.unwrap_or_else(|broken| panic!("{case}: a reader found {broken}"));
        assert!(version >= last && (version == from as u64 || version == to as u64), "{case}: version {version} after {last}");
        last = version;
    }
}

/// The same push without faults.
async fn push_again(actor: &Actor, to: usize, journal: &Notebook, case: &str) {
    let before = usize::try_from(version(actor).await).expect("small");
    let again = actor.playing([]);
    let mut second = orders(&release(to), vec![job_on(again.clone())]);
    second.common.journal = Arc::new(journal.clone());
    let found = run(second).await;
    assert!(found.outcomes[0].is_good(), "{case}: {:?}", found.outcomes[0]);
    assert_promise(&again, before, to, case);
    let mut left = again.store.snapshot();
    // Nothing verifiable depends on it; it comes with the next change.
    let index = release(to).conveniences[0].clone();
    left.insert(index.path.clone(), super::world::bytes_of(&index));
    holds_all_of(&left, &release(to)).unwrap_or_else(|wrong| panic!("{case}: {wrong}"));
}

async fn version(actor: &Actor) -> u64 {
    match actor.seen().pop() {
        Some(version) => version.expect("a whole release"),
        None => super::world::read(&actor.store.snapshot()).await.expect("a whole release"),
    }
}

#[tokio::test(start_paused = true)]
async fn any_faults_and_any_cancellation_leave_a_complete_release() {
    let kinds =
        [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::ConnectionLost, ErrorKind::NoSpace, ErrorKind::Unauthenticated];
    for seed in 0..400_u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let from = random.usize(0..3);
        let to = random.usize(from.max(1)..=3);
        let mut faults =
            vec![Fault::CutBody(3), Fault::Flip(random.u64(0..200)), Fault::Delay(Duration::from_secs(random.u64(1..40)))];
        for kind in &kinds[..random.usize(0..=kinds.len())] {
            faults.extend([Fault::Before(*kind), Fault::After(*kind)]);
        }
        let plan = FaultPlan::random(seed, random.f64() * 0.4, faults);
        let case = format!("seed {seed}: {from} to {to}");
        let actor = Actor::new("target", &at(from), []);
        let journal = Notebook::default();
        let mut first = orders(&release(to), vec![job_on(Faulty::new(actor.clone(), plan))]);
        first.common.journal = Arc::new(journal.clone());
        let cancel = first.common.cancel.clone();
        let after = Duration::from_millis(random.u64(0..60_000));
        if random.bool() {
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                cancel.cancel();
            });
        }
        let found = run(first).await;
        assert_promise(&actor, from, to, &case);
        let outcome = &found.outcomes[0];
        if outcome.ending == Ending::Done {
            assert_eq!(version(&actor).await, to as u64, "{case}: {outcome:?}");
        }
        push_again(&actor, to, &journal, &case).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_killed_at_any_call_leaves_a_complete_release() {
    for (from, to) in [(0, 1), (1, 2), (2, 3), (0, 3)] {
        for (effect, remembers) in [(false, true), (true, true), (true, false)] {
            let mut number = 0;
            loop {
                number += 1;
                let case = format!("{from} to {to}, killed at call {number}, effect {effect}, journal {remembers}");
                let actor = Actor::new("target", &at(from), [Cue::Silent(number, effect)]);
                let journal = Notebook::default();
                let mut first = orders(&release(to), vec![job_on(actor.clone())]);
                first.common.journal = Arc::new(journal.clone());
                // Nothing happens any more in a run that is killed, so an hour is as good as the moment.
                let ended = tokio::time::timeout(Duration::from_hours(1), run(first)).await;
                assert_promise(&actor, from, to, &case);
                let journal = if remembers { journal } else { Notebook::default() };
                push_again(&actor, to, &journal, &case).await;
                if ended.is_ok() {
                    assert!(number > 10, "{case}: the run has so many calls");
                    break;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_always_fails_gets_few_requests() {
    let policy = RetryPolicy::default();
    let always = |seed| FaultPlan::random(seed, 1.0, [Fault::Before(ErrorKind::Unavailable)]);
    let stores: Vec<Arc<Faulty<Actor>>> =
        (0..200).map(|number| Arc::new(Faulty::new(Actor::new(&format!("t{number}"), &at(1), []), always(number)))).collect();
    let jobs = stores.iter().map(|store| super::actor::job(store.inner().store.target(), super::actor::Ready(store.clone())));
    let found = run(orders(&release(2), jobs.collect())).await;
    assert!(found.outcomes.iter().all(|outcome| outcome.ending == Ending::Failed));
    let retries: u64 = found.outcomes.iter().map(|outcome| outcome.retries).sum();
    let requests: u64 = stores.iter().map(|store| store.calls(Operation::Get)).sum();
    assert_eq!(requests, 200 + retries);
    assert!(retries <= 200 * u64::from(policy.tries - 1), "{retries}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_fails_midway_is_not_drowned_in_retries() {
    let policy = RetryPolicy::default();
    let failing =
        (1..1000).fold(FaultPlan::none(), |plan, nth| plan.then(Operation::Put, nth, Fault::Before(ErrorKind::Timeout)));
    let store = Arc::new(Faulty::new(Actor::new("target", &at(0), []), failing));
    let jobs = vec![super::actor::job(store.inner().store.target(), super::actor::Ready(store.clone()))];
    let found = run(orders(&release(3), jobs)).await;
    assert_eq!(found.outcomes[0].ending, Ending::Failed);
    let first_tries = store.calls(Operation::Put) - found.outcomes[0].retries;
    assert!(first_tries <= 16, "the first failure ends the target, so only those at the same time went out: {first_tries}");
    assert!(found.outcomes[0].retries <= u64::from(policy.budget_floor));
}
