//! What a mirror should hold: the end of the line of stages `collected -> staged -> signed -> published`.
//!
//! Rule B1 of docs/bundle-format.md.

use std::sync::Arc;

use bytes::Bytes;
use camino::Utf8PathBuf;
use jiff::Timestamp;

use crate::base::{BundleName, ObjectPath, Sha256};

/// Where an object's bytes lie here.
#[derive(Debug, Clone)]
pub enum Content {
    /// In the project's object store, under its digest.
    Object(Utf8PathBuf),
    /// In memory: metadata and small files made by us.
    Inline(Bytes),
}

/// One immutable object of a mirror, with everything needed to send and to check it.
#[derive(Debug, Clone)]
pub struct Object {
    /// Where it lies, from the mirror's base.
    pub path: ObjectPath,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Where the bytes come from.
    pub content: Content,
}

/// A bundle as the signed list of bundles names it.
#[derive(Debug, Clone)]
pub struct BundleEntry {
    /// Its name.
    pub name: BundleName,
    /// When it was staged.
    pub created: Timestamp,
    /// Its files under `releases/<name>/`: targets, sums and signatures.
    pub files: Arc<Vec<Object>>,
}

/// A signed state of the whole project, ready to be sent. [`super::publish`], [`super::renew`] and
/// [`super::current_release`] make one, of what verification accepted: nothing unsigned has this type.
#[derive(Debug, Clone)]
pub struct Release {
    /// Version of the timestamp role.
    pub version: u64,
    /// Version of the snapshot role.
    pub snapshot_version: u64,
    /// The bundle that this state presents as newest.
    pub newest: Option<BundleName>,
    /// Live bundles, oldest first.
    pub bundles: Vec<BundleEntry>,
    /// What is small, versioned and the same for all: targets, bundle roles, snapshot; the fleet role with its files.
    pub metadata: Vec<Object>,
    /// All roots, oldest first. A root that readers do not have yet goes up last of all.
    pub roots: Vec<Object>,
    /// `metadata/timestamp.json`: the commit point.
    pub pointer: Object,
    /// Unsigned conveniences (`mirrors.json`, `index.html`, `status.html`), written after the commit, replaced freely.
    pub conveniences: Vec<Object>,
}

impl Release {
    /// Every object of this state but the pointer, conveniences included.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let files = self.bundles.iter().flat_map(|bundle| bundle.files.iter());
        files.chain(&self.metadata).chain(&self.roots).chain(&self.conveniences)
    }
}
