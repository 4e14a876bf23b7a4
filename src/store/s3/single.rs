//! Whole objects: one `PutObject`, and what `HeadObject` tells about one.

use super::S3Store;
use super::error::ResultExt as _;
use super::outgoing::Sending;
use super::wire::Wire;
use crate::base::{ObjectPath, Sha256};
use crate::store::{Body, ErrorKind, Operation, StoreError, Write, cache_control, content_type};

/// Our own metadata on every object (`x-amz-meta-sha256`): no proof of anything, since whoever holds the bytes also
/// holds this, but enough to tell an upload that arrived from a leftover of the same size.
pub(super) const DIGEST: &str = "sha256";

/// What `HeadObject` told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) size: u64,
    pub(super) sha256: Option<Sha256>,
}

impl S3Store {
    /// One `PutObject`, which replaces what was there in one step.
    pub(super) async fn put_single(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        let length = body.length();
        let (sending, outgoing) = Sending::of(body, 0, length);
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.key(path))
            .content_type(content_type(path))
            .cache_control(cache_control(write))
            .metadata(DIGEST, body.sha256().to_string())
            .content_length(announced(length))
            .body(outgoing.into());
        let sent = request.customize().interceptor(Wire::upload(Some(body.sha256()), sending.clone())).send().await;
        self.unless_local(&sending, path)?;
        sent.or_store_error(Operation::Put, &self.target, path).map(drop)
    }

    /// Size and digest of an object as the server tells them; `None` when it is not there.
    pub(super) async fn head(&self, path: &ObjectPath) -> Result<Option<Head>, StoreError> {
        let request = self.client.head_object().bucket(&self.bucket).key(self.key(path));
        let found = request.customize().interceptor(Wire::plain()).send().await;
        match found.or_store_error(Operation::Stat, &self.target, path) {
            Ok(head) => {
                let size = head.content_length().and_then(|length| u64::try_from(length).ok()).ok_or_else(|| {
                    StoreError::new(ErrorKind::Protocol, Operation::Stat, &self.target).at(path).saying("no length told")
                })?;
                let sha256 = head.metadata().and_then(|held| held.get(DIGEST)).and_then(|text| text.parse().ok());
                Ok(Some(Head { size, sha256 }))
            }
            // A HEAD has no body, so a missing bucket looks the same as a missing key; the next call will tell.
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The failure of our own body comes before whatever the exchange made of it.
    pub(super) fn unless_local(&self, sending: &Sending, path: &ObjectPath) -> Result<(), StoreError> {
        match sending.trouble() {
            Some(error) => Err(StoreError::local(Operation::Put, &self.target, error).at(path)),
            None => Ok(()),
        }
    }
}

/// A length in the SDK's type.
pub(super) fn announced(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
