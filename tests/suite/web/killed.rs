//! `serve` is killed in the middle of its work, again and again: what was answered with a ticket is there.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use camino::{Utf8Path, Utf8PathBuf};
use spartacus::base::Sha256;
use spartacus::registration::Ticket;
use spartacus::trust::SigningKey;

use super::offers::try_connect_from;
use super::site::{Answer, ask, message, serve, try_on};
use crate::cli_desk::Desk;
use crate::support::process;
use crate::support::strace::Trace;
use crate::support::{schema, tools};

/// Calls by which a message is written, and in which of them the kernel ends the process: the nth of a thread. SQLite makes each
/// message last in five steps (`fsync`): the journal, its folder, the journal's head, the database, the end of the journal. The 13th
/// piece (`pwrite64`) is the second page of the database.
const IN_A_CALL: [(&str, usize); 8] =
    [("fsync", 1), ("fsync", 2), ("fsync", 3), ("fsync", 4), ("fsync", 5), ("pwrite64", 5), ("pwrite64", 13), ("fsync", 9)];
/// Somebody ends it after so many answers, while others are still waited for.
const AFTER_ANSWERS: [usize; 7] = [1, 2, 3, 5, 8, 13, 21];
/// Posts at the same time.
const AT_ONCE: usize = 4;
/// Nobody posts more than this and is not stopped by a kill.
const MOST_OF_ONE: usize = 100;

/// People who post offers, each of a volunteer of their own and from a network of their own, until nobody answers any more.
struct Crowd {
    front: SocketAddr,
    pin: Sha256,
    /// Networks that somebody came from.
    seen: AtomicUsize,
    /// Nobody is to post any more.
    over: AtomicBool,
}

impl Crowd {
    fn new(front: SocketAddr, pin: Sha256) -> Self {
        Self { front, pin, seen: AtomicUsize::new(0), over: AtomicBool::new(false) }
    }

    /// Posts one offer after the other; tells the ticket of each that was answered for.
    fn post(&self, answered: &Sender<String>) {
        for _ in 0..MOST_OF_ONE {
            let key = SigningKey::generate("volunteer").expect("a key");
            let file = message(&key, self.pin, 0);
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            match self.send(&file) {
                // The rest of the answer may be missing; its first line is what a volunteer relies on.
                Ok(answer) if answer.status == 202 => {
                    // Whoever waits for the answers may have heard enough.
                    let _ = answered.send(Ticket::of(self.pin, key.public()).to_string());
                }
                Ok(answer) => println!("{} {}", answer.head, String::from_utf8_lossy(&answer.body)),
                Err(_) => return,
            }
        }
    }

    fn send(&self, file: &str) -> io::Result<Answer> {
        let network = self.seen.fetch_add(1, Ordering::SeqCst);
        let headers =
            format!("Content-Type: application/json\r\nX-Forwarded-For: {}.{}.0.9\r\n", 20 + network / 200, network % 200);
        let stream = try_connect_from(SocketAddr::from(([127, 9, 0, 1], 0)), self.front)?;
        try_on(stream, "POST", "/api/v1/offers", &headers, file.as_bytes())
    }
}

/// A project, and what its front has answered for.
struct Desks {
    project: Desk,
    database: Utf8PathBuf,
    folder: tempfile::TempDir,
    pin: Sha256,
    answered: BTreeSet<String>,
}

