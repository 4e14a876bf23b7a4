//! A place that somebody offers, and the way in.

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;

use super::PublicFace;
use crate::base::{ByteCount, Clock, ObjectPath, TargetName};
use crate::store::folder::FolderStore;
use crate::store::s3::{S3Settings, S3Store};
use crate::store::sftp::{SftpSettings, SftpStore};
use crate::store::webdav::{WebdavSettings, WebdavStore};
use crate::store::{Attempt, Store, StoreError};

/// What is examined.
#[derive(Debug)]
pub struct Place {
    /// How it is called in messages.
    pub target: TargetName,
    /// The way in.
    pub login: Login,
    /// What readers see of it; `None` where it has no public address yet.
    pub face: Option<PublicFace>,
    /// Bytes that will be stored there, if that is known.
    pub needed: Option<ByteCount>,
    /// How long readers may wait for a change. Every server is looked at once at least.
    pub patience: Duration,
    /// Tells how long a certificate is still good for.
    pub clock: Clock,
    /// The name of a file that whoever offers the place can put there and nobody else; `None`: nobody has to show that.
    pub claim: Option<ObjectPath>,
}

/// How to log in, with the secret that it takes.
#[derive(Debug)]
pub enum Login {
    /// A folder of this machine.
    Folder(Utf8PathBuf),
    /// An account with SFTP.
    Sftp(Box<SftpSettings>),
    /// A key for a bucket.
    S3(Box<S3Settings>),
    /// An account with WebDAV.
    Webdav(Box<WebdavSettings>),
}

impl Login {
    /// Whether [`open`](Self::open) shows that we are let in.
    pub(super) fn is_tried_by_opening(&self) -> bool {
        matches!(self, Self::Sftp(_) | Self::Folder(_))
    }

    /// The store behind it. Only SFTP is connected by this; the others show with the first request whether they let us in.
    pub(super) async fn open(&self, target: &TargetName) -> Result<Opened, StoreError> {
        let target = target.clone();
        Ok(match self {
            Self::Folder(path) => Opened::Folder(Arc::new(FolderStore::new(target, path.clone()))),
            Self::Sftp(settings) => Opened::Sftp(Arc::new(SftpStore::connect(target, (**settings).clone()).await?)),
            Self::S3(settings) => Opened::S3(Arc::new(S3Store::new(target, (**settings).clone()))),
            Self::Webdav(settings) => Opened::Webdav(Arc::new(WebdavStore::new(target, (**settings).clone()))),
        })
    }
}

/// A store, still known by its kind: attempts are the business of each backend.
pub(super) enum Opened {
    Folder(Arc<FolderStore>),
    Sftp(Arc<SftpStore>),
    S3(Arc<S3Store>),
    Webdav(Arc<WebdavStore>),
}

impl Opened {
    pub fn store(&self) -> &dyn Store {
        match self {
            Self::Folder(store) => store.as_ref(),
            Self::Sftp(store) => store.as_ref(),
            Self::S3(store) => store.as_ref(),
            Self::Webdav(store) => store.as_ref(),
        }
    }

    /// Tries what no push needs. In a folder of this machine there is nothing to try: it is its owner who runs us.
    pub async fn overreach(&self, name: &str) -> Vec<Attempt> {
        match self {
            Self::Folder(_) => Vec::new(),
            Self::Sftp(store) => store.overreach(name).await,
            Self::S3(store) => store.overreach(name).await,
            Self::Webdav(store) => store.overreach(name).await,
        }
    }
}
