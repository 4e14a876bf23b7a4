use std::os::unix::fs::{MetadataExt as _, symlink};

use camino::Utf8PathBuf;

use super::*;
use crate::base::Sha256;
use crate::history::History;

fn place() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("front/front.db")).unwrap();
    (folder, path)
}

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn message(ticket: &str, sequence: u64) -> Received {
    Received { ticket: ticket.to_owned(), sequence, received: at(i64::try_from(sequence).unwrap()), bytes: "sealed".into() }
}

fn content(words: &str) -> FrontPages {
    let page = |path: &str| FrontPage { path: path.to_owned(), kind: "text/html".to_owned(), bytes: words.to_owned().into() };
    FrontPages {
        about: FrontAbout {
            project: "demo".to_owned(),
            pin: Sha256::of(b"x"),
            round: Some(at(0)),
            stale_after_s: 900,
            most_waiting: 2,
        },
        pages: vec![page("index.html"), page("mirrors/paris.html")],
        metrics: "# HELP\n".to_owned(),
    }
}

#[test]
fn pages_are_replaced_as_a_whole_and_read_once_for_each_generation() {
    let (_folder, path) = place();
    let (writer, reader) = (Front::open(&path).unwrap(), Front::open_existing(&path).unwrap());
    assert_eq!(reader.pages(None).unwrap(), None);
    writer.publish(&content("old"), at(1)).unwrap();
    let first = reader.pages(None).unwrap().unwrap();
    assert_eq!((first.written, &first.content), (at(1), &content("old")));
    assert_eq!(reader.pages(Some(first.generation)).unwrap(), None);
    let mut fewer = content("new");
    fewer.pages.pop();
    writer.publish(&fewer, at(2)).unwrap();
    let second = reader.pages(Some(first.generation)).unwrap().unwrap();
    assert!(second.generation > first.generation);
    assert_eq!(second.content, fewer);
}

#[test]
fn messages_wait_until_they_are_taken_and_never_more_than_may() {
    let (_folder, path) = place();
    let front = Front::open(&path).unwrap();
    assert_eq!(front.receive(&message("t-a", 5), 2).unwrap(), Reception::Kept);
    assert_eq!(front.receive(&message("t-a", 5), 2).unwrap(), Reception::Known);
    assert_eq!(front.receive(&message("t-a", 4), 2).unwrap(), Reception::Known, "a newer one waits");
    assert_eq!(front.receive(&message("t-b", 1), 2).unwrap(), Reception::Kept);
    assert_eq!(front.receive(&message("t-c", 1), 2).unwrap(), Reception::Full);
    assert_eq!(front.queue().unwrap(), Queue { waiting: 2, oldest: Some(at(1)) });
    let long = Received { bytes: vec![0; LONGEST_MESSAGE + 1].into(), ..message("t-d", 1) };
    assert_eq!(front.receive(&long, 100).unwrap(), Reception::Full);

    let waiting = front.waiting().unwrap();
    assert_eq!(waiting, [message("t-b", 1), message("t-a", 5)]);
    assert!(front.take("t-a", 5, at(9)).unwrap());
    assert!(!front.take("t-a", 5, at(9)).unwrap());
    assert_eq!(front.receive(&message("t-a", 5), 2).unwrap(), Reception::Known, "it was taken");
    assert_eq!(front.receive(&message("t-c", 1), 2).unwrap(), Reception::Kept);
    // The queue is full of strangers, and whom we know gets through all the same, to an end.
    assert_eq!(front.receive(&message("t-d", 1), 2).unwrap(), Reception::Full);
    assert_eq!(front.receive(&message("t-a", 6), 2).unwrap(), Reception::Kept);
    assert_eq!(front.receive(&message("t-a", 7), 2).unwrap(), Reception::Full);
    let kept = (0..20).filter(|number| front.receive(&message("t-e", 10 + number), 1000).unwrap() == Reception::Kept);
    assert_eq!(kept.count(), 8);
}

#[test]
fn a_ticket_tells_what_was_told_last() {
    let (_folder, path) = place();
    let front = Front::open(&path).unwrap();
    assert_eq!(front.ticket("t-a").unwrap(), None);
    front.receive(&message("t-a", 5), 9).unwrap();
    let seen = front.ticket("t-a").unwrap().unwrap();
    assert_eq!((seen.state, seen.changed, seen.waiting), (TicketState::Offered, at(5), vec![at(5)]));
    front.take("t-a", 5, at(6)).unwrap();
    assert_eq!(front.ticket("t-a").unwrap().unwrap().state, TicketState::Verifying);
    front.tell("t-a", TicketState::Rejected, &"ä".repeat(LONGEST_WORDS), at(7)).unwrap();
    front.receive(&message("t-a", 8), 9).unwrap();
    let seen = front.ticket("t-a").unwrap().unwrap();
    assert_eq!((seen.state, seen.words.len(), seen.changed), (TicketState::Rejected, LONGEST_WORDS, at(7)));
    assert_eq!(seen.waiting, [at(8)]);
    front.take("t-a", 8, at(9)).unwrap();
    assert_eq!(front.ticket("t-a").unwrap().unwrap().state, TicketState::Rejected, "taking says nothing new");
    front.forget("t-a").unwrap();
    assert_eq!(front.ticket("t-a").unwrap(), None);
}

#[test]
fn the_group_of_the_folder_shares_it_and_a_folder_that_is_there_keeps_its_rights() {
    let (folder, path) = place();
    let front = Front::open(&path).unwrap();
    front.publish(&content("x"), at(1)).unwrap();
    let mode = |path: &Utf8Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(path.parent().unwrap()), 0o2770);
    for name in ["front.db", "front.db-wal", "front.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o660, "{name}");
    }
    let own = Utf8PathBuf::from_path_buf(folder.path().join("own")).unwrap();
    std::fs::create_dir(&own).unwrap();
    std::fs::set_permissions(&own, Permissions::from_mode(0o700)).unwrap();
    Front::open(&own.join("front.db")).unwrap();
    assert_eq!(mode(&own), 0o700);
}

#[test]
fn what_is_no_front_database_of_ours_is_refused_untouched() {
    let (folder, path) = place();
    assert!(matches!(Front::open_existing(&path), Err(HistoryError::NoFront { .. })));
    assert!(!path.parent().unwrap().exists());
    drop(Front::open(&path).unwrap());

    // The state file of the project, by its name and by a link that somebody put in its place.
    let state = Utf8PathBuf::from_path_buf(folder.path().join("state.db")).unwrap();
    drop(History::open(&state).unwrap());
    let before = std::fs::read(&state).unwrap();
    assert!(matches!(Front::open(&state), Err(HistoryError::Foreign { .. })));
    std::fs::remove_file(&path).unwrap();
    symlink(&state, &path).unwrap();
    assert!(Front::open(&path).is_err());
    std::fs::remove_file(&path).unwrap();
    symlink(folder.path().join("new.db"), &path).unwrap();
    assert!(Front::open(&path).is_err());
    assert!(!folder.path().join("new.db").exists());
    assert_eq!(std::fs::read(&state).unwrap(), before);
    assert!(History::open(&path).is_err());

    // A trigger that a seized web process left.
    std::fs::remove_file(&path).unwrap();
    drop(Front::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TRIGGER x AFTER DELETE ON offers BEGIN DELETE FROM tickets; END").unwrap();
    drop(connection);
    assert!(matches!(Front::open(&path), Err(HistoryError::FrontDamaged { .. })));
    std::fs::write(
        &path,
        "no database, and longer than a header of one would be: .............................................................",
    )
    .unwrap();
    assert!(Front::open(&path).is_err());
}
