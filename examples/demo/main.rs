//! The main job, shown: one signed release on three mirrors, one byte altered, found and repaired.
//!
//! The mirrors run inside this process on loopback; every command runs the real program and is printed before it runs, so
//! that it can be repeated by hand in another terminal while the demo stays (`--stay`). Needs no root and installs nothing.
//! Ends with the line `demo-1 verified on 3 of 3 mirrors`, or with an error if anything was not as it should be.

mod mirrors;
mod shell;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use mirrors::Mirror;
use shell::{Shell, say, show_file};

/// The release that the demo publishes: the repository's own documentation.
const RELEASE: &str = "demo-1";
/// The file that goes bad, below the release's folder.
const ALTERED: &str = "architecture.md";
/// Where in it, in bytes from its beginning.
const ALTERED_AT: usize = 42;
/// What `check` says when a mirror serves bytes that nobody signed (docs/exit-codes.md).
const FORGED: i32 = 6;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let stay = std::env::args().any(|argument| argument == "--stay");
    // Removed on every way out, Ctrl-C included.
    let folder = tempfile::Builder::new().prefix("spartacus-demo-").tempdir().context("cannot make a temporary folder")?;
    tokio::select! {
        outcome = show(folder.path()) => outcome?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted; the mirrors are gone"),
    }
    if stay {
        say("The mirrors stay up; press Ctrl-C to end and clean up.");
        tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
    }
    Ok(())
}

async fn show(folder: &Path) -> anyhow::Result<()> {
    let documentation = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let project = folder.join("project");
    std::fs::create_dir(&project).context("cannot make the project's folder")?;

    let mirrors = mirrors::start(&folder.join("mirrors"), Some(&project.join("keys/deploy_ed25519"))).await?;
    let headline = format!("{RELEASE} verified on {count} of {count} mirrors", count = mirrors.len());
    let mut shell = Shell::new(&project, &spartacus()?)?;

    let faces = mirrors
        .iter()
        .map(|mirror| format!("  {:<12} listens on {}, readers see {}", mirror.name, mirror.address, mirror.public_url));
    say(&format!("Three mirrors are up on loopback:\n{}", faces.collect::<Vec<_>>().join("\n")));

    say(
        "A maintainer begins: keys, and a file that names the mirrors. Passwords come from files, credentials from the environment.",
    );
    shell.secret_file("SPARTACUS_KEY_PASSWORD_FILE", &folder.join("password"), "only-for-the-demo")?;
    shell.variable(mirrors::PASSWORD_VARIABLE, mirrors::PASSWORD);
    shell.variable(mirrors::ACCESS_KEY_VARIABLE, mirrors::ACCESS_KEY);
    shell.variable(mirrors::SECRET_KEY_VARIABLE, mirrors::SECRET_KEY);
    let recovery = folder.join("recovery.key").display().to_string();
    shell.run(&["init", "--name", "demo", "--recovery-out", &recovery], 0).await?;
    name_the_mirrors(&project.join("targets.yaml"), &mirrors)?;

    say("One command stages, signs and pushes to all of them at once:");
    let docs = documentation.display().to_string();
    let pushed = shell.run(&["push", &docs, "--as", RELEASE, "--yes", "--verify"], 0).await?;
    ends_with(&pushed, &headline)?;

    let victim = mirrors.iter().find(|mirror| mirror.name == "demo-sftp").context("no SFTP mirror was started")?;
    let object = format!("releases/{RELEASE}/{ALTERED}");
    say(&format!("On {} one byte of one file changes. Its size does not.", victim.name));
    shell.shell(&flip(&victim.folder.join(&object))?).await?;

    say("A full check reads every byte through the public addresses, as readers do:");
    let found = shell.run(&["check", "--full"], FORGED).await?;
    finds_only(&found, victim, &object)?;

    say("Repair sends that file anew, and the two unsigned pages that go with every change:");
    shell.run(&["repair"], 0).await?;
    ensure!(
        std::fs::read(victim.folder.join(&object))? == std::fs::read(documentation.join(ALTERED))?,
        "repair left {object} altered on {}",
        victim.name
    );

    say("And all is well:");
    let healthy = shell.run(&["check", "--full"], 0).await?;
    ends_with(&healthy, &headline)
}

fn ends_with(output: &str, headline: &str) -> anyhow::Result<()> {
    ensure!(output.lines().last() == Some(headline), "the last line is not `{headline}`");
    Ok(())
}

/// The program under demonstration: built beside this example by the same cargo profile.
fn spartacus() -> anyhow::Result<PathBuf> {
    let example = std::env::current_exe().context("cannot find the demo's own path")?;
    let program = example.parent().and_then(Path::parent).map(|profile| profile.join("spartacus"));
    program.filter(|path| path.is_file()).context("the program is not built: run `make demo`, or `cargo build` first")
}

/// Puts the mirrors into the file that `init` wrote.
fn name_the_mirrors(file: &Path, mirrors: &[Mirror]) -> anyhow::Result<()> {
    let written = std::fs::read_to_string(file).with_context(|| format!("init left no {}", file.display()))?;
    let kept: String = written.split_inclusive('\n').take_while(|line| !line.starts_with("targets:")).collect();
    let entries: String = mirrors.iter().map(|mirror| mirror.entry.as_str()).collect();
    std::fs::write(file, format!("{kept}targets:\n{entries}")).context("cannot write targets.yaml")?;
    show_file("targets.yaml", &format!("targets:\n{entries}"));
    Ok(())
}

/// The shell command that replaces one byte by its neighbour in the alphabet.
fn flip(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("the push left no {}", file.display()))?;
    let byte = *bytes.get(ALTERED_AT).with_context(|| format!("{} is too short to alter", file.display()))?;
    let other = if byte == b'x' { 'y' } else { 'x' };
    Ok(format!("printf {other} | dd of='{}' bs=1 seek={ALTERED_AT} conv=notrunc status=none", file.display()))
}

/// The check must name the altered file, the mirror that has it, and no other file.
fn finds_only(output: &str, victim: &Mirror, object: &str) -> anyhow::Result<()> {
    let folder = format!("releases/{RELEASE}/");
    let is_delimiter = |letter: char| letter.is_whitespace() || "`'\",;:()|".contains(letter);
    let named: BTreeSet<_> = output.split(is_delimiter).filter(|word| word.starts_with(&folder)).collect();
    ensure!(named == BTreeSet::from([object]), "the check names {named:?} instead of only {object}");
    ensure!(output.lines().any(|line| line.contains(victim.name)), "the check does not name {}", victim.name);
    Ok(())
}
