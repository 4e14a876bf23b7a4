//! A store in memory: the simplest thing that keeps the promises, for tests and dry runs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};

use super::{Body, ByteStream, Capabilities, Entry, ErrorKind, Operation, Space, Stat, Store, StoreError, SwapClass, Write};
use crate::base::{ObjectPath, TargetName};

/// Objects in a map. Clones share it, so a test can look at what a push wrote.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    target: TargetName,
    objects: Arc<Mutex<BTreeMap<ObjectPath, Bytes>>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(target: TargetName) -> Self {
        Self { target, objects: Arc::default() }
    }

    /// A copy of everything it holds.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<ObjectPath, Bytes> {
        self.objects().clone()
    }

    /// Puts bytes there without any of the checks, as a meddling operator would.
    pub fn tamper(&self, path: &ObjectPath, bytes: impl Into<Bytes>) {
        self.objects().insert(path.clone(), bytes.into());
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<ObjectPath, Bytes>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, operation: Operation, path: &ObjectPath) -> StoreError {
        StoreError::new(ErrorKind::NotFound, operation, &self.target).at(path)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn target(&self) -> &TargetName {
        &self.target
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            swap: SwapClass::Atomic,
            list: true,
            read: true,
            ranges: true,
            collections: false,
            resume: false,
            space: false,
            fsync: false,
            parallel_puts: 16,
        }
    }

    async fn make_collections(&self, _collections: &[ObjectPath]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn put(&self, path: &ObjectPath, body: &Body, _write: Write) -> Result<(), StoreError> {
        let mut whole = BytesMut::new();
        let mut pieces = body.stream(0, body.length());
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| StoreError::local(Operation::Put, &self.target, error).at(path))?;
            whole.extend_from_slice(&piece);
        }
        self.objects().insert(path.clone(), whole.freeze());
        Ok(())
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let bytes = self.objects().get(path).cloned().ok_or_else(|| self.missing(Operation::Get, path))?;
        let length = bytes.len() as u64;
        let range = range.map_or(0..length, |range| range.start.min(length)..range.end.min(length));
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let part = bytes.slice(index(range.start)..index(range.end.max(range.start)));
        Ok(Box::pin(stream::once(async move { Ok(part) })))
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        Ok(self.objects().get(path).map(|bytes| Stat { size: bytes.len() as u64 }))
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        let prefix = collection.map_or_else(String::new, |path| format!("{path}/"));
        let mut found = BTreeMap::new();
        for (path, bytes) in self.objects().iter() {
            let Some(below) = path.as_str().strip_prefix(&prefix) else { continue };
            match below.split_once('/') {
                Some((name, _)) => found.insert(name.to_owned(), None),
                None => found.insert(below.to_owned(), Some(bytes.len() as u64)),
            };
        }
        Ok(found.into_iter().map(|(name, size)| Entry { name, size }).collect())
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.objects().remove(path);
        Ok(())
    }

    async fn delete_empty_collection(&self, _path: &ObjectPath) -> Result<(), StoreError> {
        Ok(())
    }

    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        let mut objects = self.objects();
        match objects.remove(from) {
            Some(bytes) => {
                objects.insert(to.clone(), bytes);
                Ok(())
            }
            None => Err(self.missing(Operation::Rename, from)),
        }
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        Ok(None)
    }

    async fn close(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;

    #[tokio::test]
    async fn keeps_the_contract() {
        let store = MemoryStore::new("memory".parse().expect("a name"));
        contract::run_all(&store).await;
    }
}
