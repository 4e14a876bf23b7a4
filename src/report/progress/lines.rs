//! Progress as plain lines.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::{ended, retry, words};
use crate::base::{ByteCount, TargetName, escape};
use crate::transfer::{Event, Stage};

/// Between two lines about the bytes of one target. A log of a night's push stays readable.
const PAUSE: Duration = Duration::from_secs(10);

/// Writes a line when something begins, changes, is tried again or ends, and of mere progress at most one line per
/// target in ten seconds.
#[derive(Debug)]
pub struct Lines<W: Write> {
    out: W,
    targets: HashMap<TargetName, Seen>,
}

/// What is known of a target so far.
#[derive(Debug)]
struct Seen {
    planned: ByteCount,
    told: Instant,
}

impl<W: Write> Lines<W> {
    /// Lines into `out`.
    pub fn new(out: W) -> Self {
        Self { out, targets: HashMap::new() }
    }

    /// Tells of one event, if it deserves a line.
    pub fn show(&mut self, event: &Event, now: Instant) -> io::Result<()> {
        let Some(text) = self.describe(event, now) else { return Ok(()) };
        writeln!(self.out, "{}", escape(&text))?;
        self.out.flush()
    }

    fn describe(&mut self, event: &Event, now: Instant) -> Option<String> {
        match event {
            Event::RunStarted { targets } => {
                Some(format!("working on {}", words::counted(targets.len() as u64, "target", "targets")))
            }
            // Waiting and connecting pass for every target; a target that hangs there ends with a message of its own.
            Event::StageEntered { stage: Stage::Waiting | Stage::Connecting, .. } | Event::Sent { .. } | Event::RunFinished => {
                None
            }
            Event::StageEntered { target, stage } => Some(format!("{target}: {stage}")),
            Event::Planned { target, objects, bytes } => {
                self.targets.insert(target.clone(), Seen { planned: *bytes, told: now });
                Some(format!("{target}: {} to send, {bytes}", words::counted(*objects, "file", "files")))
            }
            Event::Progress { target, bytes } => {
                let seen = self.targets.get_mut(target)?;
                if now.saturating_duration_since(seen.told) < PAUSE {
                    return None;
                }
                seen.told = now;
                Some(format!("{target}: {bytes} of {} sent", seen.planned))
            }
            Event::Retrying { target, what, attempt, pause_ms } => Some(retry(target, what, *attempt, *pause_ms)),
            Event::TargetFinished { outcome } => Some(ended(outcome)),
        }
    }
}
