//! Ctrl-C before anything is sent: nothing is signed, nothing is published, whatever the command was busy with.

use crate::cli_desk::{Desk, KEY_PASSWORD};
use crate::support::tools;

/// A push that is sent `signal` while it hashes a file large enough to be busy with for a while.
fn stopped_while_hashing(signal: &str, code: i32) {
    let desk = Desk::with_targets(&["one"]);
    let big = std::fs::File::create(desk.path("docs/big")).expect("a new file");
    big.set_len(3 << 30).expect("a file with a hole");
    let line = format!(
        "set -m
         spartacus push docs --as v1 --yes & push=$!
         until ls .spartacus/objects/incoming/.spartacus-*.part >/dev/null 2>&1; do kill -0 $push || exit 99; done
         kill -s {signal} $push
         wait $push"
    );
    let stopped = desk.shell(&line).ends_with(code);
    assert!(stopped.err.contains("error: cancelled"), "{}", stopped.err);
    assert!(!desk.path(".spartacus/metadata/timestamp.json").exists(), "it was published here");
    assert!(!desk.path(".spartacus/staged/v1").exists(), "half a folder was staged");
    assert!(!desk.path("one/metadata").exists(), "something was sent");
}

#[test]
fn a_push_that_is_interrupted_while_it_hashes_publishes_nothing() {
    stopped_while_hashing("INT", 130);
}

#[test]
fn a_push_that_is_terminated_while_it_hashes_publishes_nothing() {
    stopped_while_hashing("TERM", 143);
}

/// Types on a terminal of its own: what stands in `keys` is sent once the program has asked `question`.
fn at_the_terminal(desk: &Desk, command: &str, question: &str, keys: &str) -> i32 {
    let script = tools::program("script");
    let line = format!(
        "mkfifo typed
         {script} -qefc '{command}' shown < typed > /dev/null & exec 3> typed
         until grep -q '{question}' shown 2>/dev/null; do kill -0 $! || exit 99; done
         printf '{keys}' >&3
         wait $!",
        script = script.display()
    );
    desk.shell(&line).code
}

#[test]
fn ctrl_c_at_the_question_or_the_password_ends_the_push_with_130() {
    for (yes, question) in [("", "sign this?"), ("--yes", "password of")] {
        let mut desk = Desk::with_targets(&["one"]);
        desk.set("SPARTACUS_KEY_PASSWORD_FILE", "");
        let code = at_the_terminal(&desk, &format!("spartacus push docs --as v1 {yes}"), question, "\\003");
        assert_eq!(code, 130, "at {question:?}:\n{}", desk.read("shown"));
        assert!(!desk.path(".spartacus/metadata/timestamp.json").exists(), "it was published here");
    }
}

#[test]
fn a_question_is_answered_and_the_password_typed_at_a_terminal() {
    let mut desk = Desk::with_targets(&["one"]);
    desk.set("SPARTACUS_KEY_PASSWORD_FILE", "");
    let code = at_the_terminal(&desk, "spartacus push docs --as v1", "sign this?", &format!("y\\n{KEY_PASSWORD}\\n"));
    assert_eq!(code, 0, "{}", desk.read("shown"));
    assert!(desk.path("one/metadata/timestamp.json").exists());
}
