//! `spartacus offers list`

use serde_json::json;

use crate::base::escape;
use crate::cli::args::Global;
use crate::cli::exit::{self, Ended};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::{Surface, answer};
use crate::history::OfferRecord;
use crate::report;

/// All offers; those that wait for a decision are last, where one looks.
pub fn list(surface: &Surface, global: &Global) -> Ended {
    let session = Session::open(surface, global)?;
    let mut all = session.history.offers().map_err(|error| hinted(exit::UNEXPECTED, error))?;
    all.sort_by_key(|record| (record.waits(), record.received));
    let lines: Vec<String> = all.iter().map(|record| line(record, session.clock.now())).collect();
    let waiting = all.iter().filter(|record| record.waits()).count();
    let end = match (all.len(), waiting) {
        (0, _) => "nothing was offered yet: `spartacus offers add FILE` takes in what volunteers send".to_owned(),
        (_, 0) => "nothing waits for a decision".to_owned(),
        (_, 1) => "1 offer waits for a decision".to_owned(),
        (_, more) => format!("{more} offers wait for a decision"),
    };
    let told: Vec<serde_json::Value> = all.iter().map(fields).collect();
    let text = lines.into_iter().chain([end]).collect::<Vec<_>>().join("\n");
    answer(surface, "spartacus.offers/1", &json!({ "offers": told, "waiting": waiting }), &text);
    Ok(exit::OK)
}

/// As programs read it.
#[must_use]
pub fn fields(record: &OfferRecord) -> serde_json::Value {
    json!({
        "ticket": record.ticket, "name": record.name, "state": record.state, "waits": record.waits(),
        "received": record.received, "changed": record.changed, "expires": record.expires, "target": record.target,
        "since": record.since, "paused_until": record.paused_until, "words": record.words,
        "examined": record.examined.as_ref().map(|found| json!({ "at": found.at, "good": found.good })),
    })
}

fn line(record: &OfferRecord, now: jiff::Timestamp) -> String {
    let mut about = Vec::new();
    if record.waits() && record.state.is_mirror() {
        about.push("an update waits".to_owned());
    }
    if let Some(until) = record.paused_until.filter(|until| *until > now) {
        about.push(format!("paused until {}", report::moment(until)));
    }
    match &record.examined {
        Some(found) if record.waits() => {
            about.push(if found.good { "examined: good" } else { "examined: something failed" }.to_owned());
        }
        None if record.waits() => about.push("not examined".to_owned()),
        _ => {}
    }
    about.extend(record.words.iter().map(|words| escape(words)));
    if record.state.is_mirror() || record.waits() {
        about.push(report::ends_soon(record.expires, now).unwrap_or_else(|| format!("until {}", report::moment(record.expires))));
    }
    let name = record.target.as_ref().unwrap_or(&record.name);
    format!(
        "{}  {:<16} {:<10} {}  {}",
        record.ticket,
        name,
        record.state.word(),
        report::moment(record.received),
        about.join(", ")
    )
}
