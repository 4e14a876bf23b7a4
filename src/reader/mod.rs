//! Reading as readers do: without credentials, believing nothing.
//!
//! Purpose: a [`Source`] for a mirror's public face and for a folder; both bounded in bytes and time.
//! Comes in: a public URL or a folder. Goes out: bytes, lengths and digests for `trust` to judge.
//! Must not know: credentials, targets, what is expected.

mod folder;
mod http;
mod http_part;
mod part;
mod raw;

use async_trait::async_trait;

pub use folder::FolderSource;
pub use http::HttpSource;
pub use part::{Part, PartOrder};
pub use raw::RawAnswer;

use crate::base::{ObjectPath, Sha256};
use crate::trust::{Fetch, FetchError};

/// Where a copy is read from.
#[async_trait]
pub trait Source: Fetch {
    /// How the source is named in reports: its address, without anything secret.
    fn name(&self) -> String;

    /// The length of an object, as the source tells it without sending the bytes. `None`: not there.
    async fn size(&self, path: &ObjectPath) -> Result<Option<u64>, FetchError>;

    /// Reads an object and hashes it, at most one byte beyond `cap`: its length (then `cap + 1`) and digest.
    /// `None`: not there.
    async fn digest(&self, path: &ObjectPath, cap: u64) -> Result<Option<(u64, Sha256)>, FetchError>;

    /// Reads a part of an object and hashes it. `None`: not there. An object that ends before the part does gives less.
    async fn part(&self, path: &ObjectPath, order: PartOrder) -> Result<Option<Part>, FetchError>;
}
