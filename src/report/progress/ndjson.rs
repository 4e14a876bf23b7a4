//! `--events FILE`: every event as one line of JSON.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::super::json::escape_json;
use crate::base::Clock;
use crate::transfer::Event;

/// Writes NDJSON: one object a line, each flushed at once so that `tail -f` and a killed run show all that happened.
///
/// The first line names the schema, `spartacus.events/1`; every other line is an event and the moment it was told.
#[derive(Debug)]
pub struct EventWriter<F: Write> {
    out: F,
    clock: Clock,
}

#[derive(Serialize)]
struct Opening {
    at: Timestamp,
    event: &'static str,
    schema: &'static str,
}

#[derive(Serialize)]
struct Line<'a> {
    at: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

impl<F: Write> EventWriter<F> {
    /// Begins the file: done before the run starts, so that a file that cannot be written stops it in time.
    pub fn begin(out: F, clock: Clock) -> io::Result<Self> {
        let mut writer = Self { out, clock };
        writer.line(&Opening { at: clock.now(), event: "opened", schema: "spartacus.events/1" })?;
        Ok(writer)
    }

    /// Writes one event.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let at = self.clock.now();
        self.line(&Line { at, event })
    }

    /// `serde_json` escapes line feeds inside strings, so that an event never spans lines.
    fn line(&mut self, object: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(object).map_err(io::Error::other)?;
        writeln!(self.out, "{}", escape_json(&text))?;
        self.out.flush()
    }
}
