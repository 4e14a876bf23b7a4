//! Who answers for the domains of mirrors, as it was last asked.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, TransactionBehavior};

use super::{History, HistoryError, column};
use crate::health::NameServerSight;
use crate::health::resilience::RegisteredDomain;

/// Between two questions about one domain.
const ASKED_AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// How long an answer is believed when later ones do not come.
const BELIEVED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A domain that nobody asked about for this long belongs to no mirror any more.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is remembered of a domain's name servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameServerRecord {
    /// When it was last asked about.
    pub asked: Timestamp,
    /// Who was asked, as in `targets.yaml`.
    pub resolver: String,
    /// When an answer last came.
    pub answered: Option<Timestamp>,
    /// That answer.
    pub hosts: Vec<RegisteredDomain>,
    /// Why none came when it was last asked; safe to print.
    pub trouble: Option<String>,
}

impl NameServerRecord {
    /// Whether `resolver` is to be asked again: at most once a day, unless another one was asked last.
    #[must_use]
    pub fn is_due(&self, resolver: &str, now: Timestamp) -> bool {
        self.resolver != resolver || now.duration_since(self.asked) >= ASKED_AGAIN
    }

    /// The domains of the name servers; none: not known. An answer is believed for a week.
    #[must_use]
    pub fn known_hosts(&self, now: Timestamp) -> &[RegisteredDomain] {
        let fresh = self.answered.is_some_and(|answered| now.duration_since(answered) < BELIEVED);
        if fresh { &self.hosts } else { &[] }
    }
}

impl History {
    /// What is known of the name servers of every domain that was asked about.
    pub fn name_servers(&self) -> Result<BTreeMap<RegisteredDomain, NameServerRecord>, HistoryError> {
        self.with("read the name servers", |inner| {
            let mut query =
                inner.connection.prepare_cached("SELECT domain, asked, resolver, answered, hosts, trouble FROM name_servers")?;
            query.query_map([], read)?.collect()
        })
    }

    /// Records what asking `resolver` at `at` gave. A failure leaves the last answer as it is.
    pub fn record_name_servers(&self, at: Timestamp, resolver: &str, sights: &[NameServerSight]) -> Result<(), HistoryError> {
        self.with("record the name servers", |inner| {
            let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO name_servers (domain, asked, resolver, answered, hosts, trouble) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (domain) DO UPDATE SET asked = excluded.asked, resolver = excluded.resolver,
                       answered = coalesce(excluded.answered, answered), hosts = coalesce(excluded.hosts, hosts),
                       trouble = excluded.trouble",
                )?;
                for sight in sights {
                    let hosts = sight.hosts.as_ref().ok().map(column::to_json).transpose()?;
                    let answered = hosts.is_some().then(|| at.to_string());
                    let trouble = sight.hosts.as_ref().err();
                    insert.execute((sight.domain.as_str(), at.to_string(), resolver, answered, hosts, trouble))?;
                }
            }
            let last = (at - FORGOTTEN).to_string();
            transaction.prepare_cached("DELETE FROM name_servers WHERE asked < ?1")?.execute([last])?;
            transaction.commit()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(RegisteredDomain, NameServerRecord)> {
    let has_hosts = row.get_ref(4)?.as_str_or_null()?.is_some();
    let record = NameServerRecord {
        asked: column::parsed(row, 1)?,
        resolver: row.get(2)?,
        answered: column::parsed_or_null(row, 3)?,
        hosts: if has_hosts { column::json(row, 4)? } else { Vec::new() },
        trouble: row.get(5)?,
    };
    Ok((column::parsed(row, 0)?, record))
}
