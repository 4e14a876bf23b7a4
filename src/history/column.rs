//! How our types lie in columns: names, paths and times as their text, enums as their JSON word, records as JSON.

use std::error::Error;
use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Error as SqlError, Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::ObjectPath;

fn unreadable(column: usize, cause: impl Error + Send + Sync + 'static) -> SqlError {
    SqlError::FromSqlConversionFailure(column, Type::Text, Box::new(cause))
}

fn unstorable(cause: impl Error + Send + Sync + 'static) -> SqlError {
    SqlError::ToSqlConversionFailure(Box::new(cause))
}

/// Text that its type can parse.
pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> Result<T>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    row.get_ref(column)?.as_str()?.parse().map_err(|cause| unreadable(column, cause))
}

/// The same, where the column may be null.
pub(super) fn parsed_or_null<T>(row: &Row<'_>, column: usize) -> Result<Option<T>>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| text.parse().map_err(|cause| unreadable(column, cause))).transpose()
}

/// A path, which is checked again.
pub(super) fn object(row: &Row<'_>, column: usize) -> Result<ObjectPath> {
    ObjectPath::new(row.get::<_, String>(column)?).map_err(|cause| unreadable(column, cause))
}

/// A record kept as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|cause| unreadable(column, cause))
}

/// A record as JSON.
pub(super) fn to_json(record: &impl Serialize) -> Result<String> {
    serde_json::to_string(record).map_err(unstorable)
}

/// An enum kept as its word; `None` for null.
pub(super) fn word_or_null<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| serde_json::from_value(text.into()).map_err(|cause| unreadable(column, cause))).transpose()
}

/// An enum kept as its word.
pub(super) fn word<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_value(text.into()).map_err(|cause| unreadable(column, cause))
}

/// The word of an enum, as serde writes it; null for `None`.
pub(super) fn to_word(value: &impl Serialize) -> Result<Option<String>> {
    match serde_json::to_value(value).map_err(unstorable)? {
        serde_json::Value::String(text) => Ok(Some(text)),
        _ => Ok(None),
    }
}

/// A count, kept as SQLite's signed integer.
pub(super) fn count<T>(row: &Row<'_>, column: usize) -> Result<T>
where
    T: TryFrom<i64>,
    T::Error: Error + Send + Sync + 'static,
{
    let number: i64 = row.get(column)?;
    T::try_from(number).map_err(|cause| unreadable(column, cause))
}

/// SQLite's signed integer for a count. More than it can hold is an error, never another number.
pub(super) fn to_count<T>(number: T) -> Result<i64>
where
    i64: TryFrom<T>,
    <i64 as TryFrom<T>>::Error: Error + Send + Sync + 'static,
{
    i64::try_from(number).map_err(unstorable)
}
