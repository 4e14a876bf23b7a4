//! A maintainer at work: a project of its own, and the real program run in it as in a shell.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::mirror::{Mirror, secret_file};
use super::process;

/// The password of every key that these projects make.
const KEY_PASSWORD: &str = "only-for-the-tests";

/// A project that `spartacus init` made in a temporary folder, removed when dropped.
#[derive(Debug)]
pub struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A new project without targets.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        secret_file(folder.path(), "password", KEY_PASSWORD);
        std::fs::create_dir(folder.path().join("project")).expect("the folder is new");
        let project = Self { folder };
        let recovery = project.folder.path().join("recovery.key").display().to_string();
        project.run(&["init", "--name", "e2e", "--recovery-out", &recovery]).ends_with(0);
        project
    }

    /// A new project that pushes to these mirrors, and whose key is theirs.
    pub fn with_mirrors<'a>(mirrors: impl IntoIterator<Item = &'a Mirror>) -> Self {
        let project = Self::new();
        project.name_targets(mirrors.into_iter().map(Mirror::yaml_entry));
        project
    }

    /// Writes these entries as the `targets:` of the configuration, in place of those it had.
    pub fn name_targets(&self, entries: impl IntoIterator<Item = String>) {
        let written = self.configuration();
        let kept: String = written.split_inclusive('\n').take_while(|line| !line.starts_with("targets:")).collect();
        let entries: String = entries.into_iter().collect();
        self.configure(&format!("{kept}targets:\n{entries}"));
    }

    /// Replaces a piece of the configuration that must be there.
    pub fn reconfigure(&self, old: &str, new: &str) {
        let text = self.configuration();
        assert!(text.contains(old), "targets.yaml has no {old:?}:\n{text}");
        self.configure(&text.replace(old, new));
    }

    /// How many copies are wanted, as `policy.replicas` says it.
    pub fn want_replicas(&self, replicas: &str) {
        let text = self.configuration();
        let line = text.lines().find(|line| line.trim_start().starts_with("replicas:")).expect("init writes it");
        self.configure(&text.replace(line, &format!("  replicas: {replicas}")));
    }

    /// The project's folder, where `targets.yaml` is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// A folder beside the project, for trees and downloads. Made when it is not there.
    pub fn beside(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).expect("a folder of the test's own");
        path
    }

    /// The pin that readers hold.
    pub fn pin(&self) -> PathBuf {
        self.path().join("1.root.json")
    }

    /// `spartacus` with these arguments, in the project's folder, unattended.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spartacus"));
        command.args(arguments).arg("--no-input").current_dir(self.path());
        command.env("SPARTACUS_KEY_PASSWORD_FILE", self.folder.path().join("password"));
        // What the person who runs the tests has set must not change what they see.
        for name in ["SPARTACUS_CONFIG", "RUST_LOG", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        Finished { command: format!("spartacus {}", arguments.join(" ")), output: process::output(&mut self.command(arguments)) }
    }

    /// `push FOLDER --as NAME`, confirmed beforehand.
    pub fn push(&self, folder: &Path, name: &str) -> Finished {
        self.run(&["push", utf8(folder), "--as", name, "--yes"])
    }

    fn configuration(&self) -> String {
        std::fs::read_to_string(self.path().join("targets.yaml")).expect("init writes it")
    }

    fn configure(&self, text: &str) {
        std::fs::write(self.path().join("targets.yaml"), text).expect("the project's own file");
    }
}

/// A command that came to its end. Every expectation that fails shows all that it printed.
#[derive(Debug)]
pub struct Finished {
    command: String,
    output: Output,
}

impl Finished {
    /// What became of `command`, for one that was not started by [`Project::run`].
    pub fn new(command: &str, output: Output) -> Self {
        Self { command: command.to_owned(), output }
    }

    /// Expects this exit code (docs/exit-codes.md).
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(code), "the exit code of {self}");
        self
    }

    /// The exit code.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.output.status.code().unwrap_or_else(|| panic!("it was killed: {self}"))
    }

    /// Expects this last line on standard output.
    #[track_caller]
    pub fn concludes(self, headline: &str) -> Self {
        assert_eq!(self.stdout().lines().last(), Some(headline), "the last line of {self}");
        self
    }

    /// Expects these words somewhere in what it printed.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.text().contains(words), "{words:?} is not in {self}");
        self
    }

    /// Expects these words nowhere in what it printed.
    #[track_caller]
    pub fn hides(self, words: &str) -> Self {
        assert!(!self.text().contains(words), "{words:?} is in {self}");
        self
    }

    /// The one JSON object on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout()).unwrap_or_else(|error| panic!("{error}: no JSON from {self}"))
    }

    /// Standard output.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    fn text(&self) -> String {
        process::text(&self.output)
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`, which ended with {}:\n{}", self.command, self.output.status, self.text())
    }
}

/// The path as an argument.
pub fn utf8(path: &Path) -> &str {
    path.to_str().expect("the tests' paths are UTF-8")
}
