//! Everything about one mirror, for a person who asks why.

use jiff::{SignedDuration, Timestamp};

use super::advice::advice_about;
use super::fleet::{Fleet, FleetMirror};
use super::json::object;
use super::probes::{files_words, sample_words, speed_words, write_words};
use super::reach::reach_lines;
use super::table::line;
use super::words;
use crate::health::{Condition, Elsewhere, Observation, Verdict};
use crate::history::{Event, EventKind, LastProbes, Uptime};

/// Why a mirror is in its condition, since when, on what evidence, and what to do.
#[must_use]
pub fn explanation(fleet: &Fleet, mirror: &FleetMirror, events: &[Event]) -> String {
    let mut text = String::new();
    let standing = &mirror.standing;
    let mut say = |indent, words: &str| text.push_str(&line(indent, words));
    say(
        0,
        &format!(
            "{} is {} since {} ({})",
            mirror.name,
            standing.condition,
            words::moment(standing.since),
            words::ago(standing.since, fleet.at)
        ),
    );
    if let Some(url) = &mirror.public_url {
        say(1, &format!("readers find it at {url}"));
    }
    if let Some(words) = given_up(mirror, fleet.at) {
        say(1, &words);
    }
    if standing.reasons.is_empty() && standing.seen_at.is_some() {
        say(1, unblamed(mirror));
    }
    if let (false, Some(fault)) = (fleet.observer.saw, &fleet.observer.fault) {
        say(1, &format!("the last round saw nothing, by our own fault, and counts for nobody: {fault}"));
    }
    for reason in &standing.reasons {
        say(0, "");
        say(1, &format!("{} (since {}): {}", code_word(reason.code), words::moment(reason.first_seen), reason.message));
        say(1, &format!("what to do: {}", advice_about(mirror, reason.code)));
    }
    say(0, "");
    if let Some(seen) = &mirror.seen {
        evidence(&mut say, seen, fleet.at);
    }
    for other in &mirror.elsewhere {
        say(1, &elsewhere(fleet, other));
        for fact in &other.glance.evidence {
            say(2, &fact.to_string());
        }
    }
    for words in lag(mirror).into_iter().chain(probed(&mirror.probes, fleet.at)) {
        say(1, &words);
    }
    let moment = |moment: Option<Timestamp>| moment.map_or_else(|| "never".to_owned(), |moment| words::ago(moment, fleet.at));
    say(1, &format!("last right answer: {}", moment(standing.answered_at)));
    say(1, &format!("every byte verified: {}", moment(standing.verified_at)));
    say(1, &format!("up: {}", mirror.uptime.iter().map(uptime).collect::<Vec<_>>().join(", ")));
    say(1, &format!("next look: {}", next_look(fleet)));
    if !events.is_empty() {
        say(0, "");
        say(1, "what happened, newest first:");
        for event in events {
            say(2, &format!("{}  {}", words::moment(event.at), event_words(&event.what)));
        }
    }
    text
}

/// `spartacus.mirror/1`: the same for programs.
///
/// # Panics
/// Never: records have text keys and finite numbers.
#[must_use]
pub fn explanation_json(fleet: &Fleet, mirror: &FleetMirror, events: &[Event]) -> String {
    let names = ["24h", "7d", "30d", "90d"];
    let uptime: serde_json::Map<String, serde_json::Value> =
        names.iter().zip(&mirror.uptime).map(|(name, uptime)| ((*name).to_owned(), serde_json::json!(uptime))).collect();
    let advice: Vec<&str> = mirror.standing.reasons.iter().map(|reason| advice_about(mirror, reason.code)).collect();
    object(
        "spartacus.mirror/1",
        &serde_json::json!({
            "mirror": mirror.name,
            "public_url": mirror.public_url.as_ref().map(url::Url::as_str),
            "lifecycle": mirror.lifecycle,
            "standing": mirror.standing,
            "advice": advice,
            "seen": mirror.seen.as_ref().map(|seen| serde_json::json!({
                "at": seen.at,
                "verdict": seen.look.verdict.to_string(),
                "evidence": seen.look.evidence,
                "reach": seen.probes.reach,
                "certificate": seen.probes.certificate,
            })),
            "releases_behind": mirror.behind,
            "lag_seconds": mirror.lag.map(|lag| lag.as_secs()),
            "probes": mirror.probes,
            "elsewhere": mirror.elsewhere.iter().map(|other| elsewhere_fields(fleet, other)).collect::<Vec<_>>(),
            "uptime": uptime,
            "next_look": next_moment(fleet),
            "events": events,
        }),
    )
}

/// Without a reason: either all is well, or what the last look found has not lasted for long enough to count.
fn unblamed(mirror: &FleetMirror) -> &'static str {
    match &mirror.seen {
        Some(seen) if seen.look.verdict != Verdict::Current => {
            "nothing is held against it yet: what the last look found (below) counts only if it lasts"
        }
        _ => "nothing speaks against it",
    }
}

