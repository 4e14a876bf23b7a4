//! Large objects, in parts.
//!
//! 1. Look for an upload of this key that an earlier run left; keep its parts that fit.
//! 2. Else begin one.
//! 3. Send the missing parts, four at a time, straight from the file.
//! 4. Complete it; when the answer is unclear, ask for the object before believing either way.
//! 5. If parts of an earlier run were used, read the object back: they may be parts of other bytes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::S3Store;
use super::error::ResultExt as _;
use super::outgoing::Sending;
use super::parts::{Part, divide};
use super::single::{DIGEST, announced};
use super::wire::Wire;
use crate::base::{Hasher, ObjectPath, Sha256};
use crate::store::{
    Body, ErrorKind, Operation, Retry, Store as _, StoreError, StoreExt as _, Write, cache_control, content_type,
};

/// Parts of one object under way at the same time (measured: 8 gain nothing).
const IN_FLIGHT: usize = 4;

/// An upload in parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Upload {
    pub(super) id: String,
    /// Part numbers that the server holds, with their tags.
    pub(super) held: BTreeMap<i32, String>,
}

impl S3Store {
    /// Uploads a new object in parts, going on with what an earlier run left.
    pub(super) async fn put_in_parts(&self, path: &ObjectPath, body: &Body) -> Result<(), StoreError> {
        if !self.multipart_works.load(Ordering::Relaxed) {
            return self.put_single(path, body, Write::New).await;
        }
        let parts = divide(body.length());
        let left = self.left_over(path, &parts).await;
        let listable = left.is_some();
        let mut wrong = false;
        if let Some(upload) = left.flatten() {
            if self.resume(path, body, &parts, upload).await? {
                return Ok(());
            }
            // Parts of other bytes, from a build that was never released: the name is new, so nobody reads it yet.
            tracing::warn!(target = %self.target, path = %path, "resumed upload differs, sending it anew");
            wrong = true;
        }
        let anew = self.put_afresh(path, body, &parts, listable).await;
        if anew.is_err() && wrong {
            // Our own wrong bytes have the right size and would pass for the object until someone hashes them. What
            // this delete fails to remove, the caller still learns of: the put has failed.
            let _ = self.delete(path).await;
        }
        anew
    }

    /// Uploads all parts.
    async fn put_afresh(&self, path: &ObjectPath, body: &Body, parts: &[Part], listable: bool) -> Result<(), StoreError> {
        let Some(upload) = self.begin(path, body).await? else {
            return self.put_single(path, body, Write::New).await;
        };
        self.send_and_complete(path, body, parts, upload, listable).await
    }

    /// Ends an upload that began in an earlier run; whether the object is then the one it should be.
    async fn resume(&self, path: &ObjectPath, body: &Body, parts: &[Part], upload: Upload) -> Result<bool, StoreError> {
        self.send_and_complete(path, body, parts, upload, true).await?;
        let found = self.digest(path, body.length()).await?;
        Ok(found == (body.length(), body.sha256()))
    }

