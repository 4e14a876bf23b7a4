//! Where a program goes, as the kernel sees it: its system calls, written down by strace.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use super::process::{self, wait_until};
use super::tools;

/// Calls that name a place. Over TCP or UDP nobody is reached without one of them.
const GOING: [&str; 4] = ["connect(", "sendto(", "sendmsg(", "sendmmsg("];
/// These, and what shows that a server was one; and the door to a way of doing all of it that strace does not see.
const WRITTEN_DOWN: &str = "trace=connect,sendto,sendmsg,sendmmsg,accept4,io_uring_setup";

/// What one program did, with all its threads and children.
#[derive(Debug)]
pub struct Trace {
    file: PathBuf,
}

impl Trace {
    /// It will be written to `file`. Fails the test where nobody may trace: nothing would be shown then.
    pub fn into_file(file: PathBuf) -> Self {
        let mut harmless = Command::new(tools::program("strace"));
        harmless.args(["-f", "-qq", "-o"]).arg(&file).arg(tools::program("true"));
        let tried = process::output(&mut harmless);
        assert!(
            tried.status.success() && file.metadata().is_ok_and(|about| about.len() > 0),
            "nobody may trace system calls here (ptrace), so this test can show nothing; in a container: --cap-add SYS_PTRACE\n{}",
            process::text(&tried)
        );
        Self { file }
    }

    /// What is written before the program and its arguments, beginning with `strace`, which ends with it.
    pub fn words(&self) -> Vec<&str> {
        // No contents (`-s 0`): who writes them could make them look like a call.
        let file = self.file.to_str().expect("UTF-8");
        vec!["strace", "-f", "-q", "-s", "0", "-e", WRITTEN_DOWN, "-o", file]
    }

    /// The same for a server: the process that is started is the program itself, and strace stands beside it (`-D`), so that
    /// signals reach the program.
    pub fn words_beside(&self) -> Vec<&str> {
        let mut words = self.words();
        words.insert(1, "-D");
        words
    }

    /// Waits until strace has written down how this process ended, which is the last that it writes, and gives that line.
    pub fn end_of(&self, process: u32) -> String {
        let begins = format!("{process} ");
        let mut found = None;
        wait_until("the trace is whole", || {
            let text = self.text();
            found = text.lines().find(|line| line.starts_with(&begins) && line.contains(" +++ ")).map(str::to_owned);
            found.is_some()
        });
        found.expect("it was waited for")
    }

    /// All of it.
    pub fn text(&self) -> String {
        std::fs::read_to_string(&self.file).expect("strace has made it")
    }

    /// Every address that something was sent or connected to, whatever came of it.
    pub fn destinations(&self) -> BTreeSet<SocketAddr> {
        let text = self.text();
        assert!(!text.contains("io_uring_setup("), "it may do things that a trace does not show:\n{text}");
        text.lines().flat_map(destinations).collect()
    }
}

/// What one line of a trace names.
fn destinations(line: &str) -> Vec<SocketAddr> {
    let call = line.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start();
    if !GOING.iter().any(|going| call.starts_with(going)) {
        return Vec::new();
    }
    let address = |rest: &str| {
        let port = rest.split("_port=htons(").nth(1)?.split(')').next()?.parse().ok()?;
        Some(SocketAddr::new(rest.split('"').nth(1)?.parse().ok()?, port))
    };
    call.split("{sa_family=AF_INET").skip(1).map(|rest| address(rest).unwrap_or_else(|| panic!("an address in {line}"))).collect()
}

#[test]
fn every_way_of_going_somewhere_is_read() {
    let v4 = "{sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"192.0.2.1\")}";
    let v6 = "{sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"2001:db8::1\", &sin6_addr), \
              sin6_scope_id=0}";
    let (one, other): (SocketAddr, SocketAddr) =
        ("192.0.2.1:53".parse().expect("an address"), "[2001:db8::1]:53".parse().expect("an address"));
    for (line, expected) in [
        (format!("71    connect(9, {v4}, 16) = -1 EINPROGRESS (Operation now in progress)"), vec![one]),
        (format!("71    connect(9, {v6}, 28 <unfinished ...>"), vec![other]),
        (format!("71    sendto(9, \"\"..., 31, MSG_NOSIGNAL, {v4}, 16) = 31"), vec![one]),
        (format!("71    sendmsg(9, {{msg_name={v6}, msg_namelen=28, msg_iov=[], msg_iovlen=0}}, 0) = 0"), vec![other]),
        (
            format!("71    sendmmsg(9, [{{msg_hdr={{msg_name={v4}}}}}, {{msg_hdr={{msg_name={v6}}}}}], 2, 0) = 2"),
            vec![one, other],
        ),
        ("71    sendto(9, \"\"..., 31, MSG_NOSIGNAL, NULL, 0) = 31".to_owned(), vec![]),
        ("71    connect(9, {sa_family=AF_UNIX, sun_path=\"/var/run/nscd/socket\"}, 110) = -1 ENOENT".to_owned(), vec![]),
        (format!("71    accept4(9, {v4}, [128 => 16], SOCK_CLOEXEC) = 10"), vec![]),
    ] {
        assert_eq!(destinations(&line), expected, "{line}");
    }
}
