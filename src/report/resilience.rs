//! Who could take every copy down, told.

use super::json::object;
use super::table::{Style, Table, Tone, line};
use super::words;
use crate::health::resilience::{Assessment, Minimum, Party};

/// A row for each kind of party, and what follows from it.
#[must_use]
pub fn resilience_text(found: &Assessment, style: Style) -> String {
    let mut table = Table::new(style, &["together", ">needed", "for example"]);
    for (kind, minimum) in &found.by_kind {
        table.row(
            &[format!("parties of one kind: {}", kind.words()), needed(minimum), listed(&minimum.parties)],
            (1, tone(minimum)),
        );
    }
    table.row(&["parties of any kind".to_owned(), needed(&found.mixed), listed(&found.mixed.parties)], (1, tone(&found.mixed)));
    let mut text = table.render();
    if let Some((party, lost)) = &found.costliest {
        text += &line(0, &format!("costliest loss: {party} takes {lost} of {} good mirrors along", found.mirrors));
    }
    let helps = found.raised_to.map_or_else(
        || "one more mirror can only help if it avoids".to_owned(),
        |raised| format!("one more mirror raises it from {} to {raised} if it avoids", found.mixed.at_most),
    );
    text += &line(0, &format!("{helps}: {}", listed(&found.avoid)));
    let many = found.mirrors as u64;
    let parties = words::counted(found.mixed.at_least as u64, "party", "parties");
    let bound = if found.mixed.at_least == found.mixed.at_most { "" } else { "at least " };
    text + &line(0, &format!("{bound}{parties} could take {} down", words::counted(many, "good mirror", "good mirrors")))
}

/// `spartacus.resilience/1`.
#[must_use]
pub fn resilience_json(found: &Assessment) -> String {
    object("spartacus.resilience/1", &serde_json::json!(found))
}

fn needed(minimum: &Minimum) -> String {
    if minimum.at_least == minimum.at_most {
        minimum.at_least.to_string()
    } else {
        format!("{}-{}", minimum.at_least, minimum.at_most)
    }
}

fn listed(parties: &[Party]) -> String {
    parties.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// One party that can take all down is what this command is there to warn of.
fn tone(minimum: &Minimum) -> Tone {
    match minimum.at_least {
        ..=1 => Tone::Bad,
        2 => Tone::Doubtful,
        _ => Tone::Good,
    }
}
