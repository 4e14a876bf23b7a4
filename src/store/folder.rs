//! A folder on this machine, or one that is mounted here.

use std::ffi::OsStr;
use std::io::{self, ErrorKind as Io};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use camino::Utf8PathBuf;
use futures_util::{StreamExt as _, stream};
use rustix::fs::{CWD, OFlags, ResolveFlags};
use tokio::task::spawn_blocking;

use super::{Body, ByteStream, Capabilities, Entry, ErrorKind, Operation, Space, Stat, Store, StoreError, SwapClass, Write};
use crate::base::{ObjectPath, TargetName};

/// Bytes read at a time.
const PIECE: u64 = 256 * 1024;
/// Readers' web server must be able to read what we write, whatever our umask.
const FILE_MODE: u32 = 0o644;
/// And it must be able to enter the folders that we make: under `umask 077`, the habit of services, it could not.
const FOLDER_MODE: u32 = 0o755;

/// The name itself may be no link either: whoever may write to the folder could point our bytes, or our readers, at a file
/// elsewhere. And opening does not wait, as it would for the other end of a pipe.
const NO_LINK: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();

/// Objects as files below a root folder, which exists.
///
/// A put writes `.spartacus-<sha256>-<n>.part` beside the final name, syncs it, renames it and syncs the folder.
/// No path of ours leaves the root through a symbolic link: folders are opened with `RESOLVE_BENEATH`.
#[derive(Debug, Clone)]
pub struct FolderStore {
    target: TargetName,
    root: Arc<Utf8PathBuf>,
    counter: Arc<AtomicU64>,
}

impl FolderStore {
    /// A store over `root`. That the folder exists is found out by the first call.
    #[must_use]
    pub fn new(target: TargetName, root: Utf8PathBuf) -> Self {
        Self { target, root: Arc::new(root), counter: Arc::default() }
    }

    fn error(&self, operation: Operation, path: Option<&ObjectPath>, error: io::Error) -> StoreError {
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            Io::StorageFull | Io::QuotaExceeded => ErrorKind::NoSpace,
            Io::FileTooLarge => ErrorKind::TooLarge,
            Io::AlreadyExists | Io::NotADirectory | Io::IsADirectory => ErrorKind::Exists,
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => ErrorKind::Exists,
            Io::StaleNetworkFileHandle | Io::TimedOut => ErrorKind::ConnectionLost,
            _ => ErrorKind::Other,
        };
        let mut found = StoreError::new(kind, operation, &self.target).saying(error.to_string()).because(error);
        if kind == ErrorKind::NotFound && !self.root.is_dir() {
            found = found.advising(format!("mkdir -p {}", self.root));
        }
        match path {
            Some(path) => found.at(path),
            None => found,
        }
    }

    /// Runs blocking file work on a thread of its own.
    async fn run<T: Send + 'static>(
        &self,
        operation: Operation,
        path: Option<&ObjectPath>,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let root = self.root.clone();
        spawn_blocking(move || work(root.as_std_path()))
            .await
            .unwrap_or_else(|panic| Err(io::Error::other(panic)))
            .map_err(|error| self.error(operation, path, error))
    }
}

