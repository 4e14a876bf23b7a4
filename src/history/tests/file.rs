//! What the file may be, and what becomes of it.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;

use super::*;
use crate::base::{Hinted as _, Sha256};
use crate::history::HistoryError;

fn mode(path: &Utf8Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A state file with something in it, closed.
fn used(path: &Utf8Path) {
    let history = History::open(path).unwrap();
    for number in 0..2000 {
        let name = object(&format!("releases/demo-1/file-{number}"));
        history.confirm(&target("a"), 1, &name, Sha256::of(name.as_str().as_bytes())).unwrap();
    }
}

#[test]
fn the_file_and_its_folder_are_private_and_stay_so() {
    let (_folder, path) = place();
    let history = History::open(&path).unwrap();
    history.begin_run(&start()).unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for file in [path.clone(), format!("{path}-wal").into(), format!("{path}-shm").into()] {
        assert_eq!(mode(&file), 0o600, "{file}");
    }
    drop(history);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(History::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn opening_again_finds_everything_even_after_no_orderly_end() {
    let (_folder, path) = place();
    let history = History::open(&path).unwrap();
    history.begin_run(&start()).unwrap();
    // Not closed: the second handle reads what the first has committed, and both may write.
    let second = History::open(&path).unwrap();
    assert_eq!(second.last_runs(1).unwrap()[0].start, start());
    second.begin_run(&start()).unwrap();
    assert_eq!(history.last_runs(5).unwrap().len(), 2);
}

#[test]
fn an_empty_file_is_the_beginning_of_ours() {
    let (_folder, path) = place();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"").unwrap();
    assert!(History::open(&path).unwrap().last_runs(1).unwrap().is_empty());
}

#[test]
fn a_profile_from_before_places_were_written_down_is_of_no_known_server() {
    let (_folder, path) = place();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../migrations/0001_records.sql")).unwrap();
    old.execute_batch(
        "PRAGMA application_id = 0x73706172; PRAGMA user_version = 1;
         INSERT INTO profiles (target, capabilities, server, probed_at) VALUES ('a', '{}', NULL, '2026-03-01T00:00:00Z')",
    )
    .unwrap();
    drop(old);
    let history = History::open(&path).unwrap();
    assert_eq!(history.profile(&target("a"), Sha256::of(b"sftp one")).unwrap(), None);
}

#[test]
fn a_newer_file_is_refused_untouched() {
    let (_folder, path) = place();
    used(&path);
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = History::open(&path).unwrap_err();
    assert!(matches!(error, HistoryError::Newer { found: 99, known: 1.., .. }), "{error:?}");
    assert!(error.to_string().contains(path.as_str()) && error.hint().is_some(), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn another_programs_database_is_refused_untouched() {
    let (_folder, path) = place();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE runs (id INTEGER)").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = History::open(&path).unwrap_err();
    assert!(matches!(error, HistoryError::Foreign { .. }), "{error:?}");
    assert_eq!((std::fs::read(&path).unwrap(), mode(&path)), (before, 0o644));
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let (_folder, path) = place();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "targets:\n".repeat(200)).unwrap();
    let error = History::open(&path).unwrap_err();
    assert!(matches!(error, HistoryError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains(path.as_str()), "{error}");
}

#[test]
fn a_file_cut_at_any_page_is_damaged_and_never_read_as_less() {
    let (_folder, path) = place();
    used(&path);
    let whole = std::fs::read(&path).unwrap();
    for length in (1..whole.len() / 4096).map(|pages| pages * 4096).chain([100, whole.len() - 1, whole.len() - 2048]) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = History::open(&path).expect_err(&format!("cut to {length} of {} bytes", whole.len()));
        assert!(matches!(error, HistoryError::Damaged { .. }), "cut to {length}: {error:?}");
    }
}

#[test]
fn an_overwritten_page_is_damage() {
    let (_folder, path) = place();
    used(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 8192 * 4096;
    bytes[middle..middle + 4096].fill(0);
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(History::open(&path), Err(HistoryError::Damaged { .. })));
}

#[test]
fn a_record_that_cannot_be_read_back_is_damage_and_not_a_default() {
    let (_folder, path) = place();
    let history = History::open(&path).unwrap();
    history.begin_run(&start()).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute("UPDATE runs SET started = 'yesterday'", []).unwrap();
    assert!(matches!(history.last_runs(1), Err(HistoryError::Damaged { .. })));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let (folder, _) = place();
    let file = Utf8PathBuf::from_path_buf(folder.path().join("file")).unwrap();
    std::fs::write(&file, b"").unwrap();
    let error = History::open(&file.join("state.db")).unwrap_err();
    assert!(matches!(&error, HistoryError::Folder { path, .. } if *path == file), "{error:?}");
}

#[test]
fn many_threads_with_handles_of_their_own_may_begin_at_once() {
    fn shareable<T: Send + Sync>(value: T) -> T {
        value
    }
    let (_folder, path) = place();
    let begin = || shareable(History::open(&path)).and_then(|history| history.begin_run(&start()));
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 8);
}
