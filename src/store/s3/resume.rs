//! Uploads in parts that an earlier run left behind.

use std::collections::{BTreeMap, BTreeSet};

use super::S3Store;
use super::error::ResultExt as _;
use super::listing::MOST_PAGES;
use super::multipart::Upload;
use super::parts::Part;
use super::wire::Wire;
use crate::base::ObjectPath;
use crate::store::{Operation, StoreError};

impl S3Store {
    /// The upload of this key that holds the most parts of the plan.
    ///
    /// `None`: this server cannot list uploads (or will not, for us), so nothing can be resumed later either.
    /// `Some(None)`: it can, and there is none worth going on with; the others were taken back.
    pub(super) async fn left_over(&self, path: &ObjectPath, parts: &[Part]) -> Option<Option<Upload>> {
        // Resuming saves time and is nothing that an upload may fail for.
        let ids = self.uploads(path).await.inspect_err(|error| tracing::debug!(%error, "cannot list uploads")).ok()?;
        let mut found = Vec::new();
        for id in ids {
            match self.held_parts(path, &id, parts).await {
                Ok(held) => found.push(Upload { id, held }),
                Err(error) => tracing::debug!(%error, "cannot list the parts of an upload"),
            }
        }
        found.sort_by_key(|upload| upload.held.len());
        let best = found.pop_if(|upload| !upload.held.is_empty());
        // Abandoned parts are invisible in listings and are paid for.
        for upload in found {
            self.abort(path, &upload.id).await;
        }
        Some(best)
    }

    /// Upload ids of exactly this key.
    async fn uploads(&self, path: &ObjectPath) -> Result<Vec<String>, StoreError> {
        let key = self.key(path);
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut marker: Option<(Option<String>, Option<String>)> = None;
        for _ in 0..MOST_PAGES {
            let (key_marker, id_marker) = marker.take().unwrap_or_default();
            let request = self
                .client
                .list_multipart_uploads()
                .bucket(&self.bucket)
                .prefix(&key)
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker);
            let answer = request.customize().interceptor(Wire::plain()).send().await;
            let page = answer.or_store_error(Operation::List, &self.target, path)?;
            let of_this_key = page.uploads().iter().filter(|upload| upload.key() == Some(key.as_str()));
            found.extend(of_this_key.filter_map(|upload| upload.upload_id().map(str::to_owned)));
            let next = (page.next_key_marker().map(str::to_owned), page.next_upload_id_marker().map(str::to_owned));
            // A server that repeats itself has no more to say (Huawei's listings go round for ever).
            if page.is_truncated() != Some(true) || next.0.is_none() || !seen.insert(next.clone()) {
                break;
            }
            marker = Some(next);
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// The parts of an upload whose number and size fit the plan.
    async fn held_parts(&self, path: &ObjectPath, id: &str, parts: &[Part]) -> Result<BTreeMap<i32, String>, StoreError> {
        let wanted: BTreeMap<i32, u64> = parts.iter().map(|part| (part.number, part.length)).collect();
        let mut held = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut marker: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let request = self
                .client
                .list_parts()
                .bucket(&self.bucket)
                .key(self.key(path))
                .upload_id(id)
                .set_part_number_marker(marker.take());
            let answer = request.customize().interceptor(Wire::plain()).send().await;
            let page = answer.or_store_error(Operation::List, &self.target, path)?;
            for part in page.parts() {
                let size = part.size().and_then(|size| u64::try_from(size).ok());
                if let (Some(number), Some(size), Some(tag)) = (part.part_number(), size, part.e_tag())
                    && wanted.get(&number) == Some(&size)
                {
                    held.insert(number, tag.to_owned());
                }
            }
            match page.next_part_number_marker() {
                Some(next) if page.is_truncated() == Some(true) && seen.insert(next.to_owned()) => marker = Some(next.to_owned()),
                _ => break,
            }
        }
        Ok(held)
    }
}