/// The folder of `path`, opened without leaving `root` through links.
fn open_folder(root: &Path, folder: &str) -> io::Result<PathBuf> {
    let base = rustix::fs::openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, rustix::fs::Mode::empty())?;
    if !folder.is_empty() {
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::openat2(&base, folder, flags, rustix::fs::Mode::empty(), how) {
            // Kernels before 5.6 and some sandboxes have no openat2: the check is lost there, the write is not.
            Ok(_) | Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(root.join(folder))
}

/// Makes one folder. One that is there keeps its rights: they are its owner's decision.
fn make_folder(path: &Path) -> io::Result<()> {
    match std::fs::create_dir(path) {
        Ok(()) => open_to_readers(path),
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives a folder of ours back what the umask took, and keeps what it inherited (the bit that hands its group on).
fn open_to_readers(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(CWD, path, flags, rustix::fs::Mode::empty())?;
    let rights = rustix::fs::Mode::from_raw_mode(rustix::fs::fstat(&folder)?.st_mode);
    Ok(rustix::fs::fchmod(&folder, rights | rustix::fs::Mode::from_raw_mode(FOLDER_MODE))?)
}

fn parent_text(path: &ObjectPath) -> String {
    path.parent().map_or_else(String::new, String::from)
}

/// A temporary file that goes away unless it was renamed.
struct Partial {
    path: PathBuf,
    file: std::fs::File,
    kept: bool,
}

impl Partial {
    fn create(path: PathBuf) -> io::Result<Self> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(FILE_MODE).custom_flags(NO_LINK);
        let file = options.open(&path)?;
        // The mode above is cut by the umask.
        rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(FILE_MODE))?;
        Ok(Self { path, file, kept: false })
    }

    fn commit(mut self, name: &OsStr) -> io::Result<()> {
        self.file.sync_all()?;
        let folder = self.path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        std::fs::rename(&self.path, folder.join(name))?;
        self.kept = true;
        match std::fs::File::open(&folder)?.sync_all() {
            // Some network file systems cannot sync a folder; the rename stands all the same.
            Err(error) if matches!(error.kind(), Io::InvalidInput | Io::Unsupported) => Ok(()),
            other => other,
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // It may be gone already; `spartacus clean` finds what stays.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[async_trait]
impl Store for FolderStore {
    fn target(&self) -> &TargetName {
        &self.target
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            swap: SwapClass::Atomic,
            list: true,
            read: true,
            ranges: true,
            collections: true,
            resume: false,
            space: true,
            fsync: true,
            parallel_puts: 8,
        }
    }

    async fn make_collections(&self, collections: &[ObjectPath]) -> Result<(), StoreError> {
        let wanted: Vec<ObjectPath> = collections.to_vec();
        self.run(Operation::MakeCollections, collections.first(), move |root| {
            if !root.is_dir() {
                return Err(io::Error::new(Io::NotFound, format!("the folder {} does not exist", root.display())));
            }
            for collection in &wanted {
                open_folder(
                    root,
                    &collection
                        .ancestors()
                        .iter()
                        .rev()
                        .find(|above| root.join(above.as_str()).is_dir())
                        .map_or_else(String::new, ToString::to_string),
                )?;
                for folder in collection.ancestors().iter().chain([collection]) {
                    make_folder(&root.join(folder.as_str()))?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn put(&self, path: &ObjectPath, body: &Body, _write: Write) -> Result<(), StoreError> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let temporary = format!(".spartacus-{}-{number}.part", body.sha256());
        let folder = parent_text(path);
        let mut partial = self
            .run(Operation::Put, Some(path), move |root| Partial::create(open_folder(root, &folder)?.join(temporary)))
            .await?;
        let mut position = 0;
        let mut pieces = body.stream(0, body.length());
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| StoreError::local(Operation::Put, &self.target, error).at(path))?;
            let length = piece.len() as u64;
            partial = self
                .run(Operation::Put, Some(path), move |_| {
                    partial.file.write_all_at(&piece, position)?;
                    Ok(partial)
                })
                .await?;
            position += length;
        }
        let name = path.file_name().to_owned();
        self.run(Operation::Put, Some(path), move |_| partial.commit(OsStr::new(&name))).await
    }

    async fn get(&self, path: &ObjectPath, range: Option<Range<u64>>) -> Result<ByteStream, StoreError> {
        let wanted = path.clone();
        let file = self
            .run(Operation::Get, Some(path), move |root| {
                let folder = open_folder(root, &parent_text(&wanted))?;
                let mut options = std::fs::OpenOptions::new();
                let file = options.read(true).custom_flags(NO_LINK).open(folder.join(wanted.file_name()))?;
                if !file.metadata()?.is_file() {
                    return Err(io::Error::new(Io::NotFound, "a folder, not a file"));
                }
                Ok(file)
            })
            .await?;
        let range = range.unwrap_or(0..u64::MAX);
        let (store, path) = (self.clone(), path.clone());
        Ok(Box::pin(stream::unfold(Some((file, range.start)), move |state| {
            let (store, path, end) = (store.clone(), path.clone(), range.end);
            async move {
                let (file, position) = state?;
                if position >= end {
                    return None;
                }
                let length = PIECE.min(end - position);
                let read = store.run(Operation::Get, Some(&path), move |_| read_piece(file, position, length)).await;
                match read {
                    Ok((_, piece)) if piece.is_empty() => None,
                    Ok((file, piece)) => {
                        let next = position + piece.len() as u64;
                        Some((Ok(piece), Some((file, next))))
                    }
                    Err(error) => Some((Err(error), None)),
                }
            }
        })))
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<Stat>, StoreError> {
        let wanted = path.clone();
        self.run(Operation::Stat, Some(path), move |root| match std::fs::symlink_metadata(root.join(wanted.as_str())) {
            Ok(found) if found.is_file() => Ok(Some(Stat { size: found.len() })),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), Io::NotFound | Io::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn list(&self, collection: Option<&ObjectPath>) -> Result<Vec<Entry>, StoreError> {
        let wanted = collection.map_or_else(String::new, ToString::to_string);
        self.run(Operation::List, collection, move |root| {
            let entries = match std::fs::read_dir(root.join(&wanted)) {
                Ok(entries) => entries,
                Err(error) if error.kind() == Io::NotFound && !wanted.is_empty() => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            let mut found = Vec::new();
            for entry in entries {
                let entry = entry?;
                let status = match entry.metadata() {
                    // A partial that got its name since.
                    Err(error) if error.kind() == Io::NotFound => continue,
                    status => status?,
                };
                let size = status.is_file().then_some(status.len());
                found.push(Entry { name: entry.file_name().to_string_lossy().into_owned(), size });
            }
            Ok(found)
        })
        .await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let wanted = path.clone();
        self.run(Operation::Delete, Some(path), move |root| {
            let folder = match open_folder(root, &parent_text(&wanted)) {
                Err(error) if error.kind() == Io::NotFound => return Ok(()),
                other => other?,
            };
            match std::fs::remove_file(folder.join(wanted.file_name())) {
                Err(error) if error.kind() == Io::NotFound => Ok(()),
                other => other,
            }
        })
        .await
    }

    async fn delete_empty_collection(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let wanted = path.clone();
        self.run(Operation::Delete, Some(path), move |root| match std::fs::remove_dir(root.join(wanted.as_str())) {
            Err(error) if matches!(error.kind(), Io::NotFound | Io::DirectoryNotEmpty) => Ok(()),
            other => other,
        })
        .await
    }

    async fn rename(&self, from: &ObjectPath, to: &ObjectPath) -> Result<(), StoreError> {
        let (old, new) = (from.clone(), to.clone());
        self.run(Operation::Rename, Some(from), move |root| {
            let folders = (open_folder(root, &parent_text(&old))?, open_folder(root, &parent_text(&new))?);
            std::fs::rename(folders.0.join(old.file_name()), folders.1.join(new.file_name()))
        })
        .await
    }

    async fn space(&self) -> Result<Option<Space>, StoreError> {
        self.run(Operation::Space, None, |root| {
            let found = rustix::fs::statvfs(root)?;
            // File systems that make files as they need them (btrfs) tell of none at all.
            let free_files = (found.f_files > 0).then_some(found.f_favail);
            Ok(Some(Space { free_bytes: found.f_bavail.saturating_mul(found.f_frsize), free_files }))
        })
        .await
    }

    async fn close(&self) {}
}

fn read_piece(file: std::fs::File, position: u64, length: u64) -> io::Result<(std::fs::File, Bytes)> {
    let mut buffer = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let read = file.read_at(&mut buffer, position)?;
    buffer.truncate(read);
    Ok((file, buffer.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;

    fn store() -> (tempfile::TempDir, FolderStore) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().to_path_buf()).expect("a UTF-8 path");
        (folder, FolderStore::new("folder".parse().expect("a name"), root))
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let (_folder, store) = store();
        contract::run_all(&store).await;
    }

    #[tokio::test]
    async fn a_link_out_of_the_root_is_not_followed() {
        let (folder, store) = store();
        let outside = tempfile::tempdir().expect("a temporary folder");
        std::os::unix::fs::symlink(outside.path(), folder.path().join("way-out")).expect("a link");
        let at = contract::path("way-out/file");
        store.put(&at, &Body::bytes("x"), Write::New).await.expect_err("a link out of the root is refused");
        store.make_collections(&[contract::path("way-out/below")]).await.expect_err("nor are folders made there");
        assert_eq!(std::fs::read_dir(outside.path()).expect("a listing").count(), 0);
    }

    #[tokio::test]
    async fn a_broken_put_leaves_no_partial() {
        let (folder, store) = store();
        contract::a_body_that_fails_leaves_the_old_bytes(&store).await;
        let left: Vec<_> = std::fs::read_dir(folder.path().join("broken")).expect("a listing").collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[tokio::test]
    async fn a_missing_root_says_how_to_make_it() {
        let store = FolderStore::new("gone".parse().expect("a name"), "/nonexistent/mirror".into());
        let error = store.make_collections(&[contract::path("a")]).await.expect_err("there is no root");
        assert_eq!((error.kind, error.advice.as_deref()), (ErrorKind::NotFound, Some("mkdir -p /nonexistent/mirror")));
    }
}
