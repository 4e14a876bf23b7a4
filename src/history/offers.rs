//! What volunteers offered, and what became of it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row};
use serde::{Deserialize, Serialize};

use super::{History, HistoryError, column};
use crate::base::{Lifecycle, Sha256, TargetName};

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OfferState {
    /// Nobody has decided yet.
    Waiting,
    /// It was accepted, and its first copy is being made.
    Verifying,
    /// It is whole, and is watched before readers are sent to it.
    Probation,
    /// It takes part.
    Active,
    /// It was not wanted.
    Rejected,
    /// Its volunteer ended it.
    Withdrawn,
    /// It was not renewed.
    Expired,
}

impl OfferState {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Verifying => "verifying",
            Self::Probation => "probation",
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    /// Whether it is a mirror now, paused or not.
    #[must_use]
    pub fn is_mirror(self) -> bool {
        matches!(self, Self::Verifying | Self::Probation | Self::Active)
    }
}

/// An offer and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferRecord {
    /// Its number.
    pub ticket: String,
    /// How its volunteer would like it to be called.
    pub name: TargetName,
    /// What became of it.
    pub state: OfferState,
    /// Of the newest message that was taken.
    pub sequence: u64,
    /// When the first message came.
    pub received: Timestamp,
    /// When the state last changed.
    pub changed: Timestamp,
    /// When what was agreed ends; before that, when what is offered does.
    pub expires: Timestamp,
    /// The file that was accepted.
    pub agreed: Option<String>,
    /// The newest offer or update.
    pub file: String,
    /// The target that it became.
    pub target: Option<TargetName>,
    /// The digest of that target's place: an entry of the same name that leads elsewhere is another's.
    pub entry: Option<Sha256>,
    /// When probation began, or when it was accepted while its first copy is made.
    pub since: Option<Timestamp>,
    /// Its volunteer wants it to be left alone until then.
    pub paused_until: Option<Timestamp>,
    /// Why, where somebody said so; safe to print.
    pub words: Option<String>,
    /// Its files are still to be removed.
    pub erase: bool,
    /// Secrets of it lie sealed in the project.
    pub sealed: bool,
    /// The last examination of `file`.
    pub examined: Option<Examined>,
    /// Since when its entry is not in the list of targets any more; `None`: it is there, or there never was one.
    pub missing_since: Option<Timestamp>,
}

/// What an examination of an offer found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// When.
    pub at: Timestamp,
    /// Nothing failed.
    pub good: bool,
    /// All of it, as JSON.
    pub examination: String,
}

impl OfferRecord {
    /// Where the mirror that it became stands at `now`; `None`: it is none.
    #[must_use]
    pub fn lifecycle(&self, now: Timestamp) -> Option<Lifecycle> {
        self.target.as_ref()?;
        Some(match self.state {
            OfferState::Withdrawn | OfferState::Expired | OfferState::Rejected => Lifecycle::Retired,
            // Whoever forgets to run us for a while must not push to a place after its end.
            _ if self.expires <= now => Lifecycle::Retired,
            _ if self.paused_until.is_some_and(|until| until > now) => Lifecycle::Paused,
            OfferState::Waiting => Lifecycle::Offered,
            OfferState::Verifying => Lifecycle::Verifying,
            OfferState::Probation => Lifecycle::Probation,
            OfferState::Active => Lifecycle::Active,
        })
    }

    /// What is private of an offer that has ended is not kept.
    pub fn forget(&mut self) {
        self.file.clear();
        (self.agreed, self.examined, self.sealed) = (None, None, false);
    }

    /// Something newer than what was agreed waits for a decision.
    #[must_use]
    pub fn waits(&self) -> bool {
        match self.state {
            OfferState::Waiting => true,
            OfferState::Rejected | OfferState::Withdrawn | OfferState::Expired => false,
            // What was forgotten cannot be decided about.
            _ if self.file.is_empty() => false,
            _ => self.agreed.as_ref() != Some(&self.file),
        }
    }
}

const COLUMNS: &str = "ticket, name, state, sequence, received, changed, expires, agreed, file, target, entry, since, paused_until, words, \
    erase, sealed, examined, good, examination, missing_since";

impl History {
    /// All offers, in the order in which they came.
    pub fn offers(&self) -> Result<Vec<OfferRecord>, HistoryError> {
        self.with("read what was offered", |inner| {
            let text = format!("SELECT {COLUMNS} FROM offers ORDER BY received, ticket");
            inner.connection.prepare_cached(&text)?.query_map([], read)?.collect()
        })
    }

    /// The offer with this ticket.
    pub fn offer(&self, ticket: &str) -> Result<Option<OfferRecord>, HistoryError> {
        self.with("read an offer", |inner| {
            let text = format!("SELECT {COLUMNS} FROM offers WHERE ticket = ?1");
            inner.connection.prepare_cached(&text)?.query_row([ticket], read).optional()
        })
    }

    /// Writes an offer down, in place of what was known of it.
    pub fn set_offer(&self, offer: &OfferRecord) -> Result<(), HistoryError> {
        self.with("write down what was offered", |inner| {
            let moment = |moment: &Timestamp| moment.to_string();
            inner
                .connection
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO offers ({COLUMNS})
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
                ))?
                .execute(rusqlite::params![
                    offer.ticket,
                    offer.name.as_str(),
                    column::to_word(&offer.state)?,
                    column::to_count(offer.sequence)?,
                    moment(&offer.received),
                    moment(&offer.changed),
                    moment(&offer.expires),
                    offer.agreed,
                    offer.file,
                    offer.target.as_ref().map(TargetName::as_str),
                    offer.entry.as_ref().map(ToString::to_string),
                    offer.since.as_ref().map(moment),
                    offer.paused_until.as_ref().map(moment),
                    offer.words,
                    offer.erase,
                    offer.sealed,
                    offer.examined.as_ref().map(|found| moment(&found.at)),
                    offer.examined.as_ref().is_some_and(|found| found.good),
                    offer.examined.as_ref().map(|found| &found.examination),
                    offer.missing_since.as_ref().map(moment),
                ])?;
            Ok(())
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<OfferRecord> {
    let examined: Option<Timestamp> = column::parsed_or_null(row, 16)?;
    Ok(OfferRecord {
        ticket: row.get(0)?,
        name: column::parsed(row, 1)?,
        state: column::word(row, 2)?,
        sequence: column::count(row, 3)?,
        received: column::parsed(row, 4)?,
        changed: column::parsed(row, 5)?,
        expires: column::parsed(row, 6)?,
        agreed: row.get(7)?,
        file: row.get(8)?,
        target: column::parsed_or_null(row, 9)?,
        entry: column::parsed_or_null(row, 10)?,
        since: column::parsed_or_null(row, 11)?,
        paused_until: column::parsed_or_null(row, 12)?,
        words: row.get(13)?,
        erase: row.get(14)?,
        sealed: row.get(15)?,
        examined: match examined {
            Some(at) => Some(Examined { at, good: row.get(17)?, examination: row.get(18)? }),
            None => None,
        },
        missing_since: column::parsed_or_null(row, 19)?,
    })
}
