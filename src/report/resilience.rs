//! Who could take every copy down, told.

use super::json::object;
use super::table::{Style, Table, Tone, line};
use super::words;
use crate::base::TargetName;
use crate::health::resilience::{Assessment, Minimum, Party, PartyKind, Unknown};

/// Parties that are named in a row; a list of hundreds says no more.
const PARTIES: usize = 12;
/// Mirrors that are named in a row.
const MIRRORS: usize = 4;

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
    for unknown in &found.unknown {
        let (kind, mirrors) = (unknown.kind.words(), mirrors(&unknown.mirrors));
        text += &line(0, &format!("not known: {kind} of {mirrors}; {}", remedy(unknown.kind)));
    }
    for differing in &found.network_disagreements {
        let (mirror, declared, found) = (&differing.mirror, &differing.declared, differing.found.join(" and "));
        text += &line(0, &format!("{mirror}: network {declared} is declared and counts, but its address is in {found}"));
    }
    if let Some((party, lost)) = &found.costliest {
        text += &line(0, &format!("costliest loss: {party} takes {lost} of {} good mirrors along", found.mirrors));
    }
    text += &line(0, &one_more(found));
    let many = found.mirrors as u64;
    text + &line(0, &format!("{} could take {} down", counted(&found.mixed), words::counted(many, "good mirror", "good mirrors")))
}

/// `spartacus.resilience/1`.
#[must_use]
pub fn resilience_json(found: &Assessment) -> String {
    object("spartacus.resilience/1", &serde_json::json!(found))
}

/// What one more mirror would have to be like, as a sentence without a full stop.
pub(super) fn one_more(found: &Assessment) -> String {
    let known: Vec<&Party> = found.avoid.iter().filter(|party| party.name.is_some()).collect();
    let mut conditions: Vec<String> =
        known.iter().take(PARTIES).map(|party| format!("{} {party}", place_of(party.kind))).collect();
    if known.len() > PARTIES {
        conditions.push(format!("without {} more (all in --json)", known.len() - PARTIES));
    }
    for unknown in found.unknown.iter().filter(|unknown| found.avoid.contains(&Party { kind: unknown.kind, name: None })) {
        conditions.push(format!("{} the unknown {}", place_of(unknown.kind), unknown.kind.words()));
    }
    let conditions = joined(&conditions);
    match found.raised_to {
        Some(raised) => format!("a mirror {conditions} raises it from {} to {raised}", found.mixed.at_least),
        None => format!("one more mirror can only help if it is {conditions}"),
    }
}

/// How one says that a mirror does not depend on a party.
fn place_of(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::Network | PartyKind::Country | PartyKind::Suffix | PartyKind::Domain => "outside",
        PartyKind::Operator | PartyKind::DnsHost | PartyKind::Authority => "without",
    }
}

/// What can be done about a kind of party that is not known.
fn remedy(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::Operator => "set `operator` there",
        PartyKind::Network => "set `network` there, or `health: asn_database`",
        PartyKind::Country => "set `country` there",
        PartyKind::Suffix | PartyKind::Domain => "set `public_url` there",
        PartyKind::DnsHost => "rounds ask once a day (`health: resolver`)",
        PartyKind::Authority => "the last look saw no certificate",
    }
}

/// `1 party`, `2 to 3 parties`
pub(super) fn counted(minimum: &Minimum) -> String {
    let parties = words::counted(minimum.at_most as u64, "party", "parties");
    if minimum.at_least == minimum.at_most { parties } else { format!("{} to {parties}", minimum.at_least) }
}

fn needed(minimum: &Minimum) -> String {
    if minimum.at_least == minimum.at_most {
        minimum.at_least.to_string()
    } else {
        format!("{}-{}", minimum.at_least, minimum.at_most)
    }
}

/// The first of them.
fn listed(parties: &[Party]) -> String {
    let text = parties.iter().take(PARTIES).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if parties.len() > PARTIES { format!("{text} and {} more", parties.len() - PARTIES) } else { text }
}

/// The first of them, or how many they are.
fn mirrors(names: &[TargetName]) -> String {
    if names.len() > MIRRORS {
        return words::counted(names.len() as u64, "mirror", "mirrors");
    }
    joined(&names.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// `a, b and c`.
fn joined(texts: &[String]) -> String {
    match texts {
        [] => "of any sort".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Who is not known, as one sentence without a full stop; `None`: everybody is known.
pub(super) fn not_known(unknown: &[Unknown]) -> Option<String> {
    let of = |unknown: &Unknown| format!("{} of {}", unknown.kind.words(), mirrors(&unknown.mirrors));
    let all: Vec<String> = unknown.iter().map(of).collect();
    (!all.is_empty()).then(|| joined(&all))
}

/// One party that can take all down is what this command is there to warn of.
fn tone(minimum: &Minimum) -> Tone {
    match minimum.at_least {
        ..=1 => Tone::Bad,
        2 => Tone::Doubtful,
        _ => Tone::Good,
    }
}
