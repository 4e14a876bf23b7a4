//! What all pages share: head, policy, style, foot.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::sentence::Mood;
use crate::base::{Sha256, escape};
use crate::health::Condition;
use crate::report::board::Board;
use crate::report::words;

/// The style of every page.
const STYLE: &str = include_str!("style.css");

/// A whole page. `up` leads from it to the folder of the index: nothing, or `../`.
pub(super) fn page(board: &Board, title: &str, up: &str, body: &Markup) -> String {
    let project = escape(&board.fleet.project);
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (escape(title)) }
                @if !board.alone {
                    link rel="alternate" type="application/atom+xml" title="What happened to the mirrors" href={ (up) "feed.atom" };
                }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                footer {
                    p {
                        (project) " · made " (words::moment(board.fleet.at)) " by spartacus · all times are UTC"
                        @if !board.alone {
                            " · " a href={ (up) "feed.atom" } { "feed" }
                            " · " a href={ (up) "mirrors.json" } { "list for programs" }
                            " · " a href={ (up) "mirrorlist.txt" } { "list of addresses" }
                        }
                    }
                    p {
                        @if board.alone {
                            "A browser cannot tell whether this page is the one that was signed. "
                        } @else {
                            "This page is not signed. "
                        }
                        "Whoever serves it could change it, so trust no mirror because of it: "
                        code { "spartacus verify" } " tells whether a copy is right."
                    }
                }
            }
        }
    };
    html.into_string()
}

/// Nothing but the one style that is in the page.
fn policy() -> String {
    let digest = STANDARD.encode(Sha256::of(STYLE.as_bytes()).as_bytes());
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

/// The class and the sign of a condition: colour never speaks alone.
pub(super) fn sign(condition: Condition) -> (Mood, &'static str) {
    match condition {
        Condition::Quarantined => (Mood::Bad, "✗"),
        Condition::Unreachable => (Mood::Bad, "∅"),
        Condition::Incomplete => (Mood::Doubtful, "◐"),
        Condition::Stale => (Mood::Doubtful, "◷"),
        Condition::Full => (Mood::Doubtful, "■"),
        Condition::Degraded => (Mood::Doubtful, "△"),
        Condition::Unknown => (Mood::Unknown, "?"),
        Condition::Healthy => (Mood::Good, "✓"),
    }
}

/// The sign of the banner.
pub(super) fn mood_sign(mood: Mood) -> &'static str {
    match mood {
        Mood::Good => "✓",
        Mood::Doubtful => "△",
        Mood::Bad => "✗",
        Mood::Unknown => "?",
    }
}

/// A share as a percentage that never rounds up to all.
pub(super) fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).floor() / 100.0;
    format!("{hundredths:.2} %")
}
