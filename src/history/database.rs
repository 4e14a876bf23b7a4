//! The state file: found or made, recognised as ours, brought to the newest schema.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, OpenFlags};

use super::HistoryError;
use super::journal::Pending;
use super::schema;

/// How long we wait for another process's transaction. Ours last milliseconds; a longer one is a stuck process.
const BUSY: Duration = Duration::from_secs(10);

/// The project's memory. One handle serves all threads.
#[derive(Debug)]
pub struct History {
    path: Utf8PathBuf,
    inner: Mutex<Inner>,
}

/// What the lock protects.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) connection: Connection,
    pub(super) pending: Pending,
}

impl History {
    /// Opens the state file at `path`; makes it (mode 0600) and its folder (0700) when they are not there.
    ///
    /// The whole file is checked for damage, its schema is brought up to date in one transaction, and a file of a
    /// newer program or of another one is refused untouched.
    pub fn open(path: &Utf8Path) -> Result<Self, HistoryError> {
        let _alone = alone(path)?;
        make_private(path)?;
        let length = length_at_rest(path)?;
        let fail = |source| HistoryError::from_sqlite(path, "open the state file", source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(fail)?;
        connection.busy_timeout(BUSY).map_err(fail)?;
        schema::recognise(path, &connection, length)?;
        protect(path)?;
        configure(&connection).map_err(fail)?;
        schema::bring_up_to_date(path, &mut connection)?;
        Ok(Self { path: path.to_owned(), inner: Mutex::new(Inner { connection, pending: Pending::default() }) })
    }

    /// Where the state file lies.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Runs `work` on the database; `doing` completes "could not ..." if it fails.
    pub(super) fn with<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Inner) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        work(&mut self.lock()).map_err(|source| HistoryError::from_sqlite(&self.path, doing, source))
    }

    /// A thread that panicked inside the lock has left no half transaction: dropping one rolls it back.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for History {
    /// Confirmations still in memory go to disk. Failing costs no more than `kill -9` would: a second upload.
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::debug!(%error, "confirmed uploads not written to the journal");
        }
    }
}

/// Makes the folder and keeps other openers out until the file is ready: SQLite's own waiting does not cover the
/// switch to WAL, and of two processes that start on a fresh project one would fail.
///
/// The lock is on the folder, not on the file: closing a second descriptor of the file would drop the locks that
/// SQLite holds on it for this whole process (a property of POSIX locks). For the same reason nothing here opens it.
fn alone(path: &Utf8Path) -> Result<File, HistoryError> {
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let fail = |source| HistoryError::Folder { path: folder.to_owned(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
    let lock = File::open(folder).map_err(fail)?;
    match lock.lock() {
        // A file system without such locks: then two first starts may collide, and one of them reports it.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(lock),
        locked => locked.map(|()| lock).map_err(fail),
    }
}

/// The empty file is made before SQLite sees it, so that it never exists with a wider mode; SQLite gives its
/// `-wal` and `-shm` files the mode of the file itself.
fn make_private(path: &Utf8Path) -> Result<(), HistoryError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(HistoryError::File { path: path.to_owned(), source }),
    }
}

/// The file's length, unless a `-wal` file holds more of it: then opening completes the file first.
fn length_at_rest(path: &Utf8Path) -> Result<Option<u64>, HistoryError> {
    let log = std::fs::metadata(format!("{path}-wal")).map_or(0, |found| found.len());
    let found = std::fs::metadata(path).map_err(|source| HistoryError::File { path: path.to_owned(), source })?;
    Ok((log == 0).then_some(found.len()))
}

/// Takes back rights that others have on the file, as after a copy without modes.
fn protect(path: &Utf8Path) -> Result<(), HistoryError> {
    let fail = |source| HistoryError::File { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(fail)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(fail)?;
    }
    Ok(())
}

/// WAL: readers (`status`, `serve`) never wait for a push. FULL: a commit survives power loss too, which costs one
/// sync per transaction; the journal is written in batches for that reason.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)
}
