//! What a mirror sends, exactly as it comes: for evidence, not for use.

use bytes::{Bytes, BytesMut};
use reqwest::header::ACCEPT_ENCODING;

use super::HttpSource;
use crate::base::{ObjectPath, sanitise};
use crate::trust::FetchError;

/// An answer that nobody has judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAnswer {
    /// The address that was asked.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// Header fields in the order in which they came, safe to print.
    pub headers: Vec<(String, String)>,
    /// The body, at most as much as was asked for.
    pub bytes: Bytes,
    /// There was more of it.
    pub cut: bool,
}

impl HttpSource {
    /// Asks for an object as readers do and keeps whatever comes back, at most `cap` bytes of it.
    ///
    /// # Errors
    /// When no answer came, or it broke off.
    pub async fn raw(&self, path: &ObjectPath, cap: u64) -> Result<RawAnswer, FetchError> {
        let url = self.url(path)?;
        let request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        let answer = request.send().await.map_err(|error| super::http::transport(path, &error))?;
        let status = answer.status().as_u16();
        let told = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.to_string(), sanitise(&String::from_utf8_lossy(value.as_bytes())))
        };
        let headers = answer.headers().iter().map(told).collect();
        let mut pieces = super::http::Pieces::of(answer, self.slowest);
        let (mut found, mut cut) = (BytesMut::new(), false);
        while !cut && let Some(piece) = pieces.next(path).await? {
            let room = usize::try_from(cap).unwrap_or(usize::MAX).saturating_sub(found.len());
            cut = piece.len() > room;
            found.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(RawAnswer { url: url.to_string(), status, headers, bytes: found.freeze(), cut })
    }
}
