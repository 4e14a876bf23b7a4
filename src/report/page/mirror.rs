//! A page for each mirror: what a volunteer needs to know.

use jiff::Timestamp;
use maud::{Markup, html};

use super::bars::Kind;
use super::frame::{self, mood_sign, percent, sign};
use super::public_words::{event_text, evidence_text, reason_text};
use super::sparkline::{bounds, sparkline};
use super::{bars, legend};
use crate::base::escape;
use crate::history::Day;
use crate::report::advice::advice;
use crate::report::board::{Board, Past};
use crate::report::explain::code_word;
use crate::report::fleet::FleetMirror;
use crate::report::words;

/// Days with trouble that are told one by one.
const TROUBLED_DAYS: usize = 30;

pub(super) fn page(board: &Board, mirror: &FleetMirror, past: &Past) -> String {
    let (mood, _) = sign(mirror.standing.condition);
    let standing = &mirror.standing;
    let now = board.fleet.at;
    let body = html! {
        header {
            p { a href="../index.html" { (escape(&board.fleet.project)) } " · mirror" }
            h1 { (mirror.name) }
        }
        main {
            p class={ "banner " (mood.class()) } role="status" {
                b class=(mood.class()) { (mood_sign(mood)) }
                (standing.condition) " since " (words::moment(standing.since)) " (" (words::span(standing.since, now)) ")"
                @if !mirror.lifecycle.is_listed() { "; " (mirror.lifecycle) ", so readers are not sent here" }
            }
            (facts(board, mirror))
            (reasons(mirror))
            (uptime(mirror, past))
            (first_bytes(past))
            (last_look(mirror, now))
            (events(mirror, past))
            (legend::rules(board))
        }
    };
    frame::page(board, &format!("{}: {}", mirror.name, board.fleet.project), "../", &body)
}

fn facts(board: &Board, mirror: &FleetMirror) -> Markup {
    let now = board.fleet.at;
    let ago = |moment: Option<Timestamp>| moment.map_or_else(|| "never".to_owned(), |moment| words::ago(moment, now));
    html! {
        dl.facts {
            div {
                dt { "Address" }
                dd {
                    @match &mirror.public_url {
                        Some(url) => small { a href=(url) rel="nofollow noopener noreferrer" { (escape(url.as_str())) } },
                        None => "not public",
                    }
                    @if let Some(country) = &mirror.country { small { "in " (escape(country)) } }
                }
            }
            div {
                dt { "Release" }
                dd {
                    (words::release(mirror.seen.as_ref().and_then(|seen| seen.look.release.as_ref())))
                    small { "newest is " (words::release(board.fleet.release.as_ref())) }
                }
            }
            div {
                dt { "Last right answer" }
                dd { (ago(mirror.standing.answered_at)) small { "every byte verified: " (ago(mirror.standing.verified_at)) } }
            }
            @if let Some(end) = mirror.certificate_ends() {
                div { dt { "Certificate ends" } dd { (words::days_until(end, now)) small { (words::moment(end)) } } }
            }
        }
    }
}

fn reasons(mirror: &FleetMirror) -> Markup {
    let reasons = &mirror.standing.reasons;
    html! {
        h2 { "What speaks against it" }
        @if reasons.is_empty() { p.soft { @if mirror.standing.seen_at.is_some() { "Nothing." } @else { "Nobody has looked yet." } } }
        @for reason in reasons {
            div.card {
                p { b { (code_word(reason.code)) } ", since " (words::moment(reason.first_seen)) }
                p { (reason_text(mirror, reason)) }
                p.soft { "What to do: " (advice(reason.code)) }
            }
        }
    }
}

fn uptime(mirror: &FleetMirror, past: &Past) -> Markup {
    let with_trouble = |day: &&Day| matches!(Kind::of(day), Kind::Partly | Kind::Bad);
    let troubled: Vec<&Day> = past.days.iter().rev().filter(with_trouble).take(TROUBLED_DAYS).collect();
    html! {
        h2 { "The last 90 days" }
        (bars::large(&past.days))
        div.scale { span { "90 days ago" } span { "today" } }
        p.soft { "Of " (past.days.len()) " days: " (bars::summary(&past.days)) "." }
        @if !troubled.is_empty() {
            details {
                summary { "Days with trouble" }
                ul { @for day in troubled { li { (bars::told(day)) } } }
            }
        }
        table {
            thead { tr { th { "over" } th { "up" } th { "measured" } } }
            tbody {
                @for (window, uptime) in ["24 hours", "7 days", "30 days", "90 days"].iter().zip(&mirror.uptime) {
                    tr {
                        td { (window) }
                        td { (uptime.ratio.map_or_else(|| words::NOTHING.to_owned(), percent)) }
                        td { (percent(uptime.coverage)) " of the looks that were due" }
                    }
                }
            }
        }
    }
}

fn first_bytes(past: &Past) -> Markup {
    let hours = &past.first_bytes;
    html! {
        @if let Some((low, high)) = bounds(hours) {
            h2 { "Time to the first byte" }
            (sparkline(hours, "line"))
            div.scale { span { "24 h ago" } span { (low) " to " (high) " ms, the median of each hour" } span { "now" } }
        }
    }
}

fn last_look(mirror: &FleetMirror, now: Timestamp) -> Markup {
    let Some(seen) = &mirror.seen else { return Markup::default() };
    html! {
        h2 { "The last look" }
        p { (words::ago(seen.at, now)) ", at " (words::moment(seen.at)) ": " (seen.look.verdict.to_string().to_lowercase()) }
        @if !seen.look.evidence.is_empty() {
            ul { @for fact in &seen.look.evidence { li { (evidence_text(mirror, fact)) } } }
        }
        @if !mirror.elsewhere.is_empty() {
            ul {
                @for other in &mirror.elsewhere {
                    li {
                        "from " (other.vantage) ", " (words::ago(other.at, now)) ": " (other.glance.verdict.to_string().to_lowercase())
                    }
                }
            }
        }
        @if mirror.public_url.is_some() && !seen.probes.reach.is_empty() {
            ul {
                @for reach in &seen.probes.reach {
                    li {
                        (reach.family.word())
                        @match (&reach.trouble, reach.address, reach.phases.first_byte_ms) {
                            (Some(trouble), _, _) => { ": " (escape(&trouble.what)) },
                            (None, None, _) => ": its name has no address of this kind",
                            (None, Some(_), Some(ms)) => { ": first byte after " (ms) " ms" },
                            (None, Some(_), None) => ": answered",
                        }
                    }
                }
            }
        }
    }
}

fn events(mirror: &FleetMirror, past: &Past) -> Markup {
    html! {
        h2 { "What happened" }
        @if past.events.is_empty() { p.soft { "Nothing yet." } }
        ul.log {
            @for event in &past.events { li { time { (words::moment(event.at)) } span { (event_text(Some(mirror), &event.what)) } } }
        }
        p { a href={ "../feeds/" (mirror.name) ".atom" } { "Feed of this mirror" } }
    }
}
