//! For whoever runs one mirror: that mirror, and nothing of the others.

use std::fmt::Write as _;

use super::Item;
use crate::base::{ObjectPath, escape};
use crate::health::{Observation, Reach};
use crate::report::{Fleet, FleetMirror, moment};

/// Facts that are shown; the rest is told on asking.
const FACTS: usize = 10;

/// What we saw, how to see it, what to mend, how to be left alone.
pub(super) fn usual(fleet: &Fleet, items: &[Item]) -> (String, String) {
    let Some(first) = items.first() else { return (String::new(), String::new()) };
    let name = first.mirror.as_ref().map_or_else(String::new, ToString::to_string);
    let mirror = fleet.mirrors.iter().find(|mirror| Some(&mirror.name) == first.mirror.as_ref());
    let place =
        first.public_url.as_ref().map_or_else(|| format!("your mirror {name}"), |url| format!("your mirror {name} at {url}"));
    let mut text = format!("Hello,\n\nthis is about {place}, which carries files of {}.\n\n", escape(&fleet.project));
    for item in items {
        let _ = match item.until {
            None => writeln!(text, "It is {} since {}.", item.condition, moment(item.since)),
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
        what_we_saw(&mut text, mirror, &firing);
        see_it_yourself(&mut text, mirror);
        what_helps(&mut text, &firing);
        text.push_str(
            "\nTo be left alone for a while\n  Answer this mail. We then set your mirror to `state: paused`: nothing is sent to it, \
             and you hear nothing.\n",
        );
    }
    let word = if firing.is_empty() { "no longer " } else { "" };
    (format!("your mirror {name} is {word}{}", first.condition), text)
}

fn what_we_saw(text: &mut String, mirror: &FleetMirror, firing: &[&Item]) {
    text.push_str("\nWhat we saw\n");
    for item in firing.iter().filter(|item| !item.summary.is_empty()) {
        let _ = writeln!(text, "  {}", item.summary);
    }
    let Some(seen) = &mirror.seen else { return };
    let _ = writeln!(text, "  at {}, read from {}: {}", moment(seen.at), escape(&seen.look.via), seen.look.verdict);
    for fact in seen.look.evidence.iter().take(FACTS) {
        let _ = writeln!(text, "    {}", escape(&fact.to_string()));
    }
    for reach in &seen.probes.reach {
        let _ = writeln!(text, "    {}", escape(&reached(reach)));
    }
    size(text, seen);
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

/// Commands that show the same on any machine: what failed first, then all of it.
fn see_it_yourself(text: &mut String, mirror: &FleetMirror) {
    let Some(base) = &mirror.public_url else { return };
    let quoted = |address: &str| format!("'{}'", address.replace('\'', "%27"));
    let mut evidence = mirror.seen.iter().flat_map(|seen| &seen.look.evidence);
    let path = evidence.find_map(|fact| fact.path.as_ref()).map_or("metadata/timestamp.json", ObjectPath::as_str);
    let file = format!("{}/{path}", base.as_str().trim_end_matches('/'));
    let _ = writeln!(text, "\nTo see it yourself\n  curl -v -o /dev/null {}", quoted(&escape(&file)));
    let _ = writeln!(text, "  spartacus verify {} --root 1.root.json --files", quoted(&escape(base.as_str())));
}

fn what_helps(text: &mut String, firing: &[&Item]) {
    text.push_str("\nWhat helps\n");
    for advice in firing.iter().flat_map(|item| &item.advice) {
        let _ = writeln!(text, "  {advice}");
    }
}
