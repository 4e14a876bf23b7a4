//! Values that must never be printed.

use std::fmt;
use std::sync::{OnceLock, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// A password, key or token. It has no `Display`; its `Debug` says nothing; its memory is wiped on drop.
///
/// Every secret is also remembered by value, so that [`super::redact`] can remove it from text that a server
/// echoes back to us.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret into custody.
    #[must_use]
    pub fn new(text: String) -> Self {
        remember(&text);
        Self(SecretString::from(text))
    }

    /// The value, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// Shorter values would blank out ordinary words; a secret that short is no secret.
const SHORTEST_REDACTED: usize = 6;

fn known() -> &'static RwLock<Vec<SecretString>> {
    static KNOWN: OnceLock<RwLock<Vec<SecretString>>> = OnceLock::new();
    KNOWN.get_or_init(RwLock::default)
}

fn remember(text: &str) {
    if text.len() < SHORTEST_REDACTED {
        return;
    }
    if let Ok(mut list) = known().write()
        && !list.iter().any(|held| held.expose_secret() == text)
    {
        list.push(SecretString::from(text.to_owned()));
    }
}

/// Replaces every known secret in `text`.
pub(super) fn without_secrets(text: &str) -> String {
    let mut found = text.to_owned();
    if let Ok(list) = known().read() {
        for secret in list.iter() {
            if found.contains(secret.expose_secret()) {
                found = found.replace(secret.expose_secret(), "[redacted]");
            }
        }
    }
    found
}
