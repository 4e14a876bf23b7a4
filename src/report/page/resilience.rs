//! Who could take every copy down, on the page.

use maud::{Markup, html};

use crate::base::escape;
use crate::health::resilience::{Minimum, Party};
use crate::report::board::Board;
use crate::report::words;

pub(super) fn summary(board: &Board) -> Markup {
    let Some(found) = &board.resilience else { return Markup::default() };
    let copies = words::counted(found.mirrors as u64, "good copy", "good copies");
    html! {
        h2 { "Who could take all of it down" }
        p {
            (needed(&found.mixed)) " could together remove " (copies) ": " (listed(&found.mixed.parties)) "."
            @if let Some((party, lost)) = &found.costliest {
                " The costliest single loss is " (escape(&party.to_string())) ", with " (lost) " of " (found.mirrors) "."
            }
        }
        p.soft { "One more mirror makes that harder if it depends on none of: " (listed(&found.avoid)) "." }
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

fn needed(minimum: &Minimum) -> String {
    let parties = words::counted(minimum.at_most as u64, "party", "parties");
    if minimum.at_least == minimum.at_most { parties } else { format!("{} to {parties}", minimum.at_least) }
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
