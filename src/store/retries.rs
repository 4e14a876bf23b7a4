//! One target's tries: what is sent again, after which pause, and when the target is left alone.
//!
//! Two limits keep a sick target from drowning in retries: a budget (a share of the first tries, with a floor), and a
//! breaker that stops asking after several failures in a row. Both count outages, not the calls that fell in them: what
//! was under way together and failed together costs one retry of the budget, and comes back together. Only
//! [`StoreError::retry`] is read, never the kind.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::breaker::{Admission, Circuit, Row};
use super::{Operation, Retry, StoreError};
use crate::base::{ObjectPath, RetryPolicy, TargetName};

/// A call that is about to be sent again.
#[derive(Debug)]
pub struct RetryEvent<'a> {
    /// What went wrong; names the operation, the target and the path.
    pub error: &'a StoreError,
    /// The try that failed, from 1.
    pub attempt: u32,
    /// How long is waited before the next.
    pub pause: Duration,
}

/// Someone who wants to know about retries.
pub trait RetryObserver: Send + Sync + std::fmt::Debug {
    /// Called before the pause.
    fn retrying(&self, event: &RetryEvent<'_>);

    /// Called after a call that succeeded.
    fn answered(&self) {}
}

/// The tries of all calls to one target, from connecting on.
#[derive(Debug)]
pub struct Retries {
    target: TargetName,
    policy: RetryPolicy,
    observer: Option<Arc<dyn RetryObserver>>,
    cancel: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    first_tries: u64,
    retries: u64,
    /// Retries that count against the budget: one of those that fell together.
    charged: u64,
    /// Those who fall with others wait at least until then.
    resume_at: Instant,
    circuit: Circuit,
}

/// Why a failed call is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surrender {
    /// Another try cannot help.
    Final,
    /// It was tried as often as a request may be.
    Tries,
    /// The target's retries are used up.
    Budget,
    /// The breaker opened meanwhile.
    Open,
    /// The run was cancelled meanwhile.
    Cancelled,
}

/// One call's tries so far.
struct Tries {
    count: u32,
    begun: Instant,
    bounds: ExponentialBackoff,
    resent: bool,
    row: Row,
}

impl Tries {
    fn begin(policy: &RetryPolicy, row: Row) -> Self {
        // backon's own jitter only lengthens a pause; full jitter is drawn below its bounds.
        let bounds = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(policy.base)
            .with_max_delay(policy.cap)
            .without_max_times()
            .build();
        Self { count: 0, begun: Instant::now(), bounds, resent: false, row }
    }

    /// How long to wait before the next try; `jitter` is drawn from 0 to 1.
    fn pause(&mut self, policy: &RetryPolicy, retry: Retry, jitter: f64) -> Duration {
        match retry {
            Retry::Now if !self.resent => {
                self.resent = true;
                Duration::ZERO
            }
            // Thousands of clients told the same second must not come back in it.
            Retry::After(asked) => asked.min(policy.retry_after_cap) + policy.base.mul_f64(jitter),
            _ => self.bounds.next().unwrap_or(policy.cap).mul_f64(jitter),
        }
    }
}

impl Retries {
    /// The tries of `target` under this policy. The seed decides the pauses, so that a test can repeat them.
    #[must_use]
    pub fn new(target: &TargetName, policy: RetryPolicy, seed: u64) -> Self {
        let circuit = Circuit::new(policy.breaker, policy.cap);
        let state = State {
            random: fastrand::Rng::with_seed(seed),
            first_tries: 0,
            retries: 0,
            charged: 0,
            resume_at: Instant::now(),
            circuit,
        };
        Self { target: target.clone(), policy, observer: None, cancel: CancellationToken::new(), state: Mutex::new(state) }
    }

    /// The same, telling `observer` about each retry.
    #[must_use]
    pub fn observed(mut self, observer: Arc<dyn RetryObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The same, sending nothing again once `cancel` is cancelled: a call under way may end, and what failed stays so.
    #[must_use]
    pub fn until(mut self, cancel: &CancellationToken) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// The same after earlier runs: so many failures in a row came before. `open`: the breaker had opened, so one
    /// probe comes first, and if that fails too nothing else is asked for a while.
    #[must_use]
    pub fn remembering(self, failures: u32, open: bool) -> Self {
        self.state().circuit.remember(failures, open);
        self
    }

    /// Retries so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state().retries
    }

    /// Retries that counted against the budget.
    #[cfg(test)]
    pub(super) fn charged(&self) -> u64 {
        self.state().charged
    }

