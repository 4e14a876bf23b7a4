//! What is remembered between runs.
//!
//! Purpose: one SQLite file, `.spartacus/state.db`: runs and their outcomes, rounds and their checks, what servers
//! can do, the newest trusted metadata, breakers, and the journal of confirmed uploads that lets a killed run go on.
//! Comes in: records of `transfer` and `health`. Goes out: the same records, and [`MirrorState`] for `status`.
//! Besides, the front database ([`Front`]), which alone is shared with the web process.
//! Must not know: how work is done or told. Nothing here decides anything.
//!
//! Everything is synchronous; asynchronous callers wrap calls in `spawn_blocking`. What a call has committed
//! survives `kill -9` and, because every commit is synced, power loss.

mod alerts;
mod breaker;
mod checks;
mod column;
mod database;
mod error;
mod front;
mod health;
mod jobs;
mod journal;
mod name_servers;
mod offers;
mod probes;
mod profiles;
mod reminders;
mod repairs;
mod runs;
mod schema;
mod state;
mod suspects;
mod testimonies;
#[cfg(test)]
mod tests;
mod trusted;

pub use alerts::{Incident, NewMessage, OutboxMessage, RouteRecord};
pub use database::History;
pub use error::HistoryError;
pub use front::{
    Front, FrontAbout, FrontPage, FrontPages, LONGEST_MESSAGE, LONGEST_WORDS, Queue, Received, Reception, Shown, TicketNews,
    TicketState, TicketView,
};
pub use health::{Day, Event, EventKind, Judged, MirrorHealth, Uptime};
pub use jobs::JobRecord;
pub use name_servers::NameServerRecord;
pub use offers::{Examined, OfferRecord, OfferState};
pub use probes::{LastProbes, Pieces, Told};
pub use profiles::TargetProfile;
pub use reminders::Reminded;
pub use repairs::Tries;
pub use runs::{RecordedRun, RunEnd, RunId, RunStart};
pub use state::{LastCheck, LastOutcome, MirrorState};
pub use testimonies::{LastTestimony, Taken};
pub use trusted::{Trusted, Whose};
