//! The project's own copies of everything that it publishes, by digest.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::io::Errno;

use super::collect::SourceFile;
use super::disk::{self, Partial};
use super::error::BundleError;
use super::source::{Fingerprint, SourceTree};
use crate::base::{Hasher, Sha256};
use crate::trust::role::CHUNK_BYTES;

/// Objects never change.
const READ_ONLY: u32 = 0o444;
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;
/// Where objects wait until they are on the disk.
const INCOMING: &str = "incoming";
/// How opening fails when a file, or a folder above it, is gone or has become a link.
const GONE: [Errno; 3] = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP];

/// The objects of a project: `<folder>/<sha256>`.
///
/// An object has its final name only after its bytes are on the disk, so one that is there with the right length
/// was whole, whatever crashed since. What the disk has made of it meanwhile only reading tells.
#[derive(Debug, Clone)]
pub struct ObjectStore {
    folder: Utf8PathBuf,
}

impl ObjectStore {
    pub(super) fn at(folder: Utf8PathBuf) -> Self {
        Self { folder }
    }

    /// Where the object of this digest lies, or would lie.
    #[must_use]
    pub fn path(&self, sha256: &Sha256) -> Utf8PathBuf {
        self.folder.join(sha256.to_string())
    }

    /// Whether the object is there with this length. Its bytes are not read.
    #[must_use]
    pub fn holds(&self, sha256: &Sha256, length: u64) -> bool {
        fs::symlink_metadata(self.path(sha256)).is_ok_and(|metadata| metadata.is_file() && metadata.len() == length)
    }

    /// Whether the object is there with exactly its bytes. One that cannot be read is not.
    fn is_sound(&self, measured: &Measured) -> bool {
        let path = self.path(&measured.sha256);
        let read = |mut file: File| measure(&mut file, measured.length, None, &path, &mut |_| Ok(())).ok();
        self.holds(&measured.sha256, measured.length) && File::open(&path).ok().and_then(read).as_ref() == Some(measured)
    }

    /// Begins to take objects in. The caller holds the project's lock.
    pub(super) fn receive(&self) -> Result<Incoming<'_>, BundleError> {
        let folder = self.folder.join(INCOMING);
        // What a killed run left was never synced.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(BundleError::writing(&folder, error)),
            _ => disk::make_folder(&folder)?,
        }
        Ok(Incoming { store: self, folder, clones: AtomicBool::new(true) })
    }
}

/// What is known of bytes after one pass over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) length: u64,
    pub(super) sha256: Sha256,
    /// Digests of the 4 MiB chunks; empty if there is only one.
    pub(super) chunks: Vec<Sha256>,
}

/// Objects that are being taken in, by several threads at once; all of them get their final names together, or none.
///
/// One `syncfs` for all replaces an `fsync` for each: for 100,000 small files that is the difference between seconds
/// and many minutes, and nothing refers to an object before [`Incoming::commit`] returns.
#[derive(Debug)]
pub(super) struct Incoming<'store> {
    store: &'store ObjectStore,
    folder: Utf8PathBuf,
    /// Whether the file system may still share blocks with the source; the first refusal is believed.
    clones: AtomicBool,
}

