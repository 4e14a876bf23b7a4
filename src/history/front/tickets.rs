//! What a volunteer is told who asks with a ticket.

use std::collections::HashSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::Front;
use crate::history::{HistoryError, column};

/// Longest words for a volunteer, in bytes; what is longer is cut.
pub const LONGEST_WORDS: usize = 16 * 1024;
/// Tickets that the project has not told anything of for so long are forgotten.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Most tickets without an offer that are remembered, for those whose message was refused.
const MOST_STRAYS: usize = 1000;

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
    /// Why the last message of it was not taken, if it was not.
    pub refused: Option<String>,
}

/// What the project has to say of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketNews {
    /// Its number.
    pub ticket: String,
    /// How far it has come.
    pub state: TicketState,
    /// What is said to it, in lines. Everybody who has the ticket can read it: nothing private belongs there.
    pub words: String,
    /// Since when.
    pub changed: Timestamp,
    /// Sequence of the newest message that was taken.
    pub taken: u64,
    /// Its volunteer has a place with us.
    pub is_mirror: bool,
}

/// Words that are not too long.
pub(super) fn shortened(words: &str) -> &str {
    &words[..words.floor_char_boundary(LONGEST_WORDS)]
}

impl Front {
    /// Tells whoever asks how these offers stand, and forgets the tickets of all others after a month. Nothing is written where
    /// nothing has changed.
    pub fn tell(&self, news: &[TicketNews], now: Timestamp) -> Result<(), HistoryError> {
        self.with("note what volunteers are told", TransactionBehavior::Immediate, |connection| {
            let mut upsert = connection.prepare_cached(
                "INSERT INTO tickets (ticket, state, words, changed, taken, is_mirror) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (ticket) DO UPDATE SET state = excluded.state, words = excluded.words, changed = excluded.changed,
                   taken = excluded.taken, is_mirror = excluded.is_mirror
                 WHERE (state, words, changed, taken, is_mirror)
                   IS NOT (excluded.state, excluded.words, excluded.changed, excluded.taken, excluded.is_mirror)",
            )?;
            for one in news {
                let (state, words) = (column::to_word(&one.state)?, shortened(&one.words));
                upsert.execute((
                    &one.ticket,
                    state,
                    words,
                    one.changed.to_string(),
                    column::to_count(one.taken)?,
                    one.is_mirror,
                ))?;
            }
            // What is no number is none of ours.
            connection
                .prepare_cached(
                    "DELETE FROM tickets WHERE octet_length(ticket) > 64 OR octet_length(changed) > 64 OR ticket GLOB '*[^a-z0-9-]*'",
                )?
                .execute([])?;
            let known: HashSet<&str> = news.iter().map(|one| one.ticket.as_str()).collect();
            let mut query = connection.prepare_cached("SELECT ticket, changed FROM tickets ORDER BY changed DESC LIMIT 100000")?;
            let all = query.query_map([], |row| Ok((row.get(0)?, column::parsed(row, 1).unwrap_or(Timestamp::MIN))))?;
            let (mut strays, oldest) = (0, now.saturating_sub(FORGOTTEN_AFTER).unwrap_or(Timestamp::MIN));
            for row in all.collect::<rusqlite::Result<Vec<(String, Timestamp)>>>()? {
                if known.contains(row.0.as_str()) {
                    continue;
                }
                strays += 1;
                if row.1 < oldest || strays > MOST_STRAYS {
                    connection.prepare_cached("DELETE FROM tickets WHERE ticket = ?1")?.execute([row.0])?;
                }
            }
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
                .prepare_cached("SELECT state, words, changed, refused FROM tickets WHERE ticket = ?1")?
                .query_row([ticket], |row| {
                    let (state, words, changed, refused) =
                        (column::word(row, 0)?, row.get(1)?, column::parsed(row, 2)?, row.get(3)?);
                    Ok(TicketView { state, words, changed, refused, waiting: Vec::new() })
                })
                .optional()?;
            Ok(match (told, waiting.first()) {
                // What was refused is no news to whoever has sent something else since.
                (Some(told), _) if waiting.is_empty() || told.state != TicketState::Rejected || !told.words.is_empty() => {
                    Some(TicketView { waiting, ..told })
                }
                (_, Some(&changed)) => {
                    Some(TicketView { state: TicketState::Offered, words: String::new(), changed, waiting, refused: None })
                }
                (_, None) => None,
            })
        })
    }
}
