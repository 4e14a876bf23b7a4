//! Carrying out a plan on one target, step by step.
//!
//! Rules P4 and P5 of docs/bundle-format.md.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::pointer::{POINTER_CAP, read_pointer};
use super::read_back::wrong_bytes;
use super::sizes::wrong_sizes;
use super::watch::Watch;
use super::{Journal, Originals, Settled, Stage};
use crate::base::{ByteCount, ObjectPath};
use crate::bundle::{Content, Object, Release};
use crate::plan::{Plan, Pointer, Step, Upload};
use crate::store::{Body, ErrorKind, Operation, Retry, Store, StoreError, StoreExt as _, Write};

/// New objects read back before the swap, at most, and the longest of them: a cheap proof that the server keeps bytes.
const SAMPLE: usize = 3;
const SAMPLE_BYTES: u64 = 8 << 20;
/// Replaced objects are all read back, up to this many bytes in all: their sizes prove nothing.
const REPLACED_BYTES: u64 = 256 << 20;
/// How long a swap that is under way may still take after a cancellation.
const SWAP_GRACE: Duration = Duration::from_secs(2);
/// Pauses before the new pointer is read once more: a cache before the server may give the old one for a while.
const STALE_PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Why the work on a target stopped early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The store failed.
    Store(StoreError),
    /// The run was cancelled.
    Cancelled,
    /// Somebody else published this version here, or a newer one, while we were at it.
    Overtaken { version: u64 },
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Does `work`, or drops it when the run is cancelled.
pub(super) async fn unless_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> Result<T, Stop> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Stop::Cancelled),
        done = work => Ok(done),
    }
}

/// One target's hands: what is needed to carry a plan out.
pub(super) struct Carrier<'a> {
    pub store: &'a dyn Store,
    pub journal: &'a dyn Journal,
    pub originals: &'a Originals,
    pub watch: &'a Arc<Watch>,
    pub cancel: &'a CancellationToken,
    pub release: &'a Release,
    pub pin: &'a Bytes,
    /// What the target holds once its pointer is swapped.
    pub settled: Settled,
    /// The pointer as it was when the inventory was made.
    pub seen: Option<Bytes>,
}

