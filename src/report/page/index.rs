//! The first page: one sentence, the release, who looked, and every mirror, worst first.

use jiff::SignedDuration;
use maud::{Markup, PreEscaped, html};

use super::frame::{self, mood_sign, percent, sign};
use super::sentence::banner;
use super::sparkline::sparkline;
use super::{bars, legend, public_words, resilience};
use crate::base::{Level, escape};
use crate::report::board::{Board, Past};
use crate::report::fleet::FleetMirror;
use crate::report::words;

/// Above so many mirrors the lines of first-byte times are on the mirrors' own pages only: the index stays below 1 MB.
const LINES_UP_TO: usize = 400;
/// Events that are told.
const EVENTS: usize = 12;

pub(super) fn page(board: &Board) -> String {
    let (mood, sentence) = banner(board);
    let project = &board.fleet.project;
    let body = html! {
        header {
            p { "Mirrors" }
            h1 { (escape(project)) }
            @if board.invites && !board.alone {
                p { "Mirrors wanted: " a href="invite.html" { "lend us some web space" } }
            }
        }
        main {
            p class={ "banner " (mood.class()) } role="status" { b class=(mood.class()) { (mood_sign(mood)) } (escape(&sentence)) }
            (facts(board))
            (table(board))
            (resilience::summary(board))
            (happened(board))
            (downloads(board))
            (legend::rules(board))
        }
    };
    frame::page(board, &format!("{project}: mirrors"), "", &body)
}

fn facts(board: &Board) -> Markup {
    let fleet = &board.fleet;
    let verified = fleet.mirrors.iter().filter(|mirror| mirror.serves(Level::Verified)).count();
    html! {
        dl.facts {
            div {
                dt { "Newest release" }
                dd { (words::release(fleet.release.as_ref())) (newest_since(board)) }
            }
            div {
                dt { "Copies" }
                dd {
                    (board.good()) " of " (board.taking_part())
                    small { (fleet.wanted) " wanted, " (verified) " hashed in full in the last look" }
                    (copies(board))
                }
            }
            div { dt { "Last checked" } dd { (checked(board)) } }
        }
    }
}

fn newest_since(board: &Board) -> Markup {
    let newest = board.bundles.iter().find(|bundle| Some(&bundle.name) == board.fleet.release.as_ref());
    html! { @if let Some(bundle) = newest { small { "made " (words::moment(bundle.created)) } } }
}

/// Copies that are good, of all, and a mark at those that are wanted.
fn copies(board: &Board) -> Markup {
    let all = board.taking_part().max(1);
    let (good, wanted) = (board.good() * 100 / all, (board.fleet.wanted * 100 / all).min(100));
    let class = if board.good() < board.fleet.wanted { "b" } else { "g" };
    PreEscaped(format!(
        "<svg class=\"copies\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" role=\"img\"><title>{} of {} copies, {} wanted</title>\
         <rect class=\"n\" width=\"100\" height=\"6\" opacity=\".4\"/><rect class=\"{class}\" width=\"{good}\" height=\"6\"/>\
         <path class=\"w\" d=\"M{wanted} 0v6\"/></svg>",
        board.good(),
        board.taking_part(),
        board.fleet.wanted
    ))
}

fn checked(board: &Board) -> Markup {
    let observer = &board.fleet.observer;
    let every = SignedDuration::try_from(observer.every).unwrap_or(SignedDuration::ZERO);
    let due = format!("due every {}", words::duration(u64::try_from(observer.every.as_millis()).unwrap_or(u64::MAX)));
    let Some(at) = observer.round_at else {
        return html! { b.b { "never" } small { (due) } };
    };
    let late = board.fleet.at.duration_since(at) > every + every;
    html! {
        @if late { b.b { "✗ " (words::ago(at, board.fleet.at)) } } @else { (words::ago(at, board.fleet.at)) }
        small {
            (words::moment(at)) ", " (due)
            @if late { "; looks are missing" }
            @if !observer.saw { "; the fault was ours" }
        }
    }
}

