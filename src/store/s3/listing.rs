//! What lies below a prefix.
//!
//! Only the second form of the question is asked. A server that knows the first alone answers with one page and no token:
//! a listing confirms what it shows, and what it does not show is asked for by its name.

use std::collections::{BTreeMap, BTreeSet};

use super::S3Store;
use super::error::from_sdk;
use super::wire::Wire;
use crate::base::ObjectPath;
use crate::store::{Entry, ErrorKind, Operation, Retry, StoreError};

/// No listing of ours has more pages: a million keys (threat T31).
pub(super) const MOST_PAGES: usize = 1000;

impl S3Store {
    /// One level below a collection. A listing that does not end is an error: half of one is worth nothing to repair.
    pub(super) async fn list_one_level(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        let prefix = match collection {
            Some(path) => format!("{}/", self.key(path)),
            None if self.prefix.is_empty() => String::new(),
            None => format!("{}/", self.prefix),
        };
        let mut found = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let request = self
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .delimiter("/")
                .set_prefix(Some(prefix.clone()).filter(|prefix| !prefix.is_empty()))
                .set_continuation_token(token.take());
            let page = match request.customize().interceptor(Wire::plain()).send().await {
                Ok(page) => page,
                Err(error) => {
                    let error = self.listing_error(from_sdk(&error, Operation::List, &self.target), collection);
                    // Gateways over a file system (rclone) know folders, and miss them.
                    let missing = error.kind == ErrorKind::NotFound && error.advice.is_none();
                    return if missing { Ok(Vec::new()) } else { Err(error) };
                }
            };
            for object in page.contents() {
                let size = object.size().and_then(|size| u64::try_from(size).ok());
                collect(&mut found, &prefix, object.key().unwrap_or_default(), size);
            }
            for common in page.common_prefixes() {
                collect(&mut found, &prefix, common.prefix().unwrap_or_default(), None);
            }
            match page.next_continuation_token() {
                Some(next) if page.is_truncated() == Some(true) => {
                    if !seen.insert(next.to_owned()) {
                        return Err(self.endless("the listing goes round in circles", collection));
                    }
                    token = Some(next.to_owned());
                }
                Some(_) | None => return Ok(found.into_iter().map(|((name, _), size)| Entry { name, size }).collect()),
            }
        }
        Err(self.endless("the listing does not end", collection))
    }

    fn endless(&self, words: &str, collection: Option<&ObjectPath>) -> StoreError {
        let error = StoreError::new(ErrorKind::Protocol, Operation::List, &self.target).saying(words).retry(Retry::Never);
        self.listing_error(error, collection)
    }

    #[allow(clippy::unused_self, reason = "reads as the other errors of this store")]
    fn listing_error(&self, error: StoreError, collection: Option<&ObjectPath>) -> StoreError {
        match collection {
            Some(path) => error.at(path),
            None => error,
        }
    }
}

/// Adds one key or common prefix, cut to its first part: some servers ignore the delimiter.
fn collect(found: &mut BTreeMap<(String, bool), Option<u64>>, prefix: &str, key: &str, size: Option<u64>) {
    let Some(below) = key.strip_prefix(prefix) else { return };
    match below.split_once('/') {
        // An empty key below the prefix is the marker that consoles put there for a folder.
        None if below.is_empty() => None,
        None => found.insert((below.to_owned(), size.is_none()), size),
        Some((name, _)) => found.insert((name.to_owned(), true), None),
    };
}
