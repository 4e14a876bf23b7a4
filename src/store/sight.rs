//! Whether an account may look at what it writes.

use std::sync::atomic::{AtomicU8, Ordering};

use super::{ErrorKind, StoreError};

const UNKNOWN: u8 = 0;
const BRIGHT: u8 = 1;
const DARK: u8 = 2;

/// What reading has shown of an account over HTTP, where connecting shows nothing.
///
/// One that was refused the first thing it asked for is a drop box: it may write and not look. (An account that may read
/// but not list is told 403, too, for a name that is not there; while it is new to us, it is treated the same.) Whoever
/// was shown something once, or was told that nothing is there, may look: a later refusal is about that object.
#[derive(Debug, Default)]
pub(super) struct Sight(AtomicU8);

impl Sight {
    /// Takes note of how a read began.
    pub fn judge<T>(&self, opened: &Result<T, StoreError>) {
        let shown = match opened {
            Ok(_) => BRIGHT,
            Err(error) if error.kind == ErrorKind::NotFound => BRIGHT,
            Err(error) if error.kind == ErrorKind::PermissionDenied => DARK,
            // It says nothing about what the account may do.
            Err(_) => return,
        };
        // The first word counts; later ones change nothing.
        let _ = self.0.compare_exchange(UNKNOWN, shown, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether nothing is shown to this account.
    pub fn is_dark(&self) -> bool {
        self.0.load(Ordering::Relaxed) == DARK
    }
}
