//! That what is agreed with volunteers ends, and how it goes on.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::volunteer::greeting;
use super::whereabouts::{Place, Whereabouts};
use super::{Item, Letter, fingerprint, fleet, listed, of_agreement};
use crate::alert::Ending;
use crate::base::{AlertCondition, Audience, RouteName, Sha256, escape};
use crate::report::{Fleet, in_days, moment};

/// Mirrors named in a title.
const TITLED: usize = 3;
/// How much later what we log in with may end than the offer that is to be renewed.
const A_YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// How what is agreed goes on.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'a> {
    /// Where updates are sent, as the invite has it.
    pub send_to: &'a [String],
    /// The pin of the project, against which its invite is verified.
    pub pin: Sha256,
    /// Mirrors carry the newest invite.
    pub carried: bool,
    /// There is a web front, which shows the newest invite.
    pub front: bool,
}

impl Renewal<'_> {
    fn to(&self) -> String {
        match self.send_to {
            [] => "the maintainers".to_owned(),
            some => escape(&some.join(" or ")),
        }
    }

    /// Where the newest invite is.
    fn invite_at(&self) -> String {
        let mut places: Vec<String> = Vec::new();
        places
            .extend(self.carried.then(|| "in the folder fleet/ of your own mirror (the highest N of N.invite.json)".to_owned()));
        places.extend(self.front.then(|| "as invite.json on the project's web front".to_owned()));
        places.push(format!("from {}", self.to()));
        places.join(", ")
    }
}

/// The message that reminds of these ends on a route. For a volunteer there is one, and `whereabouts` is of that mirror.
#[must_use]
pub fn remind(
    fleet: &Fleet,
    route: &RouteName,
    audience: Audience,
    whereabouts: &Whereabouts,
    endings: &[Ending],
    renewal: &Renewal<'_>,
) -> Letter {
    let items: Vec<Item> = endings.iter().map(|ending| item(fleet, ending, audience)).collect();
    let (title, text) = match (audience, endings) {
        (Audience::Volunteer, [ending, ..]) => {
            (format!("your offer of {} ends {}", ending.mirror, in_days(ending.expires, fleet.at)), {
                for_volunteer(fleet, whereabouts, ending, &items, renewal)
            })
        }
        _ => for_maintainer(fleet, endings, &items),
    };
    let mut about = vec!["expiring".to_owned(), fleet.project.clone(), route.to_string()];
    about.extend(endings.iter().map(|ending| format!("{} {} {}", ending.ticket, ending.expires, ending.days)));
    let thread = fingerprint(&about.iter().map(String::as_str).collect::<Vec<_>>());
    of_agreement(fleet, route, audience, thread, &title, text, items)
}

fn item(fleet: &Fleet, ending: &Ending, audience: Audience) -> Item {
    let mirror = fleet.mirrors.iter().find(|mirror| mirror.name == ending.mirror);
    let advice = match audience {
        Audience::Volunteer => "Renew it with `spartacus offer update`.".to_owned(),
        Audience::Maintainer if ending.waits => {
            format!("An update of it waits for your decision: spartacus offers show {}", ending.ticket)
        }
        Audience::Maintainer if ending.heard => "Its volunteer is reminded, too.".to_owned(),
        Audience::Maintainer => {
            "Nobody reminds its volunteer: write to them, or give the target a `contact:` and `alerts:` a route for volunteers. One who is \
             paused is left alone."
                .to_owned()
        }
    };
    Item {
        mirror: Some(ending.mirror.clone()),
        condition: AlertCondition::Expiring,
        since: fleet.at,
        until: None,
        summary: escape(&format!(
            "what is agreed with its volunteer ({}) ends {}, {}",
            ending.ticket,
            moment(ending.expires),
            in_days(ending.expires, fleet.at)
        )),
        advice: vec![advice],
        public_url: mirror.and_then(|mirror| mirror.public_url.as_ref()).map(|url| escape(url.as_str())),
        fingerprint: fingerprint(&[&fleet.project, ending.mirror.as_str(), AlertCondition::Expiring.word()]),
    }
}

fn for_volunteer(fleet: &Fleet, whereabouts: &Whereabouts, ending: &Ending, items: &[Item], renewal: &Renewal<'_>) -> String {
    let url = items.first().and_then(|item| item.public_url.as_deref());
    let mut text = greeting(fleet, ending.mirror.as_str(), url, whereabouts);
    let _ = writeln!(
        text,
        "Your offer {} ends {}, {}.\n\nWhat happens then\n  Nothing is sent to it any more, no readers are sent there, and what we know of how \
         to log in is removed. The files\n  that are there stay until you remove them.",
        escape(&ending.ticket),
        moment(ending.expires),
        in_days(ending.expires, fleet.at)
    );
    let _ = writeln!(
        text,
        "\nTo let it go on\n  spartacus offer update\n  in the folder of your offer; then send the file update.json to {to}. If nothing else has changed, \
         it counts without anybody's doing.",
        to = renewal.to()
    );
    let _ = writeln!(
        text,
        "\nIf it says that the invite is over\n  Save the newest one in that folder as invite.json, and verify it before you go on:\n  spartacus invite --show \
         invite.json --pin {}\n  You find it {}.",
        renewal.pin,
        renewal.invite_at()
    );
    let what_ends = match whereabouts.place {
        Some(Place::Sftp { .. }) => Some("The line in authorized_keys may have an end of its own, `expiry-time=\"...\"`"),
        Some(Place::S3 { .. }) => Some("The policy of our key may have an end of its own, `aws:CurrentTime` in push-policy.json"),
        _ => None,
    };
    if let Some(what) = what_ends {
        let later = ending.expires.checked_add(A_YEAR).unwrap_or(ending.expires).strftime("%Y-%m-%d");
        let _ = writeln!(
            text,
            "\nWhat we log in with\n  {what}. This tells how a later one is set:\n  spartacus offer setup --until {later}"
        );
    }
    text.push_str("\nTo let it end\n  Do nothing. It ends earlier with: spartacus offer withdraw\n");
    text
}

fn for_maintainer(fleet: &Fleet, endings: &[Ending], items: &[Item]) -> (String, String) {
    let names: Vec<String> = endings.iter().map(|ending| ending.mirror.to_string()).collect();
    let mut text = String::new();
    for (ending, item) in endings.iter().zip(items) {
        let _ = writeln!(text, "{}: {}.", ending.mirror, item.summary);
        for advice in &item.advice {
            let _ = writeln!(text, "  {advice}");
        }
    }
    text.push_str(
        "\nUnless it is renewed, nothing is sent to such a mirror any more from then on, readers are not sent there, and what is known of how \
         to log in is removed.\n\nAll of them: spartacus offers list\n\n",
    );
    text.push_str(&fleet::overview(fleet));
    (format!("what is agreed ends soon: {}", listed(&names, TITLED)), text)
}
