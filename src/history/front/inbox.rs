//! Messages of volunteers as they came, until somebody of the project takes them. What is secret in them is sealed.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, TransactionBehavior};

use super::{Front, TicketState};
use crate::history::{HistoryError, column};

/// Longest message, in bytes.
pub const LONGEST_MESSAGE: usize = 64 * 1024;
/// Most messages of one ticket that wait: an offer, and what its volunteer thought of afterwards.
const MOST_OF_ONE: u32 = 8;
/// Most messages that are read at once, whatever is in the file.
const MOST_READ: u32 = 10_000;

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The number that it is asked for by.
    pub ticket: String,
    /// Grows from message to message of one ticket.
    pub sequence: u64,
    /// When it came.
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
    /// A newer message of the same ticket was accepted already: nothing was kept.
    Older,
    /// As many of the same ticket wait as may: nothing was kept.
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
    /// Keeps a message that is whole and signed, as far as the caller could see, unless `most` wait already. Tickets that the
    /// project has spoken of have a quarter more: a flood of strangers must not keep a volunteer from withdrawing.
    pub fn receive(&self, message: &Received, most: u32) -> Result<Reception, HistoryError> {
        if message.bytes.len() > LONGEST_MESSAGE {
            return Ok(Reception::Full);
        }
        self.with("keep a message", TransactionBehavior::Immediate, |connection| {
            let taken: Option<u64> = connection
                .prepare_cached("SELECT taken FROM tickets WHERE ticket = ?1")?
                .query_row([&message.ticket], |row| column::count(row, 0))
                .optional()?;
            let (of_it, newest): (u32, u64) = connection
                .prepare_cached("SELECT count(*), coalesce(max(sequence), 0) FROM offers WHERE ticket = ?1")?
                .query_row([&message.ticket], |row| Ok((column::count(row, 0)?, column::count(row, 1)?)))?;
            if (of_it > 0 && message.sequence <= newest) || taken.is_some_and(|taken| taken > 0 && message.sequence <= taken) {
                return Ok(Reception::Known);
            }
            let all: u32 =
                connection.prepare_cached("SELECT count(*) FROM offers")?.query_row([], |row| column::count(row, 0))?;
            let most = if taken.is_some() { most.saturating_add(most.div_ceil(4)) } else { most };
            if all >= most || of_it >= MOST_OF_ONE {
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

    /// All messages that wait, oldest first. Whoever can write the file could have put them there: each is to be verified.
    pub fn waiting(&self) -> Result<Vec<Received>, HistoryError> {
        self.with("read messages", TransactionBehavior::Deferred, |connection| {
            let mut query = connection.prepare_cached(
                "SELECT ticket, sequence, received, bytes FROM offers WHERE length(bytes) <= ?1 AND length(ticket) <= 64
                 ORDER BY received, ticket, sequence LIMIT ?2",
            )?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Received {
                    ticket: row.get(0)?,
                    sequence: column::count(row, 1)?,
                    received: column::parsed(row, 2)?,
                    bytes: row.get::<_, Vec<u8>>(3)?.into(),
                })
            };
            query.query_map((column::to_count(LONGEST_MESSAGE)?, MOST_READ), read)?.collect()
        })
    }

    /// How many wait, and since when.
    pub fn queue(&self) -> Result<Queue, HistoryError> {
        self.with("count messages", TransactionBehavior::Deferred, |connection| {
            connection
                .prepare_cached("SELECT count(*), min(received) FROM offers")?
                .query_row([], |row| Ok(Queue { waiting: column::count(row, 0)?, oldest: column::parsed_or_null(row, 1)? }))
        })
    }

    /// Removes a message that the project keeps from now on; it is not received again, and its ticket is one that we know. False
    /// when it was not there any more.
    pub fn take(&self, ticket: &str, sequence: u64, now: Timestamp) -> Result<bool, HistoryError> {
        self.with("take a message", TransactionBehavior::Immediate, |connection| {
            let sequence = column::to_count(sequence)?;
            let removed = connection
                .prepare_cached("DELETE FROM offers WHERE ticket = ?1 AND sequence = ?2")?
                .execute((ticket, sequence))?;
            if removed > 0 {
                connection
                    .prepare_cached(
                        "INSERT INTO tickets (ticket, state, words, changed, taken) VALUES (?1, ?2, '', ?3, ?4)
                         ON CONFLICT (ticket) DO UPDATE SET taken = max(taken, excluded.taken)",
                    )?
                    .execute((ticket, column::to_word(&TicketState::Verifying)?, now.to_string(), sequence))?;
            }
            Ok(removed > 0)
        })
    }
}
