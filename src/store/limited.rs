//! No more calls at once, and no more bytes a second, than a target's operator allows.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pace::{Pace, Turn};
use super::{Body, ByteStream, Capabilities, Entry, ErrorKind, Operation, Space, Stat, Store, StoreError, Tap, Write};
use crate::base::{ObjectPath, TargetName};

/// A store with limits.
///
/// A permit is held for the whole of a call; for a [`get`](Store::get) until its stream ends or is dropped, because
/// the stream is what loads the target. So whoever reads one object in order to write another must not hold both ends
/// open under one limit; [`Body`] cannot do that by its type.
#[derive(Debug)]
pub struct Limited<S> {
    inner: S,
    /// Taken in this order everywhere, so that two tasks never wait for each other: first the target's own, then
    /// those it shares with others.
    limits: Vec<Arc<Semaphore>>,
    /// Before all of these: fewer calls at once for a server that asked us to slow down.
    pace: Arc<Pace>,
    taps: Vec<Arc<dyn Tap>>,
}

impl<S: Store> Limited<S> {
    /// At most `calls` calls under way at the same time (at least one).
    #[must_use]
    pub fn new(inner: S, calls: usize) -> Self {
        let limits = vec![Arc::new(Semaphore::new(calls.clamp(1, Semaphore::MAX_PERMITS)))];
        Self { inner, limits, pace: Pace::new(), taps: Vec::new() }
    }

    /// Also limited by a semaphore that other targets share; several are taken in the order in which they were added,
    /// which must be the same for every target.
    #[must_use]
    pub fn sharing(mut self, limit: Arc<Semaphore>) -> Self {
        self.limits.push(limit);
        self
    }

    /// With every byte, up or down, passing this tap: a [`Bandwidth`](super::Bandwidth) or a [`Meter`](super::Meter).
    #[must_use]
    pub fn tapped(mut self, tap: Arc<dyn Tap>) -> Self {
        self.taps.push(tap);
        self
    }

    /// Makes a call once there is room for it.
    async fn call<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let held = self.permits(operation).await?;
        let done = work.await;
        held.turn.heard(&done);
        done
    }

    async fn permits(&self, operation: Operation) -> Result<Held, StoreError> {
        let turn = self.pace.turn().await;
        let mut permits = Vec::with_capacity(self.limits.len());
        for limit in &self.limits {
            let permit = Arc::clone(limit).acquire_owned().await;
            // A shared semaphore is closed by whoever ends the run.
            permits.push(permit.map_err(|_| StoreError::new(ErrorKind::Cancelled, operation, self.inner.target()))?);
        }
        Ok(Held { turn, _permits: permits })
    }
}

/// What a call holds while it is under way.
struct Held {
    turn: Turn,
    _permits: Vec<OwnedSemaphorePermit>,
}

#[async_trait]
impl<S: Store> Store for Limited<S> {
    fn target(&self) -> &TargetName {
        self.inner.target()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        self.call(Operation::MakeCollections, self.inner.make_collections(collections)).await
    }

    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        let body = self.taps.iter().fold(body.clone(), |body, tap| body.tapped(Arc::clone(tap)));
        self.call(Operation::Put, self.inner.put(path, &body, write)).await
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let held = self.permits(Operation::Get).await?;
        let opened = self.inner.get(path, range).await;
        held.turn.heard(&opened);
        let state = Reading {
            pieces: opened?,
            taps: self.taps.clone(),
            target: self.inner.target().clone(),
            path: path.clone(),
            _held: held,
        };
        Ok(Box::pin(stream::unfold(state, |mut state| async move {
            let piece = state.next().await?;
            Some((piece, state))
        })))
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        self.call(Operation::Stat, self.inner.stat(path)).await
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        self.call(Operation::List, self.inner.list(collection)).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.call(Operation::Delete, self.inner.delete(path)).await
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.call(Operation::Delete, self.inner.delete_empty_collection(path)).await
    }

    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        self.call(Operation::Rename, self.inner.rename(from, to)).await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.call(Operation::Space, self.inner.space()).await
    }

    /// Waits for nothing: closing is what ends calls that hang.
    async fn close(&self) {
        self.inner.close().await;
    }
}

