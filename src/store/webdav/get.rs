//! Reading objects, whole or in part.

use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::WebdavStore;
use super::answer::{Answer, kind_while_reading};
use super::exchange::Request;
use crate::base::ObjectPath;
use crate::net::{Pace, TooSlow};
use crate::store::{ByteStream, ErrorKind, Operation, StoreError};

impl WebdavStore {
    /// Reads an object, or `range` of it.
    pub(super) async fn read(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let mut request = Request::new(Method::GET, self.line.base.object(path), Operation::Get).at(path);
        if let Some(range) = &range {
            // An empty range has no form in HTTP.
            if range.is_empty() {
                return Ok(Box::pin(stream::empty()));
            }
            request = request.header(RANGE, range_header(range));
        }
        let answer = self.line.send(&request).await?;
        let headers = answer.response.headers();
        if let Some(encoding) = foreign_encoding(headers) {
            let words = format!("the server sends the object as {encoding}, although it was asked not to");
            return Err(self.line.error(ErrorKind::Protocol, &request).saying(words));
        }
        match (answer.status(), range) {
            (StatusCode::OK, None) => Ok(self.part(path, answer, 0, u64::MAX)),
            // The server ignores ranges: the part is cut out here.
            (StatusCode::OK, Some(range)) => {
                self.knowledge.no_ranges();
                Ok(self.part(path, answer, range.start, range.end - range.start))
            }
            (StatusCode::PARTIAL_CONTENT, Some(range)) if starts_at(headers, range.start) => {
                Ok(self.part(path, answer, 0, range.end - range.start))
            }
            (StatusCode::PARTIAL_CONTENT, _) => {
                Err(self.line.error(ErrorKind::Protocol, &request).saying("the server sent another part than was asked for"))
            }
            // Nothing of the object lies in the range.
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
                answer.drained().await;
                Ok(Box::pin(stream::empty()))
            }
            _ => Err(self.line.refusal(&request, answer).await),
        }
    }

    /// The body of `answer` without its first `skip` bytes and without what follows `take` more. It holds the permit
    /// of its connection until it ends.
    fn part(&self, path: &ObjectPath, answer: Answer, skip: u64, take: u64) -> ByteStream {
        let Answer { response, permit, idle, .. } = answer;
        let target = self.line.target.clone();
        let path = path.clone();
        let fail = move |kind| StoreError::new(kind, Operation::Get, &target).at(&path);
        let pieces = Pieces { body: Box::pin(response.bytes_stream()), idle, pace: Pace::default(), skip, take };
        Box::pin(stream::unfold(Some((pieces, permit)), move |state| {
            let fail = fail.clone();
            async move {
                let (mut pieces, permit) = state?;
                match pieces.next().await? {
                    Ok(piece) => Some((Ok(piece), Some((pieces, permit)))),
                    Err(Broken::Silent) => Some((Err(fail(ErrorKind::Timeout)), None)),
                    Err(Broken::Slow(slow)) => Some((Err(fail(ErrorKind::Timeout).saying(slow.to_string())), None)),
                    Err(Broken::Failed(error)) => {
                        let kind = kind_while_reading(&error);
                        Some((Err(fail(kind).because(error.without_url())), None))
                    }
                }
            }
        }))
    }
}

type Incoming = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

/// A body, cut to what was asked for.
struct Pieces {
    body: Incoming,
    idle: Duration,
    pace: Pace,
    skip: u64,
    take: u64,
}

#[derive(Debug)]
enum Broken {
    Silent,
    Slow(TooSlow),
    Failed(reqwest::Error),
}

impl Pieces {
    async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        while self.take > 0 {
            let piece = self.pace.next(tokio::time::timeout(self.idle, self.body.next()), |piece| match piece {
                Ok(Some(Ok(piece))) => piece.len() as u64,
                _ => 0,
            });
            let mut piece = match piece.await {
                Err(slow) => return Some(Err(Broken::Slow(slow))),
                Ok(Err(_)) => return Some(Err(Broken::Silent)),
                Ok(Ok(None)) => return None,
                Ok(Ok(Some(Err(error)))) => return Some(Err(Broken::Failed(error))),
                Ok(Ok(Some(Ok(piece)))) => piece,
            };
            let skipped = at_most(self.skip, piece.len());
            self.skip -= skipped as u64;
            piece = piece.split_off(skipped);
            piece.truncate(at_most(self.take, piece.len()));
            self.take -= piece.len() as u64;
            if !piece.is_empty() {
                return Some(Ok(piece));
            }
        }
        None
    }
}

/// `count`, but not more than `length`.
fn at_most(count: u64, length: usize) -> usize {
    usize::try_from(count).map_or(length, |count| count.min(length))
}

fn range_header(range: &Range<u64>) -> HeaderValue {
    HeaderValue::try_from(format!("bytes={}-{}", range.start, range.end - 1)).expect("digits are a header value")
}

/// `Content-Range: bytes 10-19/100`
fn starts_at(headers: &HeaderMap, start: u64) -> bool {
    let value = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let first = value.and_then(|text| text.trim().strip_prefix("bytes")?.trim_start().split('-').next()?.parse().ok());
    first == Some(start)
}

fn foreign_encoding(headers: &HeaderMap) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(CONTENT_ENCODING)?.as_bytes()).into_owned();
    (!value.trim().is_empty() && !value.trim().eq_ignore_ascii_case("identity")).then_some(value)
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_not_waited_for() {
        let body = stream::repeat_with(|| Ok(Bytes::from_static(b"x"))).then(|piece| async {
            sleep(Duration::from_secs(29)).await;
            piece
        });
        let idle = Duration::from_secs(30);
        let mut pieces = Pieces { body: Box::pin(body), idle, pace: Pace::default(), skip: 0, take: u64::MAX };
        let begun = Instant::now();
        let broken = loop {
            if let Err(broken) = pieces.next().await.expect("it has no end") {
                break broken;
            }
        };
        assert!(matches!(broken, Broken::Slow(_)), "{broken:?}");
        assert_eq!(begun.elapsed().as_secs(), 60);
    }
}