impl Incoming<'_> {
    /// Takes in one collected file, which must still be what it was. `read` hears of every piece that was read.
    ///
    /// Cloned blocks cannot change any more, so a clone is made first and then hashed; a copy is hashed as it is
    /// written. Either way the digest is that of the bytes that are kept.
    pub(super) fn add(
        &self,
        tree: &SourceTree,
        root: &Utf8Path,
        file: &SourceFile,
        read: &mut dyn FnMut(usize) -> Result<(), BundleError>,
    ) -> Result<Measured, BundleError> {
        let path = root.join(file.path.as_str());
        let changed = || BundleError::Changed { path: path.clone() };
        let still_same = |opened: &File| match opened.metadata() {
            Ok(metadata) if metadata.is_file() && Fingerprint::of(&metadata) == file.fingerprint => Ok(()),
            Ok(_) => Err(changed()),
            Err(error) => Err(BundleError::reading(&path, error)),
        };
        let mut source = match tree.file(&file.path) {
            // It was there, and no link, when the folder was collected.
            Err(error) if GONE.iter().any(|gone| error.raw_os_error() == Some(gone.raw_os_error())) => return Err(changed()),
            other => other.map_err(|error| BundleError::reading(&path, error))?,
        };
        still_same(&source)?;
        let (mut partial, length) = (self.partial()?, file.length());
        let measured = if self.clone_blocks(&source, &mut partial) {
            measure(partial.file(), length, None, &path, read)?
        } else {
            measure(&mut source, length, Some((partial.file(), &self.folder)), &path, read)?
        };
        if measured.length != length {
            return Err(changed());
        }
        still_same(&source)?;
        self.keep(partial, &measured)?;
        Ok(measured)
    }

    /// Takes in bytes that we made.
    pub(super) fn add_bytes(&self, bytes: &[u8]) -> Result<Measured, BundleError> {
        let mut partial = self.partial()?;
        let sink = Some((partial.file(), self.folder.as_path()));
        let measured = measure(&mut &*bytes, bytes.len() as u64, sink, &self.folder, &mut |_| Ok(()))?;
        self.keep(partial, &measured)?;
        Ok(measured)
    }

    /// Puts everything on the disk, then gives every object its final name.
    pub(super) fn commit(self) -> Result<(), BundleError> {
        let failed = |error: io::Error| BundleError::writing(&self.folder, error);
        let opened = File::open(&self.folder).map_err(failed)?;
        rustix::fs::syncfs(&opened).map_err(|error| failed(error.into()))?;
        for name in disk::list(&self.folder)? {
            fs::rename(self.folder.join(&name), self.store.folder.join(&name)).map_err(failed)?;
        }
        fs::remove_dir(&self.folder).map_err(failed)?;
        disk::sync_folder(&self.store.folder)
    }

    fn partial(&self) -> Result<Partial, BundleError> {
        Partial::create(&self.folder, READ_ONLY).map_err(|error| BundleError::writing(&self.folder, error))
    }

    /// Lets a new object wait for [`Self::commit`]; one that the store has already is dropped, but not for a rotten one.
    fn keep(&self, partial: Partial, measured: &Measured) -> Result<(), BundleError> {
        if self.store.is_sound(measured) {
            return Ok(());
        }
        let waiting = self.folder.join(measured.sha256.to_string());
        partial.rename(&waiting).map_err(|error| BundleError::writing(&waiting, error))
    }

    /// Shares the source's blocks with `partial`, where the file system can.
    fn clone_blocks(&self, source: &File, partial: &mut Partial) -> bool {
        let cloned = self.clones.load(Ordering::Relaxed) && rustix::fs::ioctl_ficlone(partial.file(), source).is_ok();
        if !cloned {
            self.clones.store(false, Ordering::Relaxed);
        }
        cloned
    }
}

/// Reads `source` to its end, hashes it whole and in chunks, and writes it to `sink`, if there is one (with the name
/// to tell if writing fails). Of a source that is longer than `expected`, one byte more is read: enough to see that.
fn measure(
    source: &mut dyn Read,
    expected: u64,
    mut sink: Option<(&mut File, &Utf8Path)>,
    path: &Utf8Path,
    read: &mut dyn FnMut(usize) -> Result<(), BundleError>,
) -> Result<Measured, BundleError> {
    let source = &mut source.take(expected.saturating_add(1));
    let mut piece = vec![0; usize::try_from(expected.saturating_add(1)).unwrap_or(PIECE).min(PIECE)];
    let (mut whole, mut chunk) = (Hasher::new(), Hasher::new());
    let (mut length, mut chunks) = (0, Vec::new());
    loop {
        let count = fill(source, &mut piece).map_err(|error| BundleError::reading(path, error))?;
        if count == 0 {
            break;
        }
        let bytes = &piece[..count];
        if let Some((file, name)) = &mut sink {
            file.write_all(bytes).map_err(|error| BundleError::writing(name, error))?;
        }
        whole.update(bytes);
        chunk.update(bytes);
        length += count as u64;
        if length % CHUNK_BYTES == 0 {
            chunks.push(std::mem::take(&mut chunk).finish());
        }
        read(count)?;
    }
    if length % CHUNK_BYTES != 0 {
        chunks.push(chunk.finish());
    }
    if chunks.len() == 1 {
        chunks.clear();
    }
    Ok(Measured { length, sha256: whole.finish(), chunks })
}

/// Reads until `piece` is full or the source ends, so that pieces and chunks have common borders.
fn fill(source: &mut dyn Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < piece.len() {
        match source.read(&mut piece[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}
