//! A target that plays a part, and everything a run needs to work on it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use spartacus::base::{Clock, Holds, ObjectPath, Replicas, RetryPolicy, Sha256, TargetLimits, TargetName, Timeouts};
use spartacus::bundle::Release;
use spartacus::store::memory::MemoryStore;
use spartacus::store::{
    Body, ByteStream, Capabilities, Entry, ErrorKind, FaultPlan, Faulty, Operation, Space, Stat, Store, StoreError, Write,
};
use spartacus::transfer::{
    BreakerState, Common, Connector, Events, Job, Journal, Look, Orders, Originals, Outcome, RunKind, Settled,
};
use tokio_util::sync::CancellationToken;

use super::world::{Objects, now, read, world};

/// What happens at one call of an [`Actor`], besides the call.
#[derive(Debug, Clone)]
pub enum Cue {
    /// From this call (from 1, of any operation) on it does not answer; `true`: this call still takes effect.
    Silent(u64, bool),
    /// The first put of this path never answers.
    SilentPut(ObjectPath),
    /// Puts of this path keep their length and change a byte.
    Alters(ObjectPath),
    /// A drop box: it takes what it is given and shows nothing.
    ShowsNothing,
    /// Its listings leave out names that begin with a dot.
    HidesDots,
    /// It panics at this call.
    Panics(u64),
    /// At the first put, somebody else's objects are there too.
    Rival(Objects),
    /// The swap takes this many seconds.
    SlowSwap(u64),
    /// What it says of its disk.
    Room(Space),
    /// Puts of nothing are confirmed and dropped, as some gateways do.
    DropsEmpty,
}

/// A store in memory that plays its part, and a reader who verifies everything after each change.
#[derive(Debug, Clone)]
pub struct Actor {
    pub store: MemoryStore,
    cues: Vec<Cue>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: AtomicU64,
    puts: AtomicU64,
    closed: AtomicBool,
    seen: Mutex<Vec<Result<u64, String>>>,
}

impl Actor {
    pub fn new(name: &str, objects: &Objects, cues: impl Into<Vec<Cue>>) -> Self {
        let store = MemoryStore::new(name.parse().expect("a name"));
        for (path, bytes) in objects {
            store.tamper(path, bytes.clone());
        }
        Self { store, cues: cues.into(), state: Arc::default() }
    }

    /// The same objects, another part.
    pub fn playing(&self, cues: impl Into<Vec<Cue>>) -> Self {
        Self { store: self.store.clone(), cues: cues.into(), state: Arc::default() }
    }

    pub fn calls(&self) -> u64 {
        self.state.calls.load(Ordering::Relaxed)
    }

    pub fn puts(&self) -> u64 {
        self.state.puts.load(Ordering::Relaxed)
    }

    pub fn is_closed(&self) -> bool {
        self.state.closed.load(Ordering::Relaxed)
    }

    /// What a reader got after each change.
    pub fn seen(&self) -> Vec<Result<u64, String>> {
        self.state.seen.lock().expect("no test panicked with it").clone()
    }

    /// The call's cue; `Err` when it never takes effect.
    async fn enter(&self) -> bool {
        let number = self.state.calls.fetch_add(1, Ordering::Relaxed) + 1;
        for cue in &self.cues {
            match cue {
                Cue::Silent(from, false) if number >= *from => std::future::pending().await,
                Cue::Silent(from, true) if number > *from => std::future::pending().await,
                Cue::Silent(from, true) if number == *from => return true,
                Cue::Panics(at) if number >= *at => panic!("the store of {} panics", self.store.target()),
                _ => {}
            }
        }
        false
    }

    /// The end of a call: one that dies after its effect never answers.
    async fn leave(&self, dies: bool) {
        if dies {
            std::future::pending::<()>().await;
        }
    }

