//! S3 and what calls itself compatible.
//!
//! Purpose: objects in one bucket below one prefix, with the least rights and the oldest part of the protocol, because
//! many servers know no more: path-style addresses, a plain `Content-Length`, a payload digest in the signature, no
//! checksum trailers, no ACLs, no bucket calls, no conditional writes, no decision by `ETag`.
//! Comes in: [`S3Settings`] with an HTTP client that was made elsewhere. Goes out: [`S3Store`].
//! Must not know: the configuration file, the environment, AWS profiles.

use std::sync::atomic::{AtomicBool, Ordering};
use std::{ops::Range, time::Duration};

use async_trait::async_trait;
use url::Url;

use super::sight::Sight;
use super::{Body, ByteStream, Capabilities, Entry, ErrorKind, Operation, Space, Stat, Store, StoreError, SwapClass, Write};
use crate::base::{ObjectPath, Secret, TargetName, Timeouts};

mod client;
mod connector;
mod error;
mod listing;
mod multipart;
mod outgoing;
mod overreach;
mod parts;
mod read;
mod resume;
mod single;
#[cfg(test)]
mod tests;
mod wire;

use error::ResultExt as _;
use wire::Wire;

/// How the bucket is named in addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addressing {
    /// `https://host/bucket/key`: what nearly every server understands, and the only form that TLS certificates and
    /// bucket names with dots allow together.
    #[default]
    Path,
    /// `https://bucket.host/key`: what a few (Alibaba OSS) insist on.
    Virtual,
}

/// Everything needed to talk to one bucket.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// Service address, without the bucket.
    pub endpoint: Url,
    /// Region that goes into signatures.
    pub region: String,
    /// Bucket; never created by us.
    pub bucket: String,
    /// Key prefix without slashes at its ends; may be empty.
    pub prefix: String,
    /// How the bucket is addressed.
    pub addressing: Addressing,
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: Secret,
    /// The client that carries the requests; it must not follow redirects, and should leave time-outs for reading to
    /// this store (see [`HttpPolicy::for_uploads`](crate::net::HttpPolicy::for_uploads)).
    pub http: reqwest::Client,
    /// How long each part of a conversation may take.
    pub timeouts: Timeouts,
    /// Puts that should be under way at the same time.
    pub connections: usize,
}

/// A bucket's prefix as a [`Store`].
#[derive(Debug)]
pub struct S3Store {
    target: TargetName,
    client: aws_sdk_s3::Client,
    bucket: String,
    prefix: String,
    /// Payload digests in signatures protect the bytes only where TLS does not.
    encrypted: bool,
    idle: Duration,
    connections: usize,
    /// Cleared when a server shows that it cannot do multipart uploads.
    multipart_works: AtomicBool,
    /// Cleared when listing is refused: many keys may do all but that.
    lists: AtomicBool,
    sight: Sight,
}

impl S3Store {
    /// A store over `settings`. Nothing is sent yet.
    #[must_use]
    pub fn new(target: TargetName, settings: S3Settings) -> Self {
        Self {
            client: client::build(&settings),
            target,
            bucket: settings.bucket,
            prefix: settings.prefix,
            encrypted: settings.endpoint.scheme() == "https",
            idle: settings.timeouts.idle,
            connections: settings.connections.max(1),
            multipart_works: AtomicBool::new(true),
            lists: AtomicBool::new(true),
            sight: Sight::default(),
        }
    }

    /// The key of an object.
    fn key(&self, path: &ObjectPath) -> String {
        if self.prefix.is_empty() { path.to_string() } else { format!("{}/{path}", self.prefix) }
    }

    /// A key written into the `x-amz-copy-source` header, where the SDK leaves the encoding to us.
    fn copy_source(&self, path: &ObjectPath) -> String {
        const KEPT: percent_encoding::AsciiSet =
            percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
        let name = format!("{}/{}", self.bucket, self.key(path));
        percent_encoding::utf8_percent_encode(&name, &KEPT).to_string()
    }
}

fn goes_in_parts(length: u64, write: Write) -> bool {
    match write {
        Write::New => parts::worth_splitting(length),
        Write::Replace => parts::must_split(length),
    }
}

#[async_trait]
impl Store for S3Store {
    fn target(&self) -> &TargetName {
        &self.target
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            swap: SwapClass::Atomic,
            list: self.lists.load(Ordering::Relaxed),
            read: !self.sight.is_dark(),
            ranges: true,
            collections: false,
            resume: true,
            space: false,
            fsync: false,
            parallel_puts: self.connections,
        }
    }

    /// Nothing: keys need no collections.
    async fn make_collections(&self, _collections: &[ObjectPath]) -> Result<(), StoreError> {
        Ok(())
    }

    /// One `PutObject` for what is small or in use; parts for what is large and new.
    ///
    /// A name that readers use is never written in parts: `CompleteMultipartUpload` may take minutes, may answer 200
    /// and then fail, and on several servers shows readers an object before its parts are joined. The exception is what
    /// no single request takes: no pointer is as long as that, and what is replaced there are bytes proven bad.
    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        if goes_in_parts(body.length(), write) {
            self.put_in_parts(path, body).await
        } else {
            self.put_single(path, body, write).await
        }
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let opened = self.read(path, range).await;
        self.sight.judge(&opened);
        opened
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        Ok(self.head(path).await?.map(|head| Stat { size: head.size }))
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        let listed = self.list_one_level(collection).await;
        if matches!(&listed, Err(error) if error.kind == ErrorKind::PermissionDenied) {
            self.lists.store(false, Ordering::Relaxed);
        }
        listed
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(self.key(path));
        match request.customize().interceptor(Wire::plain()).send().await.or_store_error(Operation::Delete, &self.target, path) {
            // The protocol says 204 for a key that is not there; some servers say 404. A missing bucket is an error.
            Err(error) if error.kind == ErrorKind::NotFound && error.advice.is_none() => Ok(()),
            other => other.map(drop),
        }
    }

    /// Nothing: keys need no collections.
    async fn delete_empty_collection(&self, _path: &ObjectPath) -> Result<(), StoreError> {
        Ok(())
    }

    /// A copy and a delete: S3 has no rename.
    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        let request = self.client.copy_object().bucket(&self.bucket).key(self.key(to)).copy_source(self.copy_source(from));
        request.customize().interceptor(Wire::plain()).send().await.or_store_error(Operation::Rename, &self.target, to)?;
        self.delete(from).await
    }

    /// Unknown: the protocol has no question for it.
    async fn space(&self) -> Result<Option<Space>, StoreError> {
        Ok(None)
    }

    /// Nothing: connections belong to the HTTP client, which other targets share.
    async fn close(&self) {}
}
