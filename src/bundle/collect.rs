//! What lies in a folder, and whether it can be published.
//!
//! Rule B5 of docs/bundle-format.md.

use std::fs::{self, DirEntry, FileType};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::BundleError;
use super::names::{self, Siblings};
use super::problem::{Defect, NameWarning, Problem};
use super::source::Fingerprint;
use crate::base::{ByteCount, ObjectPath};

/// One regular file of a folder, as it was when the folder was collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path from the folder.
    pub path: ObjectPath,
    /// How the file looked; staging refuses one that looks otherwise later.
    pub(super) fingerprint: Fingerprint,
}

impl SourceFile {
    /// Length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.fingerprint.length()
    }
}

/// A folder whose every name and file can be published: the first stage of a bundle.
#[derive(Debug)]
pub struct Collected {
    root: Utf8PathBuf,
    files: Vec<SourceFile>,
    warnings: Vec<NameWarning>,
}

impl Collected {
    /// Walks `root` without following symbolic links, and checks every name and kind of file.
    ///
    /// All problems of the tree are found in one run and come back as one error. `root` itself may be a link: the
    /// person who named it chose it, whoever put something into it did not.
    pub fn from_folder(root: &Utf8Path) -> Result<Self, BundleError> {
        let mut walk = Walk { root: root.to_owned(), files: Vec::new(), problems: Vec::new(), warnings: Vec::new() };
        let mut waiting = vec![String::new()];
        while let Some(folder) = waiting.pop() {
            walk.visit(&folder, &mut waiting);
        }
        walk.finish()
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Its files, sorted by path; at least one.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Sum of their lengths.
    #[must_use]
    pub fn bytes(&self) -> ByteCount {
        self.files.iter().map(|file| ByteCount(file.length())).sum()
    }

    /// Names that are allowed but will trouble some readers.
    #[must_use]
    pub fn warnings(&self) -> &[NameWarning] {
        &self.warnings
    }

    /// Walks the folder again: an error if anything in it appeared, vanished or changed since.
    pub(super) fn still_the_same(&self) -> Result<(), BundleError> {
        let now = Self::from_folder(&self.root)?;
        let differs = self.files.iter().zip(&now.files).find(|(before, after)| before != after);
        let path = match differs {
            // The smaller path is the one that appeared or vanished; an equal one changed.
            Some((before, after)) => before.path.clone().min(after.path.clone()),
            None if self.files.len() == now.files.len() => return Ok(()),
            None => {
                let shorter = self.files.len().min(now.files.len());
                let longer = if self.files.len() > shorter { &self.files } else { &now.files };
                longer[shorter].path.clone()
            }
        };
        Err(BundleError::Changed { path: self.root.join(path.as_str()) })
    }
}

/// A walk under way.
struct Walk {
    root: Utf8PathBuf,
    files: Vec<SourceFile>,
    problems: Vec<Problem>,
    warnings: Vec<NameWarning>,
}

impl Walk {
    /// Takes in one folder; its sub-folders join `waiting`.
    fn visit(&mut self, folder: &str, waiting: &mut Vec<String>) {
        let here = self.root.join(folder);
        let entries = match fs::read_dir(&here) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(here.as_str(), Defect::Unreadable(error)),
        };
        let mut siblings = Siblings::default();
        for entry in entries {
            match entry {
                Ok(entry) => self.meet(folder, &entry, &mut siblings, waiting),
                Err(error) => self.refuse(here.as_str(), Defect::Unreadable(error)),
            }
        }
    }

    /// Decides about one directory entry.
    fn meet(&mut self, folder: &str, entry: &DirEntry, siblings: &mut Siblings, waiting: &mut Vec<String>) {
        let shown = Path::new(folder).join(entry.file_name()).to_string_lossy().into_owned();
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str() else { return self.refuse(&shown, Defect::NotUtf8) };
        let path = match ObjectPath::new(shown.clone()) {
            Ok(path) => path,
            Err(error) => return self.refuse(&shown, Defect::Name(error)),
        };
        if let Some(twin) = siblings.collide(name) {
            self.refuse(&shown, Defect::CaseCollision(twin));
        }
        if let Some(defect) = names::kept_for_us(folder.is_empty(), name) {
            return self.refuse(&shown, defect);
        }
        if let Some(reason) = names::windows_trouble(name) {
            self.warnings.push(NameWarning { path: path.clone(), reason });
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => waiting.push(shown),
            Ok(kind) if kind.is_file() => self.keep(path, entry),
            Ok(kind) => self.refuse(&shown, special(kind)),
            Err(error) => self.refuse(&shown, Defect::Unreadable(error)),
        }
    }

    fn keep(&mut self, path: ObjectPath, entry: &DirEntry) {
        let readable = || rustix::fs::access(entry.path(), rustix::fs::Access::READ_OK).map_err(io::Error::from);
        match entry.metadata().and_then(|metadata| readable().map(|()| metadata)) {
            Ok(metadata) => self.files.push(SourceFile { path, fingerprint: Fingerprint::of(&metadata) }),
            Err(error) => self.refuse(path.as_str(), Defect::Unreadable(error)),
        }
    }

    fn refuse(&mut self, path: &str, defect: Defect) {
        self.problems.push(Problem::new(path, defect));
    }

    fn finish(mut self) -> Result<Collected, BundleError> {
        if self.problems.is_empty() && self.files.is_empty() {
            self.refuse("", Defect::NothingInside);
        }
        if !self.problems.is_empty() {
            self.problems.sort_by(|one, other| one.path.cmp(&other.path));
            return Err(BundleError::BadTree { root: self.root, problems: self.problems });
        }
        self.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        self.warnings.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(Collected { root: self.root, files: self.files, warnings: self.warnings })
    }
}

fn special(kind: FileType) -> Defect {
    Defect::NotAFile(if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    })
}
