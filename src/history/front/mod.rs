//! The front database: all that the web process shares with the processes that work on a project.
//!
//! It is a file of its own. Whoever seizes the web process can change what is in it: pages that are public anyway, sealed messages,
//! and what volunteers are told. History, trust and keys are elsewhere, so they cannot be reached from there. For the same reason
//! nothing in the file is believed: it is looked at for damage and for anything but our own tables, and every length is bounded.

mod inbox;
mod pages;
#[cfg(test)]
mod tests;
mod tickets;

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::HistoryError;

pub use inbox::{LONGEST_MESSAGE, Queue, Received, Reception};
pub use pages::{FrontAbout, FrontPage, FrontPages, Shown};
pub use tickets::{LONGEST_WORDS, TicketState, TicketView};

/// Each file takes the schema one version further.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/front_0001.sql")];
/// `application_id` of these files ("spaf").
const APPLICATION: i64 = 0x7370_6166;
/// How long we wait for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);
/// What a checkpoint leaves of the `-wal` file, in bytes.
const LOG: i64 = 4 << 20;

/// The front database. One handle serves all threads; calls block.
#[derive(Debug)]
pub struct Front {
    path: Utf8PathBuf,
    connection: Mutex<Connection>,
}

impl Front {
    /// Opens the front database at `path`; makes it and its folder when they are not there.
    ///
    /// The folder gets mode 2770 and the file 0660: members of the folder's group share it, and so the web process can be another
    /// user. A file of another program, a newer one, or one with anything but our tables in it is refused untouched.
    pub fn open(path: &Utf8Path) -> Result<Self, HistoryError> {
        let folder = folder_of(path);
        make_folder(folder)?;
        Self::open_in(folder, path, true)
    }

    /// Opens the front database at `path`, which has to be there.
    pub fn open_existing(path: &Utf8Path) -> Result<Self, HistoryError> {
        Self::open_in(folder_of(path), path, false)
    }

    fn open_in(folder: &Utf8Path, path: &Utf8Path, make: bool) -> Result<Self, HistoryError> {
        let file_error = |source| HistoryError::File { path: path.to_owned(), source };
        if !make && !path.exists() {
            return Err(HistoryError::NoFront { path: path.to_owned() });
        }
        // Two processes that start at once: SQLite's own waiting does not cover the switch to WAL.
        let _alone = alone(folder)?;
        // The folder may be a link; the file must not be: another user of the folder could lead us to a file of ours.
        let real = folder.canonicalize_utf8().map_err(file_error)?.join(path.file_name().unwrap_or_default());
        if make {
            make_shared(&real).map_err(file_error)?;
        }
        let fail = |source| HistoryError::from_sqlite(path, "open the front database", source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut connection = Connection::open_with_flags(&real, flags).map_err(fail)?;
        configure(&connection).map_err(fail)?;
        recognise(path, &mut connection)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)).map_err(fail)?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Runs `work` in one transaction, all or nothing; `doing` completes "could not ..." if it fails.
    fn with<T>(
        &self,
        doing: &'static str,
        behaviour: TransactionBehavior,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        // A thread that panicked inside the lock has left no half transaction: dropping one rolls it back.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let done = connection.transaction_with_behavior(behaviour).and_then(|transaction| {
            let found = work(&transaction)?;
            transaction.commit()?;
            Ok(found)
        });
        done.map_err(|source| HistoryError::from_sqlite(&self.path, doing, source))
    }
}

fn folder_of(path: &Utf8Path) -> &Utf8Path {
    path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."))
}

/// The folder, with a mode of our choice only when it is new: where there is one, somebody has decided who shares it.
fn make_folder(folder: &Utf8Path) -> Result<(), HistoryError> {
    let fail = |source| HistoryError::Folder { path: folder.to_owned(), source };
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(fail)?;
    // What is made in it later, SQLite's `-wal` and `-shm` files among it, stays with the folder's group (set-group-ID).
    // A unit may forbid that bit (RestrictSUIDSGID=); then one user has it all, or its administrator made the folder.
    let shared = std::fs::set_permissions(folder, Permissions::from_mode(0o2770));
    shared.or_else(|_| std::fs::set_permissions(folder, Permissions::from_mode(0o770))).map_err(fail)
}

fn alone(folder: &Utf8Path) -> Result<File, HistoryError> {
    let fail = |source| HistoryError::Folder { path: folder.to_owned(), source };
    let lock = File::open(folder).map_err(fail)?;
    match lock.lock() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(lock),
        locked => locked.map(|()| lock).map_err(fail),
    }
}

/// Made before SQLite sees it, so that it has the right mode from the beginning; SQLite gives `-wal` and `-shm` the same one.
fn make_shared(path: &Utf8Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o660).open(path) {
        // The mask of this process may have taken the group's rights away.
        Ok(file) => file.set_permissions(Permissions::from_mode(0o660)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// As SQLite advises for files that others could have changed (sqlite.org/security.html).
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    // A message is acknowledged once it is committed, so it has to survive a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", LOG)
}

/// Makes our tables in an empty file; refuses, untouched, everything that is not a whole file of ours.
fn recognise(path: &Utf8Path, connection: &mut Connection) -> Result<(), HistoryError> {
    let fail = |source| HistoryError::from_sqlite(path, "read the front database", source);
    let newest = i64::try_from(MIGRATIONS.len()).expect("the migrations fit a count");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let pragma = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (pragma("application_id").map_err(fail)?, pragma("user_version").map_err(fail)?);
    let blank = application == 0 && version == 0 && tables(&transaction).map_err(fail)?.is_empty();
    if application != APPLICATION && !blank {
        return Err(HistoryError::Foreign { path: path.to_owned() });
    }
    if version > newest {
        return Err(HistoryError::Newer { path: path.to_owned(), found: version, known: newest });
    }
    let damaged = |what: String| HistoryError::FrontDamaged { path: path.to_owned(), what: crate::base::sanitise(&what) };
    let verdict: String = transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(fail)?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    for migration in usize::try_from(version).ok().and_then(|done| MIGRATIONS.get(done..)).unwrap_or_default() {
        transaction.execute_batch(migration).map_err(fail)?;
    }
    if version != newest {
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(fail)?;
        transaction.pragma_update(None, "user_version", newest).map_err(fail)?;
    }
    if tables(&transaction).map_err(fail)? != expected_tables() {
        return Err(damaged("there are other tables in it than ours".to_owned()));
    }
    transaction.commit().map_err(fail)
}

/// Everything in the schema, by its own text.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare("SELECT coalesce(sql, '') FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
    query.query_map([], |row| row.get(0))?.collect()
}

fn expected_tables() -> Vec<String> {
    let made = Connection::open_in_memory().and_then(|connection| {
        MIGRATIONS.iter().try_for_each(|migration| connection.execute_batch(migration))?;
        tables(&connection)
    });
    made.expect("our own tables can be made in memory")
}
