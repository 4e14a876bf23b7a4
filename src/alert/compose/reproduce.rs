//! Commands that show a volunteer what we saw: what failed first, then all of it. They work as they are pasted.

use super::volunteer::evidence;
use super::whereabouts::{Place, address, quoted};
use crate::base::ObjectPath;
use crate::health::{Evidence, Family, Reach, Verdict};
use crate::report::FleetMirror;

/// What readers ask for first.
const POINTER: &str = "metadata/timestamp.json";

/// At the public address where there is one, else at the place that we were given.
pub(super) fn commands(mirror: &FleetMirror, place: Option<&Place>) -> Vec<String> {
    // A mirror that does not answer is silent about whatever was asked first, be it there or not.
    let told = mirror.seen.iter().filter(|seen| seen.look.verdict != Verdict::Unreadable);
    let wrong = told.flat_map(evidence).find(|fact| fact.path.is_some());
    let path = wrong.and_then(|fact| fact.path.as_ref()).map_or(POINTER, ObjectPath::as_str);
    let Some(base) = &mirror.public_url else { return place.map(|place| place.commands(path)).unwrap_or_default() };
    let file = quoted(&address(base, path));
    let look = match wrong.and_then(altered) {
        Some(range) => format!("curl -s {range}{file} | sha256sum"),
        None => format!("curl -v {}-o /dev/null {file}", family(mirror)),
    };
    if mirror.seen.as_ref().is_some_and(|seen| seen.look.verdict == Verdict::Unreadable) {
        // Nothing more can be had from one that gives nothing.
        return vec![look];
    }
    let depth = if wrong.and_then(altered).is_some() { "--full" } else { "--files" };
    let root = format!("curl -s -o 1.root.json {}", quoted(&address(base, "metadata/1.root.json")));
    vec![look, root, format!("spartacus verify {} --root 1.root.json {depth}", quoted(base.as_str()))]
}

/// For bytes that are not what was signed: the option that asks for just these. The words are those of the look and of the
/// sample, which name the digest that has to come out.
fn altered(fact: &Evidence) -> Option<String> {
    let found = fact.what.strip_prefix("altered: ")?;
    let range = found.strip_prefix("bytes ").and_then(|rest| {
        let (start, rest) = rest.split_once(" to ")?;
        let (end, _) = rest.split_once(' ')?;
        Some(format!("-r {}-{} ", start.parse::<u64>().ok()?, end.parse::<u64>().ok()?))
    });
    Some(range.unwrap_or_default())
}

/// The family to ask over when the other one works.
fn family(mirror: &FleetMirror) -> &'static str {
    let reach: &[Reach] = mirror.seen.as_ref().map_or(&[], |seen| &seen.probes.reach);
    let seen = |family| reach.iter().find(|reach| reach.family == family && reach.address.is_some());
    let (Some(ipv4), Some(ipv6)) = (seen(Family::Ipv4), seen(Family::Ipv6)) else { return "" };
    match (ipv4.trouble.is_some(), ipv6.trouble.is_some()) {
        (true, false) => "-4 ",
        (false, true) => "-6 ",
        _ => "",
    }
}
