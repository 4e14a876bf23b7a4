//! How each mirror stands, and the log of what happened.

use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior};

use super::speed::add_first_byte;
use super::stretches::add_look;
use super::{Event, EventKind, Judged, MirrorHealth};
use crate::base::TargetName;
use crate::history::{History, HistoryError, column};

impl History {
    /// Records what a round that began at `at` made of each mirror, and what else happened, in one transaction.
    pub fn record_health(&self, at: Timestamp, judged: &[Judged], happened: &[EventKind]) -> Result<(), HistoryError> {
        self.with("record the state of the mirrors", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for what in happened {
                write_event(&transaction, at, None, what)?;
            }
            for mirror in judged {
                write_standing(&transaction, mirror)?;
                add_look(&transaction, at, mirror)?;
                add_first_byte(&transaction, at, mirror)?;
                for what in events_of(mirror) {
                    write_event(&transaction, at, Some(&mirror.target), &what)?;
                }
            }
            transaction.commit()
        })
    }

    /// How each mirror stands that was ever looked at, by name.
    pub fn mirrors_health(&self) -> Result<Vec<MirrorHealth>, HistoryError> {
        self.with("read the state of the mirrors", |inner| {
            let mut query = inner.connection.prepare_cached("SELECT target, standing, seen FROM standings ORDER BY target")?;
            query.query_map([], read_standing)?.collect()
        })
    }

    /// The last events of one mirror, newest first, at most `limit`.
    pub fn events_of(&self, target: &TargetName, limit: u32) -> Result<Vec<Event>, HistoryError> {
        self.read_events("target = ?1", Some(target.as_str()), limit)
    }

    /// The last events that are about no single mirror, newest first, at most `limit`.
    pub fn events_about_ourselves(&self, limit: u32) -> Result<Vec<Event>, HistoryError> {
        self.read_events("target IS ?1", None, limit)
    }

    fn read_events(&self, which: &str, target: Option<&str>, limit: u32) -> Result<Vec<Event>, HistoryError> {
        self.with("read what happened", |inner| {
            let text = format!("SELECT id, at, target, record FROM events WHERE {which} ORDER BY id DESC LIMIT ?2");
            inner.connection.prepare_cached(&text)?.query_map((target, limit), read_event)?.collect()
        })
    }
}

fn write_standing(connection: &Connection, mirror: &Judged) -> rusqlite::Result<()> {
    let seen = mirror.seen.as_ref().map(column::to_json).transpose()?;
    connection
        .prepare_cached(
            "INSERT INTO standings (target, standing, seen) VALUES (?1, ?2, ?3)
             ON CONFLICT (target) DO UPDATE SET standing = excluded.standing, seen = coalesce(excluded.seen, seen)",
        )?
        .execute((mirror.target.as_str(), column::to_json(&mirror.after)?, seen))?;
    Ok(())
}

fn events_of(mirror: &Judged) -> Vec<EventKind> {
    let (before, after) = (&mirror.before, &mirror.after);
    let mut happened = Vec::new();
    if before.condition != after.condition {
        let (from, to, reasons) = (before.condition, after.condition, after.reasons.clone());
        happened.push(EventKind::Changed { from, to, reasons });
    }
    if after.verified_at != before.verified_at {
        happened.push(EventKind::Verified);
    }
    happened
}

fn write_event(connection: &Connection, at: Timestamp, target: Option<&TargetName>, what: &EventKind) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT INTO events (at, target, record) VALUES (?1, ?2, ?3)")?.execute((
        at.to_string(),
        target.map(TargetName::as_str),
        column::to_json(what)?,
    ))?;
    Ok(())
}

fn read_standing(row: &Row<'_>) -> rusqlite::Result<MirrorHealth> {
    let seen = if row.get_ref(2)?.as_str_or_null()?.is_some() { Some(column::json(row, 2)?) } else { None };
    Ok(MirrorHealth { target: column::parsed(row, 0)?, standing: column::json(row, 1)?, seen })
}

fn read_event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: column::count(row, 0)?,
        at: column::parsed(row, 1)?,
        target: column::parsed_or_null(row, 2)?,
        what: column::json(row, 3)?,
    })
}