/// A download, with the permits it holds.
struct Reading {
    pieces: ByteStream,
    taps: Vec<Arc<dyn Tap>>,
    target: TargetName,
    path: ObjectPath,
    _held: Held,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<bytes::Bytes, StoreError>> {
        let piece = match self.pieces.next().await? {
            Ok(piece) => piece,
            Err(error) => return Some(Err(error)),
        };
        for tap in &self.taps {
            if let Err(error) = tap.pass(piece.len() as u64).await {
                return Some(Err(StoreError::local(Operation::Get, &self.target, error).at(&self.path)));
            }
        }
        Some(Ok(piece))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::base::ByteCount;
    use crate::store::contract::{self, noise, path};
    use crate::store::memory::MemoryStore;
    use crate::store::{Bandwidth, Meter, StoreExt as _};

    fn memory() -> MemoryStore {
        MemoryStore::new("limited".parse().expect("a name"))
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        contract::run_all(&Limited::new(memory(), 4)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time_in_both_directions() {
        let meter = Meter::new();
        let store = Limited::new(memory(), 4).tapped(Bandwidth::new(ByteCount(100_000))).tapped(meter.clone());
        let begun = Instant::now();
        store.put(&path("a"), &Body::bytes(noise(1_000_000, 1)), Write::New).await.expect("a put succeeds");
        let up = begun.elapsed();
        assert!((9.0..11.0).contains(&up.as_secs_f64()), "{up:?}");
        store.get_small(&path("a"), 1 << 20).await.expect("a get succeeds");
        let both = begun.elapsed();
        assert!((19.0..21.0).contains(&both.as_secs_f64()), "{both:?}");
        assert_eq!(meter.bytes(), 2_000_000);
    }

    /// Refuses whatever finds more than two others beside it, and takes a second for the rest.
    #[derive(Debug)]
    struct Busy(std::sync::atomic::AtomicUsize, std::sync::atomic::AtomicUsize);

    #[async_trait]
    impl Tap for Busy {
        async fn pass(&self, _bytes: u64) -> std::io::Result<()> {
            use std::sync::atomic::Ordering::SeqCst;
            self.1.fetch_max(self.0.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.0.fetch_sub(1, SeqCst);
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_asks_to_slow_down_gets_half_at_once() {
        use std::sync::atomic::Ordering::SeqCst;
        let refusal = crate::store::Fault::Before(ErrorKind::RateLimited);
        let refused = crate::store::FaultPlan::none().then(Operation::Put, 8, refusal);
        let busy = Arc::new(Busy(0.into(), 0.into()));
        let store = Limited::new(crate::store::Faulty::new(memory(), refused), 512).tapped(busy.clone());
        let names: Vec<_> = (0..40).map(|number| path(&format!("f{number}"))).collect();
        let body = Body::bytes(noise(10, 1));
        let puts = names[..8].iter().map(|at| store.put(at, &body, Write::New));
        let failed = futures_util::future::join_all(puts).await.into_iter().filter(Result::is_err).count();
        assert_eq!(failed, 1, "the last of them is refused");
        busy.1.store(0, SeqCst);
        let puts = names[8..].iter().map(|at| store.put(at, &body, Write::New));
        futures_util::future::try_join_all(puts).await.expect("the others are taken");
        let most = busy.1.load(SeqCst);
        assert!((4..=12).contains(&most), "half of eight, and slowly more: {most}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_holds_its_place_until_it_is_dropped() {
        let shared = Arc::new(Semaphore::new(1));
        let (one, two) = (Limited::new(memory(), 1).sharing(shared.clone()), Limited::new(memory(), 1).sharing(shared.clone()));
        one.put(&path("a"), &Body::bytes(noise(10, 1)), Write::New).await.expect("a put succeeds");
        let stream = one.get(&path("a"), None).await.expect("a get succeeds");
        timeout(Duration::from_secs(9), two.stat(&path("a"))).await.expect_err("the shared place is taken");
        drop(stream);
        timeout(Duration::from_secs(9), two.stat(&path("a"))).await.expect("the place is free").expect("a stat succeeds");
        shared.close();
        let refused = two.stat(&path("a")).await.expect_err("the run has ended");
        assert_eq!((refused.kind, refused.retry), (ErrorKind::Cancelled, crate::store::Retry::Never));
    }
}