/// A word of JSON in words for people: `no_answer` is `no answer`.
pub(super) fn code_word(code: impl serde::Serialize) -> String {
    serde_json::to_value(code).ok().and_then(|word| Some(word.as_str()?.replace('_', " "))).unwrap_or_default()
}

/// What happened, in a few words.
pub(super) fn event_words(what: &EventKind) -> String {
    match what {
        EventKind::Changed { from, to, reasons } => {
            let why = reasons.first().map(|reason| format!(": {}", reason.message)).unwrap_or_default();
            format!("{from} -> {to}{why}")
        }
        EventKind::Verified => "every byte was hashed and right".to_owned(),
        EventKind::ObserverFault { what } => format!("the fault was ours: {what}"),
        EventKind::ObserverBack => "we see again".to_owned(),
    }
}

/// What to do about a mirror that has been away or wrong for so long that waiting is no plan.
fn given_up(mirror: &FleetMirror, now: Timestamp) -> Option<String> {
    let gone = matches!(mirror.standing.condition, Condition::Unreachable | Condition::Quarantined);
    let days = now.duration_since(mirror.standing.since).as_hours() / 24;
    let what = match days {
        ..7 => return None,
        7..30 => "ask whoever runs it",
        _ => "leave it out: `state: paused` for it in targets.yaml, or take it from there",
    };
    gone.then(|| format!("it has been so for {days} days: {what}"))
}

fn evidence(say: &mut impl FnMut(usize, &str), seen: &Observation, now: Timestamp) {
    say(1, &format!("last look, {}: {}", words::ago(seen.at, now), seen.look.verdict));
    for fact in &seen.look.evidence {
        say(2, &fact.to_string());
    }
    for words in reach_lines(&seen.probes, now) {
        say(2, &words);
    }
}

/// `from de, 4 min ago: CURRENT, first byte after 80 ms`
fn elsewhere(fleet: &Fleet, other: &Elsewhere) -> String {
    let first_byte = other.glance.first_byte_ms().map(|ms| format!(", first byte after {ms} ms")).unwrap_or_default();
    let counts = if counts(fleet, other) { "" } else { " (does not count any more)" };
    format!("from {}, {}: {}{first_byte}{counts}", other.vantage, words::ago(other.at, fleet.at), other.glance.verdict)
}

fn counts(fleet: &Fleet, other: &Elsewhere) -> bool {
    fleet.vantages.iter().any(|vantage| vantage.name == other.vantage && vantage.counts(fleet.at))
}

fn elsewhere_fields(fleet: &Fleet, other: &Elsewhere) -> serde_json::Value {
    serde_json::json!({
        "vantage": other.vantage,
        "at": other.at,
        "expires": other.expires,
        "counts": counts(fleet, other),
        "verdict": other.glance.verdict.to_string(),
        "version": other.glance.version,
        "first_byte_ms": other.glance.first_byte_ms(),
        "evidence": other.glance.evidence,
    })
}

/// How far behind our releases it is, if that is known.
fn lag(mirror: &FleetMirror) -> Option<String> {
    let behind = match mirror.behind? {
        0 => return Some("lag: none, it shows the newest release".to_owned()),
        count => words::counted(count, "publish", "publishes"),
    };
    let since =
        mirror.lag.map(|lag| format!(", due for {}", words::duration(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX))));
    Some(format!("lag: {behind}{}", since.unwrap_or_default()))
}

/// What the probes saw that are not made in every round.
fn probed(last: &LastProbes, now: Timestamp) -> Vec<String> {
    let files = last.files.as_ref().map(|told| format!("files {}: {}", words::ago(told.at, now), files_words(&told.saw)));
    let sample = last.sample.as_ref().map(|told| format!("sampled {}: {}", words::ago(told.at, now), sample_words(&told.saw)));
    let speed = last.throughput.as_ref().map(|told| format!("speed {}: {}", words::ago(told.at, now), speed_words(&told.saw)));
    let write = last.write.as_ref().map(|told| format!("canary {}: {}", words::ago(told.at, now), write_words(&told.saw)));
    files.into_iter().chain(sample).chain(speed).chain(write).collect()
}

fn uptime(uptime: &Uptime) -> String {
    let days = uptime.window.as_secs() / 86_400;
    let window = if days == 1 { "24 h".to_owned() } else { format!("{days} days") };
    match uptime.ratio {
        Some(ratio) => format!("{:.2} % of {window} (measured {:.0} % of it)", ratio * 100.0, uptime.coverage * 100.0),
        None => format!("not measured over {window}"),
    }
}

fn next_moment(fleet: &Fleet) -> Option<Timestamp> {
    let every = SignedDuration::try_from(fleet.observer.every).unwrap_or(SignedDuration::ZERO);
    Some(fleet.observer.round_at? + every)
}

fn next_look(fleet: &Fleet) -> String {
    match next_moment(fleet) {
        Some(next) if next > fleet.at => format!("due {}", words::moment(next)),
        Some(next) => format!("was due {} ({})", words::moment(next), words::ago(next, fleet.at)),
        None => "never looked: run `spartacus check`".to_owned(),
    }
}
