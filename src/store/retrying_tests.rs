use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use super::*;
use crate::store::contract::{self, noise, path};
use crate::store::memory::MemoryStore;
use crate::store::{Fault, FaultPlan, Faulty, Retry, RetryEvent, RetryObserver};

type Shaky = Retrying<Faulty<MemoryStore>>;

fn shaky(policy: RetryPolicy, plan: FaultPlan, seed: u64) -> Shaky {
    after(tries(policy, seed), plan)
}

fn tries(policy: RetryPolicy, seed: u64) -> Retries {
    Retries::new(&"shaky".parse().expect("a name"), policy, seed)
}

fn after(retries: Retries, plan: FaultPlan) -> Shaky {
    Retrying::with(Faulty::new(MemoryStore::new("shaky".parse().expect("a name")), plan), Arc::new(retries))
}

/// A policy whose breaker stays out of the way.
fn unbroken() -> RetryPolicy {
    RetryPolicy { breaker: crate::base::Breaker { failures: u32::MAX }, ..RetryPolicy::default() }
}

fn always(kind: ErrorKind) -> FaultPlan {
    FaultPlan::random(1, 1.0, [Fault::Before(kind)])
}

async fn put(store: &Shaky, name: &str) -> Result<(), StoreError> {
    store.put(&path(name), &Body::bytes(noise(100, 1)), Write::New).await
}

/// Remembers what it was told.
#[derive(Debug, Default)]
struct Diary(Mutex<Vec<(u32, Duration, ErrorKind)>>);

impl RetryObserver for Diary {
    fn retrying(&self, event: &RetryEvent<'_>) {
        self.0.lock().expect("no test panics with the diary").push((event.attempt, event.pause, event.error.kind));
    }
}

