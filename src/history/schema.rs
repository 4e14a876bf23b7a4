//! Schema versions: numbered files, forward only; and how our own whole file is told from others.

use camino::Utf8Path;
use rusqlite::{Connection, TransactionBehavior};

use super::HistoryError;

/// Each file takes the schema one version further; the version lies in `user_version`. Once released a file is
/// never changed, only followed by another.
const MIGRATIONS: [&str; 16] = [
    include_str!("migrations/0001_records.sql"),
    include_str!("migrations/0002_settled.sql"),
    include_str!("migrations/0003_profile_places.sql"),
    include_str!("migrations/0004_suspects.sql"),
    include_str!("migrations/0005_health.sql"),
    include_str!("migrations/0006_speed.sql"),
    include_str!("migrations/0007_probes.sql"),
    include_str!("migrations/0008_schedule.sql"),
    include_str!("migrations/0009_online.sql"),
    include_str!("migrations/0010_alerts.sql"),
    include_str!("migrations/0011_alert_counts.sql"),
    include_str!("migrations/0012_name_servers.sql"),
    include_str!("migrations/0013_testimonies.sql"),
    include_str!("migrations/0014_offers.sql"),
    include_str!("migrations/0015_reminders.sql"),
    include_str!("migrations/0016_missing.sql"),
];

/// `application_id` of our files ("spar"): tells them from other programs' databases.
const APPLICATION: i64 = 0x7370_6172;

/// The newest schema that this program knows.
fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("the migrations fit a count")
}

/// Refuses, without touching it, whatever is not a whole state file of this or an older program, or an empty file.
///
/// `length` is the file's length before it was opened, where nothing was in its `-wal` file.
pub(super) fn recognise(path: &Utf8Path, connection: &Connection, length: Option<u64>) -> Result<(), HistoryError> {
    let fail = |source| HistoryError::from_sqlite(path, "read the state file", source);
    let application = pragma(connection, "application_id").map_err(fail)?;
    let version = pragma(connection, "user_version").map_err(fail)?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    let blank = application == 0 && version == 0 && objects == 0;
    if application != APPLICATION && !blank {
        return Err(HistoryError::Foreign { path: path.to_owned() });
    }
    if version > newest() {
        return Err(HistoryError::Newer { path: path.to_owned(), found: version, known: newest() });
    }
    // SQLite reads what is missing of a last page as zeros, and those can pass for the end of a record.
    let page = pragma(connection, "page_size").map_err(fail)?.unsigned_abs();
    if let Some(length) = length.filter(|length| length % page != 0) {
        return Err(HistoryError::Damaged {
            path: path.to_owned(),
            what: format!("it ends after {length} bytes, inside a page"),
        });
    }
    // Without it a torn page is noticed only when a query happens to need it, and an index that lost entries gives
    // wrong answers silently. It reads the whole file: 50 ms for 36 MiB in the page cache.
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(fail)?;
    if verdict != "ok" {
        return Err(HistoryError::Damaged { path: path.to_owned(), what: crate::base::sanitise(&verdict) });
    }
    Ok(())
}

/// Runs the migrations that are missing, all or none.
pub(super) fn bring_up_to_date(path: &Utf8Path, connection: &mut Connection) -> Result<(), HistoryError> {
    let fail = |source| HistoryError::from_sqlite(path, "bring the state file up to date", source);
    if pragma(connection, "user_version").map_err(fail)? == newest() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    // Read again under the lock: another process may have migrated while we waited, perhaps further than we can.
    let version = pragma(&transaction, "user_version").map_err(fail)?;
    let missing = usize::try_from(version).ok().and_then(|done| MIGRATIONS.get(done..));
    let Some(missing) = missing else {
        return Err(HistoryError::Newer { path: path.to_owned(), found: version, known: newest() });
    };
    for migration in missing {
        transaction.execute_batch(migration).map_err(fail)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(fail)?;
    transaction.pragma_update(None, "user_version", newest()).map_err(fail)?;
    transaction.commit().map_err(fail)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
