//! Runs commands as a person would, and shows each before it runs.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// A working folder, an environment, and the program.
pub struct Shell {
    folder: PathBuf,
    program: PathBuf,
    environment: Vec<(String, String)>,
}

impl Shell {
    /// Works in `folder`; `spartacus` means `program`.
    pub fn new(folder: &Path, program: &Path) -> anyhow::Result<Self> {
        let place = program.parent().context("the program lies in no folder")?;
        let shell = Self { folder: folder.to_owned(), program: program.to_owned(), environment: Vec::new() };
        echo(&format!("cd {}", folder.display()));
        echo(&format!("export PATH={}:$PATH", place.display()));
        Ok(shell)
    }

    /// Sets a variable for all commands that follow.
    pub fn variable(&mut self, name: &str, value: &str) {
        echo(&format!("export {name}={value}"));
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a secret to a new file that only its owner can read, and sets a variable to its path.
    pub fn secret_file(&mut self, variable: &str, path: &Path, secret: &str) -> anyhow::Result<()> {
        echo(&format!("(umask 077; echo {secret} > {})", path.display()));
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path).context("cannot write the password file")?;
        writeln!(file, "{secret}").context("cannot write the password file")?;
        self.variable(variable, &path.display().to_string());
        Ok(())
    }

    /// Runs `spartacus` with these arguments. Its standard output is shown as it comes, and returned.
    ///
    /// # Errors
    /// When it ends with another code than `expected`.
    pub async fn run(&self, arguments: &[&str], expected: i32) -> anyhow::Result<String> {
        echo(&format!("spartacus {}", arguments.join(" ")));
        let mut command = Command::new(&self.program);
        command.args(arguments);
        let (code, output) = self.follow(command).await?;
        if expected != 0 && code == expected {
            echo(&format!("echo $?\n{code}"));
        }
        ensure!(code == expected, "`spartacus {}` ended with {code}, not {expected}", arguments.join(" "));
        Ok(output)
    }

    /// Runs a line of shell.
    pub async fn shell(&self, line: &str) -> anyhow::Result<()> {
        echo(line);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]);
        let (code, _) = self.follow(command).await?;
        ensure!(code == 0, "`{line}` ended with {code}");
        Ok(())
    }

    async fn follow(&self, mut command: Command) -> anyhow::Result<(i32, String)> {
        command.current_dir(&self.folder).envs(self.environment.iter().map(|(name, value)| (name, value)));
        // What the person who runs it has set must not change what is shown.
        command.env_remove("SPARTACUS_CONFIG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("cannot start the command")?;
        let stdout = child.stdout.take().context("the command has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut output = String::new();
        while let Some(line) = lines.next_line().await.context("cannot read the command's output")? {
            print(&line);
            output.push_str(&line);
            output.push('\n');
        }
        let status = child.wait().await.context("cannot wait for the command")?;
        Ok((status.code().context("the command was killed")?, output))
    }
}

/// Tells the story.
pub fn say(words: &str) {
    print(&format!("\n{words}"));
}

/// Shows a file that the maintainer edits, and what stands in it then.
pub fn show_file(name: &str, text: &str) {
    echo(&format!("$EDITOR {name}"));
    for line in text.lines() {
        print(&format!("    {line}"));
    }
}

fn echo(line: &str) {
    print(&format!("$ {line}"));
}

/// Whoever closes the pipe (`| head`) has seen enough; the story goes on to its end and cleans up.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
