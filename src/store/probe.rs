//! Finding out what a server can do, by doing it to scratch names.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{Body, Capabilities, Store, StoreError, StoreExt as _, SwapClass, Tap, Write};
use crate::base::ObjectPath;

/// Replacements made while a reader looks on.
const SWAPS: u64 = 40;
/// Bytes of the scratch objects that are swapped: more than one network packet, so that a torn one can be seen.
const SCRATCH: usize = 96 * 1024;
/// Whole objects that must have been read while a replacement was under way, before it means anything that none of them
/// was torn.
const READS_NEEDED: u64 = 10;
/// An upload is left hanging for so long before it is broken off: time for the server to store what it got.
const HANG: Duration = Duration::from_millis(500);
/// For so long after that a short file may still appear: some servers put it in place when they notice that the
/// connection is gone.
const AFTERMATH: Duration = Duration::from_millis(600);
/// Between two looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// What was tried.
    pub what: String,
    /// It worked as the protocol promises.
    pub good: bool,
    /// What happened, safe to print.
    pub detail: String,
}

/// What a server turned out to be able to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// What it can do; the planner and the pusher read this. Its `swap` is only the protocol's promise where the one
    /// below is not known.
    pub capabilities: Capabilities,
    /// How readers see a replacement; `None` when too little could be read meanwhile to tell.
    pub swap: Option<SwapClass>,
    /// How that was found out.
    pub trials: Vec<Trial>,
}

impl Profile {
    /// Everything that a push needs works.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.trials.iter().all(|trial| trial.good || !REQUIRED.contains(&trial.what.as_str()))
    }
}

/// Without these nothing can be published.
const REQUIRED: [&str; 3] = [MAKE_FOLDERS, WRITE, OVERWRITE];
const MAKE_FOLDERS: &str = "make folders";
const WRITE: &str = "write and read back";
const OVERWRITE: &str = "overwrite";

/// Tries everything below `scratch`, a name that nobody uses, and cleans up.
///
/// Only losing the connection is an error; whatever the server does else is in the profile. `observe` is called while
/// scratch objects lie there, with one of them and its bytes: the caller may read it through the public address.
pub async fn probe<F, R>(store: &dyn Store, scratch: &ObjectPath, observe: F) -> Result<Profile, StoreError>
where
    F: FnOnce(ObjectPath, Bytes) -> R + Send,
    R: Future<Output = Option<Trial>> + Send,
{
    let mut prober = Prober { store, capabilities: store.capabilities(), swap: None, trials: Vec::new() };
    let found = prober.everything(scratch, observe).await;
    prober.clean_up(scratch).await;
    found?;
    Ok(Profile { capabilities: prober.capabilities, swap: prober.swap, trials: prober.trials })
}

/// Only how readers see a replacement, tried over the scratch object `pointer`, which is removed afterwards.
///
/// Only losing the connection is an error.
pub async fn swap(store: &dyn Store, pointer: &ObjectPath) -> Result<Profile, StoreError> {
    let mut prober = Prober { store, capabilities: store.capabilities(), swap: None, trials: Vec::new() };
    let found = prober.swapping(pointer).await;
    let _ = store.delete(pointer).await;
    found?;
    Ok(Profile { capabilities: prober.capabilities, swap: prober.swap, trials: prober.trials })
}

struct Prober<'a> {
    store: &'a dyn Store,
    capabilities: Capabilities,
    swap: Option<SwapClass>,
    trials: Vec<Trial>,
}

