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
    /// Every path that a mirror of this state may have, but the pointer: its objects, conveniences, and the earlier versions of
    /// metadata that mirrors keep (rule B1).
    #[must_use]
    pub fn all_versions(&self) -> Vec<ObjectPath> {
        let files = self.bundles.iter().flat_map(|bundle| bundle.files.iter());
        let present = files.chain(&self.metadata).chain(&self.roots).chain(&self.conveniences).map(|object| object.path.clone());
        let earlier = self.metadata.iter().flat_map(|object| earlier_versions(object.path.as_str()));
        let mut all: Vec<ObjectPath> = present.chain(earlier).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// `metadata/7.snapshot.json` had six before it.
fn earlier_versions(path: &str) -> Vec<ObjectPath> {
    let Some((folder, name)) = path.rsplit_once('/') else { return Vec::new() };
    let Some((version, rest)) = name.split_once('.').and_then(|(number, rest)| Some((number.parse::<u64>().ok()?, rest))) else {
        return Vec::new();
    };
    (1..version).filter_map(|number| ObjectPath::new(format!("{folder}/{number}.{rest}")).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_versions_are_known_by_their_names() {
        let names = |path: &str| earlier_versions(path).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("metadata/3.snapshot.json"), ["metadata/1.snapshot.json", "metadata/2.snapshot.json"]);
        assert_eq!(names("fleet/2.status.html"), ["fleet/1.status.html"]);
        for without in ["releases/v1/2", "metadata/timestamp.json", "index.html", "metadata/1.root.json"] {
            assert_eq!(names(without), Vec::<String>::new(), "{without}");
        }
    }
}