    /// Failures in a row, earlier runs included.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.state().circuit.failures()
    }

    /// Whether the breaker is open now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state().circuit.is_open()
    }

    /// Connects, as often as that needs. A connection alone closes no breaker: over HTTP, making one asks nobody yet.
    pub async fn connect<T, F>(&self, call: impl Fn() -> F + Send + Sync) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let connected = self.persist(Operation::Connect, None, call).await?;
        self.state().circuit.is_still_to_be_probed();
        Ok(connected)
    }

    /// Sends a call until it succeeds or there is a reason to stop.
    pub(super) async fn attempt<T, F>(
        &self,
        operation: Operation,
        path: Option<&ObjectPath>,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let found = self.persist(operation, path, call).await?;
        self.state().circuit.succeeded();
        Ok(found)
    }

    /// The same, without drawing a conclusion from a success.
    async fn persist<T, F>(
        &self,
        operation: Operation,
        path: Option<&ObjectPath>,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        self.admit(operation, path)?;
        let mut tries = self.begin();
        loop {
            tries.count += 1;
            let error = match call().await {
                Ok(found) => {
                    if let Some(observer) = &self.observer {
                        observer.answered();
                    }
                    return Ok(found);
                }
                Err(error) => error,
            };
            let pause = match self.pause_after(&error, &mut tries) {
                Ok(pause) => pause,
                Err(why) => return Err(tell(error, &tries, why)),
            };
            if let Some(observer) = &self.observer {
                observer.retrying(&RetryEvent { error: &error, attempt: tries.count, pause });
            }
            // The pause comes second, so that even one of no length ends here.
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(tell(error, &tries, Surrender::Cancelled)),
                () = sleep(pause) => {}
            }
        }
    }

    /// Fails at once while the breaker is open.
    fn admit(&self, operation: Operation, path: Option<&ObjectPath>) -> Result<(), StoreError> {
        let Admission::Refused { kind, failures, detail } = self.state().circuit.admit() else { return Ok(()) };
        let words = format!("not asked: the last {failures} calls failed, {detail}");
        let error = StoreError::new(kind, operation, &self.target).saying(words).retry(Retry::Never);
        Err(match path {
            Some(path) => error.at(path),
            None => error,
        })
    }

    fn begin(&self) -> Tries {
        let mut state = self.state();
        state.first_tries += 1;
        Tries::begin(&self.policy, state.circuit.row())
    }

    /// Takes note of a failure; how long to wait before the next try, or why there is none.
    fn pause_after(&self, error: &StoreError, tries: &mut Tries) -> Result<Duration, Surrender> {
        let mut state = self.state();
        if error.retry == Retry::Never {
            // It answered, and will answer the same again.
            state.circuit.succeeded();
            return Err(Surrender::Final);
        }
        let news = state.circuit.failed(&mut tries.row, error);
        if tries.count >= self.policy.tries {
            return Err(Surrender::Tries);
        }
        if state.circuit.is_open() {
            return Err(Surrender::Open);
        }
        if news && state.charged >= allowed(&self.policy, state.first_tries) {
            return Err(Surrender::Budget);
        }
        state.retries += 1;
        state.charged += u64::from(news);
        let jitter = state.random.f64();
        let (now, own) = (Instant::now(), tries.pause(&self.policy, error.retry, jitter));
        if news || matches!(error.retry, Retry::After(_)) {
            state.resume_at = now + own;
            return Ok(own);
        }
        // Of many pauses the shortest is nearly none: the first one's counts, or many calls would be less patient than one.
        Ok(own.max(state.resume_at.saturating_duration_since(now)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Retries allowed after this many first tries.
fn allowed(policy: &RetryPolicy, first_tries: u64) -> u64 {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, far below 2^52"
    )]
    let share = (first_tries as f64 * policy.budget.max(0.0)) as u64;
    share.max(u64::from(policy.budget_floor))
}

/// The error, with what was done about it.
fn tell(mut error: StoreError, tries: &Tries, why: Surrender) -> StoreError {
    if tries.count == 1 && why == Surrender::Final {
        return error;
    }
    let reason = match why {
        Surrender::Final | Surrender::Tries => "",
        Surrender::Budget => ", no retries left for this target",
        Surrender::Open => ", this target is left alone for now",
        Surrender::Cancelled => ", the run was cancelled",
    };
    let times = if tries.count == 1 { "try" } else { "tries" };
    let separator = if error.detail.is_empty() { "" } else { "; " };
    let seconds = tries.begun.elapsed().as_secs_f64();
    // Writing to a string cannot fail.
    let _ = write!(error.detail, "{separator}gave up after {} {times} in {seconds:.1} s{reason}", tries.count);
    error
}