impl Diary {
    fn pauses(&self) -> Vec<Duration> {
        self.0.lock().expect("no test panics with the diary").iter().map(|(_, pause, _)| *pause).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract_and_with_faults_too() {
    contract::run_all(&shaky(RetryPolicy::default(), FaultPlan::none(), 1)).await;
    let faults =
        [Fault::Before(ErrorKind::ConnectionLost), Fault::After(ErrorKind::Timeout), Fault::Delay(Duration::from_secs(3))];
    let generous = RetryPolicy { tries: 20, budget_floor: 10_000, ..unbroken() };
    let store = shaky(generous, FaultPlan::random(7, 0.3, faults), 1);
    contract::run_all(&store).await;
    assert!(store.retries() > 20, "the faults were there: {}", store.retries());
}

#[tokio::test(start_paused = true)]
async fn a_final_error_is_not_repeated() {
    let store = shaky(unbroken(), always(ErrorKind::PermissionDenied), 1);
    let error = put(&store, "a").await.expect_err("refused");
    assert_eq!((error.detail.as_str(), store.inner.calls(Operation::Put)), ("injected", 1));
}

#[tokio::test(start_paused = true)]
async fn the_last_error_says_what_was_done() {
    let store = shaky(unbroken(), always(ErrorKind::Unavailable), 1);
    let error = put(&store, "a").await.expect_err("never there");
    assert!(error.detail.starts_with("injected; gave up after 3 tries in "), "{}", error.detail);
    assert_eq!(store.inner.calls(Operation::Put), 3);
}

#[tokio::test(start_paused = true)]
async fn all_calls_failing_cost_little_more_than_one_try_each() {
    let policy = unbroken();
    let store = shaky(policy, always(ErrorKind::Unavailable), 1);
    for number in 0..1000 {
        put(&store, &format!("file-{number}")).await.expect_err("never there");
    }
    let sent = store.inner.calls(Operation::Put);
    assert!(sent <= 1150 + u64::from(policy.budget_floor), "{sent} requests for 1000 calls");
    assert!(sent >= 1090, "the budget is used: {sent}");
}

#[tokio::test(start_paused = true)]
async fn pauses_are_drawn_below_doubling_bounds() {
    let mut whole = Vec::new();
    for seed in 0..50 {
        let diary = Arc::new(Diary::default());
        let policy = RetryPolicy { tries: 12, budget_floor: 100, ..unbroken() };
        let store = after(tries(policy, seed).observed(diary.clone()), always(ErrorKind::Unavailable));
        put(&store, "a").await.expect_err("never there");
        let pauses = diary.pauses();
        assert_eq!(pauses.len(), 11);
        for (index, pause) in pauses.iter().enumerate() {
            let bound = policy.base.mul_f64(2_f64.powi(i32::try_from(index).expect("small"))).min(policy.cap);
            assert!(*pause <= bound, "pause {index} is {pause:?}, above {bound:?}");
        }
        whole.push(pauses);
    }
    // Full jitter: the first pauses of many clients spread over the whole of half a second.
    let firsts: Vec<f64> = whole.iter().map(|pauses| pauses[0].as_secs_f64()).collect();
    let mean = firsts.iter().sum::<f64>() / 50.0;
    assert!((0.15..0.35).contains(&mean), "{mean}");
    assert!(firsts.iter().any(|pause| *pause < 0.1) && firsts.iter().any(|pause| *pause > 0.4));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_resent_at_once_but_once() {
    let diary = Arc::new(Diary::default());
    let error = || StoreError::new(ErrorKind::ConnectionLost, Operation::Put, &"t".parse().expect("a name")).retry(Retry::Now);
    let store = after(tries(unbroken(), 1).observed(diary.clone()), FaultPlan::none());
    let found: Result<(), StoreError> = store.attempt(Operation::Put, None, || async { Err(error()) }).await;
    found.expect_err("never there");
    let pauses = diary.pauses();
    assert_eq!(pauses[0], Duration::ZERO);
    assert!(pauses[1] > Duration::ZERO, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_servers_wish_is_obeyed_up_to_a_cap() {
    for (asked, least) in [(7, 7), (86_400, 300)] {
        let diary = Arc::new(Diary::default());
        let store = after(tries(unbroken(), 3).observed(diary.clone()), FaultPlan::none());
        let name: TargetName = "t".parse().expect("a name");
        let error =
            || StoreError::new(ErrorKind::RateLimited, Operation::Put, &name).retry(Retry::After(Duration::from_secs(asked)));
        let begun = Instant::now();
        let found: Result<(), StoreError> = store.attempt(Operation::Put, None, || async { Err(error()) }).await;
        found.expect_err("never there");
        for pause in diary.pauses() {
            assert!(
                pause >= Duration::from_secs(least) && pause <= Duration::from_secs(least) + Duration::from_millis(500),
                "{pause:?}"
            );
        }
        assert!(begun.elapsed() >= Duration::from_secs(2 * least));
    }
}

#[tokio::test(start_paused = true)]
async fn the_breaker_opens_then_lets_one_probe_through() {
    let policy = RetryPolicy::default();
    let plan = (1..=6).fold(FaultPlan::none(), |plan, nth| plan.then(Operation::Put, nth, Fault::Before(ErrorKind::Unreachable)));
    let store = shaky(policy, plan, 1);
    for _ in 0..2 {
        put(&store, "a").await.expect_err("five failures in a row");
    }
    assert_eq!((store.inner.calls(Operation::Put), store.retries.is_open()), (5, true));

    let refused = put(&store, "a").await.expect_err("left alone");
    assert_eq!((refused.kind, refused.retry, store.inner.calls(Operation::Put)), (ErrorKind::Unreachable, Retry::Never, 5));
    assert!(refused.detail.contains("the last 5 calls failed"), "{}", refused.detail);

    tokio::time::advance(policy.cap).await;
    put(&store, "a").await.expect_err("the probe fails");
    put(&store, "a").await.expect_err("left alone again");
    assert_eq!(store.inner.calls(Operation::Put), 6, "one probe, not repeated");

    tokio::time::advance(policy.cap).await;
    put(&store, "a").await.expect("the second probe succeeds");
    put(&store, "b").await.expect("and the breaker is closed");
    assert!(!store.retries.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_failed_before_is_probed_once() {
    let policy = RetryPolicy::default();
    let store = after(tries(policy, 1).remembering(5, true), always(ErrorKind::Unreachable));
    put(&store, "a").await.expect_err("still away");
    put(&store, "a").await.expect_err("left alone");
    assert_eq!((store.inner.calls(Operation::Put), store.retries.failures()), (1, 6));
    let store = after(tries(policy, 1).remembering(5, true), FaultPlan::none());
    put(&store, "a").await.expect("back again");
    assert_eq!((store.retries.is_open(), store.retries.failures()), (false, 0));
}

#[tokio::test(start_paused = true)]
async fn failures_of_earlier_runs_count() {
    let store = after(tries(RetryPolicy::default(), 1).remembering(3, false), always(ErrorKind::Unreachable));
    let error = put(&store, "a").await.expect_err("away");
    assert!(error.detail.contains("gave up after 2 tries"), "{}", error.detail);
    assert!(store.retries.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_tried_again_and_proves_nothing_by_itself() {
    let refuses = |retry| {
        let error = StoreError::new(ErrorKind::Unreachable, Operation::Connect, &"shaky".parse().expect("a name"));
        async move { Err::<(), _>(error.retry(retry)) }
    };
    let retries = tries(RetryPolicy::default(), 1);
    retries.connect(|| refuses(Retry::Later)).await.expect_err("nobody is there");
    assert_eq!((retries.failures(), retries.count()), (3, 2));
    let retries = tries(RetryPolicy::default(), 1).remembering(2, false);
    retries.connect(|| refuses(Retry::Never)).await.expect_err("refused");
    assert_eq!((retries.failures(), retries.count()), (0, 0), "it answered");

    let retries = tries(RetryPolicy::default(), 1).remembering(5, true);
    retries.connect(|| async { Ok(()) }).await.expect("a connection");
    assert!(retries.is_open());
    let store = after(retries, always(ErrorKind::Unavailable));
    put(&store, "a").await.expect_err("the probe fails");
    assert_eq!(store.inner.calls(Operation::Put), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rename_whose_answer_was_lost_has_happened() {
    let plan = FaultPlan::none().then(Operation::Rename, 1, Fault::After(ErrorKind::Timeout));
    let store = shaky(unbroken(), plan, 1);
    put(&store, "from").await.expect("a put succeeds");
    store.rename(&path("from"), &path("to")).await.expect("the second try sees that the first went through");
    assert!(store.stat(&path("to")).await.expect("a stat succeeds").is_some());
}

/// A line that takes a second for each piece, so that calls are under way together.
#[derive(Debug)]
struct Slowly;

#[async_trait]
impl crate::store::Tap for Slowly {
    async fn pass(&self, _bytes: u64) -> std::io::Result<()> {
        sleep(Duration::from_secs(1)).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn one_cut_under_many_puts_is_one_failure() {
    let cut =
        (1..=64).fold(FaultPlan::none(), |plan, nth| plan.then(Operation::Put, nth, Fault::After(ErrorKind::ConnectionLost)));
    let store = shaky(RetryPolicy::default(), cut, 1);
    let body = Body::bytes(noise(100, 1)).tapped(Arc::new(Slowly));
    let paths: Vec<ObjectPath> = (0..64).map(|number| path(&format!("file-{number}"))).collect();
    let puts = paths.iter().map(|path| store.put(path, &body, Write::New));
    for put in futures_util::future::join_all(puts).await {
        put.expect("the second try succeeds");
    }
    assert_eq!((store.retries(), store.inner.calls(Operation::Put), store.retries.is_open()), (64, 128, false));
    assert_eq!(store.retries.charged(), 1, "the budget is for other troubles");
}

#[tokio::test(start_paused = true)]
async fn a_wish_told_to_many_calls_at_once_is_obeyed() {
    let store = shaky(RetryPolicy::default(), FaultPlan::none(), 3);
    let name: TargetName = "t".parse().expect("a name");
    let asked = || StoreError::new(ErrorKind::RateLimited, Operation::Put, &name).retry(Retry::After(Duration::from_secs(7)));
    let begun = Instant::now();
    let calls = (0..8).map(|_| {
        store.retries.attempt(Operation::Put, None, || async {
            sleep(Duration::from_millis(10)).await;
            if begun.elapsed() < Duration::from_secs(7) { Err(asked()) } else { Ok(()) }
        })
    });
    for call in futures_util::future::join_all(calls).await {
        call.expect("the server had time to recover");
    }
    assert_eq!(store.retries(), 8);
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_lasts_opens_the_breaker_for_many_calls_too() {
    let store = shaky(RetryPolicy::default(), always(ErrorKind::Unavailable), 1);
    let body = Body::bytes(noise(100, 1));
    for round in 0..2 {
        let paths: Vec<ObjectPath> = (0..16).map(|number| path(&format!("{round}/{number}"))).collect();
        for put in futures_util::future::join_all(paths.iter().map(|path| store.put(path, &body, Write::New))).await {
            put.expect_err("never there");
        }
    }
    assert!(store.retries.is_open());
    assert!(store.inner.calls(Operation::Put) <= 2 * 3 * 16);
}

#[tokio::test(start_paused = true)]
async fn connecting_is_tried_again_unless_that_is_hopeless() {
    for (kind, expected) in [(ErrorKind::Unreachable, 3), (ErrorKind::HostKey, 1)] {
        let (count, diary) = (std::sync::atomic::AtomicU32::new(0), Arc::new(Diary::default()));
        let retries = tries(RetryPolicy::default(), 1).observed(diary.clone());
        let found: Result<(), StoreError> = retries
            .connect(|| async {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Err(StoreError::new(kind, Operation::Connect, &"t".parse().expect("a name")))
            })
            .await;
        found.expect_err("never there");
        assert_eq!((count.into_inner(), diary.pauses().len()), (expected, expected as usize - 1), "{kind}");
    }
}

proptest! {
    /// Whatever fails when, requests stay within the budget and every call ends within its tries.
    #[test]
    fn requests_stay_within_the_budget(seed in any::<u64>(), probability in 0.0..1.0_f64, calls in 1..120_u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let policy = unbroken();
            let store = shaky(policy, FaultPlan::random(seed, probability, [Fault::Before(ErrorKind::Unavailable)]), seed);
            for number in 0..calls {
                let before = store.inner.calls(Operation::Put);
                // Success or failure, only the number of requests is looked at.
                let _ = put(&store, &format!("file-{number}")).await;
                prop_assert!(store.inner.calls(Operation::Put) - before <= u64::from(policy.tries));
            }
            prop_assert!(store.inner.calls(Operation::Put) <= calls + (calls / 10).max(10));
            Ok(())
        })?;
    }
}
