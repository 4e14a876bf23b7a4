//! A run while it goes on: its events, shown on stderr and written to a file.
//!
//! Only [`Progress`] touches the terminal while a run goes on.

mod bars;
mod lines;
mod ndjson;

use std::io::{self, Write};
use std::time::Instant;

use tokio::sync::mpsc;

pub use bars::Bars;
pub use lines::Lines;
pub use ndjson::EventWriter;

use super::words;
use crate::base::TargetName;
use crate::transfer::{Ending, Event, Outcome};

/// How a run is shown while it goes on.
#[derive(Debug)]
pub enum Progress<W: Write> {
    /// Bars on a terminal.
    Bars(Bars),
    /// Plain lines, for logs and pipes.
    Lines(Lines<W>),
    /// Not at all (`--quiet`).
    Quiet,
}

impl Progress<io::Stderr> {
    /// Bars when stderr is a terminal, lines when it is not, nothing when `quiet`.
    #[must_use]
    pub fn on_stderr(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if io::IsTerminal::is_terminal(&io::stderr()) {
            Self::Bars(Bars::on_stderr())
        } else {
            Self::Lines(Lines::new(io::stderr()))
        }
    }
}

impl<W: Write> Progress<W> {
    /// Shows one event. An error is one of writing; the run itself is not touched by it.
    pub fn show(&mut self, event: &Event, now: Instant) -> io::Result<()> {
        match self {
            Self::Bars(bars) => bars.show(event),
            Self::Lines(lines) => lines.show(event, now),
            Self::Quiet => Ok(()),
        }
    }
}

/// Shows and writes every event until the channel closes.
///
/// A terminal that went away does not stop a run: it is told nothing more. An events file that cannot be written is an
/// error at the end (the file is then incomplete), after all events were shown.
pub async fn follow<W: Write, F: Write>(
    mut events: mpsc::Receiver<Event>,
    mut progress: Progress<W>,
    mut file: Option<EventWriter<F>>,
) -> io::Result<()> {
    let mut written = Ok(());
    while let Some(event) = events.recv().await {
        if progress.show(&event, Instant::now()).is_err() {
            progress = Progress::Quiet;
        }
        if let Some(writer) = &mut file
            && let Err(error) = writer.write(&event)
        {
            written = Err(error);
            file = None;
        }
    }
    written
}

/// `demo: done, complete, 12 files, 1.5 MiB, 2.1 s`: how a target ended, in one line.
fn ended(outcome: &Outcome) -> String {
    let target = &outcome.target;
    match (&outcome.failure, outcome.ending) {
        (Some(failure), ending) => format!("{target}: {ending}: {}", words::reason(failure, target)),
        (None, Ending::Done) => format!(
            "{target}: done, {}, {}, {}, {}",
            words::level(outcome.level),
            words::counted(outcome.objects_sent, "file", "files"),
            outcome.bytes_sent,
            words::duration(outcome.duration_ms)
        ),
        (None, ending) => format!("{target}: {ending}"),
    }
}

/// `demo: try 1 failed, again in 0.5 s: put a: timed out`: why nothing moves for a while.
fn retry(target: &TargetName, what: &str, attempt: u32, pause_ms: u64) -> String {
    let what = words::without_target(what, target);
    format!("{target}: try {attempt} failed, again in {}: {what}", words::duration(pause_ms))
}
