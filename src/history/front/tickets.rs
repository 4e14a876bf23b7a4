//! What a volunteer is told who asks with a ticket.

use std::fmt;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::Front;
use crate::history::{HistoryError, column};

/// Longest words for a volunteer, in bytes; what is longer is cut.
pub const LONGEST_WORDS: usize = 16 * 1024;

/// How far an offer has come: what people decided, not how the mirror is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TicketState {
    /// It came, and waits for a maintainer.
    Offered,
    /// A maintainer has taken it, and looks at the place.
    Verifying,
    /// It was not accepted; the words say why.
    Rejected,
    /// It was accepted, and is watched before readers are sent there.
    Probation,
    /// It is a mirror.
    Active,
    /// Nothing is sent there for a while.
    Paused,
    /// It is about to end; our files are being removed.
    Draining,
    /// It has ended.
    Retired,
}

impl TicketState {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Verifying => "verifying",
            Self::Rejected => "rejected",
            Self::Probation => "probation",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for TicketState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// What is known under a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketView {
    /// How far it has come.
    pub state: TicketState,
    /// What the project says to it, in lines; empty: nothing.
    pub words: String,
    /// Since when.
    pub changed: Timestamp,
    /// Messages of it that wait, by the moment when they came.
    pub waiting: Vec<Timestamp>,
    /// Why the last message was not taken; `None`: it was, or nothing was said of it.
    pub refused: Option<String>,
}

impl Front {
    /// Tells whoever asks with this ticket how far it has come. `words` are for the volunteer, and everybody who has the ticket
    /// can read them: nothing private belongs there.
    pub fn tell(&self, ticket: &str, state: TicketState, words: &str, now: Timestamp) -> Result<(), HistoryError> {
        let words = &words[..words.floor_char_boundary(LONGEST_WORDS)];
        self.with("note what a volunteer is told", TransactionBehavior::Immediate, |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO tickets (ticket, state, words, changed, taken) VALUES (?1, ?2, ?3, ?4, 0)
                     ON CONFLICT (ticket) DO UPDATE SET state = excluded.state, words = excluded.words, changed = excluded.changed",
                )?
                .execute((ticket, column::to_word(&state)?, words, now.to_string()))?;
            Ok(())
        })
    }

    /// What is known under a ticket; `None` when it is nothing.
    pub fn ticket(&self, ticket: &str) -> Result<Option<TicketView>, HistoryError> {
        self.with("read a ticket", TransactionBehavior::Deferred, |connection| {
            let mut query =
                connection.prepare_cached("SELECT received FROM offers WHERE ticket = ?1 ORDER BY received LIMIT 64")?;
            let waiting: Vec<Timestamp> =
                query.query_map([ticket], |row| column::parsed(row, 0))?.collect::<rusqlite::Result<_>>()?;
            let told = connection
                .prepare_cached("SELECT state, words, changed FROM tickets WHERE ticket = ?1")?
                .query_row([ticket], |row| Ok((column::word(row, 0)?, row.get(1)?, column::parsed(row, 2)?)))
                .optional()?;
            Ok(match (told, waiting.first()) {
                (Some((state, words, changed)), _) => Some(TicketView { state, words, changed, waiting, refused: None }),
                (None, Some(&changed)) => {
                    Some(TicketView { state: TicketState::Offered, words: String::new(), changed, waiting, refused: None })
                }
                (None, None) => None,
            })
        })
    }

    /// Forgets a ticket that has ended: whoever asks with it is told that there is none.
    pub fn forget(&self, ticket: &str) -> Result<(), HistoryError> {
        self.with("forget a ticket", TransactionBehavior::Immediate, |connection| {
            connection.execute("DELETE FROM tickets WHERE ticket = ?1", [ticket])?;
            Ok(())
        })
    }
}
