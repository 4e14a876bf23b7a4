//! Targets reached by SFTP.
//!
//! One TCP connection a target, with SSH by russh and SFTP version 3 by our own codec; up to four channels on it when
//! the server is far away, and 64 files under way on each, fewer where the server bears fewer. Behind jump hosts there is
//! one TCP connection, to the first of them. Comes in: [`SftpSettings`]. Goes out: a [`Store`]. Must not know: the
//! configuration file, `known_hosts`, agents.
//!
//! Left alone on purpose, because servers differ in it or lack it and nothing here needs it: commands over `exec` (many
//! accounts have no shell), `SETSTAT` of times and modes (refused by Azure, AWS Transfer and careful operators; no
//! decision rests on a time), symbolic links (OpenSSH swaps the arguments, web servers refuse to follow them; the
//! pointer file does their job), hard links and `copy-data` (unchanged files keep their names, so nothing is copied).
//!
//! From below: `reader` and `codec` are bytes and packets; `line`, `dial`, `jump`, `guard`, `pin`, `certificate`, `login` and
//! `connect` make an SSH session, by way of other servers where it must be; `channel` matches requests and replies; `session`
//! and `slots` are a connection with what its server can do and bears; `file`, `upload`, `publish`, `download`, `tree` and
//! `temporary` do the work; `overreach` and `outside` try what no push needs.

mod certificate;
mod channel;
mod codec;
mod connect;
mod dial;
mod download;
mod failure;
mod file;
mod guard;
mod jump;
mod line;
mod login;
mod outside;
mod overreach;
mod pin;
mod publish;
mod reader;
mod session;
mod settings;
mod slots;
mod temporary;
mod tree;
mod upload;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use tokio::sync::Mutex;
use url::Url;

pub use self::connect::ScannedKey;
pub use self::pin::{HostKeyPin, ParsePinError};
pub use self::settings::{JumpHost, SftpAuth, SftpSettings};

use self::connect::{Place, Way};
use self::failure::Failure;
use self::session::{Attempts, FILES_PER_CHANNEL, Facts, Session};
use self::temporary::TemporaryNames;
use self::upload::{Unclear, Uploads};
use super::{Body, ByteStream, Capabilities, Entry, Operation, Space, Stat, Store, StoreError, SwapClass, Write};
use crate::base::{ObjectPath, TargetName, Timeouts};
use crate::net::Destinations;

/// A store on an SFTP server.
pub struct SftpStore {
    target: TargetName,
    settings: SftpSettings,
    uploads: Uploads,
    /// What the last connection showed.
    facts: RwLock<Facts>,
    /// It announces that it tells free space, and does not (SeaweedFS).
    space_untold: AtomicBool,
    connection: Mutex<Connection>,
    attempts: Attempts,
}

/// The present connection, or why the last attempt at one failed.
struct Connection {
    session: Option<Arc<Session>>,
    failure: Option<Failure>,
}

impl std::fmt::Debug for SftpStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SftpStore")
            .field("target", &self.target)
            .field("host", &self.settings.host)
            .finish_non_exhaustive()
    }
}

impl SftpStore {
    /// Connects and authenticates.
    ///
    /// # Errors
    /// [`HostKey`](super::ErrorKind::HostKey) when the server shows none of the pinned keys: then nothing was sent that
    /// could be used to log in. [`Unauthenticated`](super::ErrorKind::Unauthenticated) when it refuses us. Both are
    /// permanent.
    pub async fn connect(target: TargetName, settings: SftpSettings) -> Result<Self, StoreError> {
        let opened = Session::open(&settings).await;
        let session = opened.map_err(|failure| failure.into_store(Operation::Connect, &target, None))?;
        Ok(Self {
            target,
            uploads: Uploads {
                names: TemporaryNames::default(),
                resume_broken: AtomicBool::new(false),
                sync_from: settings.sync_from,
                unclear: Unclear::default(),
            },
            settings,
            facts: RwLock::new(session.facts),
            space_untold: AtomicBool::new(false),
            connection: Mutex::new(Connection { session: Some(session), failure: None }),
            attempts: Attempts::default(),
        })
    }