fn table(board: &Board) -> Markup {
    let lines = board.fleet.mirrors.len() <= LINES_UP_TO;
    html! {
        h2 { "Every mirror, worst first" }
        table.fleet {
            thead { tr { th { "mirror" } th { "condition" } th { "since" } th { "release" } th { "first byte" } th { "certificate" } th { "up, 30 days" } th { "90 days" } } }
            tbody { @for (mirror, past) in board.worst_first() { (row(board, mirror, past, lines)) } }
        }
    }
}

fn row(board: &Board, mirror: &FleetMirror, past: &Past, lines: bool) -> Markup {
    let now = board.fleet.at;
    let (mood, glyph) = sign(mirror.standing.condition);
    let release = mirror.seen.as_ref().and_then(|seen| seen.look.release.as_ref());
    let first_byte = mirror.first_byte_ms().map_or_else(|| words::NOTHING.to_owned(), |ms| format!("{ms} ms"));
    let certificate = mirror.certificate_ends().map_or_else(|| words::NOTHING.to_owned(), |end| words::days_until(end, now));
    let up = mirror.uptime[2].ratio.map_or_else(|| words::NOTHING.to_owned(), percent);
    html! {
        tr {
            td { (link(board, mirror)) }
            @if mirror.lifecycle.is_listed() {
                td class=(mood.class()) { (glyph) " " (mirror.standing.condition) }
            } @else {
                td.n { "‖ " (mirror.lifecycle) }
            }
            td { (words::span(mirror.standing.since, now)) }
            td { (words::release(release)) @if let Some(lag) = lag(mirror) { " (" (lag) " late)" } }
            td { (first_byte) @if lines { (sparkline(&past.first_bytes, "l")) } }
            td { (certificate) }
            td { (up) }
            td { (bars::small(&past.days)) }
        }
    }
}

/// A mirror's name, leading to its own page; from a page that stands alone to the mirror itself.
fn link(board: &Board, mirror: &FleetMirror) -> Markup {
    html! {
        @match (board.alone, &mirror.public_url) {
            (false, _) => a href={ "mirrors/" (mirror.name) ".html" } { (mirror.name) },
            (true, Some(url)) => a href=(url) rel="nofollow noopener noreferrer" { (mirror.name) },
            (true, None) => (mirror.name),
        }
    }
}

/// How long it has lacked the newest state.
fn lag(mirror: &FleetMirror) -> Option<String> {
    let lag = mirror.lag.filter(|lag| !lag.is_zero())?;
    Some(words::duration(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)))
}

/// What happened last, to whichever mirror.
fn happened(board: &Board) -> Markup {
    let ours = board.events.iter().map(|event| (None, event));
    let theirs = board.mirrors().flat_map(|(mirror, past)| past.events.iter().map(move |event| (Some(mirror), event)));
    let mut all: Vec<_> = ours.chain(theirs).filter(|(_, event)| event.is_news()).collect();
    all.sort_by_key(|(_, event)| std::cmp::Reverse(event.id));
    html! {
        h2 { "What happened" }
        @if all.is_empty() { p.soft { "Nothing yet." } }
        ul.log {
            @for (mirror, event) in all.into_iter().take(EVENTS) {
                li {
                    time { (words::moment(event.at)) }
                    span {
                        @if let Some(mirror) = mirror { (link(board, mirror)) ": " }
                        (public_words::event_text(mirror, &event.what))
                    }
                }
            }
        }
    }
}

/// What can be downloaded from many mirrors at once.
fn downloads(board: &Board) -> Markup {
    let offered: Vec<_> = board.bundles.iter().filter(|bundle| !bundle.verified_on.is_empty()).collect();
    html! {
        @if !offered.is_empty() && !board.alone {
            h2 { "Downloads" }
            p { "A Metalink file names every verified mirror of a release with the digests of all its files; programs such as " code { "aria2c" } " fetch from several at once and refuse wrong bytes." }
            ul {
                @for bundle in offered {
                    li {
                        a href=(super::super::metalink::path_of(bundle)) { (bundle.name) ".meta4" }
                        span.soft { " on " (words::counted(bundle.verified_on.len() as u64, "verified mirror", "verified mirrors")) }
                    }
                }
            }
        }
    }
}
