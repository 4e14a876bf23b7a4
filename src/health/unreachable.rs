//! A mirror that could not even be connected to.

use std::error::Error;

use async_trait::async_trait;
use bytes::Bytes;

use super::store_source::in_words;
use crate::base::{ObjectPath, Sha256, causes};
use crate::reader::{Part, PartOrder, Source};
use crate::store::StoreError;
use crate::trust::{Fetch, FetchError};

/// Answers every question with why the connection failed, so that a check has one way to tell it.
#[derive(Debug, Clone)]
pub struct Unreachable {
    name: String,
    reason: String,
}

impl Unreachable {
    /// The source of a mirror that could not be reached because of this error; `name` as in [`Source::name`].
    #[must_use]
    pub fn new(name: &str, error: &(dyn Error + 'static)) -> Self {
        Self { name: name.to_owned(), reason: causes(error).join(": ") }
    }

    /// The source of a store that could not be connected to.
    #[must_use]
    pub fn store(name: &str, error: &StoreError) -> Self {
        let mut reasons = causes(error);
        if let Some(first) = reasons.first_mut() {
            *first = in_words(error);
        }
        Self { name: name.to_owned(), reason: reasons.join(": ") }
    }

    fn fail<T>(&self, path: &ObjectPath) -> Result<Option<T>, FetchError> {
        Err(FetchError::transport(path, self.reason.clone()))
    }
}

#[async_trait]
impl Fetch for Unreachable {
    async fn fetch(&self, path: &ObjectPath, _cap: u64) -> Result<Option<Bytes>, FetchError> {
        self.fail(path)
    }
}

#[async_trait]
impl Source for Unreachable {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn size(&self, path: &ObjectPath) -> Result<Option<u64>, FetchError> {
        self.fail(path)
    }

    async fn digest(&self, path: &ObjectPath, _cap: u64) -> Result<Option<(u64, Sha256)>, FetchError> {
        self.fail(path)
    }

    async fn part(&self, path: &ObjectPath, _order: PartOrder) -> Result<Option<Part>, FetchError> {
        self.fail(path)
    }
}
