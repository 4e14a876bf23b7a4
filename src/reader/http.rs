//! A mirror's public face over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, LOCATION, RANGE,
};
use reqwest::{Client, Method, Response, StatusCode};
use url::Url;

use super::{Part, PartOrder, Source};
use crate::base::{Hasher, Hinted as _, ObjectPath, Sha256, causes, sanitise};
use crate::net::{Failure, Pace, Slowest, describe, refused_destination};
use crate::trust::{Fetch, FetchError};

/// Everything but RFC 3986's unreserved characters is escaped in a path part.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reads from a public URL. Requests carry no credentials, cookies or referrer; redirects are not followed, because a
/// mirror could point them anywhere; a compressed answer is refused, because it could be a bomb.
#[derive(Debug, Clone)]
pub struct HttpSource {
    pub(super) client: Client,
    /// Keeps no connections: each request gets a new one.
    pub(super) fresh: Option<Client>,
    base: Url,
    forbidden_is_missing: bool,
    pub(super) slowest: Slowest,
}

impl HttpSource {
    /// A source below `base`, read with `client` (made by [`crate::net::Clients`]).
    #[must_use]
    pub fn new(client: Client, mut base: Url) -> Self {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Self { client, fresh: None, base, forbidden_is_missing: false, slowest: Slowest::default() }
    }

    /// Asks with `fresh`, which keeps no connections, where an answer must not come from where the last one came from.
    #[must_use]
    pub fn with_fresh(mut self, fresh: Client) -> Self {
        self.fresh = Some(fresh);
        self
    }

    /// Takes 403 for "not there": object stores that may not be listed answer so for absent objects.
    #[must_use]
    pub fn with_forbidden_as_missing(mut self) -> Self {
        self.forbidden_is_missing = true;
        self
    }

    /// Gives up a mirror that sends fewer than `bytes` in a whole `window` (60 KiB in a minute unless told).
    #[must_use]
    pub fn with_slowest(mut self, bytes: u64, window: Duration) -> Self {
        self.slowest = Slowest { bytes, window };
        self
    }

    pub(super) fn url(&self, path: &ObjectPath) -> Result<Url, FetchError> {
        let relative: Vec<String> = path.parts().map(|part| utf8_percent_encode(part, PART).to_string()).collect();
        self.base.join(&relative.join("/")).map_err(|error| fail(path, error.to_string()))
    }

    /// One request; `None` when the object is not there.
    async fn ask(&self, method: Method, path: &ObjectPath) -> Result<Option<Response>, FetchError> {
        self.judge(path, self.send(method, path, None).await?)
    }

    /// A GET with these headers, by a client of our choice.
    pub(super) async fn send_with(&self, client: &Client, path: &ObjectPath, headers: HeaderMap) -> Result<Response, FetchError> {
        let request = client.get(self.url(path)?).header(ACCEPT_ENCODING, "identity").headers(headers);
        request.send().await.map_err(|error| transport(path, &error))
    }

    async fn send(&self, method: Method, path: &ObjectPath, range: Option<&str>) -> Result<Response, FetchError> {
        let mut request = self.client.request(method, self.url(path)?).header(ACCEPT_ENCODING, "identity");
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        request.send().await.map_err(|error| transport(path, &error))
    }

    pub(super) fn judge(&self, path: &ObjectPath, answer: Response) -> Result<Option<Response>, FetchError> {
        let status = answer.status();
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
            || (self.forbidden_is_missing && status == StatusCode::FORBIDDEN)
        {
            return Ok(None);
        }
        if status.is_redirection() {
            let to = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("an unnamed place");
            return Err(fail(path, format!("answers {status}: redirected to {}", sanitise(to))));
        }
        if !status.is_success() {
            return Err(fail(path, format!("answers {status}")));
        }
        if let Some(encoding) = answer.headers().get(CONTENT_ENCODING).filter(|value| value.as_bytes() != b"identity") {
            return Err(fail(
                path,
                format!(
                    "is sent compressed ({}) although that was not accepted",
                    sanitise(&String::from_utf8_lossy(encoding.as_bytes()))
                ),
            ));
        }
        Ok(Some(answer))
    }
}

pub(super) fn fail(path: &ObjectPath, reason: String) -> FetchError {
    FetchError::refused(path, reason)
}

