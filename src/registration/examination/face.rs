//! What readers see of a place.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use camino::Utf8PathBuf;
use http::header::{ACCEPT_ENCODING, RANGE};
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;
use url::Url;

use crate::base::{ObjectPath, causes, sanitise};
use crate::net::{Contacts, Destinations, Failure, describe};

/// Longest that one look may take, from the question to the last byte of a few thousand.
const ONE_LOOK: Duration = Duration::from_secs(30);
/// Most of an answer that is read.
const LONGEST: usize = 64 * 1024;

/// A public address and how it is asked: without credentials, as readers do.
#[derive(Debug)]
pub struct PublicFace {
    /// The address below which readers find what we write.
    pub url: Url,
    /// Follows no redirects (made by [`Clients`](crate::net::Clients)).
    pub client: reqwest::Client,
    /// Looks at the certificate and at each address family by itself; `None` behind a proxy, which would be gone round.
    pub contacts: Option<Arc<Contacts>>,
    /// Where connections may lead: the client's and those of `contacts`.
    pub destinations: Destinations,
    /// A file with authorities that are trusted besides the system's.
    pub ca: Option<Utf8PathBuf>,
}

/// What a public address answered.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// At most 64 KiB of it.
    pub bytes: Bytes,
}

impl Answer {
    /// A header field as it came.
    pub fn header(&self, name: &http::HeaderName) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Whether it is meant for a browser.
    pub fn is_page(&self) -> bool {
        let kind = self.header(&http::header::CONTENT_TYPE).unwrap_or_default();
        kind.to_ascii_lowercase().starts_with("text/html")
    }
}

impl PublicFace {
    /// The address of an object; probes' names need no escaping.
    pub(super) fn address(&self, path: &ObjectPath) -> Url {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        url
    }

    /// One question; `range` is the first byte and the last. What went wrong is safe to print.
    pub(super) async fn ask(&self, path: &ObjectPath, range: Option<(usize, usize)>) -> Result<Answer, String> {
        let mut request = self.client.get(self.address(path)).header(ACCEPT_ENCODING, "identity");
        if let Some((first, last)) = range {
            request = request.header(RANGE, format!("bytes={first}-{last}"));
        }
        let reading = async {
            let mut answer = request.send().await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut bytes = BytesMut::new();
            while bytes.len() < LONGEST
                && let Some(piece) = answer.chunk().await?
            {
                bytes.extend_from_slice(&piece);
            }
            Ok::<_, reqwest::Error>(Answer { status, headers, bytes: bytes.freeze() })
        };
        match timeout(ONE_LOOK, reading).await {
            Ok(answer) => answer.map_err(|error| words(&error)),
            Err(_) => Err(format!("no whole answer within {} s", ONE_LOOK.as_secs())),
        }
    }
}

fn words(error: &reqwest::Error) -> String {
    let kind = match describe(error) {
        Failure::Unreachable => "no connection",
        Failure::Refused => "not asked",
        Failure::Tls => "TLS failed",
        Failure::Timeout => "no answer in time",
        Failure::ConnectionLost => "the connection broke",
        Failure::Body | Failure::Protocol => "the answer makes no sense",
    };
    // The address in the outer texts is known already; the innermost cause is what tells.
    format!("{kind}: {}", sanitise(&causes(error).pop().unwrap_or_default()))
}
