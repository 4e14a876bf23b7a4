//! `spartacus completions` and `spartacus man`: what shells and `man` read.

use camino::Utf8Path;
use clap::CommandFactory as _;

use super::args::Arguments;
use super::exit::{self, Ended, Failure};
use super::surface::{Surface, say};

/// Completions for one shell. Made in memory: a reader that goes away (`| head`) is no failure.
pub fn completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "spartacus", &mut script);
    say(&String::from_utf8_lossy(&script));
}

/// The page about the whole program, or a page for every command in `folder`.
pub fn man(surface: &Surface, folder: Option<&Utf8Path>) -> Ended {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
        say(&String::from_utf8_lossy(&page));
        return Ok(exit::OK);
    };
    clap_mangen::generate_to(Arguments::command(), folder).map_err(|error| {
        Failure::new(exit::USAGE, anyhow::Error::new(error).context(format!("cannot write manual pages into {folder}")))
            .hint(format!("mkdir -p {folder}"))
    })?;
    surface.remark(&format!("manual pages are in {folder}"));
    Ok(exit::OK)
}