pub(super) fn transport(path: &ObjectPath, error: &reqwest::Error) -> FetchError {
    // The URL in reqwest's own text repeats the path; the innermost cause is what tells.
    let last = causes(error).pop().unwrap_or_default();
    if let Some(refused) = refused_destination(error) {
        // Nothing else than this tells of a hint.
        let hint = refused.hint().unwrap_or_default();
        return FetchError::transport(path, format!("address not allowed: {refused}; {hint}"));
    }
    let kind = match describe(error) {
        Failure::Unreachable | Failure::Refused => "no connection",
        Failure::Tls => "TLS failed",
        Failure::Timeout => "no answer in time",
        Failure::ConnectionLost => "the connection broke",
        Failure::Body | Failure::Protocol => "the answer makes no sense",
    };
    FetchError::transport(path, format!("{kind}: {last}"))
}

/// An HTML page where a file should be is a parking page, a login or an error in disguise.
fn is_a_page(path: &ObjectPath, headers: &HeaderMap) -> bool {
    let page = b"text/html";
    let html = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().get(..page.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(page));
    html && path.as_str().starts_with("metadata/")
}

/// Bytes of an answer, cut off when they come too slowly for too long; total silence ends sooner, by the client's time-out.
pub(super) struct Pieces {
    answer: Response,
    pace: Pace,
}

impl Pieces {
    pub(super) fn of(answer: Response, slowest: Slowest) -> Self {
        Self { answer, pace: Pace::new(slowest) }
    }

    /// The next piece.
    pub(super) async fn next(&mut self, path: &ObjectPath) -> Result<Option<Bytes>, FetchError> {
        let piece = self.pace.next(self.answer.chunk(), |piece| match piece {
            Ok(Some(piece)) => piece.len() as u64,
            _ => 0,
        });
        let piece = piece.await.map_err(|slow| FetchError::transport(path, slow.to_string()))?;
        piece.map_err(|error| transport(path, &error))
    }
}

#[async_trait]
impl Fetch for HttpSource {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        let Some(answer) = self.ask(Method::GET, path).await? else { return Ok(None) };
        if is_a_page(path, answer.headers()) {
            return Err(fail(path, "is an HTML page, not metadata".to_owned()));
        }
        let mut pieces = Pieces::of(answer, self.slowest);
        let mut found = BytesMut::new();
        while let Some(piece) = pieces.next(path).await? {
            if (found.len() + piece.len()) as u64 > cap {
                return Err(FetchError::too_long(path, cap));
            }
            found.extend_from_slice(&piece);
        }
        Ok(Some(found.freeze()))
    }
}

#[async_trait]
impl Source for HttpSource {
    fn name(&self) -> String {
        self.base.to_string()
    }

    async fn size(&self, path: &ObjectPath) -> Result<Option<u64>, FetchError> {
        // HEAD first; servers that answer it without a length are asked for one byte, which names the whole length.
        if let Ok(answer) = self.ask(Method::HEAD, path).await {
            let Some(answer) = answer else { return Ok(None) };
            if let Some(length) = number(answer.headers(), CONTENT_LENGTH.as_str()) {
                return Ok(Some(length));
            }
        }
        let answer = self.send(Method::GET, path, Some("bytes=0-0")).await?;
        // An empty object has no first byte.
        if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE && whole(answer.headers()) == Some(0) {
            return Ok(Some(0));
        }
        let Some(answer) = self.judge(path, answer)? else { return Ok(None) };
        let length = match answer.status() {
            StatusCode::PARTIAL_CONTENT => whole(answer.headers()),
            _ => number(answer.headers(), CONTENT_LENGTH.as_str()),
        };
        length.map(Some).ok_or_else(|| fail(path, "is sent without its length".to_owned()))
    }

    async fn digest(&self, path: &ObjectPath, cap: u64) -> Result<Option<(u64, Sha256)>, FetchError> {
        let Some(answer) = self.ask(Method::GET, path).await? else { return Ok(None) };
        let mut pieces = Pieces::of(answer, self.slowest);
        let mut hasher = Hasher::new();
        let mut length = 0;
        while let Some(piece) = pieces.next(path).await? {
            length += piece.len() as u64;
            if length > cap {
                return Ok(Some((cap + 1, hasher.finish())));
            }
            hasher.update(&piece);
        }
        Ok(Some((length, hasher.finish())))
    }

    async fn part(&self, path: &ObjectPath, order: PartOrder) -> Result<Option<Part>, FetchError> {
        self.read_part(path, order).await
    }
}

/// The whole length that a Content-Range names (RFC 9110, section 14.4).
pub(super) fn whole(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.rsplit('/').next()?.parse().ok()
}

pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
