//! Convenience over [`Store`]: built from its primitives, the same for every backend.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use super::{ByteStream, ErrorKind, Operation, Retry, Store, StoreError};
use crate::base::{Hasher, ObjectPath, Sha256};

/// A small object whose bytes break off is asked for again this often: a store retries only the opening.
const BREAKS: usize = 2;

/// What can be done with any store.
#[async_trait]
pub trait StoreExt: Store {
    /// A whole small object; `Ok(None)` when it is not there. More than `cap` bytes are an error: a server may
    /// send without end.
    async fn get_small(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, StoreError> {
        let mut breaks = 0;
        loop {
            let stream = match self.get(path, None).await {
                Ok(stream) => stream,
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let too_long = || {
                StoreError::new(ErrorKind::Corrupt, Operation::Get, self.target())
                    .at(path)
                    .saying(format!("more than the {cap} bytes that are expected here at most"))
                    .retry(Retry::Never)
            };
            match whole(stream, cap, too_long).await {
                Err(error) if error.retry != Retry::Never && breaks < BREAKS => breaks += 1,
                read => return read.map(Some),
            }
        }
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
                    .retry(Retry::Never));
            }
            hasher.update(&piece);
        }
        Ok((length, hasher.finish()))
    }
}

impl<T: Store + ?Sized> StoreExt for T {}

/// All pieces of a stream.
async fn whole(mut stream: ByteStream, cap: u64, too_long: impl Fn() -> StoreError) -> Result<Bytes, StoreError> {
    let mut found = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        if (found.len() + piece.len()) as u64 > cap {
            return Err(too_long());
        }
        found.extend_from_slice(&piece);
    }
    Ok(found.freeze())
}
