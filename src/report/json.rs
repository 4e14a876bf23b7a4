//! Reports for programs. Every field is described in `docs/json.md`; the schemas are in `docs/schema/`.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::fleet::FleetMirror;
use super::headline::{round_headline, run_headline, status_headline};
use crate::base::BundleName;
use crate::health::{FileCounts, Round, Standing};
use crate::history::{MirrorState, RecordedRun, Told};
use crate::transfer::Run;

/// What every report begins with. A schema's number changes only when a field goes or changes its meaning; new fields
/// may come at any time.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    headline: String,
    good: usize,
    total: usize,
    #[serde(flatten)]
    body: &'a T,
}

/// `spartacus.run/1`: what a push, repair or renewal did.
#[must_use]
pub fn run_json(run: &Run) -> String {
    let good = run.outcomes.iter().filter(|outcome| outcome.is_good()).count();
    render(&Document { schema: "spartacus.run/1", headline: run_headline(run), good, total: run.outcomes.len(), body: run })
}

/// `spartacus.check/1`: how every mirror is. `own_fault`: why what the round did not see is held against nobody.
#[must_use]
pub fn check_json(round: &Round, own_fault: Option<&str>) -> String {
    let good = round.mirrors.iter().filter(|check| check.is_good()).count();
    let total = round.mirrors.len();
    let mut body = with_probes(round);
    body["own_fault"] = serde_json::json!(own_fault);
    let body = &body;
    render(&Document { schema: "spartacus.check/1", headline: round_headline(round), good, total, body })
}

/// The round with what the probes saw of a mirror beside all else that was seen of it.
fn with_probes(round: &Round) -> Value {
    let mut told = serde_json::to_value(round).expect("records have text keys and finite numbers");
    let fields = told.as_object_mut().expect("a round is an object");
    fields.remove("probes");
    for (mirror, check) in fields["mirrors"].as_array_mut().into_iter().flatten().zip(&round.mirrors) {
        let probes = round.probes.get(&check.target).cloned().unwrap_or_default();
        mirror["probes"] = serde_json::json!(probes);
    }
    told
}

#[derive(Serialize)]
struct Status<'a> {
    generated: Timestamp,
    release: Option<&'a BundleName>,
    version: u64,
    wanted: usize,
    own_fault: Option<&'a str>,
    mirrors: Vec<StatusMirror<'a>>,
    runs: &'a [RecordedRun],
}

/// What is remembered of a mirror, and how it is over time.
#[derive(Serialize)]
struct StatusMirror<'a> {
    #[serde(flatten)]
    state: &'a MirrorState,
    standing: Option<&'a Standing>,
    uptime: Option<Value>,
    lag_seconds: Option<u64>,
    first_byte_ms: Option<u32>,
    certificate_ends: Option<Timestamp>,
    completeness: Option<&'a Told<FileCounts>>,
}

impl<'a> StatusMirror<'a> {
    fn of(state: &'a MirrorState, fleet: &'a [FleetMirror]) -> Self {
        let health = fleet.iter().find(|mirror| mirror.name == state.target);
        let names = ["24h", "7d", "30d", "90d"];
        Self {
            state,
            standing: health.map(|mirror| &mirror.standing),
            uptime: health.map(|mirror| {
                names.into_iter().zip(&mirror.uptime).map(|(name, share)| (name, serde_json::json!(share))).collect()
            }),
            lag_seconds: health.and_then(|mirror| mirror.lag).map(|lag| lag.as_secs()),
            first_byte_ms: health.and_then(FleetMirror::first_byte_ms),
            certificate_ends: health.and_then(FleetMirror::certificate_ends),
            completeness: health.and_then(|mirror| mirror.probes.files.as_ref()),
        }
    }
}

/// `spartacus.status/1`: what is remembered, as of `now`, with how each mirror of `fleet` is over time. `release` and
/// `version` are what was published last; `own_fault` is why the last round saw nothing, if so.
#[must_use]
#[allow(clippy::too_many_arguments, reason = "the parts of one document, used once")]
pub fn status_json(
    now: Timestamp,
    release: Option<&BundleName>,
    version: u64,
    wanted: usize,
    own_fault: Option<&str>,
    mirrors: &[MirrorState],
    fleet: &[FleetMirror],
    runs: &[RecordedRun],
) -> String {
    let good = mirrors.iter().filter(|mirror| mirror.known_level(version).is_some()).count();
    let headline = status_headline(release, version, wanted, mirrors);
    let total = mirrors.len();
    let mirrors = mirrors.iter().map(|state| StatusMirror::of(state, fleet)).collect();
    let body = &Status { generated: now, release, version, wanted, own_fault, mirrors, runs };
    render(&Document { schema: "spartacus.status/1", headline, good, total, body })
}

/// What a command did that reports on no copies: `schema`, then its fields.
///
/// # Panics
/// When `fields` is no JSON object.
#[must_use]
pub fn object(schema: &'static str, fields: &Value) -> String {
    #[derive(Serialize)]
    struct Told<'a> {
        schema: &'static str,
        #[serde(flatten)]
        fields: &'a Value,
    }
    render(&Told { schema, fields })
}

/// One object, indented, ended by a line feed. Characters that a terminal might act on are escaped even inside
/// strings: people do look at JSON in terminals.
fn render(document: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(document).expect("records have text keys and finite numbers");
    format!("{}\n", escape_json(&text))
}

/// Rewrites as `\uXXXX` what JSON would allow raw: DEL, C1 controls and bidirectional characters.
pub(super) fn escape_json(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    for character in text.chars() {
        // ASCII controls inside strings are escaped already; outside there are only line feeds.
        if character == '\n' || crate::base::escape(character.encode_utf8(&mut [0; 4])).len() == character.len_utf8() {
            found.push(character);
        } else {
            // Writing to a string cannot fail. All of these characters lie below U+10000.
            let _ = write!(found, "\\u{:04x}", u32::from(character));
        }
    }
    found
}
