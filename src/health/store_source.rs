//! A mirror without a public face, read through its store.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::base::{Hasher, Hinted as _, ObjectPath, Sha256};
use crate::reader::{Part, PartOrder, Source};
use crate::store::{ErrorKind, Store, StoreError, StoreExt as _};
use crate::trust::{Fetch, FetchError, FetchFault};

/// Reads with our credentials: it shows what lies there, not what readers get.
#[derive(Debug, Clone)]
pub struct StoreSource(pub Arc<dyn Store>);

fn fail(path: &ObjectPath, error: &StoreError) -> FetchError {
    let fault = match error.kind {
        // Stores refuse to read on beyond a cap.
        ErrorKind::Corrupt => FetchFault::TooLong,
        ErrorKind::Timeout | ErrorKind::ConnectionLost | ErrorKind::Unreachable | ErrorKind::Unavailable | ErrorKind::Address => {
            FetchFault::Transport
        }
        _ => FetchFault::Refused,
    };
    FetchError { path: path.clone(), reason: in_words(error), fault }
}

/// What a check says of a store that fails. A place that is not allowed is told with what allows it: a check has no hints.
pub(super) fn in_words(error: &StoreError) -> String {
    match error.hint().filter(|_| error.kind == ErrorKind::Address) {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

#[async_trait]
impl Fetch for StoreSource {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        self.0.get_small(path, cap).await.map_err(|error| fail(path, &error))
    }
}

#[async_trait]
impl Source for StoreSource {
    fn name(&self) -> String {
        "store".to_owned()
    }

    async fn size(&self, path: &ObjectPath) -> Result<Option<u64>, FetchError> {
        Ok(self.0.stat(path).await.map_err(|error| fail(path, &error))?.map(|stat| stat.size))
    }

    async fn digest(&self, path: &ObjectPath, cap: u64) -> Result<Option<(u64, Sha256)>, FetchError> {
        match self.0.digest(path, cap).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind == ErrorKind::Corrupt => Ok(Some((cap + 1, Sha256::of(&[])))),
            Err(error) => Err(fail(path, &error)),
        }
    }

    async fn part(&self, path: &ObjectPath, order: PartOrder) -> Result<Option<Part>, FetchError> {
        let mut stream = match self.0.get(path, Some(order.start..order.start + order.length)).await {
            Ok(stream) => stream,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(path, &error)),
        };
        let (mut hasher, mut length) = (Hasher::new(), 0);
        let mut begun = None;
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| fail(path, &error))?;
            begun.get_or_insert_with(Instant::now);
            length += piece.len() as u64;
            if length > order.length {
                return Err(FetchError::too_long(path, order.length));
            }
            hasher.update(&piece);
        }
        let took = begun.map(|begun| begun.elapsed()).unwrap_or_default();
        Ok(Some(Part { length, sha256: hasher.finish(), read: length, whole: None, took }))
    }
}
