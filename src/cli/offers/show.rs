//! `spartacus offers show`: what is offered, and what was found.

use std::fmt::Write as _;

use serde_json::json;

use super::report::{found, letter};
use super::{find, list, message, opened};
use crate::base::{causes, escape};
use crate::cli::args::Global;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::session::Session;
use crate::cli::surface::{Surface, answer, say};
use crate::registration::{Outcome, Sealed};

/// Shows an offer. Secrets are named, and never shown.
pub fn show(surface: &Surface, global: &Global, ticket: &str, report: bool) -> Ended {
    let session = Session::open(surface, global)?;
    let record = find(&session, ticket)?;
    if report {
        let Some(found) = found(&record)? else {
            return Err(Failure::told(exit::USAGE, format!("{} was not examined yet", record.ticket))
                .hint(format!("spartacus offers verify {}", record.ticket)));
        };
        say(&letter(&session.config.project.name, &record, &found));
        return Ok(exit::OK);
    }
    if record.file.is_empty() {
        let words = record.words.as_ref().map(|words| format!(": {}", escape(words))).unwrap_or_default();
        let text =
            format!("{}  {}: {}{words}\nwhat was in the offer is not kept", record.ticket, record.name, record.state.word());
        let mut fields = list::fields(&record);
        for field in ["public_url", "kind", "place", "secrets", "notes", "findings"] {
            fields[field] = serde_json::Value::Null;
        }
        answer(surface, "spartacus.offer_shown/1", &fields, &text);
        return Ok(exit::OK);
    }
    let message = message(&session, &record.file)?;
    let sealed = opened(&session, &message);
    let mut text = format!("{}  {}: {}\n", record.ticket, record.name, record.state.word());
    let offered = message.request.offered();
    if let Some(offered) = offered {
        let _ = writeln!(text, "  readers      {}", escape(&offered.public_url));
        for (word, value) in [("operator", &offered.operator), ("country", &offered.country), ("network", &offered.network)] {
            if let Some(value) = value {
                let _ = writeln!(text, "  {word:<12} {}", escape(value));
            }
        }
        let _ = writeln!(text, "  holds until  {}", crate::report::moment(offered.expires));
    }
    let _ = writeln!(text, "  key          {}", message.volunteer.to_minisign());
    match &sealed {
        Ok(sealed) => text += &inside(sealed),
        Err(failure) => {
            let _ = writeln!(text, "  sealed       {}", causes(failure.error.as_ref()).join(": "));
        }
    }
    let found = found(&record)?;
    match &found {
        Some(found) => {
            let count = |outcome| found.findings.iter().filter(|finding| finding.outcome == outcome).count();
            let _ = writeln!(
                text,
                "  examined     {}: {} passed, {} warnings, {} failed",
                record.examined.as_ref().map(|found| crate::report::moment(found.at)).unwrap_or_default(),
                count(Outcome::Passed),
                count(Outcome::Warning),
                count(Outcome::Failed)
            );
        }
        None if !record.waits() => {}
        None => {
            let _ = writeln!(text, "  examined     not yet: spartacus offers verify {}", record.ticket);
        }
    }
    let mut fields = list::fields(&record);
    fields["public_url"] = json!(offered.map(|offered| &offered.public_url));
    fields["kind"] = json!(offered.map(|offered| &offered.kind));
    fields["place"] = json!(sealed.as_ref().ok().map(|sealed| escape(&sealed.place.describe())));
    fields["secrets"] = json!(sealed.as_ref().ok().map(|sealed| sealed.secrets.keys().collect::<Vec<_>>()));
    fields["notes"] = json!(sealed.as_ref().ok().and_then(|sealed| sealed.notes.clone()));
    fields["findings"] = json!(found.map(|found| found.findings));
    answer(surface, "spartacus.offer_shown/1", &fields, text.trim_end());
    Ok(exit::OK)
}

fn inside(sealed: &Sealed) -> String {
    let mut text = format!("  place        {}\n", escape(&sealed.place.describe()));
    let secrets: Vec<&str> = sealed.secrets.keys().map(|name| name.word()).collect();
    let words = if secrets.is_empty() { "none: pushes log in with the deploy key".to_owned() } else { secrets.join(", ") };
    let _ = writeln!(text, "  secrets      {words}");
    if let Some(contact) = &sealed.contact {
        let _ = writeln!(text, "  contact      {}", contact.as_str());
    }
    if let Some(notes) = &sealed.notes {
        let _ = writeln!(text, "  notes        {}", escape(notes));
    }
    text
}
