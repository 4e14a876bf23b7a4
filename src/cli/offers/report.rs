//! What whoever offered a place is told of how it was tried out: all of it by mail, and how much was found at the ticket.

use crate::alert::tell_of_examination;
use crate::base::{Audience, MailAddress, escape};
use crate::cli::alert::hand_over;
use crate::cli::exit::{self, Failure};
use crate::cli::fleet::fleet;
use crate::cli::session::Session;
use crate::cli::surface::Surface;
use crate::history::OfferRecord;
use crate::registration::{Examination, Outcome};

/// What was found, if it was looked for.
pub fn found(record: &OfferRecord) -> Result<Option<Examination>, Failure> {
    let Some(examined) = &record.examined else { return Ok(None) };
    serde_json::from_str(&examined.examination).map(Some).map_err(|error| Failure::new(exit::UNEXPECTED, error))
}

/// The report. It names no secret; where the place is stands in it.
pub fn letter(project: &str, record: &OfferRecord, found: &Examination) -> String {
    let when = when(record);
    let verdict = if found.is_good() {
        "Everything that has to work works."
    } else {
        "Some things have to be mended before it can be a mirror."
    };
    let mut text = format!(
        "Your offer {} ({}) to mirror {} was tried out at {when}. {verdict}\n\n",
        record.ticket,
        record.name,
        escape(project)
    );
    for finding in &found.findings {
        text += &crate::cli::offer::line(finding);
        text.push('\n');
    }
    text += "\nYou can try the same from your side: spartacus offer doctor. When something has changed, send `spartacus offer update`.";
    text
}

/// The same in short, for the page of a ticket: how many things were found and no more, since a ticket can be worked out from an
/// offer file, and such a file may be in public. Empty if nothing was tried out.
pub fn in_short(record: &OfferRecord) -> Result<String, Failure> {
    let Some(found) = found(record)? else { return Ok(String::new()) };
    let count = |outcome| found.findings.iter().filter(|finding| finding.outcome == outcome).count();
    Ok(format!(
        "It was tried out at {}: {} things are as they should be, {} would be better mended, {} failed.\nWhat they are goes by mail to the \
         contact in the offer, if there is one and the project sends mail. To see them yourself, run this in the folder of your offer: spartacus offer doctor",
        when(record),
        count(Outcome::Passed),
        count(Outcome::Warning),
        count(Outcome::Failed)
    ))
}

fn when(record: &OfferRecord) -> String {
    record.examined.as_ref().map(|found| crate::report::moment(found.at)).unwrap_or_default()
}

/// Sends the report on every route that is for volunteers. True when it was sent; where it could not be, that is told.
pub async fn send(
    surface: &Surface,
    session: &Session,
    record: &OfferRecord,
    contact: Option<&MailAddress>,
) -> Result<bool, Failure> {
    let (Some(found), Some(contact)) = (found(record)?, contact) else { return Ok(false) };
    let mut sent = false;
    for route in session.config.alerts.iter().filter(|route| route.rules.audience == Audience::Volunteer) {
        let text = letter(&session.config.project.name, record, &found);
        let letter = tell_of_examination(&fleet(session, &[])?, &route.name, &record.ticket, found.is_good(), text);
        match hand_over(session, route, &letter, std::slice::from_ref(contact)).await {
            Ok(()) => {
                surface.remark(&format!("the report was sent to the volunteer ({})", route.name));
                sent = true;
            }
            Err(why) => {
                surface.remark(&format!("warning: the report was not sent to the volunteer ({}): {}", route.name, why.message));
                why.hints.iter().for_each(|hint| surface.remark(&format!("hint: {hint}")));
            }
        }
    }
    Ok(sent)
}
