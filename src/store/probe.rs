//! Finding out what a server can do, by doing it to scratch names.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

use super::{Body, Capabilities, Store, StoreError, StoreExt as _, SwapClass, Tap, Write};
use crate::base::ObjectPath;

/// Replacements made while a reader looks on.
const SWAPS: u64 = 40;
/// Bytes of the scratch objects that are swapped: more than one network packet, so that a torn one can be seen.
const SCRATCH: usize = 96 * 1024;

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
    /// What it can do; the planner and the pusher read this.
    pub capabilities: Capabilities,
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
    let mut prober = Prober { store, capabilities: store.capabilities(), trials: Vec::new() };
    let found = prober.everything(scratch, observe).await;
    prober.clean_up(scratch).await;
    found?;
    Ok(Profile { capabilities: prober.capabilities, trials: prober.trials })
}

struct Prober<'a> {
    store: &'a dyn Store,
    capabilities: Capabilities,
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

        let (swapped, seen) = self.swap_under_a_reader(&pointer).await;
        if !self.tried(OVERWRITE, swapped)? {
            return Ok(());
        }
        let aborted = self.abort_half(&pointer).await?;
        self.capabilities.swap = worse(seen, aborted);
        self.trials.push(Trial {
            what: "swap".to_owned(),
            good: self.capabilities.swap == SwapClass::Atomic,
            detail: format!("{}; while replacing: {seen}, after half an upload: {aborted}", self.capabilities.swap),
        });
        let space = self.store.space().await;
        self.capabilities.space = matches!(space, Ok(Some(_)));
        let told =
            space.map(|space| space.map_or("not told".to_owned(), |space| crate::base::ByteCount(space.free_bytes).to_string()));
        self.tried("free space", told)?;
        let deleted = self.delete(&file).await;
        self.tried("delete", deleted)?;
        Ok(())
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
    async fn swap_under_a_reader(&self, pointer: &ObjectPath) -> (Result<String, StoreError>, SwapClass) {
        let versions: Vec<Bytes> = (0..2).map(|seed| noise(10 + seed, SCRATCH)).collect();
        if let Err(error) = self.store.put(pointer, &Body::bytes(versions[0].clone()), Write::New).await {
            return (Err(error), SwapClass::Torn);
        }
        let done = AtomicBool::new(false);
        let (reads, missing, torn) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let writer = async {
            let mut result = Ok(());
            for round in 0..SWAPS {
                let body = Body::bytes(versions[usize::from(round % 2 == 0)].clone());
                result = self.store.put(pointer, &body, Write::Replace).await;
                if result.is_err() {
                    break;
                }
            }
            done.store(true, Ordering::Relaxed);
            result
        };
        let reader = async {
            while !done.load(Ordering::Relaxed) {
                match self.store.get_small(pointer, 1 << 20).await {
                    Ok(None) => missing.fetch_add(1, Ordering::Relaxed),
                    Ok(Some(found)) if !versions.contains(&found) => torn.fetch_add(1, Ordering::Relaxed),
                    // A failed read says nothing about the swap.
                    Ok(Some(_)) | Err(_) => 0,
                };
                reads.fetch_add(1, Ordering::Relaxed);
            }
        };
        let (result, ()) = tokio::join!(writer, reader);
        let (reads, missing, torn) = (reads.into_inner(), missing.into_inner(), torn.into_inner());
        let class = match (missing, torn) {
            (0, 0) => SwapClass::Atomic,
            (_, 0) => SwapClass::Gap,
            _ => SwapClass::Torn,
        };
        (result.map(|()| format!("{SWAPS} times under {reads} reads: {missing} found nothing, {torn} found part")), class)
    }

    /// Breaks an upload off in the middle: what does a reader find?
    async fn abort_half(&self, pointer: &ObjectPath) -> Result<SwapClass, StoreError> {
        let old = noise(20, 700);
        self.store.put(pointer, &Body::bytes(old.clone()), Write::Replace).await?;
        let half = Body::bytes(noise(21, 4 << 20)).tapped(Arc::new(BreaksAfter { left: AtomicU64::new(2 << 20) }));
        // That it fails is the point.
        let _ = self.store.put(pointer, &half, Write::Replace).await;
        Ok(match self.store.get_small(pointer, 8 << 20).await? {
            Some(found) if found == old => SwapClass::Atomic,
            Some(_) => SwapClass::Torn,
            None => SwapClass::Gap,
        })
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

/// Lets a number of bytes pass, then breaks off as a failing disk would.
#[derive(Debug)]
struct BreaksAfter {
    left: AtomicU64,
}

#[async_trait]
impl Tap for BreaksAfter {
    async fn pass(&self, bytes: u64) -> io::Result<()> {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(bytes), Ordering::Relaxed);
        if left < bytes { Err(io::Error::other("broken off on purpose")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::path;
    use crate::store::memory::MemoryStore;

    #[tokio::test]
    async fn a_good_store_is_found_to_be_good_and_left_clean() {
        let store = MemoryStore::new("memory".parse().expect("a name"));
        let profile = probe(&store, &path(".spartacus-probe/1"), |_, _| async { None }).await.expect("a profile");
        assert!(profile.is_usable(), "{profile:#?}");
        assert_eq!(profile.capabilities.swap, SwapClass::Atomic);
        assert!(store.snapshot().is_empty(), "nothing stays behind");
    }
}
