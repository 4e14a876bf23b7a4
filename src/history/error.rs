//! What can go wrong with the state file.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::ErrorCode;

use crate::base::Hinted;

/// Why the state file could not be read or written. Every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Its folder could not be made or locked.
    #[error("{path}: the folder could not be made or locked")]
    Folder {
        /// The folder.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file itself could not be made, measured or protected.
    #[error("{path}: the file could not be made, measured or protected")]
    File {
        /// The state file.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A good SQLite file, but another program's.
    #[error("{path}: a database of another program")]
    Foreign {
        /// The file.
        path: Utf8PathBuf,
    },
    /// Torn, overwritten, or not a database at all. Nothing was read from it.
    #[error("{path}: damaged, or not a state file ({what})")]
    Damaged {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Written by a newer program.
    #[error("{path}: written by a newer spartacus (schema {found}, this program knows up to {known})")]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// There is no front database yet.
    #[error("{path}: there is no front database")]
    NoFront {
        /// Where it was looked for.
        path: Utf8PathBuf,
    },
    /// A file of the front database, or its folder, could not be made or used.
    #[error("{path}: this cannot be used for the front database")]
    FrontFile {
        /// Which.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The front database of another project.
    #[error("{path}: the front database of another project, with the pin {pin}")]
    FrontOfAnother {
        /// Which.
        path: Utf8PathBuf,
        /// Whose.
        pin: crate::base::Sha256,
    },
    /// Another file than a front database.
    #[error("{path}: this is no front database")]
    NotFront {
        /// Which.
        path: Utf8PathBuf,
    },
    /// Somebody holds the front database.
    #[error("{path}: the front database is in use by another process")]
    FrontBusy {
        /// Which.
        path: Utf8PathBuf,
    },
    /// A front database that is damaged, or was changed by somebody else.
    #[error("{path}: the front database is damaged or was changed ({what})")]
    FrontDamaged {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another process held the file for longer than we wait.
    #[error("{path}: in use by another process")]
    Busy {
        /// The file.
        path: Utf8PathBuf,
    },
    /// Any other failure of the database: no space, read-only, ...
    #[error("{path}: could not {doing}")]
    Database {
        /// The file.
        path: Utf8PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl HistoryError {
    /// The same of the front database: what is lost with it, and what mends it, is something else.
    pub(super) fn from_front(path: &Utf8Path, doing: &'static str, source: rusqlite::Error) -> Self {
        match Self::from_sqlite(path, doing, source) {
            Self::Damaged { path, what } => Self::FrontDamaged { path, what: crate::base::sanitise(&what) },
            Self::Busy { path } => Self::FrontBusy { path },
            other => other,
        }
    }

    /// What a failure of SQLite amounts to.
    pub(super) fn from_sqlite(path: &Utf8Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match &source {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged { path, what: source.to_string() },
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy { path },
                _ => Self::Database { path, doing, source },
            },
            // A row that we wrote and cannot read back is damage too: a default in its place would be a wrong answer.
            rusqlite::Error::FromSqlConversionFailure(column, _, cause) => {
                Self::Damaged { path, what: format!("column {column}: {cause}") }
            }
            rusqlite::Error::IntegralValueOutOfRange(..) | rusqlite::Error::InvalidColumnType(..) => {
                Self::Damaged { path, what: source.to_string() }
            }
            _ => Self::Database { path, doing, source },
        }
    }
}

impl Hinted for HistoryError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Folder { .. } | Self::File { .. } => {
                "spartacus keeps its state in .spartacus/ beside targets.yaml: may this user write there?".to_owned()
            }
            Self::Foreign { path } => format!("move {path} away; spartacus makes its own"),
            Self::Damaged { path, .. } => format!(
                "`mv {path} {path}.damaged` and run again: uploads are compared with the mirrors anew, only the past is lost"
            ),
            Self::NoFront { path } => {
                format!(
                    "with `serve: {{database: {path}}}` in targets.yaml, `spartacus check` and `spartacus schedule` make it; if another file is named \
                     there: `spartacus serve --database FILE`"
                )
            }
            Self::FrontDamaged { path, .. } => format!(
                "stop `spartacus serve`, `mv {path} {path}.damaged && rm -rf {path}-journal {path}-wal {path}-shm`, and run `spartacus check`: pages are made anew, and \
                 messages that nobody has taken yet have to be sent again"
            ),
            Self::FrontOfAnother { path, .. } => format!(
                "each project has a front database of its own: name another file with `serve: {{database: FILE}}` in targets.yaml; or if somebody \
                 changed it: stop `spartacus serve`, `mv {path} {path}.damaged`, and run `spartacus check`"
            ),
            Self::NotFront { .. } => {
                "name another file with `serve: {database: FILE}` in targets.yaml, and with `spartacus serve --database FILE`"
                    .to_owned()
            }
            Self::FrontFile { path, .. } => format!(
                "may this user write there, through its group? `ls -ld {path} {path}*` (docs/operations.md tells who has to own what)"
            ),
            Self::Newer { .. } => "update spartacus on this machine; state files are never changed back".to_owned(),
            Self::Busy { .. } => "another spartacus is at work on this project; try again when it is done".to_owned(),
            Self::FrontBusy { path } => format!("who holds it: `fuser {path}`; what waits in it is taken in by the next run"),
            Self::Database { path, source, .. } if source.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                format!("make room on the disk that {path} lies on (`df -h {}`)", path.parent().unwrap_or(path))
            }
            Self::Database { path, source, .. } => match source.sqlite_error_code() {
                Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied) => {
                    let folder = path.parent().unwrap_or(path);
                    format!(
                        "is the disk full or mounted read-only, and may this user write there? `df -h {folder}; ls -ld {folder}`"
                    )
                }
                _ => return None,
            },
        })
    }
}
