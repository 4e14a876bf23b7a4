//! The lists of files of one round.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;

use crate::base::{BundleName, ObjectPath, Sha256};
use crate::reader::Source;
use crate::trust::{self, Fetch, FetchError, FileRecord, Rejection, Verified, role};

/// Longest role that is fetched before its turn, in bytes; what is pinned with a greater length is left to `trust`.
const WHOLE: u64 = 64 << 20;
/// As far beyond the pinned length `trust` reads, to tell an older file from an endless one.
const BEYOND_PIN: u64 = 64 * 1024;

/// Verified file lists, shared by all mirrors of a round, because they all serve the same bytes of them.
///
/// Verifying the list of a hundred thousand files takes seconds and hundreds of megabytes, so it is done for one list
/// at a time and once. Every mirror's own bytes are still fetched and compared with what its snapshot pins.
#[derive(Debug, Default)]
pub(super) struct FileLists(Mutex<BTreeMap<Key, Arc<Vec<FileRecord>>>>);

/// The list of bundles that delegates, the bundle, and the pinned digest of its role: they decide the verdict.
type Key = (Sha256, BundleName, Sha256);

impl FileLists {
    /// The files of a bundle, as this mirror's snapshot pins them; asked of this mirror only if none was asked before it.
    ///
    /// The pinned digest decides what they are, whoever sent the bytes: to know which files to sample, one mirror's list is
    /// as good as another's.
    pub async fn agreed(
        &self,
        source: &dyn Source,
        verified: &Verified,
        name: &BundleName,
    ) -> Result<Arc<Vec<FileRecord>>, Rejection> {
        let pinned = verified.pins.get(name.as_str()).and_then(|pin| pin.sha256);
        if let Some(digest) = pinned {
            let key = (Sha256::of(&verified.targets.bytes), name.clone(), digest);
            if let Some(files) = self.0.lock().await.get(&key) {
                return Ok(files.clone());
            }
        }
        self.of(source, verified, name).await
    }

    /// The files of a bundle, as this mirror lists them.
    pub async fn of(
        &self,
        source: &dyn Source,
        verified: &Verified,
        name: &BundleName,
    ) -> Result<Arc<Vec<FileRecord>>, Rejection> {
        let pin = verified.pins.get(name.as_str());
        let pinned = pin.and_then(|pin| Some((pin.version, pin.length.filter(|length| *length <= WHOLE)?, pin.sha256?)));
        let Some((version, length, digest)) = pinned else {
            return trust::verify_bundle(source, verified, name).await.map(|bundle| Arc::new(bundle.files));
        };
        let Ok(path) = role::role_path(name.as_str(), version) else {
            return trust::verify_bundle(source, verified, name).await.map(|bundle| Arc::new(bundle.files));
        };
        let fetched = Fetched { bytes: source.fetch(&path, length + BEYOND_PIN).await?, path };

        let genuine = fetched.bytes.as_ref().is_some_and(|bytes| Sha256::of(bytes) == digest);
        let key = (Sha256::of(&verified.targets.bytes), name.clone(), digest);
        let mut known = self.0.lock().await;
        if genuine && let Some(files) = known.get(&key) {
            return Ok(files.clone());
        }
        let files = Arc::new(trust::verify_bundle(&fetched, verified, name).await?.files);
        known.insert(key, files.clone());
        Ok(files)
    }
}

/// One role of a mirror, fetched already.
struct Fetched {
    path: ObjectPath,
    bytes: Option<Bytes>,
}

#[async_trait]
impl Fetch for Fetched {
    async fn fetch(&self, path: &ObjectPath, _cap: u64) -> Result<Option<Bytes>, FetchError> {
        if *path == self.path {
            return Ok(self.bytes.clone());
        }
        Err(FetchError::refused(path, "was not fetched"))
    }
}
