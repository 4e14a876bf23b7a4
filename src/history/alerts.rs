//! Who was told of what, and what waits to be sent.

use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::column;
use super::{History, HistoryError};
use crate::base::{AlertCondition, RouteName, TargetName};

/// What a route knows of one trouble of one mirror, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Which mirror; `None`: about all, or ourselves.
    pub mirror: Option<TargetName>,
    /// What.
    pub condition: AlertCondition,
    /// Since when.
    pub since: Timestamp,
    /// When it ended; `None`: it lasts.
    pub until: Option<Timestamp>,
    /// Rounds in a row that found it.
    pub rounds: u32,
    /// Up to which look these rounds are counted.
    pub counted: Timestamp,
    /// When it was last told, in this incident.
    pub told: Option<Timestamp>,
    /// When this trouble of this mirror was last told at all.
    pub last: Option<Timestamp>,
    /// How often it was told in this incident; numbers its messages.
    pub messages: u32,
    /// It was to be told in quiet hours or in a storm, and waits: since the look of this moment.
    pub held: Option<Timestamp>,
}

/// A message that is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Which route it goes.
    pub route: RouteName,
    /// Whose volunteer gets it; `None`: the recipients of the route.
    pub mirror: Option<TargetName>,
    /// What it is about, in one line.
    pub title: String,
    /// All of it, as the room `alert` reads it.
    pub letter: String,
}

/// A message that is written down, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Its number: unique, growing.
    pub id: u64,
    /// The message.
    pub message: NewMessage,
    /// When it was decided.
    pub decided: Timestamp,
    /// How often it could not be sent.
    pub tries: u32,
    /// It is not tried before.
    pub due: Timestamp,
    /// Why the last try failed; safe to print.
    pub error: Option<String>,
    /// Since when it fails.
    pub failing: Option<Timestamp>,
    /// When it was sent or given up; `None`: it waits.
    pub ended: Option<Timestamp>,
    /// Whether it was sent.
    pub sent: bool,
}

/// What became of the messages of one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteRecord {
    /// Which route.
    pub route: RouteName,
    /// Messages that were sent.
    pub sent: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Messages that were given up.
    pub given_up: u64,
    /// Messages that wait.
    pub waiting: u64,
    /// Since when the oldest of these fails.
    pub failing_since: Option<Timestamp>,
    /// Why, by the last try of any of these; safe to print.
    pub error: Option<String>,
}

const MESSAGE: &str = "id, route, mirror, title, letter, decided, tries, due, error, failing, ended, sent";

impl History {
    /// Every trouble that a route knows of.
    pub fn incidents(&self, route: &RouteName) -> Result<Vec<Incident>, HistoryError> {
        self.with("read what was told", |inner| {
            let mut query =
                inner.connection.prepare_cached("SELECT record FROM incidents WHERE route = ?1 ORDER BY mirror, condition")?;
            query.query_map([route.as_str()], |row| column::json(row, 0))?.collect()
        })
    }