impl Prober<'_> {
    async fn everything<F, R>(&mut self, scratch: &ObjectPath, observe: F) -> Result<(), StoreError>
    where
        F: FnOnce(ObjectPath, Bytes) -> R + Send,
        R: Future<Output = Option<Trial>> + Send,
    {
        let (file, empty, pointer) = (name(scratch, "file.bin"), name(scratch, "empty.txt"), name(scratch, "pointer.json"));
        let bytes = noise(1, SCRATCH);

        let made = self.store.make_collections(&levels(scratch)).await;
        if !self.tried(MAKE_FOLDERS, made.map(|()| "yes".to_owned()))? {
            return Ok(());
        }
        let written = self.write_and_read(&file, &bytes).await;
        if !self.tried(WRITE, written)? {
            return Ok(());
        }
        if let Some(trial) = observe(file.clone(), bytes.clone()).await {
            self.trials.push(trial);
        }
        let kept = self.write_and_read(&empty, &Bytes::new()).await;
        self.tried("keep an empty file", kept)?;
        let listed = self.list(scratch).await;
        self.capabilities.list = self.tried("list", listed)?;
        let part = self.read_part(&file, &bytes).await;
        self.capabilities.ranges = self.tried("read a part", part)?;
        let renamed = self.rename(&file, &name(scratch, "moved.bin")).await;
        self.tried("rename over an existing name", renamed)?;

        if !self.swapping(&pointer).await? {
            return Ok(());
        }
        let space = self.store.space().await;
        self.capabilities.space = matches!(space, Ok(Some(_)));
        let told =
            space.map(|space| space.map_or("not told".to_owned(), |space| crate::base::ByteCount(space.free_bytes).to_string()));
        self.tried("free space", told)?;
        let deleted = self.delete(&file).await;
        self.tried("delete", deleted)?;
        Ok(())
    }

    /// Replaces an object under a reader, then breaks a replacement off; `false` when it cannot be replaced at all.
    async fn swapping(&mut self, pointer: &ObjectPath) -> Result<bool, StoreError> {
        let (swapped, seen) = self.swap_under_a_reader(pointer).await;
        if !self.tried(OVERWRITE, swapped)? {
            return Ok(false);
        }
        let aborted = self.abort_half(pointer).await?;
        self.judge_swap(seen, aborted);
        Ok(true)
    }

    /// What both trials of a swap amount to.
    fn judge_swap(&mut self, seen: Option<SwapClass>, aborted: Option<SwapClass>) {
        // Where the store itself has to remove a name first, luck is no proof of the contrary.
        let promised = self.store.capabilities().swap;
        let floor = if promised == SwapClass::Gap { SwapClass::Gap } else { SwapClass::Atomic };
        self.swap = match (seen, aborted) {
            (Some(SwapClass::Torn), _) | (_, Some(SwapClass::Torn)) => Some(SwapClass::Torn),
            (Some(seen), Some(aborted)) => Some(worse(worse(seen, aborted), floor)),
            _ => None,
        };
        self.capabilities.swap = self.swap.unwrap_or(promised);
        let word = |class: Option<SwapClass>| class.map_or("not known".to_owned(), |class| class.to_string());
        self.trials.push(Trial {
            what: "swap".to_owned(),
            good: self.swap == Some(SwapClass::Atomic),
            detail: format!("{}; while replacing: {}, after half an upload: {}", word(self.swap), word(seen), word(aborted)),
        });
    }

    /// Notes a trial. A connection that is gone ends the probe; everything else is an answer.
    fn tried(&mut self, what: &str, result: Result<String, StoreError>) -> Result<bool, StoreError> {
        use super::ErrorKind::{ConnectionLost, HostKey, Tls, Unauthenticated, Unreachable};
        let (good, detail) = match result {
            Ok(detail) => (true, detail),
            Err(error) if matches!(error.kind, ConnectionLost | HostKey | Tls | Unauthenticated | Unreachable) => {
                return Err(error);
            }
            Err(error) => (false, error.to_string()),
        };
        self.trials.push(Trial { what: what.to_owned(), good, detail });
        Ok(good)
    }

    fn wrong(&self, path: &ObjectPath, what: &str) -> StoreError {
        StoreError::new(super::ErrorKind::Corrupt, super::Operation::Get, self.store.target()).at(path).saying(what)
    }

    async fn write_and_read(&self, path: &ObjectPath, bytes: &Bytes) -> Result<String, StoreError> {
        self.store.put(path, &Body::bytes(bytes.clone()), Write::New).await?;
        match self.store.get_small(path, 1 << 20).await? {
            Some(found) if found == *bytes => Ok(format!("{} bytes", bytes.len())),
            Some(found) => Err(self.wrong(path, &format!("{} bytes were written, {} came back", bytes.len(), found.len()))),
            None => Err(self.wrong(path, "it was taken and is not there")),
        }
    }

    async fn list(&self, scratch: &ObjectPath) -> Result<String, StoreError> {
        let entries = self.store.list(Some(scratch)).await?;
        match entries.iter().find(|entry| entry.name == "file.bin").map(|entry| entry.size) {
            Some(Some(size)) if size == SCRATCH as u64 => Ok(format!("{} entries", entries.len())),
            Some(size) => Err(self.wrong(scratch, &format!("the listing gives {size:?} bytes for {SCRATCH}"))),
            None => Err(self.wrong(scratch, "the listing does not show what was written")),
        }
    }

    async fn read_part(&self, path: &ObjectPath, bytes: &Bytes) -> Result<String, StoreError> {
        let mut stream = self.store.get(path, Some(1000..3000)).await?;
        let mut found = Vec::new();
        while let Some(piece) = stream.next().await {
            found.extend_from_slice(&piece?);
        }
        if found == bytes[1000..3000] {
            Ok("yes".to_owned())
        } else {
            Err(self.wrong(path, "another part came than was asked for"))
        }
    }

    async fn rename(&self, file: &ObjectPath, other: &ObjectPath) -> Result<String, StoreError> {
        let bytes = noise(2, 500);
        self.store.put(other, &Body::bytes(bytes.clone()), Write::New).await?;
        self.store.rename(other, file).await?;
        match self.store.get_small(file, 1 << 20).await? {
            Some(found) if found == bytes => Ok("yes".to_owned()),
            _ => Err(self.wrong(file, "the new name does not hold the moved bytes")),
        }
    }

    /// Replaces an object again and again while reading it: whoever reads must find one whole version.
    async fn swap_under_a_reader(&self, pointer: &ObjectPath) -> (Result<String, StoreError>, Option<SwapClass>) {
        let versions: Vec<Bytes> = (0..2).map(|seed| noise(10 + seed, SCRATCH)).collect();
        if let Err(error) = self.store.put(pointer, &Body::bytes(versions[0].clone()), Write::New).await {
            return (Err(error), None);
        }
        let done = AtomicBool::new(false);
        let (begun, ended) = (AtomicU64::new(0), AtomicU64::new(0));
        let writer = async {
            let mut result = Ok(());
            for round in 0..SWAPS {
                let body = Body::bytes(versions[usize::from(round % 2 == 0)].clone());
                begun.fetch_add(1, Ordering::Relaxed);
                result = self.store.put(pointer, &body, Write::Replace).await;
                ended.fetch_add(1, Ordering::Relaxed);
                if result.is_err() {
                    break;
                }
                // A store that answers at once must leave the reader its turn.
                tokio::task::yield_now().await;
            }
            done.store(true, Ordering::Relaxed);
            result
        };
        let reader = async {
            let mut seen = Sightings::default();
            while !done.load(Ordering::Relaxed) {
                let before = ended.load(Ordering::Relaxed);
                match self.store.get_small(pointer, 1 << 20).await {
                    Ok(None) => seen.missing += 1,
                    Ok(Some(found)) if !versions.contains(&found) => seen.torn += 1,
                    Ok(Some(_)) if begun.load(Ordering::Relaxed) > before => seen.together += 1,
                    Ok(Some(_)) => seen.apart += 1,
                    Err(_) => seen.failed += 1,
                }
                tokio::task::yield_now().await;
            }
            seen
        };
        let (result, seen) = tokio::join!(writer, reader);
        // With one connection a read waits until the write is done, however long its call takes.
        let at_once = self.store.capabilities().parallel_puts > 1;
        (result.map(|()| format!("{SWAPS} times; {seen}")), seen.class(at_once))
    }

    /// Breaks an upload off in the middle: what does a reader find, at once and a while later? `None` when nothing could
    /// be read.
    async fn abort_half(&self, pointer: &ObjectPath) -> Result<Option<SwapClass>, StoreError> {
        let old = noise(20, 700);
        self.store.put(pointer, &Body::bytes(old.clone()), Write::Replace).await?;
        let half = Body::bytes(noise(21, 4 << 20)).tapped(Arc::new(BreaksAfter { left: AtomicU64::new(2 << 20) }));
        // That it fails is the point.
        let _ = self.store.put(pointer, &half, Write::Replace).await;
        let end = Instant::now() + AFTERMATH;
        let mut worst = None;
        loop {
            let class = match self.store.get_small(pointer, 8 << 20).await {
                Ok(Some(found)) if found == old => Some(SwapClass::Atomic),
                Ok(Some(_)) => return Ok(Some(SwapClass::Torn)),
                Ok(None) => Some(SwapClass::Gap),
                // A failed read says nothing about the swap.
                Err(_) => None,
            };
            worst = class.map(|class| worst.map_or(class, |worst| worse(worst, class))).or(worst);
            if Instant::now() >= end {
                return Ok(worst);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn delete(&self, path: &ObjectPath) -> Result<String, StoreError> {
        self.store.delete(path).await?;
        match self.store.stat(path).await? {
            None => Ok("yes".to_owned()),
            Some(_) => Err(self.wrong(path, "it is still there")),
        }
    }

    /// Best effort: what stays is under a scratch name that `spartacus clean` knows.
    async fn clean_up(&self, scratch: &ObjectPath) {
        for leaf in ["file.bin", "empty.txt", "pointer.json", "moved.bin"] {
            let _ = self.store.delete(&name(scratch, leaf)).await;
        }
        let _ = self.store.delete_empty_collection(scratch).await;
    }
}

/// What a reader found while an object was being replaced.
#[derive(Debug, Default)]
struct Sightings {
    /// Whole versions, read while a replacement was under way.
    together: u64,
    /// Whole versions, read between two of them.
    apart: u64,
    missing: u64,
    torn: u64,
    /// A failed read says nothing about the swap.
    failed: u64,
}

impl Sightings {
    /// What they prove; `at_once` when the store reads and writes at the same time.
    fn class(&self, at_once: bool) -> Option<SwapClass> {
        match (self.torn, self.missing) {
            (1.., _) => Some(SwapClass::Torn),
            (0, 1..) => Some(SwapClass::Gap),
            (0, 0) => (at_once && self.together >= READS_NEEDED).then_some(SwapClass::Atomic),
        }
    }
}

impl std::fmt::Display for Sightings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { together, apart, missing, torn, failed } = self;
        write!(
            formatter,
            "reads meanwhile: {together} whole, {missing} found nothing, {torn} found part, {failed} failed; {apart} between"
        )
    }
}

fn worse(one: SwapClass, other: SwapClass) -> SwapClass {
    match (one, other) {
        (SwapClass::Torn, _) | (_, SwapClass::Torn) => SwapClass::Torn,
        (SwapClass::Gap, _) | (_, SwapClass::Gap) => SwapClass::Gap,
        (SwapClass::Atomic, SwapClass::Atomic) => SwapClass::Atomic,
    }
}

fn name(scratch: &ObjectPath, leaf: &str) -> ObjectPath {
    scratch.join(leaf).expect("the probe's own names are good")
}

/// The scratch collection and those above it.
fn levels(scratch: &ObjectPath) -> Vec<ObjectPath> {
    let mut found = scratch.ancestors();
    found.push(scratch.clone());
    found
}

fn noise(seed: u64, length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes.into()
}

/// Lets a number of bytes pass, waits, then breaks off as a failing disk would.
#[derive(Debug)]
struct BreaksAfter {
    left: AtomicU64,
}

#[async_trait]
impl Tap for BreaksAfter {
    async fn pass(&self, bytes: u64) -> io::Result<()> {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(bytes), Ordering::Relaxed);
        if left >= bytes {
            return Ok(());
        }
        sleep(HANG).await;
        Err(io::Error::other("broken off on purpose"))
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
