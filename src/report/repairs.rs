//! What was done about each mirror without anybody's order.

use jiff::Timestamp;
use serde::Serialize;

use super::json::object;
use super::table::{Style, Table, Tone, line};
use super::words;
use crate::base::TargetName;
use crate::health::Condition;
use crate::transfer::Run;

/// What was done about a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// It holds the current state again, as far as was looked.
    Repaired,
    /// The repair did not come to its end.
    Failed,
    /// It was repaired not long ago.
    Later,
    /// A repair would not help, or must not be made.
    LeftAlone,
}

impl Deed {
    fn words(self) -> &'static str {
        match self {
            Self::Repaired => "repaired",
            Self::Failed => "failed",
            Self::Later => "later",
            Self::LeftAlone => "left alone",
        }
    }
}

/// One mirror that something speaks against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnattendedRepair {
    /// Which.
    pub target: TargetName,
    /// How it was.
    pub condition: Condition,
    /// What was done.
    pub deed: Deed,
    /// Why, or what else there is to know; safe to print.
    pub why: Option<String>,
    /// The folder with what it served, if that was kept aside.
    pub evidence: Option<String>,
    /// How often in a row it was tried.
    pub tries: u32,
    /// From when on it may be tried again.
    pub next_try: Option<Timestamp>,
}

/// A row for each mirror that something speaks against; then what became of the run, if there was one.
#[must_use]
pub fn repairs_table(mirrors: &[UnattendedRepair], style: Style) -> String {
    let mut table = Table::new(style, &["mirror", "condition", "done", ">tries", "again from"]);
    for mirror in mirrors {
        let again = mirror.next_try.map_or_else(|| words::NOTHING.to_owned(), words::moment);
        let cells = [
            mirror.target.to_string(),
            mirror.condition.to_string(),
            mirror.deed.words().to_owned(),
            mirror.tries.to_string(),
            again,
        ];
        table.row(&cells, (2, tone(mirror.deed)));
    }
    let mut text = if mirrors.is_empty() { String::new() } else { table.render() };
    for mirror in mirrors {
        if let Some(why) = &mirror.why {
            text += &line(0, &format!("{}: {why}", mirror.target));
        }
        if let Some(folder) = &mirror.evidence {
            text += &line(0, &format!("{}: what it served is kept in {folder}", mirror.target));
        }
    }
    text
}

/// `2 mirrors repaired, 1 left alone`.
#[must_use]
pub fn repairs_headline(mirrors: &[UnattendedRepair]) -> String {
    let count = |deed| mirrors.iter().filter(|mirror| mirror.deed == deed).count();
    let told: Vec<String> = [Deed::Repaired, Deed::Failed, Deed::Later, Deed::LeftAlone]
        .into_iter()
        .map(|deed| (count(deed), deed.words()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    if told.is_empty() { "nothing to repair".to_owned() } else { told.join(", ") }
}

/// `spartacus.repairs/1`.
#[must_use]
pub fn repairs_json(mirrors: &[UnattendedRepair], run: Option<&Run>) -> String {
    let headline = repairs_headline(mirrors);
    object("spartacus.repairs/1", &serde_json::json!({ "headline": headline, "mirrors": mirrors, "run": run }))
}

impl std::fmt::Display for Deed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.words())
    }
}

fn tone(deed: Deed) -> Tone {
    match deed {
        Deed::Repaired => Tone::Good,
        Deed::Later | Deed::LeftAlone => Tone::Doubtful,
        Deed::Failed => Tone::Bad,
    }
}
