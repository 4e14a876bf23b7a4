//! A store that several owners share, for wrappers that take a store by value.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Body, ByteStream, Capabilities, Entry, Space, Stat, Store, StoreError, Write};
use crate::base::{ObjectPath, TargetName};

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    fn target(&self) -> &TargetName {
        (**self).target()
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        (**self).make_collections(collections).await
    }

    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        (**self).put(path, body, write).await
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        (**self).get(path, range).await
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        (**self).stat(path).await
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        (**self).list(collection).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        (**self).delete(path).await
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        (**self).delete_empty_collection(path).await
    }

    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        (**self).rename(from, to).await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        (**self).space().await
    }

    async fn close(&self) {
        (**self).close().await;
    }
}
