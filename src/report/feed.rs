//! Atom feeds (RFC 4287): an entry for everything that happened, once.

use jiff::Timestamp;

use super::board::{Board, Past};
use super::fleet::FleetMirror;
use super::page::{PageSet, event_text};
use super::xml::Xml;
use crate::history::Event;

/// Entries of a feed at most. Readers who come less often find the rest on the page.
const ENTRIES: usize = 100;

/// `feed.atom` of the fleet, and one of each mirror.
pub(super) fn add_feeds(set: &mut PageSet, board: &Board) {
    for (mirror, past) in board.mirrors() {
        set.add(format!("feeds/{}.atom", mirror.name), mirror_feed(board, mirror, past));
    }
    set.add("feed.atom", fleet_feed(board));
}

fn fleet_feed(board: &Board) -> String {
    let ours = board.events.iter().map(|event| (None, event));
    let theirs = board.mirrors().flat_map(|(mirror, past)| past.events.iter().map(move |event| (Some(mirror), event)));
    let all = ours.chain(theirs).filter(|(_, event)| event.is_news()).collect();
    let title = format!("{}: mirrors", board.fleet.project);
    feed(board, &title, "fleet", "", "index.html", all)
}

fn mirror_feed(board: &Board, mirror: &FleetMirror, past: &Past) -> String {
    let all = past.events.iter().filter(|event| event.is_news()).map(|event| (Some(mirror), event)).collect();
    let title = format!("{}: mirror {}", board.fleet.project, mirror.name);
    let page = format!("../mirrors/{}.html", mirror.name);
    feed(board, &title, &format!("mirror/{}", mirror.name), "../", &page, all)
}

fn feed(board: &Board, title: &str, what: &str, up: &str, page: &str, mut events: Vec<(Option<&FleetMirror>, &Event)>) -> String {
    events.sort_by_key(|(_, event)| std::cmp::Reverse(event.id));
    // A feed without news keeps its date, so that readers who ask again see that nothing is new.
    let updated = events.first().map_or(Timestamp::UNIX_EPOCH, |(_, event)| event.at);
    Xml::document("feed", &[("xmlns", "http://www.w3.org/2005/Atom"), ("xml:lang", "en")], |xml| {
        xml.text("title", &[], title);
        xml.text("id", &[], &tag(board, what));
        xml.text("updated", &[], &updated.to_string());
        xml.inside("author", &[], |xml| xml.text("name", &[], &board.fleet.project));
        xml.text("generator", &[("version", env!("CARGO_PKG_VERSION"))], "spartacus");
        xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", page)]);
        for (mirror, event) in events.into_iter().take(ENTRIES) {
            xml.inside("entry", &[], |xml| entry(xml, board, up, page, mirror, event));
        }
    })
}

fn entry(xml: &mut Xml, board: &Board, up: &str, page: &str, mirror: Option<&FleetMirror>, event: &Event) {
    let text = event_text(mirror, &event.what);
    let title = mirror.map_or_else(|| text.clone(), |mirror| format!("{}: {text}", mirror.name));
    let link = mirror.map_or_else(|| page.to_owned(), |mirror| format!("{up}mirrors/{}.html", mirror.name));
    xml.text("title", &[], &title);
    xml.text("id", &[], &tag(board, &format!("event/{}", event.id)));
    xml.text("updated", &[], &event.at.to_string());
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &link)]);
    xml.text("content", &[("type", "text")], &text);
}

/// A tag (RFC 4151) that stays the same wherever the feed is served: it is made of the project's root of trust, below a
/// name that can never belong to somebody (RFC 2606).
fn tag(board: &Board, what: &str) -> String {
    let root = &board.identity.to_string()[..16];
    format!("tag:{root}.spartacus.invalid,2026:{what}")
}
