//! Objects on a WebDAV server (RFC 4918), or on any web server that takes PUT.
//!
//! Nothing is assumed of the server that a real one is known to lack: PROPFIND may be missing (then HEAD tells sizes),
//! ranges may be ignored, a collection that exists may be refused in seven ways, a login may be Basic or Digest with a
//! nonce that ages in mid-run. What is learnt on the way shows in [`Store::capabilities`].

use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::header::HeaderName;
use http::{HeaderValue, StatusCode};
use tokio::sync::Semaphore;
use url::Url;

use super::{Body, ByteStream, Capabilities, Entry, Operation, Space, Stat, Store, StoreError, SwapClass, Write};
use crate::base::{ObjectPath, Secret, TargetName, Timeouts};

mod address;
mod answer;
mod auth;
mod challenge;
mod collections;
mod digest;
mod exchange;
mod get;
mod knowledge;
mod look;
mod multistatus;
mod overreach;
mod put;
mod remove;
mod retry_after;
mod status;

pub use auth::AuthMode;
use exchange::{Line, Request, extension};
use knowledge::Knowledge;
use look::Found;

/// Connections used unless told otherwise: at 50 ms round trip 16 carry twice as many small files as 8, and 32 gain
/// little more but run into servers' limits.
pub const DEFAULT_CONNECTIONS: usize = 16;

/// Where a WebDAV target is and how to talk to it.
#[derive(Debug, Clone)]
pub struct WebdavSettings {
    /// The base collection.
    pub base: Url,
    /// Made by [`Clients`](crate::net::Clients) with a policy [`for_uploads`](crate::net::HttpPolicy::for_uploads).
    pub client: reqwest::Client,
    /// Login name; `None` to send no login at all.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Which schemes may be used.
    pub auth: AuthMode,
    /// `first_byte` and `idle` are read here; connecting is the client's business, deadlines the caller's.
    pub timeouts: Timeouts,
    /// Most requests at the same time; HTTP/1.1 has one on each connection.
    pub connections: usize,
}

impl WebdavSettings {
    /// Settings without a login.
    #[must_use]
    pub fn new(base: Url, client: reqwest::Client) -> Self {
        Self {
            base,
            client,
            user: None,
            password: None,
            auth: AuthMode::Auto,
            timeouts: Timeouts::default(),
            connections: DEFAULT_CONNECTIONS,
        }
    }
}

/// A base collection on a WebDAV server.
#[derive(Debug)]
pub struct WebdavStore {
    line: Line,
    connections: usize,
    knowledge: Knowledge,
    /// Collections that are known to exist, since this store saw to it.
    made: Mutex<HashSet<ObjectPath>>,
}

impl WebdavStore {
    /// A store over `settings`. Nothing is sent yet.
    #[must_use]
    pub fn new(target: TargetName, settings: WebdavSettings) -> Self {
        let base = address::Base::new(settings.base);
        let private = base.is_private();
        let login = settings.user.map(|user| auth::Credentials {
            user,
            password: settings.password.unwrap_or_else(|| Secret::new(String::new())),
            mode: settings.auth,
            private,
        });
        let connections = settings.connections.max(1);
        let line = Line {
            target,
            base,
            client: settings.client,
            login,
            session: auth::Shared::default(),
            shut: AtomicBool::new(false),
            permits: Arc::new(Semaphore::new(connections)),
            timeouts: settings.timeouts,
        };
        Self { line, connections, knowledge: Knowledge::new(protocol(connections)), made: Mutex::default() }
    }

    /// The same store, knowing what a probe of this server found out earlier.
    #[must_use]
    pub fn with_capabilities(self, capabilities: Capabilities) -> Self {
        Self { knowledge: Knowledge::new(capabilities), ..self }
    }
}

/// What the protocol promises. A swap counts as torn until a probe has seen otherwise: PUT over a name is atomic on
/// Apache, nginx and lighttpd, but an upload that breaks off leaves a short file on four other servers.
fn protocol(connections: usize) -> Capabilities {
    Capabilities {
        swap: SwapClass::Torn,
        list: true,
        read: true,
        ranges: true,
        collections: true,
        resume: false,
        space: false,
        fsync: false,
        parallel_puts: connections,
    }
}

#[async_trait]
impl Store for WebdavStore {
    fn target(&self) -> &TargetName {
        &self.line.target
    }

    fn capabilities(&self) -> Capabilities {
        self.knowledge.capabilities()
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        self.make(collections).await
    }

    async fn put(&self, path: &ObjectPath, body: &Body, _write: Write) -> Result<(), StoreError> {
        self.upload(path, body).await
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let opened = self.read(path, range).await;
        self.knowledge.sight.judge(&opened);
        opened
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        Ok(match self.look(path, Operation::Stat).await? {
            Found::Object { size } => Some(Stat { size }),
            Found::Collection | Found::Missing => None,
        })
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        Ok(self.entries(collection, Operation::List).await?.unwrap_or_default())
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.remove_object(path).await
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.remove_empty_collection(path).await
    }

    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        // An absolute URL (Apache answers 400 to a path) and an explicit `T` (absent means "F" on Caddy, SeaweedFS).
        let destination = HeaderValue::try_from(self.line.base.object(to).as_str()).expect("a URL is a header value");
        let request = Request::new(extension("MOVE"), self.line.base.object(from), Operation::Rename)
            .at(from)
            .header(HeaderName::from_static("destination"), destination)
            .header(HeaderName::from_static("overwrite"), HeaderValue::from_static("T"));
        let answer = self.line.send(&request).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => {
                answer.drained().await;
                Ok(())
            }
            _ => Err(self.line.refusal(&request, answer).await),
        }
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.space_left().await
    }

    async fn close(&self) {
        // The client is shared and keeps its connections; requests of this store that still wait are refused.
        self.line.permits.close();
    }
}
