//! Runs over several targets: none waits for another, a cancellation is obeyed, and every outcome is true.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use spartacus::base::{RetryPolicy, TargetName};
use spartacus::store::{ErrorKind, Fault, FaultPlan, Faulty, Operation, Retry, Space, Store, StoreError};
use spartacus::transfer::{Connector, Ending, Event, Events, run};
use tokio::time::Instant;

use super::actor::{Actor, BlackHole, Crowded, Cue, Notebook, Ready, job, job_on, orders, refusing};
use super::world::{holds_all_of, path, published, read, release};

fn pointer() -> spartacus::base::ObjectPath {
    path("metadata/timestamp.json")
}

#[tokio::test(start_paused = true)]
async fn stalled_targets_delay_nobody() {
    let actors: Vec<Actor> = (0..200).map(|number| Actor::new(&format!("t{number}"), &published(&release(1)), [])).collect();
    let jobs = actors.iter().enumerate().map(|(number, actor)| match number % 10 {
        0 => job(actor.store.target(), BlackHole),
        _ => job_on(actor.clone()),
    });
    let mut wanted = orders(&release(2), jobs.collect());
    wanted.concurrency = 64;
    wanted.common.timeouts.target = Some(Duration::from_mins(30));
    let (sender, mut events) = tokio::sync::mpsc::channel(64);
    wanted.common.events = Events::to(sender);
    let begun = Instant::now();
    let listener = tokio::spawn(async move {
        let mut done = Vec::new();
        while let Some(event) = events.recv().await {
            if let Event::TargetFinished { outcome } = event {
                done.push((outcome.ending, begun.elapsed()));
            }
        }
        done
    });
    let found = run(wanted).await;
    let done = listener.await.expect("the listener ends with the run");
    let healthy: Vec<Duration> = done.iter().filter(|(ending, _)| *ending == Ending::Done).map(|(_, after)| *after).collect();
    assert_eq!(healthy.len(), 180);
    assert!(healthy.iter().all(|after| *after < Duration::from_secs(1)), "{healthy:?}");
    let stalled: Vec<_> = found.outcomes.iter().filter(|outcome| outcome.ending == Ending::Failed).collect();
    assert_eq!(stalled.len(), 20);
    assert!(stalled.iter().all(|outcome| outcome.failure.as_ref().is_some_and(|failure| failure.code == "deadline")));
}

