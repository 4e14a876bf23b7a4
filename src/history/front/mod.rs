//! The front database: all that the web process shares with the processes that work on a project.
//!
//! It is a file of its own. Whoever seizes the web process can change what is in it: pages that are public anyway, sealed messages,
//! and what volunteers are told. History, trust and keys are elsewhere, so they cannot be reached from there. For the same reason
//! nothing in the file is believed: it is looked at for damage and for anything but our own tables, and every length is bounded.
//!
//! It has a rollback journal and no write-ahead log: that one is used through shared memory, and whoever may write the file of it can
//! end every process that has it mapped, by making it shorter.

mod inbox;
mod pages;
#[cfg(test)]
mod tests;
mod tickets;

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use rustix::fs::OFlags;

use super::HistoryError;

pub use inbox::{LONGEST_MESSAGE, Queue, Received, Reception};
pub use pages::{FrontAbout, FrontPage, FrontPages, Shown};
pub use tickets::{LONGEST_WORDS, TicketNews, TicketState, TicketView};

/// Each file takes the schema one version further.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/front_0001.sql")];
/// `application_id` of these files ("spaf").
const APPLICATION: i64 = 0x7370_6166;
/// How long we wait for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);
/// Largest file that is opened, in bytes: pages of some thousand mirrors, and all messages that may wait.
const LARGEST: u64 = 512 << 20;

/// The front database. One handle serves all threads; calls block.
#[derive(Debug)]
pub struct Front {
    path: Utf8PathBuf,
    connection: Mutex<Connection>,
}

impl Front {
    /// Opens the front database at `path`; makes it and its folder when they are not there.
    ///
    /// The folder gets mode 2750 and the files in it 0660: members of the folder's group share them, and so the web process can be
    /// another user, who can write into these files and neither replace them nor put others beside them. A file of another program, a
    /// newer one, a very large one, or one with anything but our tables in it is refused untouched.
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
        let file_error = |source| HistoryError::FrontFile { path: path.to_owned(), source };
        if !make && !path.try_exists().map_err(file_error)? {
            return Err(HistoryError::NoFront { path: path.to_owned() });
        }
        // The folder may be a link; the file must not be: another user of the folder could lead us to a file of ours.
        let real = folder.canonicalize_utf8().map_err(file_error)?.join(path.file_name().unwrap_or_default());
        if make {
            make_shared(&real).map_err(file_error)?;
        }
        match oddity(&real).map_err(file_error)? {
            Oddity::None => {}
            Oddity::Foreign => return Err(HistoryError::NotFront { path: path.to_owned() }),
            Oddity::Of(what) => return Err(HistoryError::FrontDamaged { path: path.to_owned(), what: what.to_owned() }),
        }
        if make {
            // Not before: beside the file of somebody else nothing is made.
            let journal = Utf8PathBuf::from(format!("{real}-journal"));
            make_shared(&journal).and_then(|()| bar_shared_memory(&real)).map_err(file_error)?;
        }
        let fail = |source| HistoryError::from_front(path, "open the front database", source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut connection = Connection::open_with_flags(&real, flags).map_err(fail)?;
        configure(&connection).map_err(fail)?;
        recognise(path, &mut connection)?;
        if make {
            // Where a write was broken off, its journal was used just now, and is gone.
            make_shared(&Utf8PathBuf::from(format!("{real}-journal"))).map_err(file_error)?;
        }
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
        done.map_err(|source| HistoryError::from_front(&self.path, doing, source))
    }
}

fn folder_of(path: &Utf8Path) -> &Utf8Path {
    path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."))
}

/// The folder, with a mode of our choice only when it is new: where there is one, somebody has decided who shares it.
fn make_folder(folder: &Utf8Path) -> Result<(), HistoryError> {
    let fail = |source| HistoryError::FrontFile { path: folder.to_owned(), source };
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(fail)?;
    // What is made in it stays with the folder's group (set-group-ID). A unit may forbid that bit (RestrictSUIDSGID=); then one user
    // has it all, or its administrator made the folder.
    let shared = std::fs::set_permissions(folder, Permissions::from_mode(0o2750));
    shared.or_else(|_| std::fs::set_permissions(folder, Permissions::from_mode(0o750))).map_err(fail)
}

/// Made before SQLite sees it, so that it has the right mode from the beginning. The journal, too: who may not make files in the
/// folder needs it to be there.
fn make_shared(path: &Utf8Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o660).open(path) {
        // The mask of this process may have taken the group's rights away.
        Ok(file) => file.set_permissions(Permissions::from_mode(0o660)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// A write-ahead log cannot be used where a folder has the name of its shared memory, whatever is written into the file's header.
fn bar_shared_memory(path: &Utf8Path) -> io::Result<()> {
    let bar = format!("{path}-shm");
    match std::fs::create_dir(&bar) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && std::fs::symlink_metadata(&bar)?.is_dir() => Ok(()),
        made => made,
    }
}

/// What keeps us from opening a file with SQLite.
enum Oddity {
    None,
    /// It is another file altogether.
    Foreign,
    Of(&'static str),
}

fn oddity(path: &Utf8Path) -> io::Result<Oddity> {
    // A pipe in its place would keep us waiting.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Ok(Oddity::Of("it is no regular file"));
    }
    if about.len() > LARGEST {
        return Ok(Oddity::Of("it is far larger than everything that could be in it"));
    }
    // How it is written and read, and whose it is (sqlite.org/fileformat2.html, section 1.3).
    let mut header = [0; 100];
    if about.len() == 0 {
        return Ok(Oddity::None);
    }
    let is_sqlite = file.read_exact(&mut header).is_ok() && header.starts_with(b"SQLite format 3\0");
    if !is_sqlite || !(header[68..72] == APPLICATION.to_be_bytes()[4..] || header[68..72] == [0; 4]) {
        return Ok(Oddity::Foreign);
    }
    Ok(if header[18..20] == [1, 1] { Oddity::None } else { Oddity::Of("it asks for a write-ahead log, which is not used here") })
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
    // The journal is there for good: see `make_shared`.
    connection.pragma_update_and_check(None, "journal_mode", "truncate", |row| row.get::<_, String>(0)).map(|_| ())
}

/// Makes our tables in an empty file; refuses, untouched, everything that is not a whole file of ours.
fn recognise(path: &Utf8Path, connection: &mut Connection) -> Result<(), HistoryError> {
    let fail = |source| HistoryError::from_front(path, "read the front database", source);
    let newest = i64::try_from(MIGRATIONS.len()).expect("the migrations fit a count");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let pragma = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (pragma("application_id").map_err(fail)?, pragma("user_version").map_err(fail)?);
    let blank = application == 0 && version == 0 && tables(&transaction).map_err(fail)?.is_empty();
    if application != APPLICATION && !blank {
        return Err(HistoryError::NotFront { path: path.to_owned() });
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
