//! Places that hold objects.
//!
//! Purpose: one trait, [`Store`], for every kind of target; backends for folder, S3, SFTP, WebDAV and memory;
//! wrappers that retry, limit and inject faults; one contract suite that all of them pass.
//! Comes in: object paths and replayable bodies. Goes out: bytes, sizes, or a [`StoreError`] that says whether
//! trying again can help.
//! Must not know: bundles, plans, TUF, the configuration file.
//!
//! Rule P3 of docs/bundle-format.md.

use std::ops::Range;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;

use crate::base::{ObjectPath, TargetName};

mod body;
mod breaker;
mod capability;
pub mod contract;
mod error;
mod ext;
mod faulty;
pub mod folder;
mod limited;
mod media;
pub mod memory;
mod overreach;
mod pace;
pub mod probe;
mod retries;
mod retrying;
pub mod s3;
pub mod sftp;
mod shared;
mod sight;
mod tap;
pub mod webdav;

pub use body::{Body, BodyStream, Source};
pub use capability::{Capabilities, Space, SwapClass};
pub use error::{ErrorKind, Operation, Retry, StoreError};
pub use ext::StoreExt;
pub use faulty::{Fault, FaultPlan, Faulty};
pub use limited::Limited;
pub use media::{cache_control, content_type};
pub use overreach::{Aim, Attempt, Met};
pub use retries::{Retries, RetryEvent, RetryObserver};
pub use retrying::Retrying;
pub use tap::{Bandwidth, Meter, Tap};

/// What a put may find under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// A name that nothing refers to yet. Whatever lies there is left over from an interrupted run and is replaced.
    New,
    /// A name that readers use right now: swap it so that they see the old bytes or the new ones, as far as the
    /// server can (see [`Capabilities::swap`]).
    Replace,
}

/// What a store knows about an object without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Length in bytes.
    pub size: u64,
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last part of its path, as the server gave it (it may be a name that [`ObjectPath`] refuses).
    pub name: String,
    /// Its length; `None` for a collection.
    pub size: Option<u64>,
}

/// The bytes of an object, piece by piece.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// A place that holds objects under paths, as far as pushing and repairing need it.
///
/// # Promises that every implementation keeps
///
/// * **A put is all or nothing for readers.** Until [`put`](Self::put) returns `Ok`, a reader of a name that did not
///   exist finds nothing or (on servers that cannot do better, see [`Capabilities`]) a short file under a name that
///   nothing refers to. A reader of a name that existed finds the old bytes. After `Ok` it finds the new bytes, whole.
/// * `Ok` from a put means that the server confirmed every byte; a body that ends early is an error.
/// * A put replaces what lies under the name. It never deletes first what readers could still use.
/// * A delete of what is not there is `Ok`. Nothing but the named object is deleted.
/// * Every call may be repeated: a lost answer followed by a second try leaves the same state.
/// * Errors carry their kind, whether another try can help, the target, the operation and the path; text from the
///   server in them is already safe to print.
///
/// Calls may run at the same time; the store limits itself to what its connection can carry.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The target this store writes to.
    fn target(&self) -> &TargetName;

    /// What this server can do, as known so far: defaults of its protocol, then what connecting showed.
    fn capabilities(&self) -> Capabilities;

    /// Makes the collections named, and every one above them. Those that exist are fine.
    ///
    /// `collections` is sorted, so that parents come first. Stores without collections do nothing.
    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError>;

    /// Uploads `body` under `path`. The collection above it exists already.
    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError>;

    /// Reads an object, or the given part of it. The range may reach past the end: then less comes.
    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError>;

    /// The object's length; `Ok(None)` when it is not there (or is a collection).
    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError>;

    /// What lies right below a collection (`None`: the base), in no order. A missing collection is an empty list.
    ///
    /// A hint for repair, never a reason to delete.
    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError>;

    /// Removes an object.
    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError>;

    /// Removes a collection if it is empty; otherwise, and where stores have no collections, does nothing.
    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError>;

    /// Moves an object to a name that may exist, replacing it. Only probes use it.
    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError>;

    /// Free space, where the server tells.
    async fn space(&self) -> Result<Option<Space>, StoreError>;

    /// Ends connections in good order. The store is not used afterwards.
    async fn close(&self);
}
