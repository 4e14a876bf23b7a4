//! Convenience over [`Store`]: built from its primitives, the same for every backend.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use super::{ErrorKind, Operation, Store, StoreError};
use crate::base::{Hasher, ObjectPath, Sha256};

/// What can be done with any store.
#[async_trait]
pub trait StoreExt: Store {
    /// A whole small object; `Ok(None)` when it is not there. More than `cap` bytes are an error: a server may
    /// send without end.
    async fn get_small(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, StoreError> {
        let mut stream = match self.get(path, None).await {
            Ok(stream) => stream,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut found = BytesMut::new();
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            if (found.len() + piece.len()) as u64 > cap {
                return Err(StoreError::new(ErrorKind::Corrupt, Operation::Get, self.target())
                    .at(path)
                    .saying(format!("more than the {cap} bytes that are expected here at most"))
                    .retry(super::Retry::Never));
            }
            found.extend_from_slice(&piece);
        }
        Ok(Some(found.freeze()))
    }

    /// Reads an object through and hashes it: its length and digest. Stops with an error beyond `cap` bytes.
    async fn digest(&self, path: &ObjectPath, cap: u64) -> Result<(u64, Sha256), StoreError> {
        let mut stream = self.get(path, None).await?;
        let mut hasher = Hasher::new();
        let mut length = 0;
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            length += piece.len() as u64;
            if length > cap {
                return Err(StoreError::new(ErrorKind::Corrupt, Operation::Get, self.target())
                    .at(path)
                    .saying(format!("longer than the {cap} bytes it should have"))
                    .retry(super::Retry::Never));
            }
            hasher.update(&piece);
        }
        Ok((length, hasher.finish()))
    }
}

impl<T: Store + ?Sized> StoreExt for T {}