impl Desks {
    fn new() -> Self {
        let project = Desk::with_targets(&["local"]);
        project.edit("targets.yaml", "targets:", "serve: {waiting: 5000}\ntargets:");
        project.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
        project.run(&["check"]).ends_with(0);
        let database = Utf8PathBuf::from_path_buf(project.path(".spartacus/front/front.db")).expect("UTF-8");
        let pin = Sha256::of(&std::fs::read(project.path(".spartacus/metadata/1.root.json")).expect("init writes it"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { project, database, folder, pin, answered: BTreeSet::new() }
    }

    /// Killed by the kernel in the nth such call of a thread.
    fn killed_in(&mut self, call: &str, nth: usize) {
        let trace = Trace::into_file(self.folder.path().join(format!("{call}-{nth}.trace")));
        let (traced, inject) = (format!("trace={call}"), format!("inject={call}:signal=SIGKILL:when={nth}"));
        let mut words = trace.words_beside();
        words.extend(["-e", &traced, "-e", &inject]);
        let (server, front, _) = serve(self.folder.path(), &self.database, &words);
        let (sender, answers) = channel();
        Crowd::new(front, self.pin).post(&sender);
        drop(sender);
        self.answered.extend(answers);
        let end = trace.end_of(server.id());
        assert!(end.contains("killed by SIGKILL"), "{end}");
    }

    /// Killed by somebody once so many answers have come.
    fn killed_after(&mut self, count: usize) {
        let (server, front, _) = serve(self.folder.path(), &self.database, &[]);
        let crowd = Crowd::new(front, self.pin);
        let (sender, answers) = channel();
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                let (crowd, sender) = (&crowd, sender.clone());
                scope.spawn(move || crowd.post(&sender));
            }
            // Nobody else holds one then, so that waiting ends where all of them gave up.
            drop(sender);
            let first: Vec<String> = answers.iter().take(count).collect();
            server.signal("KILL");
            crowd.over.store(true, Ordering::SeqCst);
            assert_eq!(first.len(), count, "the front ended by itself: {}", server.log());
            self.answered.extend(first);
        });
        self.answered.extend(answers);
    }

    /// Started again, it knows every ticket.
    fn serves(&self) {
        let (_server, front, _) = serve(self.folder.path(), &self.database, &[]);
        for ticket in &self.answered {
            let told = ask(front, "GET", &format!("/api/v1/offers/{ticket}"), "", b"");
            assert_eq!((told.status, &told.json()["state"]), (200, &"offered".into()), "{ticket}");
        }
    }

    /// The maintainer's side takes in everything that was answered for.
    fn lists(&self) {
        let listed = self.project.run(&["offers", "list", "--json"]).ends_with(0);
        assert!(!listed.err.contains("warning: ") && !listed.err.contains("was not taken"), "{}", listed.err);
        let told = schema::expect_command("offers", &listed.out);
        let offers = told["offers"].as_array().expect("a list");
        let known: BTreeSet<String> = offers.iter().map(|offer| offer["ticket"].as_str().expect("a ticket").to_owned()).collect();
        let missing: Vec<&String> = self.answered.difference(&known).collect();
        assert!(missing.is_empty(), "{missing:?} were answered for, and are gone");
    }
}

fn is_whole(database: &Utf8Path) {
    let said = process::run(Command::new(tools::program("sqlite3")).args([database.as_str(), "PRAGMA integrity_check"]));
    assert_eq!(said, "ok\n");
}

/// Whether a write was broken off: its journal is still there, and tells how to undo it.
fn is_broken_off(database: &Utf8Path) -> bool {
    std::fs::metadata(format!("{database}-journal")).expect("it is there for good").len() > 0
}

#[test]
fn what_was_answered_with_a_ticket_survives_kills_at_any_moment() {
    let mut desks = Desks::new();
    let mut broken_off = 0;
    for (round, (call, nth)) in IN_A_CALL.into_iter().enumerate() {
        desks.killed_in(call, nth);
        broken_off += usize::from(is_broken_off(&desks.database));
        // Either side may be the first that comes upon what is left.
        if round % 2 == 0 {
            desks.serves();
        }
        desks.lists();
        is_whole(&desks.database);
    }
    assert!(broken_off >= 3, "only {broken_off} kills came in the middle of a write");
    for (round, count) in AFTER_ANSWERS.into_iter().enumerate() {
        desks.killed_after(count);
        broken_off += usize::from(is_broken_off(&desks.database));
        if round % 2 == 0 {
            desks.serves();
        }
        desks.lists();
        is_whole(&desks.database);
    }
    println!("{} messages were answered for; {broken_off} writes were broken off", desks.answered.len());
    assert!(desks.answered.len() >= AFTER_ANSWERS.iter().sum());
    desks.project.run(&["schedule", "--once"]).ends_with(0);
    desks.lists();
    desks.serves();
}
