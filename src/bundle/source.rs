//! Opening a collected file as the one that was collected.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

use camino::Utf8Path;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::base::ObjectPath;

/// What of a file changes when somebody writes to it or puts another in its place.
///
/// A writer that keeps length and inode and sets the modification time back still moves the change time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    length: u64,
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

/// A collected folder, held open.
#[derive(Debug)]
pub(super) struct SourceTree(OwnedFd);

impl SourceTree {
    pub(super) fn open(root: &Utf8Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(CWD, root.as_std_path(), flags, Mode::empty())?))
    }

    /// Opens a file below the folder, through no symbolic link: one that was put there since the walk is refused.
    pub(super) fn file(&self, path: &ObjectPath) -> io::Result<File> {
        // NONBLOCK: a FIFO that took the file's place must not hang us; it means nothing for regular files.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let opened = match rustix::fs::openat2(&self.0, path.as_str(), flags, Mode::empty(), beneath) {
            // Kernels before 5.6 and some sandboxes lack openat2: there only the last part is guarded.
            Err(Errno::NOSYS | Errno::PERM) => rustix::fs::openat(&self.0, path.as_str(), flags, Mode::empty()),
            other => other,
        };
        Ok(File::from(opened?))
    }
}
