//! `spartacus offers reject`

use serde_json::json;

use super::add::become_;
use super::{find, in_turn, keep};
use crate::base::sanitise;
use crate::cli::args::Global;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::{Surface, answer};
use crate::history::OfferState;

/// Longest reason, in bytes.
const LONGEST: usize = 500;

/// Declines an offer, or an update of one; what is known of how to log in is forgotten unless it is a mirror already.
pub async fn reject(surface: &Surface, global: &Global, ticket: &str, because: Option<&str>) -> Ended {
    let session = Session::open(surface, global)?;
    let _alone = in_turn(&session.project).await?;
    let mut record = find(&session, ticket)?;
    if because.is_some_and(|because| because.len() > LONGEST) {
        return Err(Failure::told(exit::USAGE, "--because: 500 letters will do"));
    }
    if !record.waits() {
        return Err(Failure::told(
            exit::USAGE,
            format!("{} does not wait for a decision: it is {}", record.ticket, record.state.word()),
        )
        .hint("a mirror ends when its entry is taken out of targets.yaml"));
    }
    keep::forget(&session, keep::TRIED, &record.ticket)?;
    record.words = because.map(sanitise);
    match record.agreed.clone() {
        // The update is declined, and what was agreed goes on.
        Some(agreed) if record.state.is_mirror() => (record.file, record.examined) = (agreed, None),
        _ => {
            become_(&mut record, OfferState::Rejected, session.clock.now());
            keep::forget(&session, keep::KEPT, &record.ticket)?;
            record.forget();
        }
    }
    session.history.set_offer(&record).map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let fields = json!({ "ticket": record.ticket, "state": record.state, "words": record.words });
    answer(surface, "spartacus.offer_rejected/1", &fields, &format!("{}  {}: declined", record.ticket, record.name));
    Ok(exit::OK)
}