impl Carrier<'_> {
    /// Carries out `plan`. After a cancellation no further step begins and those under way are dropped; above all, no
    /// pointer moves. What dropped requests leave is under names that nothing refers to.
    pub async fn carry_out(&self, plan: &Plan<'_>) -> Result<(), Stop> {
        for step in plan.steps() {
            match step {
                Step::MakeCollections(collections) => {
                    self.watch.enter(Stage::Uploading).await;
                    self.or_stop(async { Ok(self.store.make_collections(collections).await?) }).await?;
                }
                Step::Upload(uploads) => self.or_stop(self.upload(uploads)).await?,
                Step::Confirm(uploads) => self.or_stop(self.confirm(uploads)).await?,
                Step::Swap(pointer) => self.commit(pointer).await?,
                Step::UploadRoots(roots) => {
                    self.watch.enter(Stage::Finishing).await;
                    self.or_stop(self.upload_roots(roots)).await?;
                }
                Step::Conveniences(objects) => {
                    self.watch.enter(Stage::Finishing).await;
                    // All that is promised is done, so a cancellation now changes nothing about the outcome.
                    let _ = self.or_stop(self.conveniences(objects)).await;
                }
            }
        }
        Ok(())
    }

    async fn or_stop(&self, work: impl Future<Output = Result<(), Stop>>) -> Result<(), Stop> {
        unless_cancelled(self.cancel, work).await?
    }

    /// Sends objects, as many at once as the store can take. The first failure drops those under way: a server that
    /// refuses our credentials must not be asked again, and what they leave is under names that nothing refers to.
    async fn upload(&self, uploads: &[Upload<'_>]) -> Result<(), Stop> {
        let parallel = self.store.capabilities().parallel_puts.max(1);
        let mut waiting = uploads.iter();
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < parallel
                && let Some(upload) = waiting.next()
            {
                under_way.push(self.send(*upload));
            }
            match under_way.next().await {
                Some(result) => result?,
                None => return Ok(()),
            }
        }
    }

    async fn send(&self, upload: Upload<'_>) -> Result<(), Stop> {
        let object = upload.object;
        self.originals.vouch(object, self.store.target()).await?;
        self.store.put(&object.path, &self.body(object), upload.write).await?;
        self.journal.confirm(self.store.target(), &object.path, object.sha256);
        self.watch.sent(&object.path, ByteCount(object.length)).await;
        Ok(())
    }

    fn body(&self, object: &Object) -> Body {
        let body = match &object.content {
            Content::Object(file) => Body::file(file.clone(), object.length, object.sha256),
            Content::Inline(bytes) => Body::bytes(bytes.clone()),
        };
        body.tapped(self.watch.tap())
    }

    /// The barrier: everything sent is there. What is not is sent once more; then the server is at fault.
    async fn confirm(&self, uploads: &[Upload<'_>]) -> Result<(), Stop> {
        self.watch.enter(Stage::Confirming).await;
        if !self.store.capabilities().read {
            // A drop box shows nothing; that it took every object is all there is to know.
            return Ok(());
        }
        let missing = wrong_sizes(self.store, uploads.iter().map(|upload| upload.object)).await?;
        let again: Vec<Upload<'_>> = uploads.iter().filter(|upload| missing.contains(&upload.object.path)).copied().collect();
        if !again.is_empty() {
            self.watch.note(format!("{} objects were not there after the server had taken them; sent again", again.len()));
            self.upload(&again).await?;
            if let Some(path) = wrong_sizes(self.store, again.iter().map(|upload| upload.object)).await?.first() {
                return Err(self.lies(path, "the server took it twice and does not have it with its size").into());
            }
        }
        self.watch.enter(Stage::Sampling).await;
        self.read_back(&sample(uploads)).await
    }

    /// Reads objects back before anything refers to them. What has other bytes is sent once more.
    async fn read_back(&self, uploads: &[Upload<'_>]) -> Result<(), Stop> {
        if !self.store.capabilities().read {
            return Ok(());
        }
        let wrong = wrong_bytes(self.store, uploads.iter().map(|upload| upload.object)).await?;
        let again: Vec<Upload<'_>> = uploads.iter().filter(|upload| wrong.contains(&upload.object.path)).copied().collect();
        if again.is_empty() {
            return Ok(());
        }
        self.watch.note(format!("{} objects read back had other bytes than were sent; sent again", again.len()));
        self.upload(&again).await?;
        match wrong_bytes(self.store, again.iter().map(|upload| upload.object)).await?.first() {
            None => Ok(()),
            Some(path) => Err(self.lies(path, "read back, it has other bytes than were sent, twice").into()),
        }
    }

    /// The commit. It does not begin after a cancellation; one that is under way then may end, if it ends soon.
    async fn commit(&self, pointer: &Object) -> Result<(), Stop> {
        self.watch.enter(Stage::Swapping).await;
        self.or_stop(self.see_that_nobody_else_wrote()).await?;
        let too_late = async {
            self.cancel.cancelled().await;
            tokio::time::sleep(SWAP_GRACE).await;
        };
        self.watch.swapping(true);
        tokio::select! {
            biased;
            result = self.swap(pointer) => {
                self.watch.swapping(false);
                result
            }
            () = too_late => Err(Stop::Cancelled),
        }
    }

    /// A run may have been stopped for hours between its inventory and now, and another machine may have published.
    async fn see_that_nobody_else_wrote(&self) -> Result<(), Stop> {
        if !self.store.capabilities().read {
            return Ok(());
        }
        match self.store.get_small(&self.release.pointer.path, POINTER_CAP).await {
            Ok(now) if now == self.seen => return Ok(()),
            Err(error) if error.kind != ErrorKind::Corrupt => return Err(error.into()),
            _ => {}
        }
        match read_pointer(self.store, self.release, self.pin).await?.pointer {
            Pointer::Newer { version } => Err(Stop::Overtaken { version }),
            _ => Ok(()),
        }
    }

    /// An unclear answer is settled by reading the pointer back.
    async fn swap(&self, pointer: &Object) -> Result<(), Stop> {
        let put = self.store.put(&pointer.path, &self.body(pointer), Write::Replace).await;
        let is_final = put.as_ref().is_err_and(|error| error.retry == Retry::Never);
        if is_final || !self.store.capabilities().read {
            put?;
        } else {
            match (self.shows(pointer, put.is_ok()).await, put) {
                (Ok(true), _) => {}
                (_, Err(error)) | (Err(error), Ok(())) => return Err(error.into()),
                (Ok(false), Ok(())) => {
                    return Err(self.lies(&pointer.path, "read back, the pointer has other bytes than were sent").into());
                }
            }
        }
        self.journal.settle(self.store.target(), self.settled);
        self.watch.sent(&pointer.path, ByteCount(pointer.length)).await;
        Ok(())
    }

    /// Whether the store shows this pointer; `patiently`: after a while.
    async fn shows(&self, pointer: &Object, patiently: bool) -> Result<bool, StoreError> {
        let pauses = if patiently { STALE_PAUSES.as_slice() } else { &[] };
        let mut pauses = pauses.iter();
        loop {
            if wrong_bytes(self.store, [pointer].into_iter()).await?.is_empty() {
                return Ok(true);
            }
            let Some(pause) = pauses.next() else { return Ok(false) };
            tokio::time::sleep(*pause).await;
        }
    }

    /// Readers see a new root at once, so it must be right at once: there is no pointer to hold back.
    async fn upload_roots(&self, roots: &[Upload<'_>]) -> Result<(), Stop> {
        for root in roots {
            self.send(*root).await?;
            self.read_back(std::slice::from_ref(root)).await?;
        }
        Ok(())
    }

    async fn conveniences(&self, objects: &[&Object]) -> Result<(), Stop> {
        for object in objects {
            match self.store.put(&object.path, &self.body(object), Write::Replace).await {
                Ok(()) => self.watch.sent(&object.path, ByteCount(object.length)).await,
                // Nothing verifiable depends on them; but whoever refuses our credentials is not asked again.
                Err(error) => {
                    self.watch.note(format!("{} was not written: {error}", object.path));
                    if error.kind == ErrorKind::Unauthenticated {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn lies(&self, path: &ObjectPath, what: &str) -> StoreError {
        StoreError::new(ErrorKind::Corrupt, Operation::Put, self.store.target())
            .at(path)
            .saying(what)
            .retry(Retry::Never)
            .advising(format!(
                "`spartacus target probe {}` shows what this server does with what it is given",
                self.store.target()
            ))
    }
}

/// What is read back: a few of the new objects, and of the replaced ones as many as can be paid for.
fn sample<'a>(uploads: &[Upload<'a>]) -> Vec<Upload<'a>> {
    let (mut replaced, fresh): (Vec<Upload<'a>>, Vec<Upload<'a>>) =
        uploads.iter().copied().partition(|upload| upload.write == Write::Replace);
    fastrand::shuffle(&mut replaced);
    let mut bytes = 0_u64;
    let paid = replaced.into_iter().take_while(|upload| {
        bytes = bytes.saturating_add(upload.object.length);
        bytes <= REPLACED_BYTES
    });
    let small = fresh.into_iter().filter(|upload| upload.object.length <= SAMPLE_BYTES);
    let few = fastrand::choose_multiple(small, SAMPLE);
    paid.chain(few).collect()
}
