//! Messages of volunteers as they came, until somebody of the project takes them. What is secret in them is sealed.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, TransactionBehavior};

use super::tickets::shortened;
use super::{Front, TicketState};
use crate::history::{HistoryError, column};

/// Longest message, in bytes.
pub const LONGEST_MESSAGE: usize = 64 * 1024;
/// Most messages of one ticket that wait: an offer, and what its volunteer thought of afterwards.
const MOST_OF_ONE: u32 = 8;
/// Most messages that are read at once, whatever is in the file: what is left is there the next time.
const MOST_READ: u32 = 256;
/// Longest text of a number or a moment.
const LONGEST_WORD: u32 = 64;

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The number that it is asked for by.
    pub ticket: String,
    /// Grows from message to message of one ticket.
    pub sequence: u64,
    /// When it came, as the web process says.
    pub received: Timestamp,
    /// The file.
    pub bytes: Bytes,
}

/// What became of a message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// It waits for a maintainer from now on.
    Kept,
    /// It came before: nothing was changed.
    Known,
    /// The project has taken a newer one of the same ticket: it would not count, and was not kept.
    Older,
    /// So many of the same ticket wait as may: nothing was kept.
    Many,
    /// As many wait as may: nothing was kept.
    Full,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Queue {
    /// How many messages.
    pub waiting: u32,
    /// Since when the oldest of them does.
    pub oldest: Option<Timestamp>,
}

impl Front {
    /// Keeps a message that is whole and signed, as far as the caller could see, unless `most` wait already. Tickets of mirrors have
    /// a quarter more, and those of other offers that the project has an eighth: a flood of strangers must not keep a volunteer from
    /// withdrawing, and who has offered something, which everybody can, must not keep a mirror's from it.
    pub fn receive(&self, message: &Received, most: u32) -> Result<Reception, HistoryError> {
        if message.bytes.len() > LONGEST_MESSAGE {
            return Ok(Reception::Full);
        }
        self.with("keep a message", TransactionBehavior::Immediate, |connection| {
            let told: Option<(u64, bool, bool)> = connection
                .prepare_cached(
                    "SELECT taken, is_mirror, state NOT IN ('rejected', 'draining', 'retired') FROM tickets WHERE ticket = ?1",
                )?
                .query_row([&message.ticket], |row| Ok((column::count(row, 0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let (taken, is_mirror, goes_on) = told.unwrap_or_default();
            let (of_it, the_same): (u32, u32) = connection
                .prepare_cached("SELECT count(*), count(*) FILTER (WHERE sequence = ?2) FROM offers WHERE ticket = ?1")?
                .query_row((&message.ticket, column::to_count(message.sequence)?), |row| {
                    Ok((column::count(row, 0)?, column::count(row, 1)?))
                })?;
            if the_same > 0 || message.sequence == taken {
                return Ok(Reception::Known);
            }
            if message.sequence < taken {
                return Ok(Reception::Older);
            }
            if of_it >= MOST_OF_ONE {
                return Ok(Reception::Many);
            }
            let all: u32 =
                connection.prepare_cached("SELECT count(*) FROM offers")?.query_row([], |row| column::count(row, 0))?;
            let more = match (is_mirror, goes_on) {
                (true, _) => most.div_ceil(4),
                (false, true) => most.div_ceil(8),
                (false, false) => 0,
            };
            if all >= most.saturating_add(more) {
                return Ok(Reception::Full);
            }
            connection
                .prepare_cached("INSERT INTO offers (ticket, sequence, received, bytes) VALUES (?1, ?2, ?3, ?4)")?
                .execute((
                    &message.ticket,
                    column::to_count(message.sequence)?,
                    message.received.to_string(),
                    message.bytes.as_ref(),
                ))?;
            Ok(Reception::Kept)
        })
    }

    /// Messages that wait, at most 256, those of mirrors before all others, and those of offers that the project has before those of
    /// strangers, who may have to wait for long: each volunteer's in the order in which they were written. Whoever can write the
    /// file could have put them there: each is to be verified. What is no message at all is removed.
    pub fn waiting(&self) -> Result<Vec<Received>, HistoryError> {
        let mut found = self.with("read messages", TransactionBehavior::Immediate, |connection| {
            connection
                .prepare_cached(
                    "DELETE FROM offers WHERE length(bytes) > ?1 OR octet_length(ticket) > ?2 OR octet_length(received) > ?2 OR sequence < 0
                       OR ticket GLOB '*[^a-z0-9-]*'",
                )?
                .execute((column::to_count(LONGEST_MESSAGE)?, LONGEST_WORD))?;
            let mut query = connection.prepare_cached(
                "SELECT ticket, sequence, received, bytes FROM offers
                 ORDER BY ticket IN (SELECT ticket FROM tickets WHERE is_mirror = 1) DESC,
                   ticket IN (SELECT ticket FROM tickets WHERE state NOT IN ('rejected', 'draining', 'retired')) DESC,
                   received, ticket, sequence LIMIT ?1",
            )?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Received {
                    ticket: row.get(0)?,
                    sequence: column::count(row, 1)?,
                    // Nothing depends on it but what is told.
                    received: column::parsed(row, 2).unwrap_or(Timestamp::UNIX_EPOCH),
                    bytes: row.get::<_, Vec<u8>>(3)?.into(),
                })
            };
            query.query_map([MOST_READ], read)?.collect::<rusqlite::Result<Vec<Received>>>()
        })?;
        found.sort_by(|one, other| (&one.ticket, one.sequence).cmp(&(&other.ticket, other.sequence)));
        Ok(found)
    }

    /// How many wait, and since when.
    pub fn queue(&self) -> Result<Queue, HistoryError> {
        self.with("count messages", TransactionBehavior::Deferred, |connection| {
            connection
                .prepare_cached("SELECT count(*), min(received) FROM offers")?
                .query_row([], |row| Ok(Queue { waiting: column::count(row, 0)?, oldest: column::parsed_or_null(row, 1)? }))
        })
    }

    /// Removes a message that the project has looked at; false when it was not there any more. What became of it is told by
    /// [`tell`](Self::tell), or with `refused` here.
    pub fn take(&self, message: &Received, refused: Option<&str>, now: Timestamp) -> Result<bool, HistoryError> {
        self.with("take a message", TransactionBehavior::Immediate, |connection| {
            let removed = connection
                .prepare_cached("DELETE FROM offers WHERE ticket = ?1 AND sequence = ?2")?
                .execute((&message.ticket, column::to_count(message.sequence)?))?;
            match refused.map(shortened) {
                Some(why) => connection
                    .prepare_cached(
                        "INSERT INTO tickets (ticket, state, words, changed, taken, is_mirror, refused) VALUES (?1, ?2, '', ?3, 0, 0, ?4)
                         ON CONFLICT (ticket) DO UPDATE SET refused = excluded.refused",
                    )?
                    .execute((&message.ticket, column::to_word(&TicketState::Rejected)?, now.to_string(), why))?,
                None => connection
                    .prepare_cached("UPDATE tickets SET refused = NULL WHERE ticket = ?1")?
                    .execute([&message.ticket])?,
            };
            Ok(removed > 0)
        })
    }
}
