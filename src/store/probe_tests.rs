//! Servers with one odd habit each, and what a probe finds.

use std::ops::Range;

use super::*;
use crate::base::TargetName;
use crate::store::contract::path;
use crate::store::memory::MemoryStore;
use crate::store::{ByteStream, Entry, ErrorKind, Operation, Space, Stat};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// It is as good as it seems.
    Good,
    /// It puts the first half of a broken upload in place, a while after the connection is gone.
    CommitsLate,
    /// One connection: what reads waits for what writes.
    TakesTurns,
    /// Nothing can be read of a name while it is being replaced.
    HidesThePointer,
    /// Every fifth read gives half of the bytes.
    Tears,
    /// It says itself that it removes a name before it gives it to the new bytes.
    PromisesGaps,
}

/// A store in memory whose calls take time, so that they overlap.
#[derive(Debug)]
struct Odd {
    inner: MemoryStore,
    habit: Habit,
    reads: AtomicU64,
}

#[async_trait]
impl Store for Odd {
    fn target(&self) -> &TargetName {
        self.inner.target()
    }

    fn capabilities(&self) -> Capabilities {
        let promised = self.inner.capabilities();
        match self.habit {
            Habit::TakesTurns => Capabilities { parallel_puts: 1, ..promised },
            Habit::PromisesGaps => Capabilities { swap: SwapClass::Gap, ..promised },
            _ => promised,
        }
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        self.inner.make_collections(collections).await
    }

    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let result = self.inner.put(path, body, write).await;
        if result.is_err() && self.habit == Habit::CommitsLate {
            let (store, path) = (self.inner.clone(), path.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                store.tamper(&path, "half");
            });
        }
        result
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let is_pointer = path.as_str().ends_with("pointer.json");
        if is_pointer && self.habit == Habit::HidesThePointer {
            return Err(StoreError::new(ErrorKind::Locked, Operation::Get, self.target()).at(path));
        }
        if is_pointer && self.habit == Habit::Tears && self.reads.fetch_add(1, Ordering::Relaxed) % 5 == 4 {
            return self.inner.get(path, Some(0..400)).await;
        }
        self.inner.get(path, range).await
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        self.inner.stat(path).await
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        self.inner.list(collection).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.inner.delete(path).await
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.inner.delete_empty_collection(path).await
    }

    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        self.inner.rename(from, to).await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.inner.space().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// The profile of such a server, with the clock let run as fast as it can. Nothing may stay behind.
async fn profile(habit: Habit) -> Profile {
    let inner = MemoryStore::new("memory".parse().expect("a name"));
    let store = Odd { inner: inner.clone(), habit, reads: AtomicU64::new(0) };
    let profile = probe(&store, &path(".spartacus-probe/1"), |_, _| async { None }).await.expect("a profile");
    assert!(inner.snapshot().is_empty(), "nothing stays behind");
    assert!(profile.is_usable(), "{profile:#?}");
    profile
}

fn said(profile: &Profile) -> &str {
    &profile.trials.iter().find(|trial| trial.what == "swap").expect("it was tried").detail
}

#[tokio::test(start_paused = true)]
async fn a_good_store_is_found_to_be_good_and_left_clean() {
    let profile = profile(Habit::Good).await;
    assert_eq!(profile.swap, Some(SwapClass::Atomic), "{profile:#?}");
    assert_eq!(profile.capabilities.swap, SwapClass::Atomic);
    assert!(profile.trials.iter().all(|trial| trial.good), "{profile:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_short_file_that_comes_after_the_connection_is_gone_is_seen() {
    let profile = profile(Habit::CommitsLate).await;
    assert_eq!(profile.swap, Some(SwapClass::Torn), "{profile:#?}");
    assert_eq!(said(&profile), "torn; while replacing: atomic, after half an upload: torn");
}

#[tokio::test(start_paused = true)]
async fn reads_that_wait_for_the_writes_prove_nothing() {
    let profile = profile(Habit::TakesTurns).await;
    assert_eq!(profile.swap, None, "{profile:#?}");
    assert_eq!(said(&profile), "not known; while replacing: not known, after half an upload: atomic");
}

#[tokio::test(start_paused = true)]
async fn reads_that_fail_prove_nothing() {
    let profile = profile(Habit::HidesThePointer).await;
    assert_eq!(profile.swap, None, "{profile:#?}");
    assert_eq!(said(&profile), "not known; while replacing: not known, after half an upload: not known");
}

#[tokio::test(start_paused = true)]
async fn half_a_file_in_one_read_is_enough_to_know() {
    assert_eq!(profile(Habit::Tears).await.swap, Some(SwapClass::Torn));
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_is_promised_is_believed_even_when_nobody_saw_it() {
    let profile = profile(Habit::PromisesGaps).await;
    assert_eq!((profile.swap, profile.capabilities.swap), (Some(SwapClass::Gap), SwapClass::Gap));
}
