//! The bytes of an object.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream as SdkStream;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;

use super::S3Store;
use super::error::{ResultExt as _, from_stream};
use super::wire::Wire;
use crate::base::{ObjectPath, TargetName};
use crate::net::Pace;
use crate::store::{ByteStream, ErrorKind, Operation, Store as _, StoreError};

impl S3Store {
    /// An object, or part of it.
    pub(super) async fn read(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let range_header = range.as_ref().map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        if range.as_ref().is_some_and(Range::is_empty) {
            return Ok(Box::pin(stream::empty()));
        }
        let request = self.client.get_object().bucket(&self.bucket).key(self.key(path)).set_range(range_header);
        let answer = match request.customize().interceptor(Wire::download()).send().await {
            Ok(answer) => answer,
            // The range begins behind the end: nothing is there, which is no error (RFC 9110, 15.5.17).
            Err(error) if range.is_some() && error.raw_response().is_some_and(|answer| answer.status().as_u16() == 416) => {
                return Ok(Box::pin(stream::empty()));
            }
            failed => failed.or_store_error(Operation::Get, &self.target, path)?,
        };
        let part = match range {
            Some(range) if answer.content_range().is_none() => Some(self.part_of_whole(path, range, &answer).await?),
            _ => None,
        };
        let whole = Incoming {
            target: self.target.clone(),
            path: path.clone(),
            idle: self.idle,
            stream: answer.body,
            pace: Pace::default(),
        }
        .pieces();
        Ok(match part {
            Some(part) => cut(whole, part),
            None => whole,
        })
    }

    /// Which bytes of the answer to a range are wanted, when the answer does not say which it holds: some servers
    /// (`rclone serve s3`) answer 200 to a range, with the part or with everything.
    async fn part_of_whole(
        &self,
        path: &ObjectPath,
        range: Range<u64>,
        answer: &GetObjectOutput,
    ) -> Result<Range<u64>, StoreError> {
        let sent = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let size = self.stat(path).await?.map(|stat| stat.size);
        let Some(size) = size else {
            return Err(StoreError::new(ErrorKind::NotFound, Operation::Get, &self.target).at(path));
        };
        let part = range.start.min(size)..range.end.min(size);
        if sent == Some(part.end - part.start) && sent != Some(size) { Ok(0..part.end - part.start) } else { Ok(part) }
    }
}

/// An answer's body, with what its errors need.
struct Incoming {
    target: TargetName,
    path: ObjectPath,
    idle: Duration,
    stream: SdkStream,
    pace: Pace,
}

impl Incoming {
    fn pieces(self) -> ByteStream {
        Box::pin(stream::unfold(Some(self), |state| async move {
            let mut state = state?;
            match state.next().await? {
                Ok(bytes) => Some((Ok(bytes), Some(state))),
                // An error ends the stream.
                Err(error) => Some((Err(error.at(&state.path)), None)),
            }
        }))
    }

    async fn next(&mut self) -> Option<Result<Bytes, StoreError>> {
        let late = || StoreError::new(ErrorKind::Timeout, Operation::Get, &self.target);
        let piece = self.pace.next(timeout(self.idle, self.stream.next()), |piece| match piece {
            Ok(Some(Ok(bytes))) => bytes.len() as u64,
            _ => 0,
        });
        match piece.await {
            Err(slow) => Some(Err(late().saying(slow.to_string()))),
            Ok(Err(_)) => Some(Err(late())),
            Ok(Ok(piece)) => Some(piece?.map_err(|error| from_stream(&error, Operation::Get, &self.target))),
        }
    }
}

/// The bytes of `stream` that lie in `part`.
fn cut(stream: ByteStream, part: Range<u64>) -> ByteStream {
    let pieces = stream.scan(0_u64, move |position, piece| {
        let found = match piece {
            Ok(_) if *position >= part.end => None,
            Ok(bytes) => {
                let start = *position;
                *position += bytes.len() as u64;
                Some(Ok(overlap(&bytes, start, &part)))
            }
            Err(error) => Some(Err(error)),
        };
        std::future::ready(found)
    });
    Box::pin(pieces.filter(|piece| std::future::ready(piece.as_ref().map_or(true, |bytes| !bytes.is_empty()))))
}

/// What of `bytes`, which begin at `start`, lies in `part`.
fn overlap(bytes: &Bytes, start: u64, part: &Range<u64>) -> Bytes {
    let index = |position: u64| usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(index(part.start)..index(part.end))
}
