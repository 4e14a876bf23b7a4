//! Whether we can write at a mirror, and how soon readers see it.
//!
//! 1. Log in.
//! 2. Write a canary, under a name that was never there: no cache can know it.
//! 3. Read it back with our credentials.
//! 4. Read it as readers do, again and again until it shows.
//! 5. Remove it and see it gone.
//! 6. Ask how much room is left.
//!
//! The first step that fails is told, and what was written is removed all the same.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::pick::system;
use super::{WriteOrder, WriteProbe, WriteStep};
use crate::base::{ByteCount, ObjectPath};
use crate::reader::Source;
use crate::store::{Body, Store, StoreError, StoreExt as _, Write};

/// The first pause between two looks of a reader; each further one is twice as long, up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What went wrong at which step.
type Failed = (WriteStep, String);

/// Writes, reads and removes a canary; `readers` is where it must show, if anywhere.
pub(in crate::health) async fn write(order: &WriteOrder, readers: Option<&dyn Source>) -> WriteProbe {
    let mut told =
        WriteProbe { failed: None, trouble: None, write_ms: None, propagation_ms: None, free: None, needed: order.needed };
    let store = match order.account.open().await {
        Ok(store) => store,
        Err(error) => return failed(told, (WriteStep::Connect, error.to_string())),
    };
    let canary = Canary::new();
    let written = canary.try_out(store.as_ref(), readers, order.patience, &mut told).await;
    let removed = canary.remove(store.as_ref()).await;
    // Without an answer nothing is known of it, which is no trouble.
    told.free = store.space().await.ok().flatten().map(|space| ByteCount(space.free_bytes));
    store.close().await;
    match written.and(removed) {
        Ok(()) => told,
        Err(trouble) => failed(told, trouble),
    }
}

fn failed(mut told: WriteProbe, (step, what): Failed) -> WriteProbe {
    (told.failed, told.trouble) = (Some(step), Some(what));
    told
}

/// A small object under a name of its own at the base (docs/bundle-format.md, rule B6). In no folder of its own: some servers
/// (nginx's WebDAV) do not give an empty one back.
struct Canary {
    path: ObjectPath,
    bytes: Bytes,
}

impl Canary {
    fn new() -> Self {
        let path = ObjectPath::new(format!(".spartacus-probe-{:016x}.txt", system())).expect("a scratch name is a good path");
        Self { path, bytes: format!("{:016x}{:016x}\n", system(), system()).into() }
    }

    async fn try_out(
        &self,
        store: &dyn Store,
        readers: Option<&dyn Source>,
        patience: Duration,
        told: &mut WriteProbe,
    ) -> Result<(), Failed> {
        let begun = Instant::now();
        let at = |step| move |error: StoreError| (step, error.to_string());
        store.put(&self.path, &Body::bytes(self.bytes.clone()), Write::New).await.map_err(at(WriteStep::Write))?;
        let written = Instant::now();
        told.write_ms = Some(milliseconds(written - begun));
        // An account that may only write cannot do this, and needs not.
        if store.capabilities().read {
            match store.get_small(&self.path, self.bytes.len() as u64).await.map_err(at(WriteStep::ReadBack))? {
                Some(found) if found == self.bytes => {}
                Some(_) => return Err((WriteStep::ReadBack, "other bytes came back than were written".to_owned())),
                None => return Err((WriteStep::ReadBack, "it was taken and is not there".to_owned())),
            }
        }
        if let Some(readers) = readers {
            self.wait_for(readers, written + patience).await.map_err(|what| (WriteStep::Readers, what))?;
            told.propagation_ms = Some(milliseconds(written.elapsed()));
        }
        Ok(())
    }

    /// Reads until the canary shows; what readers got last, if it does not in time.
    async fn wait_for(&self, readers: &dyn Source, end: Instant) -> Result<(), String> {
        let mut pause = FIRST_PAUSE;
        loop {
            let seen = match readers.fetch(&self.path, self.bytes.len() as u64).await {
                Ok(Some(found)) if found == self.bytes => return Ok(()),
                Ok(Some(_)) => "readers got other bytes".to_owned(),
                Ok(None) => "readers do not find it".to_owned(),
                Err(error) => format!("readers do not get it: {}", error.reason),
            };
            if Instant::now() + pause > end {
                return Err(seen);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn remove(&self, store: &dyn Store) -> Result<(), Failed> {
        let at = |error: StoreError| (WriteStep::Remove, error.to_string());
        store.delete(&self.path).await.map_err(at)?;
        if store.capabilities().read && store.stat(&self.path).await.map_err(at)?.is_some() {
            return Err((WriteStep::Remove, "it is still there".to_owned()));
        }
        Ok(())
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
