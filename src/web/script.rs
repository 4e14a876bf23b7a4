//! The script of the form, which seals in the browser. It is built in when it was there at build time (see `build.rs`).

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::view::Asset;

/// The script, and its digest for the page that loads it.
#[derive(Debug)]
pub(super) struct Script {
    /// As it is sent.
    pub(super) asset: Asset,
    /// For subresource integrity: a proxy or a cache that changes the script breaks it.
    pub(super) integrity: String,
    /// What it is called below `assets/`. Another script has another name, so a cache never has the wrong one for a page.
    pub(super) name: String,
}

#[cfg(registration_script)]
const BUILT_IN: Option<&'static [u8]> = Some(include_bytes!(env!("SPARTACUS_REGISTER_JS")));
#[cfg(not(registration_script))]
const BUILT_IN: Option<&'static [u8]> = None;

impl Script {
    /// The one that is in this program; `None` in a plain build.
    pub(super) fn built_in() -> Option<Self> {
        BUILT_IN.map(Self::new)
    }

    /// Of these bytes.
    pub(super) fn new(bytes: &'static [u8]) -> Self {
        let integrity = format!("sha384-{}", STANDARD.encode(digest(&SHA384, bytes)));
        let name = format!("register-{}.js", hex::encode(&digest(&SHA256, bytes).as_ref()[..8]));
        Self { asset: Asset::new("text/javascript; charset=utf-8", Bytes::from_static(bytes)), integrity, name }
    }
}