    /// The connection; a broken one is replaced. Those who wait while one of them tries share what comes of it.
    async fn session(&self) -> Result<Arc<Session>, Failure> {
        let attempts_before = self.attempts.count();
        let mut connection = self.connection.lock().await;
        if let Some(session) = connection.session.as_ref().filter(|session| session.is_open()) {
            return Ok(Arc::clone(session));
        }
        // Refused once is refused: providers lock accounts out that come back with the same credentials.
        if let Some(failure) = &connection.failure
            && (failure.is_final() || self.attempts.count() != attempts_before)
        {
            return Err(failure.clone());
        }
        connection.session = None;
        let opened = Session::open(&self.settings).await;
        self.attempts.next();
        match opened {
            Ok(session) => {
                *self.facts.write().unwrap_or_else(PoisonError::into_inner) = session.facts;
                connection.session = Some(Arc::clone(&session));
                connection.failure = None;
                Ok(session)
            }
            Err(failure) => {
                connection.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    fn error(&self, operation: Operation, path: Option<&ObjectPath>) -> impl FnOnce(Failure) -> StoreError {
        let (target, path) = (self.target.clone(), path.cloned());
        move |failure| failure.into_store(operation, &target, path.as_ref())
    }
}

/// Asks a server for its host keys, without authenticating: what `target add` shows before anyone decides to pin it.
/// One connection for each kind of key, through the proxy if there is one.
pub async fn scan_host_keys(
    target: &TargetName,
    host: &str,
    port: u16,
    proxy: Option<&Url>,
    timeouts: &Timeouts,
    destinations: &Destinations,
) -> Result<Vec<ScannedKey>, StoreError> {
    let place = Place { host, port, timeouts, destinations, way: Way::by(proxy) };
    connect::scan(place).await.map_err(|failure| failure.into_store(Operation::Connect, target, None))
}

#[async_trait]
impl Store for SftpStore {
    fn target(&self) -> &TargetName {
        &self.target
    }

    fn capabilities(&self) -> Capabilities {
        let facts = *self.facts.read().unwrap_or_else(PoisonError::into_inner);
        Capabilities {
            swap: if facts.posix_rename { SwapClass::Atomic } else { SwapClass::Gap },
            list: facts.shows,
            read: facts.shows,
            ranges: facts.shows,
            collections: true,
            resume: !self.uploads.resume_broken.load(Ordering::Relaxed),
            space: facts.statvfs && !self.space_untold.load(Ordering::Relaxed),
            fsync: facts.fsync,
            parallel_puts: FILES_PER_CHANNEL.min(facts.files_per_channel) * facts.channels,
        }
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        let session = self.session().await.map_err(self.error(Operation::MakeCollections, None))?;
        tree::make_folders(&session, collections)
            .await
            .map_err(|(failure, folder)| self.error(Operation::MakeCollections, folder.as_ref())(failure))
    }

    async fn put(&self, path: &ObjectPath, body: &Body, write: Write) -> Result<(), StoreError> {
        let session = self.session().await.map_err(self.error(Operation::Put, Some(path)))?;
        upload::put(&session, &self.uploads, path, body, write).await.map_err(self.error(Operation::Put, Some(path)))
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let session = self.session().await.map_err(self.error(Operation::Get, Some(path)))?;
        let opened = async {
            let slot = Arc::new(session.slot().await?);
            download::open(&session, slot, &session.path(path), range).await
        };
        let pieces = opened.await.map_err(self.error(Operation::Get, Some(path)))?;
        let (target, path) = (self.target.clone(), path.clone());
        Ok(Box::pin(pieces.map(move |piece| {
            // The connection lives as long as its readers.
            let _held = &session;
            piece.map_err(|failure| failure.into_store(Operation::Get, &target, Some(&path)))
        })))
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        let found = async {
            let session = self.session().await?;
            let slot = session.slot().await?;
            tree::attributes(&slot, &session.path(path)).await
        };
        let found = found.await.map_err(self.error(Operation::Stat, Some(path)))?;
        let Some(file) = found.filter(|attributes| !attributes.is_folder()) else { return Ok(None) };
        let size = file.size.ok_or_else(|| Failure::Unsupported("the server tells no sizes".to_owned()));
        Ok(Some(Stat { size: size.map_err(self.error(Operation::Stat, Some(path)))? }))
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        let listed = async {
            let session = self.session().await?;
            let folder = collection.map_or_else(|| session.base().clone(), |path| session.path(path));
            tree::list(&session, &folder).await
        };
        listed.await.map_err(self.error(Operation::List, collection))
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let deleted = async {
            let session = self.session().await?;
            let slot = session.slot().await?;
            tree::remove(&slot, &session.path(path)).await
        };
        deleted.await.map_err(self.error(Operation::Delete, Some(path)))
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let deleted = async {
            let session = self.session().await?;
            let slot = session.slot().await?;
            tree::remove_empty_folder(&slot, &session.path(path)).await
        };
        deleted.await.map_err(self.error(Operation::Delete, Some(path)))
    }

    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        let renamed = async {
            let session = self.session().await?;
            let slot = session.slot().await?;
            publish::publish(&session, &slot, &session.path(from), to, Write::Replace).await
        };
        renamed.await.map_err(self.error(Operation::Rename, Some(from)))
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        let asked = async {
            let session = self.session().await?;
            let slot = session.slot().await?;
            tree::space(&session, &slot).await
        };
        let told = asked.await.map_err(self.error(Operation::Space, None))?;
        self.space_untold.store(told.is_none(), Ordering::Relaxed);
        Ok(told)
    }

    async fn close(&self) {
        if let Some(session) = self.connection.lock().await.session.take() {
            session.close().await;
        }
    }
}
