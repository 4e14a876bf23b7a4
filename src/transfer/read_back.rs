//! Which objects are there with their bytes.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::LOOKS;
use super::lacks::{Held, Lacks};
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
    Ok(lacking_bytes(store, objects).await?.all)
}

/// The same, telling the missing from the wrong.
pub(super) async fn lacking_bytes<'a>(store: &dyn Store, objects: impl Iterator<Item = &'a Object>) -> Result<Lacks, StoreError> {
    let mut lacks = Lacks::default();
    let mut waiting = objects;
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < LOOKS
            && let Some(object) = waiting.next()
        {
            under_way.push(async move { Ok::<_, StoreError>((object, held(store, object).await?)) });
        }
        match under_way.next().await {
            Some(found) => {
                let (object, held) = found?;
                lacks.note(&object.path, held);
            }
            None => return Ok(lacks),
        }
    }
}

/// Whether `object` lies there with exactly its bytes.
pub(super) async fn is_right(store: &dyn Store, object: &Object) -> Result<bool, StoreError> {
    Ok(held(store, object).await? == Held::Right)
}

/// What lies under the name of `object`.
async fn held(store: &dyn Store, object: &Object) -> Result<Held, StoreError> {
    let mut breaks = 0;
    loop {
        let mut pieces = match store.get(&object.path, None).await {
            Ok(pieces) => pieces,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(Held::Missing),
            Err(error) if error.kind == ErrorKind::Corrupt => return Ok(Held::Wrong),
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
                        return Ok(Held::Wrong);
                    }
                    hasher.update(&piece);
                }
            }
        };
        match broken {
            None if length == object.length && hasher.finish() == object.sha256 => return Ok(Held::Right),
            None => return Ok(Held::Wrong),
            Some(error) if error.kind == ErrorKind::Corrupt => return Ok(Held::Wrong),
            Some(error) if error.retry == Retry::Never || breaks == BREAKS => return Err(error),
            Some(_) => breaks += 1,
        }
    }
}
