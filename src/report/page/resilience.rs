//! Who could take every copy down, on the page.

use maud::{Markup, html};

use crate::base::escape;
use crate::health::resilience::{Minimum, Party};
use crate::report::board::Board;
use crate::report::resilience::{counted, not_known, one_more};
use crate::report::words;

pub(super) fn summary(board: &Board) -> Markup {
    let Some(found) = &board.resilience else { return Markup::default() };
    let copies = words::counted(found.mirrors as u64, "good copy", "good copies");
    let many = !(found.mixed.at_least == 1 && found.mixed.at_most == 1);
    html! {
        h2 { "Who could take all of it down" }
        p {
            (counted(&found.mixed)) " could " @if many { "together " } "remove " (copies) ": " (listed(&found.mixed.parties)) "."
            @if let Some((party, lost)) = &found.costliest {
                " The costliest single loss is " (escape(&party.to_string())) ", with " (lost) " of " (found.mirrors) "."
            }
        }
        p.soft { "What would help: " (escape(&one_more(found))) "." }
        @if let Some(unknown) = not_known(&found.unknown) {
            p.soft { "Not known: " (escape(&unknown)) ". Each could be anybody, so the numbers are limits." }
        }
        details {
            summary { "By kind of party" }
            table {
                thead { tr { th { "parties of one kind" } th { "needed" } th { "for example" } } }
                tbody {
                    @for (kind, minimum) in &found.by_kind {
                        tr { td { (kind.words()) } td { (number(minimum)) } td { (listed(&minimum.parties)) } }
                    }
                }
            }
        }
    }
}

fn number(minimum: &Minimum) -> String {
    if minimum.at_least == minimum.at_most {
        minimum.at_least.to_string()
    } else {
        format!("{} to {}", minimum.at_least, minimum.at_most)
    }
}

/// The first of them; a list of hundreds says no more.
fn listed(parties: &[Party]) -> String {
    const SHOWN: usize = 12;
    let text = parties.iter().take(SHOWN).map(|party| escape(&party.to_string())).collect::<Vec<_>>().join(", ");
    if parties.len() > SHOWN { format!("{text} and {} more", parties.len() - SHOWN) } else { text }
}
