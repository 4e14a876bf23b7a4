//! Writing small files so that a crash leaves the old or the new, never half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};

use super::error::BundleError;

/// Mode of files that anybody may read.
pub(super) const PUBLIC: u32 = 0o644;
/// Mode of files that only their owner may read.
pub(super) const PRIVATE: u32 = 0o600;

/// A file that is being written under a name of its own, and goes away unless it gets its final one.
pub(super) struct Partial {
    path: Utf8PathBuf,
    file: File,
    kept: bool,
}

impl Partial {
    /// A new file in `folder`.
    pub(super) fn create(folder: &Utf8Path, mode: u32) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".spartacus-{}-{number}.part", std::process::id()));
        // One that lies there was left by a killed process that had our process id: nobody writes to it.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&path)?;
        // The mode above was cut by the umask.
        rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(mode))?;
        Ok(Self { path, file, kept: false })
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file its final name, replacing what was there. It is not synced.
    pub(super) fn rename(mut self, to: &Utf8Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.kept = true;
        Ok(())
    }

    /// Gives the file its final name unless that is taken: `AlreadyExists`.
    fn link(self, to: &Utf8Path) -> io::Result<()> {
        fs::hard_link(&self.path, to)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing refers to it, and whoever stages next in this folder begins by emptying it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes `bytes` to `path`, replacing what is there: after a crash the file holds the old or the new bytes.
pub(super) fn replace(path: &Utf8Path, bytes: &[u8], mode: u32) -> Result<(), BundleError> {
    write_synced(path, bytes, mode)
        .and_then(|partial| partial.rename(path))
        .map_err(|error| BundleError::writing(path, error))?;
    sync_folder(folder_of(path))
}

/// Writes `bytes` to `path`, which must not exist: keys are never overwritten.
pub(super) fn create(path: &Utf8Path, bytes: &[u8], mode: u32) -> Result<(), BundleError> {
    write_synced(path, bytes, mode).and_then(|partial| partial.link(path)).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => BundleError::Exists { path: path.to_owned() },
        _ => BundleError::writing(path, error),
    })?;
    sync_folder(folder_of(path))
}

fn write_synced(path: &Utf8Path, bytes: &[u8], mode: u32) -> io::Result<Partial> {
    let mut partial = Partial::create(folder_of(path), mode)?;
    partial.file().write_all(bytes)?;
    partial.file().sync_all()?;
    Ok(partial)
}

/// Makes renames in `folder` outlive a power cut.
pub(super) fn sync_folder(folder: &Utf8Path) -> Result<(), BundleError> {
    match File::open(folder).and_then(|opened| opened.sync_all()) {
        // Some network file systems cannot sync a folder; the rename stands all the same.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other.map_err(|error| BundleError::writing(folder, error)),
    }
}

/// The bytes of `path`, or `None` if there is no such file.
pub(super) fn read(path: &Utf8Path) -> Result<Option<Bytes>, BundleError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Bytes::from(bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BundleError::reading(path, error)),
    }
}

/// Makes `folder` and those above it.
pub(super) fn make_folder(folder: &Utf8Path) -> Result<(), BundleError> {
    fs::create_dir_all(folder).map_err(|error| BundleError::writing(folder, error))
}

/// Removes `path`, if it is there.
pub(super) fn remove(path: &Utf8Path) -> Result<(), BundleError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(BundleError::writing(path, error)),
        _ => Ok(()),
    }
}

/// Names of the entries of `folder`, sorted; none if there is no such folder.
pub(super) fn list(folder: &Utf8Path) -> Result<Vec<String>, BundleError> {
    let entries = match folder.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BundleError::reading(folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(|error| BundleError::reading(folder, error))?.file_name().to_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn folder_of(path: &Utf8Path) -> &Utf8Path {
    match path.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder,
        _ => Utf8Path::new("."),
    }
}
