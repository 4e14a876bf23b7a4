//! Who is to be reminded that what is agreed with a volunteer ends.

use jiff::Timestamp;

use super::whereabouts::whereabouts;
use crate::alert::{Ending, Letter, Renewal, Whereabouts, remind, step};
use crate::base::{AlertCondition, Audience, Sha256, TargetName};
use crate::cli::exit::{self, Failure};
use crate::cli::session::{Session, bundle_failure, entry_of, hinted};
use crate::config::{AlertRoute, TargetState};
use crate::history::{OfferRecord, Reminded};
use crate::registration::Message;
use crate::report::Fleet;

/// What is due on a route, and what it has told with it.
#[derive(Debug, Default)]
pub struct Reminders {
    /// The messages; for volunteers one for each mirror.
    pub letters: Vec<(Option<TargetName>, Letter)>,
    /// What is to be remembered once these are written down.
    pub told: Vec<Reminded>,
}

/// What is to be reminded of on a route now. What is due in quiet hours comes after them.
pub fn reminders(session: &Session, route: &AlertRoute, all: &Fleet) -> Result<Reminders, Failure> {
    let quiet = route.rules.quiet.iter().any(|window| window.contains(all.at));
    if quiet || !route.rules.on.contains(&AlertCondition::Expiring) {
        return Ok(Reminders::default());
    }
    let endings = endings(session, route, all.at)?;
    let send_to = session.config.invite.as_ref().map(|invite| invite.send_to.clone()).unwrap_or_default();
    let renewal = Renewal {
        send_to: &send_to,
        pin: session.project.pin().map_err(bundle_failure)?,
        carried: session.config.project.publish_status,
        front: session.config.serve.is_some(),
    };
    let letter =
        |whereabouts: &Whereabouts, some: &[Ending]| remind(all, &route.name, route.rules.audience, whereabouts, some, &renewal);
    let letters = match route.rules.audience {
        Audience::Volunteer => endings
            .iter()
            .map(|ending| {
                let place = whereabouts(session, &ending.mirror);
                (Some(ending.mirror.clone()), letter(&place, std::slice::from_ref(ending)))
            })
            .collect(),
        Audience::Maintainer if endings.is_empty() => Vec::new(),
        Audience::Maintainer => vec![(None, letter(&Whereabouts::default(), &endings))],
    };
    let told = endings.into_iter().map(|ending| Reminded {
        route: route.name.clone(),
        ticket: ending.ticket,
        expires: ending.expires,
        days: ending.days,
    });
    Ok(Reminders { told: told.collect(), letters })
}

fn endings(session: &Session, route: &AlertRoute, now: Timestamp) -> Result<Vec<Ending>, Failure> {
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let (records, told) = (session.history.offers().map_err(failed)?, session.history.reminded(&route.name).map_err(failed)?);
    let pin = session.project.pin().map_err(bundle_failure)?;
    let mut found = Vec::new();
    for record in records.iter().filter(|record| record.state.is_mirror()) {
        let Some(target) = entry_of(&session.config, record) else { continue };
        // Who asked to be left alone is, and who has sent an update has done what can be done.
        let volunteer = route.rules.audience == Audience::Volunteer;
        let is_reached = target.contact.is_some() && target.state == TargetState::Active;
        if volunteer && (record.waits() || !is_reached) {
            continue;
        }
        let is_same = |told: &&Reminded| told.ticket == record.ticket && told.expires == record.expires;
        let last = told.iter().find(is_same).map(|told| told.days);
        if let Some(days) = step(agreed(record, pin), record.expires, last, now) {
            found.push(Ending {
                mirror: target.name.clone(),
                ticket: record.ticket.clone(),
                expires: record.expires,
                days,
                waits: record.waits(),
                heard: is_reached && session.config.alerts.iter().any(reaches_volunteers),
            });
        }
    }
    Ok(found)
}

fn reaches_volunteers(route: &AlertRoute) -> bool {
    route.rules.audience == Audience::Volunteer && route.rules.on.contains(&AlertCondition::Expiring)
}

/// When what holds now was written by the volunteer.
fn agreed(record: &OfferRecord, pin: Sha256) -> Timestamp {
    let message = record.agreed.as_ref().and_then(|file| Message::recall(file.as_bytes(), pin).ok());
    message.map_or(record.received, |message| message.at)
}
