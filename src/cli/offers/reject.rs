//! `spartacus offers reject`

use serde_json::{Value, json};

use super::add::become_;
use super::{find, in_turn, keep};
use crate::base::sanitise;
use crate::cli::args::Global;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::{Surface, answer};
use crate::history::{OfferRecord, OfferState};

/// Longest reason, in bytes.
const LONGEST: usize = 500;

/// Declines offers, or updates of some; what is known of how to log in is forgotten unless it is a mirror already. All of them can be
/// declined, or none is.
pub async fn reject(surface: &Surface, global: &Global, tickets: &[String], because: Option<&str>) -> Ended {
    let session = Session::open(surface, global)?;
    let _alone = in_turn(&session.project).await?;
    if because.is_some_and(|because| because.len() > LONGEST) {
        return Err(Failure::told(exit::USAGE, "--because: 500 letters will do"));
    }
    let mut records: Vec<OfferRecord> = Vec::new();
    for ticket in tickets {
        let record = find(&session, ticket)?;
        if !record.waits() {
            return Err(Failure::told(
                exit::USAGE,
                format!("{} does not wait for a decision: it is {}", record.ticket, record.state.word()),
            )
            .hint(if record.state.is_mirror() {
                "a mirror ends when its entry is taken out of targets.yaml"
            } else {
                "which do: spartacus offers list"
            }));
        }
        if !records.iter().any(|known| known.ticket == record.ticket) {
            records.push(record);
        }
    }
    let (mut told, mut lines): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
    for record in records {
        let record = decline(&session, record, because)?;
        lines.push(format!("{}  {}: declined", record.ticket, record.name));
        told.push(json!({ "ticket": record.ticket, "state": record.state, "words": record.words }));
    }
    answer(surface, "spartacus.offers_rejected/1", &json!({ "rejected": told }), &lines.join("\n"));
    Ok(exit::OK)
}

fn decline(session: &Session, mut record: OfferRecord, because: Option<&str>) -> Result<OfferRecord, Failure> {
    keep::forget(session, keep::TRIED, &record.ticket)?;
    record.words = because.map(sanitise);
    match record.agreed.clone() {
        // The update is declined, and what was agreed goes on.
        Some(agreed) if record.state.is_mirror() => (record.file, record.examined) = (agreed, None),
        _ => {
            become_(&mut record, OfferState::Rejected, session.clock.now());
            keep::forget(session, keep::KEPT, &record.ticket)?;
            record.forget();
        }
    }
    session.history.set_offer(&record).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    Ok(record)
}
