//! A copy in a folder.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Mode, OFlags};

use super::{Part, PartOrder, Source};
use crate::base::{Hasher, ObjectPath, Sha256};
use crate::trust::{Fetch, FetchError};

/// Reads from a folder on this machine.
#[derive(Debug, Clone)]
pub struct FolderSource {
    root: Utf8PathBuf,
}

impl FolderSource {
    /// A source below `root`.
    #[must_use]
    pub fn new(root: Utf8PathBuf) -> Self {
        Self { root }
    }

    async fn open<T: Send + 'static>(
        &self,
        path: &ObjectPath,
        read: impl FnOnce(File) -> std::io::Result<T> + Send + 'static,
    ) -> Result<Option<T>, FetchError> {
        let file = self.root.join(path.as_str());
        let done = tokio::task::spawn_blocking(move || match open(&file) {
            Ok(file) if file.metadata()?.is_file() => read(file).map(Some),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        });
        let fail = |reason: String| FetchError::refused(path, reason);
        done.await.map_err(|error| fail(error.to_string()))?.map_err(|error| fail(error.to_string()))
    }
}

/// NONBLOCK: a FIFO or a device in a copy must not hang us; it means nothing for regular files.
fn open(file: &Utf8Path) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(file.as_std_path(), flags, Mode::empty())?))
}

#[async_trait]
impl Fetch for FolderSource {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        let found = self.open(path, move |file| {
            let mut bytes = Vec::new();
            file.take(cap + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        match found.await? {
            Some(bytes) if bytes.len() as u64 > cap => Err(FetchError::too_long(path, cap)),
            found => Ok(found.map(Bytes::from)),
        }
    }
}

#[async_trait]
impl Source for FolderSource {
    fn name(&self) -> String {
        self.root.to_string()
    }

    async fn size(&self, path: &ObjectPath) -> Result<Option<u64>, FetchError> {
        self.open(path, |file| Ok(file.metadata()?.len())).await
    }

    async fn digest(&self, path: &ObjectPath, cap: u64) -> Result<Option<(u64, Sha256)>, FetchError> {
        self.open(path, move |file| {
            let mut hasher = Hasher::new();
            let mut length = 0;
            let mut file = file.take(cap + 1);
            let mut buffer = vec![0; 256 * 1024];
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    return Ok((length, hasher.finish()));
                }
                length += read as u64;
                hasher.update(&buffer[..read]);
            }
        })
        .await
    }

    async fn part(&self, path: &ObjectPath, order: PartOrder) -> Result<Option<Part>, FetchError> {
        self.open(path, move |mut file| {
            let (mut hasher, mut length, begun) = (Hasher::new(), 0, Instant::now());
            file.seek(SeekFrom::Start(order.start))?;
            let whole = file.metadata()?.len();
            let mut file = file.take(order.length);
            let mut buffer = vec![0; 256 * 1024];
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    let sha256 = hasher.finish();
                    return Ok(Part { length, sha256, read: length, whole: Some(whole), took: begun.elapsed() });
                }
                length += read as u64;
                hasher.update(&buffer[..read]);
            }
        })
        .await
    }
}