#[tokio::test(start_paused = true)]
async fn stalled_targets_give_their_turns_away() {
    let healthy: Vec<Actor> = (0..10).map(|number| Actor::new(&format!("t{number}"), &published(&release(1)), [])).collect();
    let hole = |number: usize| job(&format!("hole{number}").parse().expect("a name"), BlackHole);
    let jobs: Vec<_> = (0..6).map(hole).chain(healthy.iter().map(|actor| job_on(actor.clone()))).collect();
    let mut wanted = orders(&release(2), jobs);
    wanted.concurrency = 2;
    wanted.common.timeouts.target = Some(Duration::from_mins(30));
    let working = tokio::spawn(run(wanted));
    // Three pairs of silent targets come first.
    tokio::time::sleep(Duration::from_secs(40)).await;
    for actor in &healthy {
        assert_eq!(read(&actor.store.snapshot()).await, Ok(2), "{}", actor.store.target());
    }
    let found = working.await.expect("the run returns");
    assert_eq!(found.outcomes.iter().filter(|outcome| outcome.ending == Ending::Failed).count(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_asked_to_wait_lets_others_go_first_and_comes_back() {
    let (busy, other) = (Actor::new("busy", &published(&release(1)), []), Actor::new("other", &published(&release(1)), []));
    let asked = AsksToWait { store: busy.clone(), first: AtomicBool::new(true) };
    let mut wanted = orders(&release(2), vec![job(busy.store.target(), asked), job_on(other.clone())]);
    wanted.concurrency = 1;
    let begun = Instant::now();
    let working = tokio::spawn(run(wanted));
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(read(&other.store.snapshot()).await, Ok(2));
    let found = working.await.expect("the run returns");
    assert!(found.outcomes.iter().all(|outcome| outcome.ending == Ending::Done), "{found:?}");
    assert!(begun.elapsed() >= Duration::from_mins(4) && begun.elapsed() < Duration::from_mins(5), "{:?}", begun.elapsed());
}

/// Answers with a wish to be asked again in four minutes, once.
struct AsksToWait {
    store: Actor,
    first: AtomicBool,
}

#[async_trait]
impl Connector for AsksToWait {
    async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        if self.first.swap(false, Ordering::Relaxed) {
            let error = StoreError::new(ErrorKind::RateLimited, Operation::Connect, self.store.store.target());
            return Err(error.retry(Retry::After(Duration::from_mins(4))));
        }
        Ok(Arc::new(self.store.clone()))
    }
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_noted_while_others_are_still_at_work() {
    let quick = Actor::new("quick", &published(&release(1)), []);
    let stuck: TargetName = "stuck".parse().expect("a name");
    let mut wanted = orders(&release(2), vec![job(&stuck, BlackHole), job_on(quick)]);
    let journal = Notebook::default();
    wanted.common.journal = Arc::new(journal.clone());
    let working = tokio::spawn(run(wanted));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!working.is_finished());
    assert_eq!(journal.finished().iter().map(TargetName::as_str).collect::<Vec<_>>(), ["quick"]);
    working.abort();
}

#[tokio::test(start_paused = true)]
async fn a_disk_without_room_for_so_many_files_is_not_written_to() {
    let disk = |free_files| Space { free_bytes: 1 << 40, free_files };
    let target = |name: &str, room| Actor::new(name, &published(&release(1)), [Cue::Room(room)]);
    let (full, roomy, untold) = (target("full", disk(Some(2))), target("roomy", disk(Some(1000))), target("untold", disk(None)));
    let found = run(orders(&release(2), vec![job_on(full.clone()), job_on(roomy), job_on(untold)])).await;
    let endings: Vec<Ending> = found.outcomes.iter().map(|outcome| outcome.ending).collect();
    assert_eq!(endings, [Ending::Failed, Ending::Done, Ending::Done]);
    let failure = found.outcomes[0].failure.as_ref().expect("it failed");
    assert_eq!((failure.code.as_str(), full.puts()), ("no_space", 0));
    assert!(failure.messages[0].contains("room for 2 more files"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drops_empty_files_is_found_out_before_the_swap() {
    let actor = Actor::new("target", &published(&release(1)), [Cue::DropsEmpty]);
    let outcome = run(orders(&release(2), vec![job_on(actor.clone())])).await.outcomes.remove(0);
    let failure = outcome.failure.as_ref().expect("it failed");
    assert!(failure.messages.iter().any(|message| message.contains("releases/v2/docs/empty")), "{failure:?}");
    assert_eq!((outcome.ending, read(&actor.store.snapshot()).await), (Ending::Failed, Ok(1)), "readers keep the old release");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drops_callers_is_called_again() {
    let actor = Actor::new("crowded", &published(&release(1)), []);
    let connector = Crowded { store: std::sync::Arc::new(actor.clone()), calls: 0.into() };
    let found = run(orders(&release(2), vec![job(actor.store.target(), connector)])).await;
    assert_eq!((found.outcomes[0].ending, found.outcomes[0].retries), (Ending::Done, 2), "{:?}", found.outcomes[0]);
    holds_all_of(&actor.store.snapshot(), &release(2)).expect("it has everything");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_one_targets_failure() {
    let good = Actor::new("good", &published(&release(1)), []);
    let bad = Actor::new("bad", &published(&release(1)), [Cue::Panics(4)]);
    let found = run(orders(&release(2), vec![job_on(bad), job_on(good.clone())])).await;
    let failure = found.outcomes[0].failure.as_ref().expect("it failed");
    assert_eq!((failure.code.as_str(), found.outcomes[0].ending), ("internal", Ending::Failed));
    assert!(failure.messages[0].contains("the store of bad panics"), "{failure:?}");
    assert_eq!(found.outcomes[1].ending, Ending::Done);
    holds_all_of(&good.store.snapshot(), &release(2)).expect("the good target has everything");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_returns_and_moves_no_pointer_wherever_a_store_hangs() {
    let mut cancelled = 0;
    for number in 1..40 {
        let actor = Actor::new("target", &published(&release(1)), [Cue::Silent(number, false)]);
        let wanted = orders(&release(2), vec![job_on(actor.clone())]);
        let cancel = wanted.common.cancel.clone();
        let working = tokio::spawn(run(wanted));
        tokio::time::sleep(Duration::from_mins(1)).await;
        let (before, asked) = (read(&actor.store.snapshot()).await.expect("whole"), Instant::now());
        cancel.cancel();
        let found = working.await.expect("the run returns");
        assert!(asked.elapsed() <= Duration::from_secs(5), "call {number}: {:?}", asked.elapsed());
        assert_eq!(read(&actor.store.snapshot()).await, Ok(before), "call {number}");
        assert!(actor.is_closed(), "call {number}");
        match found.outcomes[0].ending {
            Ending::Cancelled => {
                // A pointer that was sent and not yet read back is not claimed either way.
                let unknown = found.outcomes[0].notes.iter().any(|note| note.contains("is not known"));
                assert!(before == 1 || unknown, "call {number}: {:?}", found.outcomes[0]);
            }
            Ending::Done => assert_eq!(before, 2, "call {number}"),
            other => panic!("call {number}: {other}"),
        }
        cancelled += usize::from(found.cancelled && found.outcomes[0].ending == Ending::Cancelled);
    }
    assert!(cancelled > 10, "{cancelled}");
}

#[tokio::test(start_paused = true)]
async fn a_swap_under_way_may_end_and_its_result_is_told() {
    for (seconds, ending, version) in [(1, Ending::Done, 2), (60, Ending::Cancelled, 1)] {
        let actor = Actor::new("target", &published(&release(1)), [Cue::SlowSwap(seconds)]);
        let wanted = orders(&release(2), vec![job_on(actor.clone())]);
        let cancel = wanted.common.cancel.clone();
        let working = tokio::spawn(run(wanted));
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel();
        let outcome = working.await.expect("the run returns").outcomes.remove(0);
        assert_eq!(outcome.ending, ending, "{outcome:?}");
        assert_eq!(read(&actor.store.snapshot()).await, Ok(version));
        assert_eq!(outcome.notes.iter().any(|note| note.contains("is not known")), ending == Ending::Cancelled, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_swap_begins_after_a_cancellation_not_even_a_second_try() {
    // How many puts come before the swap is not for this test to know.
    let counted = Arc::new(Faulty::new(Actor::new("target", &published(&release(1)), []), FaultPlan::none()));
    run(orders(&release(2), vec![job(counted.inner().store.target(), Ready(counted.clone()))])).await;
    let swap = counted.calls(Operation::Put) - release(2).conveniences.len() as u64;

    let refused = FaultPlan::none().then(Operation::Put, swap, Fault::Before(ErrorKind::Unavailable));
    let store = Arc::new(Faulty::new(Actor::new("target", &published(&release(1)), []), refused));
    let mut wanted = orders(&release(2), vec![job(store.inner().store.target(), Ready(store.clone()))]);
    let cancel = wanted.common.cancel.clone();
    // Well within the time that a swap under way is given.
    wanted.common.retry = RetryPolicy { base: Duration::from_secs(1), ..RetryPolicy::default() };
    let (sender, mut events) = tokio::sync::mpsc::channel(1024);
    wanted.common.events = Events::to(sender);
    let working = tokio::spawn(run(wanted));
    while let Some(event) = events.recv().await {
        if matches!(event, Event::Retrying { .. }) {
            cancel.cancel();
        }
    }
    let outcome = working.await.expect("the run returns").outcomes.remove(0);
    assert_ne!(outcome.ending, Ending::Done, "{outcome:?}");
    assert_eq!(store.calls(Operation::Put), swap, "nothing was put again");
    assert_eq!(read(&store.inner().store.snapshot()).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn after_a_cancellation_waiting_targets_are_not_even_connected() {
    let actors: Vec<Actor> = (0..30).map(|number| Actor::new(&format!("t{number}"), &published(&release(1)), [])).collect();
    let mut wanted = orders(&release(2), actors.iter().map(|actor| job_on(actor.clone())).collect());
    wanted.concurrency = 2;
    wanted.common.cancel.cancel();
    let found = run(wanted).await;
    assert!(found.outcomes.iter().all(|outcome| outcome.ending == Ending::Cancelled));
    assert!(actors.iter().all(|actor| actor.calls() == 0));
}

#[tokio::test(start_paused = true)]
async fn deadlines_end_what_hangs_and_close_it() {
    let actor = Actor::new("target", &published(&release(1)), [Cue::SilentPut(path("releases/v2/README"))]);
    let mut wanted = orders(&release(2), vec![job_on(actor.clone())]);
    wanted.common.timeouts.target = Some(Duration::from_secs(90));
    let begun = Instant::now();
    let outcome = run(wanted).await.outcomes.remove(0);
    assert_eq!(outcome.failure.expect("it failed").code, "deadline");
    assert!(begun.elapsed() < Duration::from_secs(96) && actor.is_closed(), "{:?}", begun.elapsed());

    let mut wanted = orders(&release(2), vec![job_on(actor.playing([Cue::SilentPut(pointer())]))]);
    wanted.common.timeouts.run = Some(Duration::from_secs(90));
    let begun = Instant::now();
    let found = run(wanted).await;
    assert_eq!((found.cancelled, found.outcomes[0].ending), (true, Ending::Cancelled));
    assert!(begun.elapsed() <= Duration::from_secs(95), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_tried_once() {
    let cases = [(Operation::Get, 1), (Operation::Get, 3), (Operation::Space, 1), (Operation::Put, 1), (Operation::Put, 4)];
    for (operation, nth) in cases {
        let actor = Actor::new("target", &published(&release(1)), []);
        let store = refusing(&actor, operation, nth);
        let name: TargetName = "target".parse().expect("a name");
        let outcome = run(orders(&release(2), vec![job(&name, Ready(store.clone()))])).await.outcomes.remove(0);
        let failure = outcome.failure.expect("it failed");
        assert_eq!(failure.code, "unauthenticated", "{operation} {nth}: {failure:?}");
        assert_eq!(store.calls(operation), nth, "{operation} {nth}: nothing more was asked");
        assert_eq!(read(&actor.store.snapshot()).await, Ok(1), "{operation} {nth}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_stuck_stops_nothing() {
    let jobs = (0..20).map(|number| job_on(Actor::new(&format!("t{number}"), &published(&release(1)), [])));
    let mut wanted = orders(&release(2), jobs.collect());
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    wanted.common.events = Events::to(sender);
    let begun = Instant::now();
    let found = run(wanted).await;
    drop(receiver);
    assert!(found.outcomes.iter().all(|outcome| outcome.ending == Ending::Done));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_outcome_does_not_depend_on_the_neighbours() {
    let make = |number: usize| {
        let cues = match number % 4 {
            0 => vec![Cue::Alters(pointer())],
            1 => vec![Cue::Panics(number as u64)],
            2 => vec![Cue::Rival(published(&release(3)))],
            _ => vec![],
        };
        Actor::new(&format!("t{number}"), &published(&release(1)), cues)
    };
    let together = run(orders(&release(2), (0..24).map(|number| job_on(make(number))).collect())).await;
    for (number, among) in together.outcomes.iter().enumerate() {
        let alone = run(orders(&release(2), vec![job_on(make(number))])).await.outcomes.remove(0);
        assert_eq!((alone.ending, &alone.failure), (among.ending, &among.failure), "target {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_target_costs_one_request() {
    let actor = Actor::new("target", &published(&release(2)), []);
    let found = run(orders(&release(2), vec![job_on(actor.clone())])).await;
    assert_eq!((found.outcomes[0].ending, actor.calls(), actor.puts()), (Ending::Unchanged, 1, 0));
}
