//! Plans, carried out on all targets at once.
//!
//! Purpose: one task per target; inventory, plan, upload, confirm, swap; retries, limits, cancellation; one event
//! stream; one [`Outcome`] per target, whatever happened to it.
//! Comes in: a [`crate::bundle::Release`], connectors, policy. Goes out: [`Run`] and events.
//! Must not know: the configuration file, the database (the journal is a trait), the terminal.

mod breaker;
mod carry;
mod erase;
mod event;
mod journal;
mod lacks;
mod look;
mod originals;
mod outcome;
mod pointer;
mod read_back;
mod run;
mod sizes;
mod target;
mod watch;

pub use breaker::BreakerState;
pub use erase::{Erased, erase};
pub use event::{Event, Events, Stage};
pub use journal::{Journal, NoJournal, Settled};
pub use look::{Look, survey};
pub use originals::Originals;
pub use outcome::{Ending, FailureRecord, Outcome, Run, RunKind};
pub use run::{Orders, run};
pub use target::{Common, Connector, Job, record};

/// Listings, stats or downloads under way at the same time on one target.
const LOOKS: usize = 8;
