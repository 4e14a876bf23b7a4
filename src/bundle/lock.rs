//! One process at a time changes a project.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};

use camino::Utf8Path;

use super::error::BundleError;

/// Held while a process changes a project; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct ProjectLock {
    /// Closing the file gives the lock back.
    _file: File,
}

impl ProjectLock {
    /// Takes the lock, or says at once who holds it.
    pub(super) fn take(path: &Utf8Path) -> Result<Self, BundleError> {
        let failed = |error| BundleError::writing(path, error);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Only for the message: the holder may not have written it yet.
                let _ = file.read_to_string(&mut text);
                return Err(BundleError::Locked { path: path.to_owned(), holder: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