    /// Begins an upload; `None` when the server cannot do it.
    async fn begin(&self, path: &ObjectPath, body: &Body) -> Result<Option<Upload>, StoreError> {
        let request = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(self.key(path))
            .content_type(content_type(path))
            .cache_control(cache_control(Write::New))
            .metadata(DIGEST, body.sha256().to_string());
        let begun = request.customize().interceptor(Wire::plain()).send().await;
        match begun.or_store_error(Operation::Put, &self.target, path) {
            Ok(answer) if answer.upload_id().is_some_and(|id| !id.is_empty()) => {
                Ok(answer.upload_id().map(|id| Upload { id: id.to_owned(), held: BTreeMap::new() }))
            }
            Err(error) if !matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Protocol) => Err(error),
            // No such operation, or an answer that names no upload: whole objects still work.
            unusable => {
                let reason = unusable.err().map_or_else(|| "no upload id told".to_owned(), |error| error.to_string());
                tracing::warn!(target = %self.target, reason, "no uploads in parts on this server, sending whole objects");
                self.multipart_works.store(false, Ordering::Relaxed);
                Ok(None)
            }
        }
    }

    /// Sends what is missing and joins it; on failure keeps the parts if a later run could find them.
    async fn send_and_complete(
        &self,
        path: &ObjectPath,
        body: &Body,
        parts: &[Part],
        mut upload: Upload,
        listable: bool,
    ) -> Result<(), StoreError> {
        let missing: Vec<Part> = parts.iter().filter(|part| !upload.held.contains_key(&part.number)).copied().collect();
        let id = upload.id.clone();
        let sending = stream::iter(missing).map(|part| self.send_part(path, body, &id, part)).buffer_unordered(IN_FLIGHT);
        let sent: Result<BTreeMap<i32, String>, StoreError> = sending.try_collect().await;
        let result = match sent {
            Ok(tags) => {
                upload.held.extend(tags);
                self.complete(path, body, &upload).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = &result
            && !(listable && error.retry != Retry::Never)
        {
            self.abort(path, &id).await;
        }
        result
    }

    /// One part, and the tag the server gave it.
    async fn send_part(&self, path: &ObjectPath, body: &Body, id: &str, part: Part) -> Result<(i32, String), StoreError> {
        let (sending, outgoing) = Sending::of(body, part.offset, part.length);
        // Over TLS a digest in the signature proves nothing more; without, it is all that proves the bytes.
        let sha256 = if self.encrypted { None } else { Some(self.hash(path, body, part).await?) };
        let request = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(self.key(path))
            .upload_id(id)
            .part_number(part.number)
            .content_length(announced(part.length))
            .body(outgoing.into());
        let sent = request.customize().interceptor(Wire::upload(sha256, sending.clone())).send().await;
        self.unless_local(&sending, path)?;
        let answer = sent.or_store_error(Operation::Put, &self.target, path).map_err(|error| match error.kind {
            // Someone ended the upload meanwhile (a lifecycle rule, a second run): the next try begins another.
            ErrorKind::NotFound if error.advice.is_none() => error.retry(Retry::Later),
            _ => error,
        })?;
        Ok((part.number, answer.e_tag().unwrap_or_default().to_owned()))
    }

    async fn hash(&self, path: &ObjectPath, body: &Body, part: Part) -> Result<Sha256, StoreError> {
        let mut hasher = Hasher::new();
        let mut pieces = body.untapped().stream(part.offset, part.offset + part.length);
        while let Some(piece) = pieces.next().await {
            hasher.update(&piece.map_err(|error| StoreError::local(Operation::Put, &self.target, error).at(path))?);
        }
        Ok(hasher.finish())
    }

    /// Joins the parts, in order.
    async fn complete(&self, path: &ObjectPath, body: &Body, upload: &Upload) -> Result<(), StoreError> {
        let parts = upload.held.iter().map(|(number, tag)| CompletedPart::builder().part_number(*number).e_tag(tag).build());
        let list = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(self.key(path))
            .upload_id(&upload.id)
            .multipart_upload(list);
        let completed = request.customize().interceptor(Wire::plain()).send().await;
        match completed.or_store_error(Operation::Put, &self.target, path) {
            Ok(_) => Ok(()),
            // A refusal is clear. Anything else may have come after the work was done: a lost answer, a 500, a 200
            // with an error in its body, or `NoSuchUpload` because the first of two tries went through.
            Err(error) if is_refusal(error.kind) => Err(error),
            Err(error) => {
                if self.arrived(path, body).await? {
                    return Ok(());
                }
                // The upload is gone or undecided: the next try begins with a fresh look.
                Err(if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Protocol) {
                    error.retry(Retry::Later)
                } else {
                    error
                })
            }
        }
    }

    /// Whether the object is there, as sent: by its size and our own digest, or by reading it where the server does
    /// not keep metadata.
    async fn arrived(&self, path: &ObjectPath, body: &Body) -> Result<bool, StoreError> {
        match self.head(path).await? {
            Some(head) if head.size == body.length() => match head.sha256 {
                Some(sha256) => Ok(sha256 == body.sha256()),
                None => Ok(self.digest(path, body.length()).await? == (body.length(), body.sha256())),
            },
            _ => Ok(false),
        }
    }

    /// Takes an upload back, so that its parts cost the operator nothing. Twice, because parts that were under way
    /// during the first may outlive it (scylladb#20425). A failure is left to `clean`: there is nothing else to do.
    pub(super) async fn abort(&self, path: &ObjectPath, id: &str) {
        for _ in 0..2 {
            let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(self.key(path)).upload_id(id);
            let aborted = request.customize().interceptor(Wire::plain()).send().await;
            if let Err(error) = aborted.or_store_error(Operation::Delete, &self.target, path) {
                tracing::debug!(%error, "abort of an upload in parts");
                return;
            }
        }
    }
}

fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unauthenticated
            | ErrorKind::PermissionDenied
            | ErrorKind::NoSpace
            | ErrorKind::TooLarge
            | ErrorKind::Redirect
            | ErrorKind::Unsupported
            | ErrorKind::Tls
    )
}
