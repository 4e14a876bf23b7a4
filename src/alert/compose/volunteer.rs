//! For whoever runs one mirror: that mirror, and nothing of the others.

use std::fmt::Write as _;

use super::Item;
use super::reproduce::commands;
use super::whereabouts::Whereabouts;
use crate::base::{AlertCondition, escape};
use crate::health::{Evidence, Observation, Reach, Verdict};
use crate::report::{Fleet, FleetMirror, moment};

/// Facts that are shown; the rest is told on asking.
const FACTS: usize = 10;

/// What we saw, how to see it, what to mend, how to be left alone.
pub(super) fn usual(fleet: &Fleet, whereabouts: &Whereabouts, items: &[Item]) -> (String, String) {
    let Some(first) = items.first() else { return (String::new(), String::new()) };
    let name = first.mirror.as_ref().map_or_else(String::new, ToString::to_string);
    let mirror = fleet.mirrors.iter().find(|mirror| Some(&mirror.name) == first.mirror.as_ref());
    let mut text = greeting(fleet, &name, first.public_url.as_deref(), whereabouts);
    for item in items {
        let _ = match item.until {
            None => writeln!(text, "It has counted as {} since {}.", item.condition, moment(item.since)),
            Some(until) => writeln!(
                text,
                "It is no longer {}: that lasted from {} to {}. Thank you.",
                item.condition,
                moment(item.since),
                moment(until)
            ),
        };
    }
    let firing: Vec<&Item> = items.iter().filter(|item| item.until.is_none()).collect();
    if let (false, Some(mirror)) = (firing.is_empty(), mirror) {
        what_we_saw(&mut text, mirror, whereabouts, &firing);
        see_it_yourself(&mut text, mirror, whereabouts);
        what_helps(&mut text, &firing);
        text.push_str(
            "\nTo be left alone for a while\n  Answer this message. We then set your mirror to `state: paused`: nothing is sent to \
             it, and you hear nothing.\n",
        );
    }
    let word = if firing.is_empty() { "no longer " } else { "" };
    (format!("your mirror {name} is {word}{}", first.condition), text)
}

/// How a message begins: which mirror it is about, and whose files are there. `public_url` is safe to print.
pub(super) fn greeting(fleet: &Fleet, name: &str, public_url: Option<&str>, whereabouts: &Whereabouts) -> String {
    let place = match (public_url, &whereabouts.place) {
        (Some(url), _) => format!("your mirror {name} at {url}"),
        (None, Some(place)) => format!("your mirror {name}, {}", escape(&place.words())),
        (None, None) => format!("your mirror {name}"),
    };
    format!("Hello,\n\nthis is about {place}. It carries files of {}.\n\n", escape(&fleet.project))
}

fn what_we_saw(text: &mut String, mirror: &FleetMirror, whereabouts: &Whereabouts, firing: &[&Item]) {
    text.push_str("\nWhat we saw\n");
    for item in firing.iter().filter(|item| !item.summary.is_empty()) {
        let _ = writeln!(text, "  {}", item.summary);
    }
    let Some(seen) = &mirror.seen else { return };
    // What a mirror without a public address is read from is told above, in the words of its operator.
    let via = match &mirror.public_url {
        Some(_) => format!(", read from {}", escape(&seen.look.via)),
        None => String::new(),
    };
    let _ = writeln!(text, "  at {}{via}: {}", moment(seen.at), seen.look.verdict);
    for fact in evidence(seen).take(FACTS) {
        // What a reader asks for first need not exist at all: of one that does not answer, only how it failed is told.
        let told = if seen.look.verdict == Verdict::Unreadable { fact.what.clone() } else { fact.to_string() };
        let _ = writeln!(text, "    {}", whereabouts.theirs(&escape(&told)));
    }
    for reach in &seen.probes.reach {
        let _ = writeln!(text, "    {}", escape(&reached(reach)));
    }
    size(text, seen);
    let held = [AlertCondition::Quarantined, AlertCondition::Incomplete];
    if seen.look.verdict == Verdict::Current && firing.iter().any(|item| held.contains(&item.condition)) {
        text.push_str(
            "  What was wrong is not seen any more: it was mended meanwhile, by you or by us. It counts again once every byte \
             was read and found right.\n",
        );
    }
    if let Some(from) = whereabouts.from(mirror.public_url.is_some(), &seen.probes.reach) {
        let _ = writeln!(text, "  {from}");
    }
}

/// What the look found, and the pieces that a sample found wrong.
pub(super) fn evidence(seen: &Observation) -> impl Iterator<Item = &Evidence> {
    seen.look.evidence.iter().chain(seen.probes.sample.iter().flat_map(|sample| &sample.bad))
}

fn reached(reach: &Reach) -> String {
    let family = reach.family.word();
    match (reach.address, &reach.trouble) {
        (Some(address), Some(trouble)) => format!("{family}, at {address}: {}", trouble.what),
        (Some(address), None) => format!("{family}, at {address}: answers"),
        (None, Some(trouble)) => format!("{family}: {}", trouble.what),
        (None, None) => format!("{family}: the name has no such address"),
    }
}

fn size(text: &mut String, seen: &Observation) {
    if seen.look.files_checked > 0 {
        let _ = writeln!(text, "    {} files looked at, {} hashed", seen.look.files_checked, seen.look.bytes_hashed);
    }
}

fn see_it_yourself(text: &mut String, mirror: &FleetMirror, whereabouts: &Whereabouts) {
    let commands = commands(mirror, whereabouts.place.as_ref());
    if !commands.is_empty() {
        text.push_str("\nTo see it yourself\n");
    }
    for command in commands {
        let _ = writeln!(text, "  {}", escape(&command));
    }
}

fn what_helps(text: &mut String, firing: &[&Item]) {
    text.push_str("\nWhat helps\n");
    for advice in firing.iter().flat_map(|item| &item.advice) {
        let _ = writeln!(text, "  {advice}");
    }
}
