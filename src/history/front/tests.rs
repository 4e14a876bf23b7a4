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

fn news(ticket: &str, state: TicketState, taken: u64) -> TicketNews {
    let is_mirror = state == TicketState::Active;
    TicketNews { ticket: ticket.to_owned(), state, words: String::new(), changed: at(6), taken, is_mirror }
}

#[test]
fn messages_wait_until_they_are_taken_and_never_more_than_may() {
    let (_folder, path) = place();
    let front = Front::open(&path).unwrap();
    assert_eq!(front.receive(&message("t-a", 5), 2).unwrap(), Reception::Kept);
    assert_eq!(front.receive(&message("t-a", 5), 2).unwrap(), Reception::Known);
    assert_eq!(front.receive(&message("t-a", 4), 2).unwrap(), Reception::Kept, "what was written before may come after");
    assert_eq!(front.receive(&message("t-c", 1), 2).unwrap(), Reception::Full);
    assert_eq!(front.queue().unwrap(), Queue { waiting: 2, oldest: Some(at(4)) });
    let long = Received { bytes: vec![0; LONGEST_MESSAGE + 1].into(), ..message("t-d", 1) };
    assert_eq!(front.receive(&long, 100).unwrap(), Reception::Full);

    // Each volunteer's in the order in which they were written.
    assert_eq!(front.waiting().unwrap(), [message("t-a", 4), message("t-a", 5)]);
    for sequence in [4, 5] {
        assert!(front.take(&message("t-a", sequence), None, at(9)).unwrap());
    }
    assert!(!front.take(&message("t-a", 5), None, at(9)).unwrap());
    front.tell(&[news("t-a", TicketState::Active, 5)], at(9)).unwrap();
    assert_eq!(front.receive(&message("t-a", 5), 2).unwrap(), Reception::Known, "it was taken");
    assert_eq!(front.receive(&message("t-a", 3), 2).unwrap(), Reception::Older, "a newer one counts");
    for (ticket, expected) in [("t-b", Reception::Kept), ("t-c", Reception::Kept), ("t-d", Reception::Full)] {
        assert_eq!(front.receive(&message(ticket, 1), 2).unwrap(), expected, "{ticket}");
    }
    // The queue is full of strangers, and whoever has a place with us gets through all the same, to an end.
    assert_eq!(front.receive(&message("t-a", 6), 2).unwrap(), Reception::Kept);
    assert_eq!(front.receive(&message("t-a", 7), 2).unwrap(), Reception::Full);
    // Whom the project has only refused is a stranger still.
    assert!(front.take(&message("t-b", 1), Some("no"), at(9)).unwrap());
    assert_eq!(front.receive(&message("t-b", 2), 2).unwrap(), Reception::Full);
    let found: Vec<Reception> = (0..20).map(|number| front.receive(&message("t-e", 10 + number), 1000).unwrap()).collect();
    assert_eq!(found.iter().filter(|one| **one == Reception::Kept).count(), 8);
    assert!(found[8..].iter().all(|one| *one == Reception::Many), "{found:?}");
}

#[test]
fn whoever_has_offered_something_gets_through_a_crowd_and_keeps_no_mirror_from_it() {
    let (_folder, path) = place();
    let front = Front::open(&path).unwrap();
    let states = [("t-a", TicketState::Offered), ("t-b", TicketState::Rejected), ("t-c", TicketState::Active)];
    front.tell(&states.map(|(ticket, state)| news(ticket, state, 0)), at(3)).unwrap();
    for number in 0..16 {
        assert_eq!(front.receive(&message(&format!("t-stranger-{number}"), 1), 16).unwrap(), Reception::Kept);
    }
    for (ticket, through) in [("t-stranger", 0), ("t-b", 0), ("t-a", 2), ("t-c", 2)] {
        let kept = (1..=8).filter(|number| front.receive(&message(ticket, *number), 16).unwrap() == Reception::Kept).count();
        assert_eq!(kept, through, "{ticket}");
    }
}

#[test]
fn a_ticket_tells_what_was_told_last() {
    let (_folder, path) = place();
    let front = Front::open(&path).unwrap();
    let seen = || front.ticket("t-a").unwrap();
    assert_eq!(seen(), None);
    front.receive(&message("t-a", 5), 9).unwrap();
    let found = seen().unwrap();
    assert_eq!((found.state, found.changed, found.waiting), (TicketState::Offered, at(5), vec![at(5)]));

    // Refused: there is no offer, and why is told, until something else comes.
    front.take(&message("t-a", 5), Some("it came too early"), at(6)).unwrap();
    let found = seen().unwrap();
    assert_eq!((found.state, found.refused.as_deref()), (TicketState::Rejected, Some("it came too early")));
    front.receive(&message("t-a", 6), 9).unwrap();
    assert_eq!(seen().unwrap().state, TicketState::Offered);
    front.take(&message("t-a", 6), None, at(7)).unwrap();
    let long = TicketNews { words: "ä".repeat(LONGEST_WORDS), ..news("t-a", TicketState::Paused, 6) };
    front.tell(std::slice::from_ref(&long), at(7)).unwrap();
    let found = seen().unwrap();
    assert_eq!((found.state, found.words.len(), found.changed, found.refused), (TicketState::Paused, LONGEST_WORDS, at(6), None));

    // Of an offer that goes on it is told besides.
    front.receive(&message("t-a", 8), 9).unwrap();
    assert_eq!(seen().unwrap().waiting, [at(8)]);
    front.take(&message("t-a", 8), Some("it is forged"), at(9)).unwrap();
    front.tell(&[long], at(9)).unwrap();
    let found = seen().unwrap();
    assert_eq!((found.state, found.refused.as_deref()), (TicketState::Paused, Some("it is forged")));

    // What the project does not speak of any more is forgotten after a month, and strays before they grow many.
    front.tell(&[], at(9)).unwrap();
    assert!(seen().is_some());
    front.tell(&[], at(31 * 24 * 3600)).unwrap();
    assert_eq!(seen(), None);
    for number in 0..1005 {
        front.take(&message(&format!("t-{number}"), 1), Some("no"), at(number)).unwrap();
    }
    front.tell(&[], at(1005)).unwrap();
    assert!(front.ticket("t-0").unwrap().is_none() && front.ticket("t-1004").unwrap().is_some());
}

