//! Which objects are there with their bytes.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::LOOKS;
use crate::base::{Hasher, ObjectPath};
use crate::bundle::Object;
use crate::store::{ErrorKind, Retry, Store, StoreError};

/// A download that breaks off is begun again this often: the store retries only its opening.
const BREAKS: usize = 2;

/// Which of `objects` are missing or have other bytes: reads them all, piece by piece.
pub(super) async fn wrong_bytes<'a>(
    store: &dyn Store,
    objects: impl Iterator<Item = &'a Object>,
) -> Result<BTreeSet<ObjectPath>, StoreError> {
    let mut wrong = BTreeSet::new();
    let mut waiting = objects;
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < LOOKS
            && let Some(object) = waiting.next()
        {
            under_way.push(is_wrong(store, object));
        }
        match under_way.next().await {
            Some(found) => wrong.extend(found?),
            None => return Ok(wrong),
        }
    }
}

/// The path of `object` if it is missing or has other bytes.
async fn is_wrong(store: &dyn Store, object: &Object) -> Result<Option<ObjectPath>, StoreError> {
    Ok((!is_right(store, object).await?).then(|| object.path.clone()))
}

/// Whether `object` lies there with exactly its bytes.
pub(super) async fn is_right(store: &dyn Store, object: &Object) -> Result<bool, StoreError> {
    let mut breaks = 0;
    loop {
        let mut pieces = match store.get(&object.path, None).await {
            Ok(pieces) => pieces,
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Corrupt) => return Ok(false),
            Err(error) => return Err(error),
        };
        let (mut hasher, mut length) = (Hasher::new(), 0_u64);
        let broken = loop {
            match pieces.next().await {
                None => break None,
                Some(Err(error)) => break Some(error),
                Some(Ok(piece)) => {
                    length += piece.len() as u64;
                    if length > object.length {
                        // It may have no end.
                        return Ok(false);
                    }
                    hasher.update(&piece);
                }
            }
        };
        match broken {
            None => return Ok(length == object.length && hasher.finish() == object.sha256),
            Some(error) if error.kind == ErrorKind::Corrupt => return Ok(false),
            Some(error) if error.retry == Retry::Never || breaks == BREAKS => return Err(error),
            Some(_) => breaks += 1,
        }
    }
}
