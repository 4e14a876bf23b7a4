//! Checks of mirrors that are dead, slow or badly configured: one of them spoils nothing for the others.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::cli_desk::Desk;
use crate::scripted::{Act, Scripted, answer};

/// A project with one good folder, to which v1 was pushed.
fn desk() -> Desk {
    let desk = Desk::with_targets(&["one"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

/// Another entry at the end of `targets.yaml`.
fn add(desk: &Desk, entry: &str) {
    desk.write("targets.yaml", &format!("{}\n{entry}", desk.read("targets.yaml").trim_end()));
}

/// The verdict on a mirror in a report of `check --json`.
fn verdict<'a>(report: &'a Value, target: &str) -> &'a Value {
    let mirrors = report["mirrors"].as_array().expect("a list");
    mirrors.iter().find(|mirror| mirror["target"] == target).expect("every mirror is in the report")
}

#[test]
fn an_authority_that_is_missing_concerns_its_own_mirror_only() {
    let desk = desk();
    add(&desk, "  - name: other\n    folder: {path: other}\n    public_url: https://127.0.0.1:1/\n    ca: nowhere.pem\n");
    let said = desk.run(&["check"]).ends_with(4);
    assert!(said.out.contains("nowhere.pem"), "{}", said.out);
    assert_eq!(said.headline(), "v1 current on 1 of 2 mirrors, wanted 2");
    let report: Value = serde_json::from_str(&desk.run(&["check", "--json"]).ends_with(4).out).expect("JSON");
    assert_eq!(verdict(&report, "one")["verdict"], "current");
    assert_eq!(verdict(&report, "other")["verdict"], "unreadable");
    assert_eq!(verdict(&report, "other")["via"], "https://127.0.0.1:1/");
}

/// Whether the other side has not closed this connection, whatever it sent.
fn is_open(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn hosts_that_never_answer_are_waited_for_together() {
    let desk = desk();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    for name in ["dead", "silent"] {
        add(
            &desk,
            &format!(
                "  - name: {name}\n    sftp:\n      host: 127.0.0.1\n      port: {port}\n      user: u\n      path: /{name}\n      \
                 password: {{command: [echo, pass-{name}]}}\n      host_keys: [\"SHA256:{}\"]\n",
                "A".repeat(43)
            ),
        );
    }
    // The second connection comes while the first still waits; then both are told to go.
    let host = std::thread::spawn(move || {
        let (first, _) = listener.accept().expect("a connection");
        let (_second, _) = listener.accept().expect("another connection");
        is_open(&first)
    });
    let said = desk.run(&["check", "--json"]).ends_with(4);
    assert!(host.join().expect("it does not panic"), "one was given up before the other was met");
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    for (target, expected) in [("one", "current"), ("dead", "unreadable"), ("silent", "unreadable")] {
        assert_eq!(verdict(&report, target)["verdict"], expected, "{}", said.out);
    }
    assert_eq!(verdict(&report, "dead")["via"], "store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_is_busy_for_a_moment_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let server = Scripted::start(move |_| {
        let status = if asked.fetch_add(1, Ordering::SeqCst) == 0 { "503 Service Unavailable" } else { "404 Not Found" };
        Act::Send(answer(status, &[], ""))
    })
    .await;
    let entry = format!("  - name: busy\n    webdav: {{url: \"{}\"}}\n", server.base);
    let said = tokio::task::spawn_blocking(move || {
        let desk = desk();
        add(&desk, &entry);
        desk.run(&["check", "--json"]).ends_with(4)
    });
    let report: Value = serde_json::from_str(&said.await.expect("it does not panic").out).expect("JSON");
    assert_eq!(verdict(&report, "busy")["verdict"], "incomplete", "{report}");
}

/// A host that takes every connection and never says a word.
struct Stalled {
    port: u16,
    met: Arc<AtomicUsize>,
}

impl Stalled {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let met = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&met);
        // The connections are held until the test's process ends.
        std::thread::spawn(move || {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                held.push(stream);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, met }
    }

    fn was_met(&self) -> bool {
        self.met.load(Ordering::SeqCst) > 0
    }
}

/// `one` is good, and `slow` never answers its readers. One is looked at after the other.
fn desk_with_stalled(host: &Stalled) -> Desk {
    let desk = desk();
    desk.edit("targets.yaml", "replicas: all", "concurrency: 1\n  replicas: all");
    std::fs::create_dir(desk.path("slow")).expect("a new folder");
    add(&desk, &format!("  - name: slow\n    folder: {{path: slow}}\n    public_url: http://127.0.0.1:{}/\n", host.port));
    desk
}

#[test]
fn an_interrupted_check_tells_what_it_knows() {
    let host = Stalled::start();
    let desk = desk_with_stalled(&host);
    // A look at the metadata alone would look at both at once.
    let said = desk.run_until(&["check", "--files", "--json"], "INT", || host.was_met()).ends_with(130);
    crate::support::schema::expect_check(&said.out);
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(verdict(&report, "one")["verdict"], "current", "{report}");
    assert_eq!(report["unfinished"], serde_json::json!(["slow"]));
    assert_eq!(report["headline"], "v1 complete on 1 of 2 mirrors, wanted 2 (cancelled)");
    assert_eq!(verdict(&report, "slow")["evidence"][0]["what"], "stopped before this mirror was done");

    // What was learnt is remembered; that the other was not waited for is no finding about it.
    let status: Value = serde_json::from_str(&desk.run(&["status", "--json"]).ends_with(0).out).expect("JSON");
    assert_eq!(verdict(&status, "one")["check"]["found"]["verdict"], "current");
    let known = status["mirrors"].as_array().expect("a list");
    assert!(!known.iter().any(|mirror| mirror["target"] == "slow" && !mirror["check"].is_null()), "{status}");
}

#[test]
fn a_push_that_is_stopped_while_it_verifies_ends_as_stopped() {
    let host = Stalled::start();
    let desk = desk_with_stalled(&host);
    let said = desk.run_until(&["push", "--verify"], "TERM", || host.was_met()).ends_with(143);
    assert_eq!(said.headline(), "v1 verified on 1 of 2 mirrors, wanted 2 (cancelled)");
}

#[test]
fn a_forecast_can_be_stopped() {
    let host = Stalled::start();
    let desk = desk();
    add(&desk, &format!("  - name: slow\n    webdav: {{url: \"http://127.0.0.1:{}/\"}}\n", host.port));
    for command in [&["push", "--dry-run"][..], &["repair", "--dry-run"]] {
        host.met.store(0, Ordering::SeqCst);
        let said = desk.run_until(command, "INT", || host.was_met()).ends_with(130);
        assert!(said.out.starts_with("one: 0 objects"), "{}", said.out);
        assert_eq!(said.headline(), "dry run: nothing was sent (cancelled)");
    }
}
