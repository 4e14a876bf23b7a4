//! A folder in which commands are typed, and the real program that runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::mirror::secret_file;
use crate::support::process::{self, wait_until};

/// The password of every key made here.
pub const KEY_PASSWORD: &str = "password-of-the-keys";

/// A temporary folder with a password file. Commands run in it without a terminal and with hardly any environment.
#[derive(Debug)]
pub struct Desk {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// How a command ended and what it said. The temporary folder is written `DESK`.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Asserts the exit code; shows everything that was said if it is another.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts the whole of stderr.
    #[track_caller]
    pub fn complains(self, code: i32, expected: &str) {
        let said = self.ends_with(code);
        assert_eq!(said.err.trim_end(), expected.trim_end());
    }

    /// The last line of stdout: the headline.
    pub fn headline(&self) -> &str {
        self.out.lines().last().unwrap_or_default()
    }
}

impl Desk {
    /// An empty folder, and a file that answers for every password.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let password = secret_file(folder.path(), "password", KEY_PASSWORD);
        let mut desk = Self { folder, environment: Vec::new() };
        desk.set("SPARTACUS_KEY_PASSWORD_FILE", &password.display().to_string());
        desk
    }

    /// A project of one person in the folder itself, without targets, and a small tree `docs`.
    pub fn with_project() -> Self {
        let desk = Self::empty();
        desk.write("docs/README", "read me\n");
        desk.write("docs/guide/one.txt", "chapter one\n");
        let recovery = tempfile::tempdir().expect("a temporary folder");
        let out = recovery.path().join("recovery.key").display().to_string();
        desk.run(&["init", "--name", "demo", "--recovery-out", &out]).ends_with(0);
        desk
    }

    /// The same with folder targets of these names.
    pub fn with_targets(names: &[&str]) -> Self {
        let desk = Self::with_project();
        for name in names {
            fs::create_dir(desk.path(name)).expect("a new folder");
            desk.run(&["target", "add", name, &format!("folder:{}", desk.path(name).display())]).ends_with(0);
        }
        desk
    }

    /// A path below the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("folders can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// The text of a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file can be read")
    }

    /// Replaces the first `from` in a file.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from:?}:\n{text}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Sets a variable for the commands that follow; an empty value takes it away.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.environment.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Runs `spartacus` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.said(Command::new(program()).args(arguments))
    }

    /// Runs a line of shell, in which `spartacus` is the program.
    pub fn shell(&self, line: &str) -> Said {
        loop {
            let said = self.said(Command::new("/bin/bash").args(["-c", line]));
            if !process::is_stale_faketime(said.err.as_bytes()) {
                return said;
            }
        }
    }

    /// Runs `spartacus` and sends it this signal (`INT`, `TERM`) once `ready` holds.
    pub fn run_until(&self, arguments: &[&str], signal: &str, ready: impl FnMut() -> bool) -> Said {
        let mut command = Command::new(program());
        self.prepared(command.args(arguments)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("the program starts");
        wait_until("the program is where it should be stopped", ready);
        let id = child.id().to_string();
        process::run(Command::new("/bin/sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &id]));
        self.heard(&child.wait_with_output().expect("our own child"))
    }

    fn said(&self, command: &mut Command) -> Said {
        let output = self.prepared(command).output().expect("the program starts");
        self.heard(&output)
    }

    /// A command with the environment of these commands, to be run in another way.
    pub fn prepared<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let place = program().parent().expect("a folder").display();
        let command = command.current_dir(self.folder.path()).stdin(Stdio::null()).env_clear();
        command.env("PATH", format!("{place}:/usr/bin:/bin")).env("HOME", self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)))
    }

    fn heard(&self, output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&self.folder.path().display().to_string(), "DESK");
        let code = output.status.code().expect("the program was not killed");
        Said { code, out: text(&output.stdout), err: text(&output.stderr) }
    }
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_spartacus"))
}