#[test]
fn what_somebody_wrote_into_the_file_by_hand_keeps_nobody_from_the_rest() {
    let (_folder, path) = place();
    let front = Front::open(&path).unwrap();
    front.receive(&message("t-a", 5), 9).unwrap();
    let by_hand = Connection::open(&path).unwrap();
    by_hand.pragma_update_and_check(None, "journal_mode", "truncate", |row| row.get::<_, String>(0)).unwrap();
    let mut insert = by_hand.prepare("INSERT INTO offers VALUES (?1, ?2, ?3, ?4)").unwrap();
    for (ticket, sequence, received, length) in [
        ("t-b", 1, "no time", 9),
        ("t-c", -1, "2026-01-01T00:00:00Z", 9),
        ("t-d", 1, "2026-01-01T00:00:00Z", LONGEST_MESSAGE + 1),
    ] {
        insert.execute((ticket, sequence, received, vec![0; length])).unwrap();
    }
    let tickets: Vec<String> = front.waiting().unwrap().into_iter().map(|found| found.ticket).collect();
    assert_eq!(tickets, ["t-a", "t-b"], "what is no message is gone");
    for number in 0..400 {
        insert.execute(("t-x", number, "2026-01-01T00:00:00Z", vec![0; 1])).unwrap();
    }
    assert_eq!(front.waiting().unwrap().len(), 256);
    // Whose offer the project has is read before a crowd of strangers; one that has ended is no more than they are.
    for (state, is_read) in [
        (TicketState::Offered, true),
        (TicketState::Rejected, false),
        (TicketState::Active, true),
        (TicketState::Retired, false),
        (TicketState::Paused, true),
    ] {
        front.tell(&[news("t-a", state, 4)], at(9)).unwrap();
        let found = front.waiting().unwrap();
        assert_eq!((found.len(), found.iter().any(|one| one.ticket == "t-a")), (256, is_read), "{state}");
    }
}

#[test]
fn the_group_of_the_folder_shares_the_files_and_can_put_none_beside_them() {
    let (folder, path) = place();
    let front = Front::open(&path).unwrap();
    front.publish(&content("x"), at(1)).unwrap();
    let mode = |path: &Utf8Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(path.parent().unwrap()), 0o2750);
    for name in ["front.db", "front.db-journal"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o660, "{name}");
    }
    let own = Utf8PathBuf::from_path_buf(folder.path().join("own")).unwrap();
    std::fs::create_dir(&own).unwrap();
    std::fs::set_permissions(&own, Permissions::from_mode(0o700)).unwrap();
    Front::open(&own.join("front.db")).unwrap();
    assert_eq!(mode(&own), 0o700);
}

#[test]
fn nobody_can_make_us_share_memory() {
    use std::os::unix::fs::FileExt as _;

    let (_folder, path) = place();
    let front = Front::open(&path).unwrap();
    front.publish(&content("x"), at(1)).unwrap();
    // What a seized web process would write: the file claims to have a write-ahead log.
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[2, 2], 18).unwrap();
    // And says that somebody has written, so that it is read anew.
    file.write_all_at(&[0xff; 4], 24).unwrap();
    let refused = Front::open(&path).unwrap_err().to_string();
    assert!(refused.contains("write-ahead log"), "{refused}");
    // Also under whoever has it open already.
    assert!(front.publish(&content("y"), at(2)).is_err() && front.waiting().is_err());
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    assert!(!maps.contains(path.file_name().unwrap()), "nothing of it is mapped");
    drop(front);
    file.write_all_at(&[1, 1], 18).unwrap();
    Front::open(&path).unwrap().publish(&content("z"), at(3)).unwrap();
    assert_eq!(Front::open_existing(&path).unwrap().pages(None).unwrap().unwrap().content, content("z"));
}

#[test]
fn two_projects_do_not_share_one() {
    let (_folder, path) = place();
    let front = Front::open(&path).unwrap();
    let (ours, theirs) = (Sha256::of(b"x"), Sha256::of(b"y"));
    front.belongs_to(theirs).unwrap();
    front.publish(&content("x"), at(1)).unwrap();
    front.belongs_to(ours).unwrap();
    assert!(matches!(front.belongs_to(theirs), Err(HistoryError::FrontOfAnother { pin, .. }) if pin == ours));
}

#[test]
fn a_file_that_is_far_too_large_or_none_at_all_is_not_opened() {
    let (_folder, path) = place();
    drop(Front::open(&path).unwrap());
    OpenOptions::new().write(true).open(&path).unwrap().set_len(LARGEST + 1).unwrap();
    assert!(Front::open(&path).unwrap_err().to_string().contains("far larger"));
    std::fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path.as_std_path(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert!(Front::open_existing(&path).unwrap_err().to_string().contains("no regular file"));
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
    assert!(matches!(Front::open(&state), Err(HistoryError::NotFront { .. })));
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
