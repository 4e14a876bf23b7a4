//! Parts of objects over HTTP (RFC 9110, section 14).

use std::time::Instant;

use reqwest::StatusCode;
use reqwest::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderValue, PRAGMA, RANGE};

use super::http::{HttpSource, Pieces, fail, number, whole};
use super::{Part, PartOrder};
use crate::base::{Hasher, ObjectPath, Sha256};
use crate::trust::FetchError;

impl HttpSource {
    /// Reads a part; `None`: the object is not there.
    pub(super) async fn read_part(&self, path: &ObjectPath, order: PartOrder) -> Result<Option<Part>, FetchError> {
        let answer = self.request_part(path, order).await?;
        // Nothing of it: the object ends before.
        if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE && whole(answer.headers()).is_some() {
            let (sha256, whole) = (Sha256::of(&[]), whole(answer.headers()));
            return Ok(Some(Part { length: 0, sha256, read: 0, whole, took: std::time::Duration::ZERO }));
        }
        let Some(answer) = self.judge(path, answer)? else { return Ok(None) };
        let (skip, whole) = if answer.status() == StatusCode::PARTIAL_CONTENT {
            if begin(answer.headers()) != Some(order.start) {
                return Err(fail(path, "is sent in another part than was asked for".to_owned()));
            }
            (0, whole(answer.headers()))
        } else {
            // RFC 9110 lets a server ignore the question and send the whole.
            (order.start, number(answer.headers(), CONTENT_LENGTH.as_str()))
        };
        if skip.saturating_add(order.length) > order.most {
            let reason = format!("is not sent in parts, and the {} bytes before the part are too many to read", order.start);
            return Err(fail(path, reason));
        }
        let mut pieces = Pieces::of(answer, self.slowest);
        let (mut hasher, mut length, mut read) = (Hasher::new(), 0, 0);
        let mut begun = None;
        while length < order.length
            && let Some(piece) = pieces.next(path).await?
        {
            begun.get_or_insert_with(Instant::now);
            let before = usize::try_from(skip.saturating_sub(read)).unwrap_or(usize::MAX).min(piece.len());
            read += piece.len() as u64;
            let wanted = usize::try_from(order.length - length).unwrap_or(usize::MAX).min(piece.len() - before);
            hasher.update(&piece[before..before + wanted]);
            length += wanted as u64;
        }
        let took = begun.map(|begun| begun.elapsed()).unwrap_or_default();
        Ok(Some(Part { length, sha256: hasher.finish(), read, whole, took }))
    }

    async fn request_part(&self, path: &ObjectPath, order: PartOrder) -> Result<reqwest::Response, FetchError> {
        let mut headers = HeaderMap::new();
        let range = format!("bytes={}-{}", order.start, order.start + order.length.max(1) - 1);
        headers.insert(RANGE, HeaderValue::try_from(range).expect("digits are a header's value"));
        if !order.past_caches {
            return self.send_with(&self.client, path, headers).await;
        }
        // No throw-away query: servers may take one for another object or refuse it, and what a cache makes of it is not
        // what readers get.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        self.send_with(self.fresh.as_ref().unwrap_or(&self.client), path, headers).await
    }
}

/// Where the part begins that a Content-Range names (RFC 9110, section 14.4).
fn begin(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}