    /// The answer of a drop box to every question.
    fn shown(&self, operation: Operation) -> Result<(), StoreError> {
        let hidden = self.cues.iter().any(|cue| matches!(cue, Cue::ShowsNothing));
        if hidden { Err(StoreError::new(ErrorKind::PermissionDenied, operation, self.store.target())) } else { Ok(()) }
    }

    async fn witness(&self) {
        let found = read(&self.store.snapshot()).await;
        self.state.seen.lock().expect("no test panicked with it").push(found);
    }
}

#[async_trait]
impl Store for Actor {
    fn target(&self) -> &TargetName {
        self.store.target()
    }

    fn capabilities(&self) -> Capabilities {
        let read = self.shown(Operation::Get).is_ok();
        Capabilities { read, list: read, ..self.store.capabilities() }
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        let dies = self.enter().await;
        let done = self.store.make_collections(collections).await;
        self.leave(dies).await;
        done
    }

    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        let first = self.state.puts.fetch_add(1, Ordering::Relaxed) == 0;
        let dies = self.enter().await;
        let mut done = None;
        for cue in &self.cues {
            match cue {
                Cue::SilentPut(silent) if silent == path => std::future::pending().await,
                Cue::Alters(altered) if altered == path => {
                    let mut bytes = body.read_at(0, body.length()).await.expect("bytes").to_vec();
                    if let Some(byte) = bytes.first_mut() {
                        *byte ^= 1;
                    }
                    self.store.tamper(path, bytes);
                    done = Some(Ok(()));
                }
                Cue::DropsEmpty if body.length() == 0 => done = Some(Ok(())),
                Cue::Rival(objects) if first => {
                    for (path, bytes) in objects {
                        self.store.tamper(path, bytes.clone());
                    }
                }
                Cue::SlowSwap(seconds) if path.as_str() == "metadata/timestamp.json" => {
                    tokio::time::sleep(std::time::Duration::from_secs(*seconds)).await;
                }
                _ => {}
            }
        }
        let done = match done {
            Some(done) => done,
            None => self.store.put(path, body, write).await,
        };
        self.witness().await;
        self.leave(dies).await;
        done
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let dies = self.enter().await;
        self.leave(dies).await;
        self.shown(Operation::Get)?;
        self.store.get(path, range).await
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        let dies = self.enter().await;
        self.leave(dies).await;
        self.shown(Operation::Stat)?;
        self.store.stat(path).await
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        let dies = self.enter().await;
        self.leave(dies).await;
        self.shown(Operation::List)?;
        let mut found = self.store.list(collection).await?;
        if self.cues.iter().any(|cue| matches!(cue, Cue::HidesDots)) {
            found.retain(|entry| !entry.name.starts_with('.'));
        }
        Ok(found)
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        assert!(path.as_str().starts_with(".spartacus-probe-"), "a push deletes nothing, and a canary only itself: {path}");
        self.store.delete(path).await
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        assert!(path.as_str().starts_with(".spartacus-probe-"), "a push deletes nothing, and a canary only itself: {path}");
        self.store.delete_empty_collection(path).await
    }

    async fn rename(&self, _from: &ObjectPath, _to: &ObjectPath) -> Result<(), StoreError> {
        panic!("a push renames nothing");
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        let dies = self.enter().await;
        self.leave(dies).await;
        Ok(self.cues.iter().find_map(|cue| if let Cue::Room(space) = cue { Some(*space) } else { None }))
    }

    async fn close(&self) {
        self.state.closed.store(true, Ordering::Relaxed);
    }
}

/// Connects to a store that is there already.
pub struct Ready(pub Arc<dyn Store>);

#[async_trait]
impl Connector for Ready {
    async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(self.0.clone())
    }
}

/// Connects at the third call: the first two are dropped.
pub struct Crowded {
    pub store: Arc<dyn Store>,
    pub calls: AtomicU64,
}

