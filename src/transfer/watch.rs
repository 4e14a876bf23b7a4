//! One target's numbers while it is being worked on.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Event, Events, Stage};
use crate::base::{ByteCount, ObjectPath, TargetName};
use crate::store::{RetryEvent, RetryObserver, Tap};

/// A target from which nothing came for this long gives its turn to the next.
const STALLED: Duration = Duration::from_secs(10);

/// Counts what goes out to one target and tells the run's listener.
#[derive(Debug)]
pub(super) struct Watch {
    target: TargetName,
    events: Events,
    bytes: AtomicU64,
    objects: AtomicU64,
    retries: AtomicU64,
    /// Answers and bytes, in both directions: only that they change counts.
    signs_of_life: AtomicU64,
    swapping: AtomicBool,
    notes: Mutex<Vec<String>>,
}

impl Watch {
    pub fn new(target: TargetName, events: Events) -> Arc<Self> {
        let zero = AtomicU64::default;
        let swapping = AtomicBool::new(false);
        let (bytes, objects, retries, signs_of_life) = (zero(), zero(), zero(), zero());
        Arc::new(Self { target, events, bytes, objects, retries, signs_of_life, swapping, notes: Mutex::default() })
    }

    pub async fn enter(&self, stage: Stage) {
        self.events.tell(Event::StageEntered { target: self.target.clone(), stage }).await;
    }

    pub async fn planned(&self, objects: u64, bytes: ByteCount) {
        self.events.tell(Event::Planned { target: self.target.clone(), objects, bytes }).await;
    }

    pub async fn sent(&self, path: &ObjectPath, bytes: ByteCount) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.events.tell(Event::Sent { target: self.target.clone(), path: path.clone(), bytes }).await;
    }

    pub fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// Whether a swap has begun and nobody knows yet how it ended.
    pub fn swapping(&self, now: bool) {
        self.swapping.store(now, Ordering::Relaxed);
    }

    pub fn is_swapping(&self) -> bool {
        self.swapping.load(Ordering::Relaxed)
    }

    /// A tap that counts into this watch.
    pub fn tap(self: &Arc<Self>) -> Arc<dyn Tap> {
        Arc::new(CountingTap(self.clone()))
    }

    /// A tap that notices every byte, up or down.
    pub fn pulse(self: &Arc<Self>) -> Arc<dyn Tap> {
        Arc::new(Pulse(self.clone()))
    }

    /// Keeps this target's turn while something moves, and lets the next one begin when nothing does: a server that is
    /// silent, or that asked us to wait, must not keep others from their turn. Who stirs again does not wait for a turn:
    /// its connections are open already. Never returns.
    pub async fn keep(&self, turns: &Arc<Semaphore>, mut turn: Option<OwnedSemaphorePermit>) -> Infallible {
        loop {
            let before = self.signs_of_life.load(Ordering::Relaxed);
            tokio::time::sleep(STALLED).await;
            turn = match turn {
                _ if self.signs_of_life.load(Ordering::Relaxed) == before => None,
                None => turns.clone().try_acquire_owned().ok(),
                kept => kept,
            };
        }
    }

    fn stir(&self) {
        self.signs_of_life.fetch_add(1, Ordering::Relaxed);
    }

    pub fn bytes(&self) -> ByteCount {
        ByteCount(self.bytes.load(Ordering::Relaxed))
    }

    pub fn objects(&self) -> u64 {
        self.objects.load(Ordering::Relaxed)
    }

    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RetryObserver for Watch {
    fn retrying(&self, event: &RetryEvent<'_>) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.events.mention(Event::Retrying {
            target: self.target.clone(),
            what: event.error.to_string(),
            attempt: event.attempt,
            pause_ms: u64::try_from(event.pause.as_millis()).unwrap_or(u64::MAX),
        });
    }

    fn answered(&self) {
        self.stir();
    }
}

#[derive(Debug)]
struct Pulse(Arc<Watch>);

#[async_trait]
impl Tap for Pulse {
    async fn pass(&self, _bytes: u64) -> io::Result<()> {
        self.0.stir();
        Ok(())
    }
}

#[derive(Debug)]
struct CountingTap(Arc<Watch>);

#[async_trait]
impl Tap for CountingTap {
    async fn pass(&self, bytes: u64) -> io::Result<()> {
        let sum = self.0.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.0.events.mention(Event::Progress { target: self.0.target.clone(), bytes: ByteCount(sum) });
        Ok(())
    }
}
