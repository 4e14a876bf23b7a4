//! A test tool: a store that fails on purpose, the same way each time.
//!
//! It is part of the library because integration tests and backends of one's own need it too. Nothing in the program
//! uses it.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{Body, ByteStream, Capabilities, Entry, ErrorKind, Operation, Space, Stat, Store, StoreError, Tap, Write};
use crate::base::{ObjectPath, TargetName};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call never reaches the store.
    Before(ErrorKind),
    /// The call takes effect, but its answer is lost.
    After(ErrorKind),
    /// The body breaks off after this many bytes (at the border of the piece it lies in); for other calls than puts,
    /// nothing.
    CutBody(u64),
    /// The call is delayed.
    Delay(Duration),
    /// The byte at this offset of what is read comes changed; for other calls than gets, nothing.
    Flip(u64),
}

/// What goes wrong when.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    scripted: Vec<(Operation, u64, Fault)>,
    random: Option<(fastrand::Rng, f64, Vec<Fault>)>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self { scripted: Vec::new(), random: None }
    }

    /// Each call meets one of `faults` with this probability (0 to 1), as the seed decides.
    #[must_use]
    pub fn random(seed: u64, probability: f64, faults: impl Into<Vec<Fault>>) -> Self {
        Self { scripted: Vec::new(), random: Some((fastrand::Rng::with_seed(seed), probability, faults.into())) }
    }

    /// Also, the `nth` call of this operation (from 1) meets `fault`.
    #[must_use]
    pub fn then(mut self, operation: Operation, nth: u64, fault: Fault) -> Self {
        self.scripted.push((operation, nth, fault));
        self
    }

    fn draw(&mut self, operation: Operation, nth: u64) -> Option<Fault> {
        if let Some((_, _, fault)) = self.scripted.iter().find(|(wanted, when, _)| (*wanted, *when) == (operation, nth)) {
            return Some(*fault);
        }
        let (random, probability, faults) = self.random.as_mut()?;
        if random.f64() < *probability { random.choice(faults.iter()).copied() } else { None }
    }
}

/// A store in which what the plan says goes wrong.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    plan: Mutex<FaultPlan>,
    calls: Mutex<std::collections::BTreeMap<Operation, u64>>,
    injected: AtomicU64,
}

impl<S: Store> Faulty<S> {
    /// `inner` with these faults.
    #[must_use]
    pub fn new(inner: S, plan: FaultPlan) -> Self {
        Self { inner, plan: Mutex::new(plan), calls: Mutex::default(), injected: AtomicU64::new(0) }
    }

    /// Calls of this operation so far, retries included.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).get(&operation).copied().unwrap_or_default()
    }

    /// Faults so far.
    #[must_use]
    pub fn injected(&self) -> u64 {
        self.injected.load(Ordering::Relaxed)
    }

    /// The store beneath.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn next(&self, operation: Operation) -> Option<Fault> {
        let nth = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let count = calls.entry(operation).or_default();
            *count += 1;
            *count
        };
        let fault = self.plan.lock().unwrap_or_else(PoisonError::into_inner).draw(operation, nth);
        self.injected.fetch_add(u64::from(fault.is_some()), Ordering::Relaxed);
        fault
    }

    fn error(&self, kind: ErrorKind, operation: Operation, path: Option<&ObjectPath>) -> StoreError {
        let error = StoreError::new(kind, operation, self.inner.target()).saying("injected");
        match path {
            Some(path) => error.at(path),
            None => error,
        }
    }

    /// Runs a call with the fault that only concerns its beginning or its end.
    async fn disturb<T>(
        &self,
        operation: Operation,
        path: Option<&ObjectPath>,
        fault: Option<Fault>,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match fault {
            Some(Fault::Before(kind)) => return Err(self.error(kind, operation, path)),
            Some(Fault::Delay(pause)) => tokio::time::sleep(pause).await,
            _ => {}
        }
        let answer = call.await;
        match (answer, fault) {
            (Ok(_), Some(Fault::After(kind))) => Err(self.error(kind, operation, path)),
            (answer, _) => answer,
        }
    }
}

#[async_trait]
impl<S: Store> Store for Faulty<S> {
    fn target(&self) -> &TargetName {
        self.inner.target()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        let operation = Operation::MakeCollections;
        self.disturb(operation, None, self.next(operation), self.inner.make_collections(collections)).await
    }

