//! What a target's pointer turns out to be.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::base::ObjectPath;
use crate::bundle::{Content, Release};
use crate::plan::Pointer;
use crate::store::{ErrorKind, Operation, Retry, Store, StoreError, StoreExt as _};
use crate::trust::{self, Fetch, FetchError, Rejection, Verified};

/// Longest `timestamp.json` that is read, in bytes (docs/bundle-format.md, rule V2).
pub(super) const POINTER_CAP: u64 = 16 * 1024;

/// Why a pointer is [`Pointer::Broken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    /// It is half written, or something that it refers to is missing: an accident.
    Lost,
    /// Whole, but not as it was signed: somebody's doing, who may have done more.
    Altered,
}

/// A look at a pointer.
#[derive(Debug)]
pub(super) struct Sight {
    /// What it is.
    pub pointer: Pointer,
    /// Its bytes, to see later whether somebody else has written; `None` if there are none that could be ours.
    pub bytes: Option<Bytes>,
    /// The verified state of an older pointer.
    pub verified: Option<Verified>,
    /// Why it is broken, if it is.
    pub defect: Option<Defect>,
    /// What a person should know of it.
    pub note: Option<String>,
}

impl Sight {
    fn of(pointer: Pointer, bytes: Option<Bytes>) -> Self {
        Self { pointer, bytes, verified: None, defect: None, note: None }
    }

    /// A pointer that is replaced, and why.
    fn broken(defect: Defect, bytes: Option<Bytes>, why: &str) -> Self {
        let note = format!("what was there is not authentic or not whole, and is replaced: {why}");
        Self { defect: Some(defect), ..Self::of(Pointer::Broken, bytes) }.noting(note)
    }

    fn noting(self, note: String) -> Self {
        Self { note: Some(note), ..self }
    }
}

/// Reads the pointer and judges it, with all that it refers to.
///
/// # Errors
/// When the store fails, and when readers find something at this target that no push can put right.
pub(super) async fn read_pointer(store: &dyn Store, release: &Release, pin: &Bytes) -> Result<Sight, StoreError> {
    let bytes = match store.get_small(&release.pointer.path, POINTER_CAP).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Sight::of(Pointer::Absent, None)),
        // Nothing of ours is as long as that: it is no reason to leave the target alone.
        Err(error) if error.kind == ErrorKind::Corrupt => {
            return Ok(Sight::broken(Defect::Altered, None, &error.detail));
        }
        // A drop box: what lies there is for readers to see, not for us.
        Err(error) if error.kind == ErrorKind::PermissionDenied && !store.capabilities().read => {
            return Ok(Sight::of(Pointer::Absent, None)
                .noting("its account may not read: everything is sent, nothing is read back".to_owned()));
        }
        Err(error) => return Err(error),
    };
    if matches!(&release.pointer.content, Content::Inline(ours) if *ours == bytes) {
        return Ok(Sight::of(Pointer::Same, Some(bytes)));
    }
    let fetch = StoreFetch { store, failure: Mutex::new(None) };
    // Whether it has expired does not matter for what it holds, so the check is asked about the beginning of time.
    match trust::verify(&fetch, pin, Timestamp::UNIX_EPOCH, None).await {
        Ok(verified) => Ok(authentic(release, verified, bytes)),
        Err(rejection) => match fetch.failure() {
            Some(error) if error.kind != ErrorKind::Corrupt => Err(error),
            _ => rejected(store, release, &rejection, bytes),
        },
    }
}

fn authentic(release: &Release, verified: Verified, bytes: Bytes) -> Sight {
    let version = verified.timestamp.version;
    if version == release.version {
        return another_of_ours(version, bytes);
    }
    // A root that we do not know was made by somebody who knows more than we do.
    if version > release.version || verified.root_version > release.roots.len() as u64 {
        return Sight::of(Pointer::Newer { version }, Some(bytes));
    }
    Sight { verified: Some(verified), ..Sight::of(Pointer::Older { version }, Some(bytes)) }
}

fn another_of_ours(version: u64, bytes: Bytes) -> Sight {
    Sight::of(Pointer::Newer { version }, Some(bytes))
        .noting(format!("the target has another authentic timestamp of the same version {version}: two publishers"))
}

/// A state that is not whole. Its timestamp can be authentic all the same, and newer than ours.
fn rejected(store: &dyn Store, release: &Release, rejection: &Rejection, bytes: Bytes) -> Result<Sight, StoreError> {
    let (Rejection::Forged { path, .. } | Rejection::Mixed { path, .. } | Rejection::Missing { path }) = rejection else {
        let words = crate::base::causes(rejection).join(": ");
        return match rejection {
            Rejection::Empty => Ok(Sight::of(Pointer::Absent, None)),
            _ => Err(StoreError::new(ErrorKind::Protocol, Operation::Get, store.target()).saying(words)),
        };
    };
    if path.as_str().ends_with(".root.json") {
        if !release.roots.iter().any(|root| root.path == *path) {
            return Err(foreign_root(store, path));
        }
    } else if *path != release.pointer.path
        && let Some(version) = version_of(&bytes)
    {
        // Roots and timestamp are verified before anything else is looked at, so this version is authentic.
        if version == release.version {
            return Ok(another_of_ours(version, bytes));
        }
        if version > release.version {
            return Ok(Sight::of(Pointer::Newer { version }, Some(bytes)));
        }
    }
    let torn = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_err();
    let defect = if torn || matches!(rejection, Rejection::Missing { .. }) { Defect::Lost } else { Defect::Altered };
    Ok(Sight::broken(defect, Some(bytes), &rejection.to_string()))
}

/// We delete only what we wrote, so somebody else must.
fn foreign_root(store: &dyn Store, path: &ObjectPath) -> StoreError {
    StoreError::new(ErrorKind::Corrupt, Operation::Get, store.target())
        .at(path)
        .saying("readers take it for the next root and refuse this mirror because of it")
        .retry(Retry::Never)
        .advising(format!("spartacus did not write it: ask the operator of {} to delete it", store.target()))
}

fn version_of(timestamp: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(timestamp).ok()?.get("signed")?.get("version")?.as_u64()
}

/// A store as a source of metadata, which keeps the store's own error.
struct StoreFetch<'a> {
    store: &'a dyn Store,
    failure: Mutex<Option<StoreError>>,
}

impl StoreFetch<'_> {
    fn failure(self) -> Option<StoreError> {
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Fetch for StoreFetch<'_> {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        self.store.get_small(path, cap).await.map_err(|error| {
            let told = match error.kind {
                // It was reached, and is not what we wrote: no reason to leave the target alone.
                ErrorKind::Corrupt => FetchError::too_long(path, cap),
                _ => FetchError::refused(path, error.to_string()),
            };
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            told
        })
    }
}
