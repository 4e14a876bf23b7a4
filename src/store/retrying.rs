//! Failed calls, sent again within reason.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

use super::retries::Retries;
use super::{Body, ByteStream, Capabilities, Entry, ErrorKind, Operation, Space, Stat, Store, StoreError, Write};
use crate::base::{ObjectPath, RetryPolicy, TargetName};

/// A store whose failed calls are tried again.
///
/// Of a [`get`](Store::get), the opening is retried; a stream that breaks off midway is its reader's to repeat.
#[derive(Debug)]
pub struct Retrying<S> {
    inner: S,
    retries: Arc<Retries>,
}

impl<S: Store> Retrying<S> {
    /// `inner` under this policy. The seed decides the pauses, so that a test can repeat them.
    #[must_use]
    pub fn new(inner: S, policy: RetryPolicy, seed: u64) -> Self {
        let retries = Retries::new(inner.target(), policy, seed);
        Self::with(inner, Arc::new(retries))
    }

    /// `inner`, with tries that have begun when it was connected.
    #[must_use]
    pub fn with(inner: S, retries: Arc<Retries>) -> Self {
        Self { inner, retries }
    }

    /// Retries so far.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries.count()
    }

    async fn attempt<T, F>(
        &self,
        operation: Operation,
        path: Option<&ObjectPath>,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        self.retries.attempt(operation, path, call).await
    }
}

#[async_trait]
impl<S: Store> Store for Retrying<S> {
    fn target(&self) -> &TargetName {
        self.inner.target()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        self.attempt(Operation::MakeCollections, None, || self.inner.make_collections(collections)).await
    }

    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        self.attempt(Operation::Put, Some(path), || self.inner.put(path, body, write)).await
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        self.attempt(Operation::Get, Some(path), || self.inner.get(path, range.clone())).await
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        self.attempt(Operation::Stat, Some(path), || self.inner.stat(path)).await
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        self.attempt(Operation::List, collection, || self.inner.list(collection)).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.attempt(Operation::Delete, Some(path), || self.inner.delete(path)).await
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.attempt(Operation::Delete, Some(path), || self.inner.delete_empty_collection(path)).await
    }

    /// A rename whose answer was lost finds its source gone; that it arrived is then seen at the other end.
    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        let again = std::sync::atomic::AtomicBool::new(false);
        let again = &again;
        self.attempt(Operation::Rename, Some(from), || async move {
            let repeated = again.swap(true, std::sync::atomic::Ordering::Relaxed);
            match self.inner.rename(from, to).await {
                Err(error) if repeated && error.kind == ErrorKind::NotFound && self.inner.stat(to).await?.is_some() => Ok(()),
                other => other,
            }
        })
        .await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.attempt(Operation::Space, None, || self.inner.space()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[cfg(test)]
#[path = "retrying_tests.rs"]
mod tests;