    /// A body that is cut reports a lost connection, as a network would, not the local failure that cut it.
    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        let fault = self.next(Operation::Put);
        if let Some(Fault::CutBody(after)) = fault {
            let cut = body.tapped(Arc::new(Scissors { left: Mutex::new(after) }));
            self.inner.put(path, &cut, write).await.map_err(|_| self.error(ErrorKind::ConnectionLost, Operation::Put, Some(path)))
        } else {
            self.disturb(Operation::Put, Some(path), fault, self.inner.put(path, body, write)).await
        }
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let fault = self.next(Operation::Get);
        let stream = self.disturb(Operation::Get, Some(path), fault, self.inner.get(path, range)).await?;
        Ok(match fault {
            Some(Fault::Flip(offset)) => flipped(stream, offset),
            _ => stream,
        })
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        self.disturb(Operation::Stat, Some(path), self.next(Operation::Stat), self.inner.stat(path)).await
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        self.disturb(Operation::List, collection, self.next(Operation::List), self.inner.list(collection)).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.disturb(Operation::Delete, Some(path), self.next(Operation::Delete), self.inner.delete(path)).await
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let fault = self.next(Operation::Delete);
        self.disturb(Operation::Delete, Some(path), fault, self.inner.delete_empty_collection(path)).await
    }

    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        self.disturb(Operation::Rename, Some(from), self.next(Operation::Rename), self.inner.rename(from, to)).await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.disturb(Operation::Space, None, self.next(Operation::Space), self.inner.space()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Lets so many bytes pass.
#[derive(Debug)]
struct Scissors {
    left: Mutex<u64>,
}

#[async_trait]
impl Tap for Scissors {
    async fn pass(&self, bytes: u64) -> io::Result<()> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.checked_sub(bytes).ok_or(io::ErrorKind::ConnectionReset)?;
        Ok(())
    }
}

/// The stream with one bit of one byte turned over.
fn flipped(stream: ByteStream, offset: u64) -> ByteStream {
    let mut start = 0_u64;
    Box::pin(stream.map(move |piece| {
        piece.map(|bytes| {
            let length = bytes.len() as u64;
            let inside = offset.checked_sub(start).filter(|index| *index < length);
            start += length;
            match inside.and_then(|index| usize::try_from(index).ok()) {
                Some(index) => {
                    let mut changed = bytes.to_vec();
                    changed[index] ^= 1;
                    Bytes::from(changed)
                }
                None => bytes,
            }
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreExt as _;
    use crate::store::contract::{self, noise, path};
    use crate::store::memory::MemoryStore;

    fn faulty(plan: FaultPlan) -> Faulty<MemoryStore> {
        Faulty::new(MemoryStore::new("faulty".parse().expect("a name")), plan)
    }

    #[tokio::test]
    async fn without_faults_it_keeps_the_contract() {
        contract::run_all(&faulty(FaultPlan::none())).await;
    }

    #[tokio::test]
    async fn a_lost_answer_leaves_the_effect_and_a_cut_body_does_not() {
        let plan = FaultPlan::none()
            .then(Operation::Put, 1, Fault::After(ErrorKind::Timeout))
            .then(Operation::Put, 2, Fault::CutBody(1000))
            .then(Operation::Put, 3, Fault::Before(ErrorKind::Unavailable));
        let store = faulty(plan);
        for (name, kind) in [("a", ErrorKind::Timeout), ("b", ErrorKind::ConnectionLost), ("c", ErrorKind::Unavailable)] {
            let error = store.put(&path(name), &Body::bytes(noise(5000, 1)), Write::New).await.expect_err("a planned fault");
            assert_eq!(error.kind, kind);
        }
        assert_eq!(store.inner().snapshot().into_keys().collect::<Vec<_>>(), [path("a")]);
        assert_eq!((store.calls(Operation::Put), store.injected()), (3, 3));
    }

    #[tokio::test]
    async fn a_flip_changes_one_bit() {
        let store = faulty(FaultPlan::none().then(Operation::Get, 1, Fault::Flip(7)));
        store.put(&path("a"), &Body::bytes(noise(100, 1)), Write::New).await.expect("a put succeeds");
        let read = store.get_small(&path("a"), 100).await.expect("a get succeeds").expect("it is there");
        let turned: u32 = read.iter().zip(noise(100, 1)).map(|(one, other)| (one ^ other).count_ones()).sum();
        assert_eq!((turned, read[7] ^ 1), (1, noise(100, 1)[7]));
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let draw = |seed| {
            let mut plan = FaultPlan::random(seed, 0.3, [Fault::Flip(1), Fault::CutBody(9)]);
            (0..200).map(|nth| plan.draw(Operation::Get, nth)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