    /// What a route knows from now on, and the messages that follow from it: both or neither.
    pub fn decide_alerts(
        &self,
        at: Timestamp,
        route: &RouteName,
        incidents: &[Incident],
        messages: &[NewMessage],
    ) -> Result<(), HistoryError> {
        self.with("write down what is to be told", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.prepare_cached("DELETE FROM incidents WHERE route = ?1")?.execute([route.as_str()])?;
            for incident in incidents {
                write_incident(&transaction, route, incident)?;
            }
            for message in messages {
                write_message(&transaction, at, message)?;
            }
            transaction.commit()
        })
    }

    /// Messages that wait, oldest first, due or not.
    pub fn waiting_alerts(&self) -> Result<Vec<OutboxMessage>, HistoryError> {
        self.read_messages("WHERE ended IS NULL ORDER BY id", u32::MAX)
    }

    /// The last messages that were sent or given up, newest first, at most `limit`.
    pub fn past_alerts(&self, limit: u32) -> Result<Vec<OutboxMessage>, HistoryError> {
        self.read_messages("WHERE ended IS NOT NULL ORDER BY ended DESC, id DESC", limit)
    }

    /// A message was sent.
    pub fn alert_sent(&self, id: u64, at: Timestamp) -> Result<(), HistoryError> {
        self.with("write down that a message was sent", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let text = "UPDATE outbox SET ended = ?2, sent = 1 WHERE id = ?1";
            transaction.prepare_cached(text)?.execute((column::to_count(id)?, at.to_string()))?;
            count(&transaction, id, [1, 0, 0])?;
            transaction.commit()
        })
    }

    /// A message could not be sent: it is due again at `due`, or given up (`None`).
    pub fn alert_failed(&self, id: u64, at: Timestamp, error: &str, due: Option<Timestamp>) -> Result<(), HistoryError> {
        self.with("write down that a message was not sent", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let text = "UPDATE outbox SET tries = tries + 1, error = ?3, failing = coalesce(failing, ?2),
                        due = coalesce(?4, due), ended = CASE WHEN ?4 IS NULL THEN ?2 END WHERE id = ?1";
            let due_text = due.map(|due| due.to_string());
            transaction.prepare_cached(text)?.execute((column::to_count(id)?, at.to_string(), error, due_text))?;
            count(&transaction, id, [0, 1, i64::from(due.is_none())])?;
            transaction.commit()
        })
    }

    /// A message is not sent any more because nobody is there to get it; that is no failure of its route.
    pub fn alert_dropped(&self, id: u64, at: Timestamp, why: &str) -> Result<(), HistoryError> {
        self.with("write down that a message is not sent any more", |inner| {
            let text = "UPDATE outbox SET error = ?3, ended = ?2 WHERE id = ?1";
            inner.connection.prepare_cached(text)?.execute((column::to_count(id)?, at.to_string(), why)).map(drop)
        })
    }

    /// What became of the messages of each route that was ever used, by name.
    pub fn alert_routes(&self) -> Result<Vec<RouteRecord>, HistoryError> {
        self.with("read what was told", |inner| {
            let text = "SELECT route, coalesce(counts.sent, 0), coalesce(counts.failed, 0), coalesce(counts.given_up, 0),
                        (SELECT count(*) FROM outbox WHERE outbox.route = used.route AND ended IS NULL),
                        (SELECT min(failing) FROM outbox WHERE outbox.route = used.route AND ended IS NULL),
                        (SELECT error FROM outbox WHERE outbox.route = used.route AND ended IS NULL
                         AND error IS NOT NULL ORDER BY due DESC LIMIT 1)
                        FROM (SELECT route FROM outbox UNION SELECT route FROM alert_counts) AS used
                        LEFT JOIN alert_counts AS counts USING (route) ORDER BY route";
            inner.connection.prepare_cached(text)?.query_map([], read_route)?.collect()
        })
    }

    /// Removes messages that were sent or given up before `moment`; the counts of their routes stay. Returns how many went.
    pub fn prune_alerts(&self, moment: Timestamp) -> Result<usize, HistoryError> {
        self.with("remove old messages", |inner| {
            let text = "DELETE FROM outbox WHERE ended IS NOT NULL AND julianday(ended) < julianday(?1)";
            inner.connection.prepare_cached(text)?.execute([moment.to_string()])
        })
    }

    fn read_messages(&self, which: &str, limit: u32) -> Result<Vec<OutboxMessage>, HistoryError> {
        self.with("read the messages", |inner| {
            let text = format!("SELECT {MESSAGE} FROM outbox {which} LIMIT ?1");
            inner.connection.prepare_cached(&text)?.query_map([limit], read_message)?.collect()
        })
    }
}

/// Adds to what the route of this message has sent, failed to send, and given up.
fn count(connection: &Connection, id: u64, [sent, failed, given_up]: [i64; 3]) -> rusqlite::Result<()> {
    let text = "INSERT INTO alert_counts (route, sent, failed, given_up) SELECT route, ?2, ?3, ?4 FROM outbox WHERE id = ?1
                ON CONFLICT (route) DO UPDATE SET sent = sent + excluded.sent, failed = failed + excluded.failed,
                given_up = given_up + excluded.given_up";
    connection.prepare_cached(text)?.execute((column::to_count(id)?, sent, failed, given_up)).map(drop)
}

fn write_incident(connection: &Connection, route: &RouteName, incident: &Incident) -> rusqlite::Result<()> {
    let mirror = incident.mirror.as_ref().map_or("", TargetName::as_str);
    let text = "INSERT INTO incidents (route, mirror, condition, record) VALUES (?1, ?2, ?3, ?4)";
    let record = column::to_json(incident)?;
    connection.prepare_cached(text)?.execute((route.as_str(), mirror, incident.condition.word(), record)).map(drop)
}

pub(super) fn write_message(connection: &Connection, at: Timestamp, new: &NewMessage) -> rusqlite::Result<()> {
    let text = "INSERT INTO outbox (route, mirror, title, letter, decided, tries, due, sent)
                VALUES (?1, ?2, ?3, ?4, ?5, 0, ?5, 0)";
    let mirror = new.mirror.as_ref().map(TargetName::as_str);
    connection.prepare_cached(text)?.execute((new.route.as_str(), mirror, &new.title, &new.letter, at.to_string())).map(drop)
}

fn read_message(row: &Row<'_>) -> rusqlite::Result<OutboxMessage> {
    Ok(OutboxMessage {
        id: column::count(row, 0)?,
        message: NewMessage {
            route: column::parsed(row, 1)?,
            mirror: column::parsed_or_null(row, 2)?,
            title: row.get(3)?,
            letter: row.get(4)?,
        },
        decided: column::parsed(row, 5)?,
        tries: column::count(row, 6)?,
        due: column::parsed(row, 7)?,
        error: row.get(8)?,
        failing: column::parsed_or_null(row, 9)?,
        ended: column::parsed_or_null(row, 10)?,
        sent: row.get::<_, i64>(11)? == 1,
    })
}

fn read_route(row: &Row<'_>) -> rusqlite::Result<RouteRecord> {
    Ok(RouteRecord {
        route: column::parsed(row, 0)?,
        sent: column::count(row, 1)?,
        failed: column::count(row, 2)?,
        given_up: column::count(row, 3)?,
        waiting: column::count(row, 4)?,
        failing_since: column::parsed_or_null(row, 5)?,
        error: row.get(6)?,
    })
}
