//! References to secrets: the file never holds one in clear.

use std::io::Read as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;

use super::sealed::{SealError, open_file};
use crate::base::{Hinted, Secret};

/// Longest secret that is read, in bytes.
const MAX_SECRET: u64 = 64 * 1024;
/// A password command that takes longer, its output included, is stopped.
const COMMAND_TIME: Duration = Duration::from_secs(10);

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `env:NAME`
    Env(String),
    /// `file:PATH`
    File(Utf8PathBuf),
    /// `command: [program, argument, ...]`, run without a shell.
    Command(Vec<String>),
    /// `sealed:PATH`, a file sealed with age.
    Sealed {
        /// The sealed file; it may be read by anybody.
        file: Utf8PathBuf,
        /// Who opens it: the project's own identity.
        identity: Utf8PathBuf,
    },
}

/// A secret could not be had. The message names the reference, never the value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set or is not text.
    #[error("the environment variable {0} is not set")]
    Env(String),
    /// The file cannot be read.
    #[error("cannot read the secret file {path}")]
    File {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error("the secret file {path} may be read by others (mode {mode:o})")]
    Mode {
        /// The file.
        path: Utf8PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file could not be opened with the project's identity.
    #[error("cannot open the sealed secret {file}")]
    Sealed {
        /// The file.
        file: Utf8PathBuf,
        /// Why.
        source: SealError,
    },
    /// The command failed to start, ended badly or took too long.
    #[error("the password command {program} {reason}")]
    Command {
        /// Its first word.
        program: String,
        /// What happened.
        reason: String,
    },
    /// Nothing came.
    #[error("{0} gave an empty secret")]
    Empty(String),
}

impl Hinted for SecretError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Env(name) => Some(format!("export {name}=...")),
            Self::Mode { path, .. } => Some(format!("chmod 600 {path}")),
            Self::Sealed { source, .. } => source.hint(),
            _ => None,
        }
    }
}

impl SecretRef {
    /// Fetches the secret. One trailing line end is dropped.
    ///
    /// It blocks: a command for up to 10 seconds, a file for as long as its disk does.
    pub fn resolve(&self) -> Result<Secret, SecretError> {
        let text = match self {
            Self::Env(name) => std::env::var(name).map_err(|_| SecretError::Env(name.clone()))?,
            Self::File(path) => read_file(path)?,
            Self::Command(words) => run(words, COMMAND_TIME)?,
            Self::Sealed { file, identity } => unseal(file, identity)?,
        };
        let trimmed = text.strip_suffix('\n').map_or(text.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
        if trimmed.is_empty() {
            return Err(SecretError::Empty(self.describe()));
        }
        Ok(Secret::new(trimmed.to_owned()))
    }

    /// The reference as the user wrote it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Env(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{path}"),
            Self::Command(words) => format!("command {}", words.first().map_or("", String::as_str)),
            Self::Sealed { file, .. } => format!("sealed:{file}"),
        }
    }
}

fn unseal(file: &Utf8PathBuf, identity: &Utf8PathBuf) -> Result<String, SecretError> {
    let fail = |source| SecretError::Sealed { file: file.clone(), source };
    let opened = open_file(file, identity).map_err(fail)?;
    let text = std::str::from_utf8(&opened).map_err(|_| fail(SealError::Damaged("what is in it is no text".to_owned())))?;
    // As all other secrets until they are taken into custody, some lines further up.
    Ok(text.to_owned())
}

fn read_file(path: &Utf8PathBuf) -> Result<String, SecretError> {
    use std::os::unix::fs::PermissionsExt as _;
    let fail = |source| SecretError::File { path: path.clone(), source };
    let file = std::fs::File::open(path).map_err(fail)?;
    let about = file.metadata().map_err(fail)?;
    if !about.is_file() {
        return Err(fail(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no regular file")));
    }
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretError::Mode { path: path.clone(), mode });
    }
    let mut text = String::new();
    file.take(MAX_SECRET).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

/// Runs a command and gives back what it wrote, all within `limit`.
fn run(words: &[String], limit: Duration) -> Result<String, SecretError> {
    let program = words.first().cloned().unwrap_or_default();
    let fail = |reason: String| SecretError::Command { program: program.clone(), reason };
    let end = Instant::now() + limit;
    let mut child = Command::new(&program)
        .args(words.get(1..).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| fail(format!("did not start: {error}")))?;
    let output = child.stdout.take().ok_or_else(|| fail("has no output".to_owned()))?;
    // The output ends when the last process that holds it does, and a command can leave one behind. So it is read on a
    // thread that may stay behind with it.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(MAX_SECRET).read_to_string(&mut text).map(|_| text);
        // Nobody listens any more once the time is over.
        let _ = sender.send(read);
    });
    let status = wait(&mut child, end).map_err(|error| fail(error.to_string()))?;
    let status = status.ok_or_else(|| fail(format!("took longer than {} s", limit.as_secs())))?;
    if !status.success() {
        return Err(fail(format!("ended with {status}")));
    }
    match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
        Ok(read) => read.map_err(|error| fail(error.to_string())),
        Err(RecvTimeoutError::Timeout) => {
            Err(fail(format!("ended, but a process it left behind kept its output open for {} s", limit.as_secs())))
        }
        Err(RecvTimeoutError::Disconnected) => Err(fail("could not be read".to_owned())),
    }
}

/// How `child` ended; `None` when it had not by `end`, and was stopped.
fn wait(child: &mut std::process::Child, end: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > end {
            // The child may have ended in between; then there is nothing to stop.
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Vec<String> {
        ["/bin/sh", "-c", line].map(str::to_owned).into()
    }

    #[test]
    fn a_command_that_leaves_its_output_open_is_not_waited_for() {
        let begun = Instant::now();
        let error = run(&shell("sleep 20 2>/dev/null & echo secret"), Duration::from_secs(2)).expect_err("its output never ends");
        assert!(error.to_string().contains("a process it left behind kept its output open"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_command_that_leaves_another_behind_with_its_own_output_is_fine() {
        let text = run(&shell("sleep 20 >/dev/null 2>&1 & echo secret"), Duration::from_mins(1)).expect("its output ends");
        assert_eq!(text, "secret\n");
    }
}
