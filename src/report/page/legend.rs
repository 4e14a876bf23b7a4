//! The rules, with the numbers that hold here: whoever runs a mirror can read what is held against it.

use std::time::Duration;

use maud::{Markup, html};

use super::frame::sign;
use crate::health::Condition;
use crate::report::board::Board;
use crate::report::words;

pub(super) fn rules(board: &Board) -> Markup {
    html! {
        details {
            summary { "What the words mean, and by which rules" }
            table {
                thead { tr { th { "condition" } th { "when" } } }
                tbody {
                    @for condition in Condition::ALL {
                        @let (mood, glyph) = sign(condition);
                        tr { td class=(mood.class()) { (glyph) " " (condition) } td { (rule(board, condition)) } }
                    }
                }
            }
            p {
                "Up is the share of looks that found the mirror good, of all looks with a result; measured is how many of the looks \
                 that were due had one. Looks that failed on our side count for nobody."
            }
            p {
                "A day is a bar: high and green when at least 99 % of its looks were good, lower and amber down to half, short and \
                 red below that, a grey line without data."
            }
        }
    }
}

fn rule(board: &Board, condition: Condition) -> String {
    let rules = &board.rules;
    let apart = |duration: Duration| words::duration(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    match condition {
        Condition::Quarantined => format!(
            "One wrong byte or signature, parts of two publishes, or an older state than it showed before. It counts again after {} \
             clean full verifications, never by time.",
            rules.clean_after
        ),
        Condition::Unreachable => format!("No right answer in {} looks in a row.", rules.unreachable_after),
        Condition::Incomplete => {
            format!("Files are missing or short, still {} after they were first missed.", apart(rules.missing_apart))
        }
        Condition::Stale => format!(
            "An older release for longer than {} after it was brought the new one, in {} looks in a row; or its signed pointer has \
             expired.",
            apart(rules.grace),
            rules.stale_after
        ),
        Condition::Full => "No room for what is new. What it has is right.".to_owned(),
        Condition::Degraded => format!(
            "Right, with something to mend: it came back and is to be verified, other places see it otherwise, or it changed its condition {} times in a day.",
            rules.flapping_changes
        ),
        Condition::Unknown => "Never looked at, or it never answered.".to_owned(),
        Condition::Healthy => "It serves the newest release, and nothing of it that was looked at is wrong. When every byte was last hashed stands beside it.".to_owned(),
    }
}
