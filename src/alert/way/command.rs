//! `command:` a program of this machine.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::error::AlertError;
use super::super::letter::Letter;
use super::Recipients;
use crate::base::{MailAddress, sanitise};

/// What a program gets of our environment. The rest may hold secrets of ours.
const KEPT: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];
/// What is read of its complaints, in bytes.
const COMPLAINT: u64 = 4096;
/// How long its complaints are waited for once it has ended: a process that it left behind may hold them open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Ends a program and all that it started, unless it is disarmed.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself meanwhile; then there is nobody to end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs the program with the message on its standard input; success is its exit code 0. When the caller stops waiting, it
/// and all that it started are ended.
pub(super) async fn run(words: &[String], letter: &Letter, to: Recipients<'_>) -> Result<(), AlertError> {
    let (program, arguments) = words.split_first().expect("the configuration names a program");
    let fail = |reason: String| AlertError::Command { program: sanitise(program), reason: sanitise(&reason) };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| fail(format!("did not start: {error}")))?;
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let event = event(letter, to);
    let written = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read its input has decided that it needs none.
            let _ = stdin.write_all(event.as_bytes()).await;
        }
    };
    let complaints = tokio::spawn(async move {
        let mut text = Vec::new();
        if let Some(stderr) = stderr {
            let _ = stderr.take(COMPLAINT).read_to_end(&mut text).await;
        }
        String::from_utf8_lossy(&text).trim().to_owned()
    });
    let ((), status) = tokio::join!(written, child.wait());
    let status = status.map_err(|error| fail(error.to_string()))?;
    // It came to its own end: what it left behind on purpose may go on.
    group.0 = None;
    if status.success() {
        return Ok(());
    }
    let said = tokio::time::timeout(LAST_WORDS, complaints).await.ok().and_then(Result::ok).filter(|said| !said.is_empty());
    Err(fail(said.map_or_else(|| format!("ended with {status}"), |said| format!("ended with {status}: {said}"))))
}

/// `spartacus.alert/1`: the message, with the addresses of those whom a route for volunteers is to reach.
fn event(letter: &Letter, to: Recipients<'_>) -> String {
    #[derive(serde::Serialize)]
    struct Event<'a> {
        schema: &'static str,
        #[serde(flatten)]
        letter: &'a Letter,
        to: Vec<&'a str>,
    }
    let to = to.iter().map(MailAddress::as_str).collect();
    let event = Event { schema: "spartacus.alert/1", letter, to };
    format!("{}\n", serde_json::to_string(&event).expect("records have text keys and finite numbers"))
}
