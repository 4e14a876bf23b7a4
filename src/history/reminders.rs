//! How far each route has been reminded of the ends of offers.

use jiff::Timestamp;
use rusqlite::TransactionBehavior;

use super::alerts::write_message;
use super::{History, HistoryError, NewMessage, column};
use crate::base::RouteName;

/// What a route was last reminded of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminded {
    /// Which route.
    pub route: RouteName,
    /// Of which offer.
    pub ticket: String,
    /// The end that it was about.
    pub expires: Timestamp,
    /// The step, in days before that end.
    pub days: u32,
}

impl History {
    /// What a route was last reminded of, by ticket.
    pub fn reminded(&self, route: &RouteName) -> Result<Vec<Reminded>, HistoryError> {
        self.with("read what was told of ends", |inner| {
            let mut query = inner
                .connection
                .prepare_cached("SELECT route, ticket, expires, days FROM reminders WHERE route = ?1 ORDER BY ticket")?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Reminded {
                    route: column::parsed(row, 0)?,
                    ticket: row.get(1)?,
                    expires: column::parsed(row, 2)?,
                    days: column::count(row, 3)?,
                })
            };
            query.query_map([route.as_str()], read)?.collect()
        })
    }

    /// Messages that are about no trouble, and what is reminded of with them: all of it or nothing.
    pub fn tell(&self, at: Timestamp, messages: &[NewMessage], reminded: &[Reminded]) -> Result<(), HistoryError> {
        self.with("write down what is to be told", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for message in messages {
                write_message(&transaction, at, message)?;
            }
            for told in reminded {
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO reminders (route, ticket, expires, days) VALUES (?1, ?2, ?3, ?4)")?
                    .execute((told.route.as_str(), &told.ticket, told.expires.to_string(), told.days))?;
            }
            transaction.commit()
        })
    }
}
