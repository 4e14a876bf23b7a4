//! What is said in public about a mirror. Words about a store stay with us: they may name an account or an address that
//! only we should know.

use crate::base::escape;
use crate::health::{Evidence, Reason, ReasonCode};
use crate::history::EventKind;
use crate::report::explain::{code_word, event_words};
use crate::report::fleet::FleetMirror;

/// Why a mirror is in its condition, for everybody.
pub(in crate::report) fn reason_text(mirror: &FleetMirror, reason: &Reason) -> String {
    if is_public(mirror, reason.code) { escape(own_words(reason)) } else { plain(reason.code) }
}

/// What a vantage says it met there is a stranger's sentence: in public it is told who met something, and not in whose words.
fn own_words(reason: &Reason) -> &str {
    match reason.code {
        ReasonCode::Regional | ReasonCode::Unconfirmed => reason.message.split(": ").next().unwrap_or_default(),
        _ => &reason.message,
    }
}

/// What the last look found, for everybody. A mirror without a public address was read through its store.
pub(super) fn evidence_text(mirror: &FleetMirror, evidence: &Evidence) -> String {
    match (&mirror.public_url, &evidence.path) {
        (Some(_), _) => escape(&evidence.to_string()),
        (None, Some(path)) => escape(path.as_str()),
        (None, None) => "seen by the maintainer alone".to_owned(),
    }
}

/// What happened, for everybody.
pub(in crate::report) fn event_text(mirror: Option<&FleetMirror>, what: &EventKind) -> String {
    match (what, mirror) {
        (EventKind::Changed { from, to, reasons }, Some(mirror)) => {
            let why = reasons.first().map(|reason| format!(": {}", reason_text(mirror, reason))).unwrap_or_default();
            format!("{from} → {to}{why}")
        }
        _ => escape(&event_words(what)),
    }
}

/// A refused push and a failed canary are told in a store's words.
fn is_public(mirror: &FleetMirror, code: ReasonCode) -> bool {
    let of_our_account = matches!(code, ReasonCode::NoSpace | ReasonCode::CannotWrite | ReasonCode::NotShown);
    mirror.public_url.is_some() && !of_our_account
}

fn plain(code: ReasonCode) -> String {
    match code {
        ReasonCode::NoSpace => "the last push found no room".to_owned(),
        other => code_word(other),
    }
}
