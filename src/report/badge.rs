//! Badges: small pictures for a README, and the same as JSON for the endpoint badge of shields.io.

use maud::{Render as _, html};

use super::board::Board;
use super::page::{Mood, PageSet, banner, mood_of, percent};
use super::words;
use crate::base::escape;

/// A label, what it says, and how good that is.
struct Badge {
    label: String,
    message: String,
    mood: Mood,
}

/// Badges of the fleet and of each mirror, each as `.svg` and `.json`.
pub(super) fn add_badges(set: &mut PageSet, board: &Board) {
    for (mirror, _) in board.mirrors() {
        let mood = mood_of(mirror.standing.condition);
        let state = Badge { label: "mirror".to_owned(), message: mirror.standing.condition.to_string(), mood };
        let up = mirror.uptime[2].ratio;
        let uptime = Badge {
            label: "up, 30 days".to_owned(),
            message: up.map_or_else(|| "no data".to_owned(), percent),
            mood: match up {
                Some(share) if share >= 0.99 => Mood::Good,
                Some(share) if share >= 0.9 => Mood::Doubtful,
                Some(_) => Mood::Bad,
                None => Mood::Unknown,
            },
        };
        add(set, &format!("badges/mirror/{}", mirror.name), &state);
        add(set, &format!("badges/uptime/{}", mirror.name), &uptime);
    }
    let (mood, _) = banner(board);
    let mirrors = Badge { label: "mirrors".to_owned(), message: format!("{}/{}", board.good(), board.taking_part()), mood };
    let release = words::release(board.fleet.release.as_ref());
    let release = Badge { label: "release".to_owned(), message: format!("{release} on {}", board.good()), mood };
    add(set, "badges/mirrors", &mirrors);
    add(set, "badges/release", &release);
}

fn add(set: &mut PageSet, path: &str, badge: &Badge) {
    set.add(format!("{path}.svg"), badge.svg());
    set.add(format!("{path}.json"), badge.json());
}

impl Badge {
    fn svg(&self) -> String {
        let (label, message) = (escape(&self.label), escape(&self.message));
        let (left, right) = (width(&label), width(&message));
        let all = left + right;
        let colour = match self.mood {
            Mood::Good => "#2f7d50",
            Mood::Doubtful => "#9a6a0c",
            Mood::Bad => "#b0322f",
            Mood::Unknown => "#6b7280",
        };
        let title = format!("{label}: {message}");
        let picture = html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(all) height="20" role="img" aria-label=(title) {
                title { (title) }
                clipPath id="r" { rect width=(all) height="20" rx="3" {} }
                g clip-path="url(#r)" {
                    rect width=(left) height="20" fill="#3f474d" {}
                    rect x=(left) width=(right) height="20" fill=(colour) {}
                }
                g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" text-anchor="middle" {
                    text x=(left / 2) y="14" textLength=(left - 12) { (label) }
                    text x=(left + right / 2) y="14" textLength=(right - 12) { (message) }
                }
            }
        };
        picture.render().into_string() + "\n"
    }

    /// The schema of shields.io's endpoint badge, version 1.
    fn json(&self) -> String {
        let color = match self.mood {
            Mood::Good => "brightgreen",
            Mood::Doubtful => "yellow",
            Mood::Bad => "red",
            Mood::Unknown => "lightgrey",
        };
        let value = serde_json::json!({"schemaVersion": 1, "label": self.label, "message": self.message, "color": color});
        format!("{value}\n")
    }
}

/// Pixels for a text of 11 px with six on both sides; `textLength` makes it fit whatever the font is.
fn width(text: &str) -> usize {
    text.chars().count() * 7 + 12
}