#[async_trait]
impl Connector for Crowded {
    async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) < 2 {
            return Err(StoreError::new(ErrorKind::ConnectionLost, Operation::Connect, self.store.target()));
        }
        Ok(self.store.clone())
    }
}

/// Never connects.
pub struct BlackHole;

#[async_trait]
impl Connector for BlackHole {
    async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        std::future::pending().await
    }
}

/// Refuses every login and counts them.
pub fn refusing(actor: &Actor, operation: Operation, nth: u64) -> Arc<Faulty<Actor>> {
    let fault = spartacus::store::Fault::Before(ErrorKind::Unauthenticated);
    Arc::new(Faulty::new(actor.clone(), FaultPlan::none().then(operation, nth, fault)))
}

/// A journal in memory, shared by a run and the next.
#[derive(Debug, Clone, Default)]
pub struct Notebook {
    confirmed: Arc<Mutex<BTreeMap<TargetName, BTreeMap<ObjectPath, Sha256>>>>,
    finished: Arc<Mutex<Vec<TargetName>>>,
    settled: Arc<Mutex<BTreeMap<TargetName, Settled>>>,
    breakers: Arc<Mutex<BTreeMap<TargetName, BreakerState>>>,
}

impl Notebook {
    /// Targets whose outcome was noted, in this order.
    pub fn finished(&self) -> Vec<TargetName> {
        self.finished.lock().expect("no test panicked with it").clone()
    }
}

impl Journal for Notebook {
    fn confirmed(&self, target: &TargetName) -> BTreeMap<ObjectPath, Sha256> {
        self.confirmed.lock().expect("no test panicked with it").get(target).cloned().unwrap_or_default()
    }

    fn confirm(&self, target: &TargetName, path: &ObjectPath, sha256: Sha256) {
        let mut all = self.confirmed.lock().expect("no test panicked with it");
        all.entry(target.clone()).or_default().insert(path.clone(), sha256);
    }

    fn finished(&self, outcome: &Outcome) {
        self.finished.lock().expect("no test panicked with it").push(outcome.target.clone());
    }

    fn settle(&self, target: &TargetName, settled: Settled) {
        self.settled.lock().expect("no test panicked with it").insert(target.clone(), settled);
        self.confirmed.lock().expect("no test panicked with it").remove(target);
    }

    fn settled(&self, target: &TargetName) -> Option<Settled> {
        self.settled.lock().expect("no test panicked with it").get(target).copied()
    }

    fn breaker(&self, target: &TargetName) -> BreakerState {
        self.breakers.lock().expect("no test panicked with it").get(target).copied().unwrap_or_default()
    }

    fn set_breaker(&self, target: &TargetName, state: BreakerState) {
        self.breakers.lock().expect("no test panicked with it").insert(target.clone(), state);
    }
}

/// A job with nothing special about it.
pub fn job(name: &TargetName, connector: impl Connector + 'static) -> Job {
    Job {
        target: name.clone(),
        protocol: "memory".to_owned(),
        connector: Box::new(connector),
        holds: Holds::All,
        limits: TargetLimits::default(),
        paused: false,
        swap: None,
        look: Look::Pointer,
    }
}

/// A job on a store.
pub fn job_on(store: impl Store + 'static) -> Job {
    let name = store.target().clone();
    job(&name, Ready(Arc::new(store)))
}

/// Orders with nothing special about them.
pub fn orders(release: &Arc<Release>, jobs: Vec<Job>) -> Orders {
    let common = Common {
        release: release.clone(),
        pin: world().pin.clone(),
        retry: RetryPolicy::default(),
        timeouts: Timeouts::default(),
        require_atomic: false,
        bandwidth: None,
        journal: Arc::new(Notebook::default()),
        originals: Originals::default(),
        clock: Clock::Fixed(now()),
        events: Events::nowhere(),
        cancel: CancellationToken::new(),
    };
    Orders { kind: RunKind::Push, common, concurrency: jobs.len().max(1), jobs, replicas: Replicas::All }
}
