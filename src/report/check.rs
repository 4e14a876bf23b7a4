//! How every mirror is, for people.

use super::probes::{families_that_work, is_trouble, lines};
use super::table::{Style, Table, Tone, line};
use super::words;
use crate::health::{MirrorCheck, Probes, Round, Verdict};

/// Mirrors whose probes are told one by one.
const TOLD_ONE_BY_ONE: usize = 20;

/// A row per mirror, worst first, then the evidence: each exact path and what was found there.
#[must_use]
pub fn check_table(round: &Round, style: Style) -> String {
    let mut mirrors: Vec<&MirrorCheck> = round.mirrors.iter().collect();
    mirrors.sort_by(|one, other| (one.verdict, one.level, &one.target).cmp(&(other.verdict, other.level, &other.target)));
    let mut table = Table::new(style, &["mirror", "verdict", "level", "release", ">version", ">files", ">hashed", ">time"]);
    for check in &mirrors {
        table.row(&cells(check), (1, tone(check.verdict)));
    }
    let evidence: String = mirrors.iter().map(|check| evidence(check)).collect();
    let gap = if evidence.is_empty() { "" } else { "\n" };
    format!("{}{gap}{evidence}{}", table.render(), probed(round))
}

/// What the probes of the round saw. Of many mirrors only those with something to look into are told one by one.
fn probed(round: &Round) -> String {
    let alive = families_that_work(round.probes.values());
    let told = |probes: &&Probes| round.probes.len() <= TOLD_ONE_BY_ONE || is_trouble(probes, &alive);
    let mut text = String::new();
    for (mirror, probes) in round.probes.iter().filter(|(_, probes)| told(probes)) {
        for words in lines(probes, &alive) {
            text += &line(1, &format!("{mirror}  {words}"));
        }
    }
    let sampled = round.probes.values().filter_map(|probes| probes.sample.as_ref());
    let (mirrors, pieces) = sampled.fold((0, 0), |(mirrors, pieces), sample| (mirrors + 1, pieces + u64::from(sample.chunks)));
    if round.probes.len() > TOLD_ONE_BY_ONE && mirrors > 0 {
        let (mirrors, pieces) = (words::counted(mirrors, "mirror", "mirrors"), words::counted(pieces, "piece", "pieces"));
        text += &line(1, &format!("{pieces} of {mirrors} sampled"));
    }
    if text.is_empty() { text } else { format!("\n{}{text}", line(0, "probes:")) }
}

fn cells(check: &MirrorCheck) -> [String; 8] {
    [
        check.target.to_string(),
        check.verdict.to_string(),
        words::level(check.level),
        words::release(check.release.as_ref()),
        check.version.map_or_else(|| words::NOTHING.to_owned(), |version| version.to_string()),
        check.files_checked.to_string(),
        check.bytes_hashed.to_string(),
        words::duration(check.duration_ms),
    ]
}

/// How bad a verdict is, for colour only.
pub(super) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Forged | Verdict::Mixed | Verdict::RolledBack => Tone::Bad,
        Verdict::Incomplete | Verdict::Behind { .. } | Verdict::Stale { .. } | Verdict::Unreadable => Tone::Doubtful,
        Verdict::Current => Tone::Good,
    }
}

fn evidence(check: &MirrorCheck) -> String {
    if check.evidence.is_empty() {
        return String::new();
    }
    let mut text = line(0, &format!("{}: {} (read from {})", check.target, check.verdict, check.via));
    for fact in &check.evidence {
        text += &match &fact.path {
            Some(path) => line(1, &format!("{path}: {}", fact.what)),
            None => line(1, &fact.what),
        };
    }
    text
}
