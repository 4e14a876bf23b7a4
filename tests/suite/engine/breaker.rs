//! A target that fails run after run is asked less and less, and comes back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use spartacus::base::TargetName;
use spartacus::store::{ErrorKind, Fault, FaultPlan, Faulty, Operation, Store, StoreError};
use spartacus::transfer::{BreakerState, Connector, Ending, Journal as _, Outcome, run};

use super::actor::{Actor, Notebook, Ready, job, orders};
use super::world::{now, published, release};

/// Nobody is there; counts who comes.
#[derive(Clone, Default)]
struct Away(Arc<AtomicU64>);

#[async_trait]
impl Connector for Away {
    async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(StoreError::new(ErrorKind::Unreachable, Operation::Connect, &name()))
    }
}

fn name() -> TargetName {
    "target".parse().expect("a name")
}

async fn push(journal: &Notebook, connector: impl Connector + 'static) -> Outcome {
    let mut wanted = orders(&release(2), vec![job(&name(), connector)]);
    wanted.common.journal = Arc::new(journal.clone());
    run(wanted).await.outcomes.remove(0)
}

fn says_since_when(outcome: &Outcome) -> bool {
    outcome.notes.iter().any(|note| note.starts_with("failing since 2026-06-01 00:00Z, so it was tried once"))
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_away_is_tried_less_in_every_run_and_then_once() {
    let (journal, away) = (Notebook::default(), Away::default());
    for (run, (tries, open)) in [(3, false), (2, true), (1, true), (1, true)].into_iter().enumerate() {
        let before = away.0.load(Ordering::Relaxed);
        let outcome = push(&journal, away.clone()).await;
        let failure = outcome.failure.as_ref().expect("it failed");
        assert_eq!((outcome.ending, failure.code.as_str()), (Ending::Failed, "unreachable"), "run {run}");
        assert_eq!(away.0.load(Ordering::Relaxed) - before, tries, "run {run}");
        assert_eq!(journal.breaker(&name()).opened_at, open.then(now), "run {run}");
        assert_eq!(says_since_when(&outcome), run >= 2, "run {run}: {outcome:?}");
    }
    let actor = Actor::new("target", &published(&release(1)), []);
    let outcome = push(&journal, Ready(Arc::new(actor))).await;
    assert_eq!((outcome.ending, says_since_when(&outcome)), (Ending::Done, false), "{outcome:?}");
    assert_eq!(journal.breaker(&name()), BreakerState::default());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lets_in_and_does_not_answer_is_asked_once() {
    let journal = Notebook::default();
    journal.set_breaker(&name(), BreakerState { failures: 5, opened_at: Some(now()) });
    let actor = Actor::new("target", &published(&release(1)), []);
    let store = Arc::new(Faulty::new(actor, FaultPlan::random(1, 1.0, [Fault::Before(ErrorKind::Unavailable)])));
    let outcome = push(&journal, Ready(store.clone())).await;
    assert_eq!((outcome.ending, outcome.retries, store.calls(Operation::Get)), (Ending::Failed, 0, 1), "{outcome:?}");
    assert!(says_since_when(&outcome), "{outcome:?}");
    assert_eq!(journal.breaker(&name()), BreakerState { failures: 6, opened_at: Some(now()) });
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_final_says_that_somebody_is_there() {
    let journal = Notebook::default();
    journal.set_breaker(&name(), BreakerState { failures: 4, opened_at: None });
    let actor = Actor::new("target", &published(&release(1)), []);
    let plan = FaultPlan::none().then(Operation::Get, 1, Fault::Before(ErrorKind::Unauthenticated));
    let outcome = push(&journal, Ready(Arc::new(Faulty::new(actor, plan)))).await;
    assert_eq!(outcome.ending, Ending::Failed);
    assert_eq!(journal.breaker(&name()), BreakerState::default());
}
