//! What vantages said last. Old words never come back as new ones, across restarts too.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::{History, HistoryError, column};
use crate::base::{MinisignLine, Sha256, VantageName};
use crate::health::Testimony;

/// What became of a testimony that was to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is the newest of its vantage.
    New,
    /// This very file was taken before.
    Again,
    /// One with this number, which is not smaller, was taken before: this one was not.
    TooOld {
        /// The number of the newest.
        known: u64,
    },
}

/// The newest testimony of a vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastTestimony {
    /// Whose signature it carried.
    pub key: MinisignLine,
    /// What it says of wrong bytes was looked at again from here.
    pub looked: bool,
    /// What it says.
    pub testimony: Testimony,
}

/// Who signed, which number, and the digest of the file.
type Head = (String, u64, String);

impl History {
    /// Remembers a testimony signed by `key`, from a file with this digest, unless one as new of that key is known.
    pub fn take_testimony(&self, key: &MinisignLine, file: Sha256, testimony: &Testimony) -> Result<Taken, HistoryError> {
        self.with("remember what a vantage saw", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let taken = match head(&transaction, &testimony.vantage)? {
                Some((by, number, digest)) if by == key.as_str() && testimony.sequence <= number => {
                    let is_same = number == testimony.sequence && digest == file.to_string();
                    if is_same { Taken::Again } else { Taken::TooOld { known: number } }
                }
                _ => {
                    write(&transaction, key, file, testimony)?;
                    Taken::New
                }
            };
            transaction.commit()?;
            Ok(taken)
        })
    }

    /// The newest testimony of each vantage, by name, whether it still counts or not.
    pub fn testimonies(&self) -> Result<Vec<LastTestimony>, HistoryError> {
        self.with("read what vantages saw", |inner| {
            let text = "SELECT key, looked, record FROM testimonies ORDER BY vantage";
            let mut query = inner.connection.prepare_cached(text)?;
            let rows = query.query_map([], |row| {
                Ok(LastTestimony { key: column::parsed(row, 0)?, looked: row.get(1)?, testimony: column::json(row, 2)? })
            })?;
            rows.collect()
        })
    }

    /// What these testimonies say of wrong bytes was looked at again from here. One that was replaced meanwhile is not meant.
    pub fn looked_into(&self, testimonies: &[(VantageName, u64)]) -> Result<(), HistoryError> {
        self.with("note what was looked at again", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (vantage, number) in testimonies {
                transaction
                    .prepare_cached("UPDATE testimonies SET looked = 1 WHERE vantage = ?1 AND sequence = ?2")?
                    .execute((vantage.as_str(), column::to_count(*number)?))?;
            }
            transaction.commit()
        })
    }
}

fn head(connection: &Connection, vantage: &VantageName) -> rusqlite::Result<Option<Head>> {
    connection
        .prepare_cached("SELECT key, sequence, sha256 FROM testimonies WHERE vantage = ?1")?
        .query_row([vantage.as_str()], |row| Ok((row.get(0)?, column::count(row, 1)?, row.get(2)?)))
        .optional()
}

fn write(connection: &Connection, key: &MinisignLine, file: Sha256, testimony: &Testimony) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO testimonies (vantage, key, sequence, sha256, looked, record) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
        )?
        .execute((
            testimony.vantage.as_str(),
            key.as_str(),
            column::to_count(testimony.sequence)?,
            file.to_string(),
            column::to_json(testimony)?,
        ))?;
    Ok(())
}
