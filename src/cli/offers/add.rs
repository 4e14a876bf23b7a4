//! `spartacus offers add`: files that volunteers sent.

use std::io::Read as _;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use serde_json::json;

use super::in_turn;
use crate::base::sanitise;
use crate::cli::args::Global;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::session::{Session, bundle_failure, hinted, read_at_most};
use crate::cli::surface::{Surface, answer, fail};
use crate::history::{OfferRecord, OfferState};
use crate::registration::{LONGEST_OFFER, Message, Request, without_mail};
use crate::report;

/// Mails have more around a file than the file.
const LONGEST_INPUT: u64 = 4 * LONGEST_OFFER;

/// What a message came to.
pub struct Taken {
    /// The offer that it is about, as it is now.
    pub record: OfferRecord,
    /// What is wanted.
    pub request: &'static str,
    /// The very same was taken before.
    pub again: bool,
}

/// Takes in every file; one that is refused does not keep the others out.
pub async fn add(surface: &Surface, global: &Global, files: &[Utf8PathBuf]) -> Ended {
    let session = Session::open(surface, global)?;
    let (mut told, mut lines, mut worst) = (Vec::new(), Vec::new(), exit::OK);
    // In the order in which they were written, whatever the order of the names: an older one is not taken after a newer one.
    let mut found: Vec<(&Utf8PathBuf, Result<Vec<u8>, Failure>)> = files.iter().map(|path| (path, read(path))).collect();
    // Not before: somebody may still be pasting.
    let _alone = in_turn(&session.project).await?;
    found.sort_by_key(|(_, bytes)| bytes.as_ref().map_or(0, |bytes| sequence(bytes)));
    for (path, bytes) in found {
        match bytes.and_then(|bytes| take_in(&session, &bytes, None, session.clock.now())) {
            Ok(taken) => {
                lines.push(line(&taken));
                told.push(json!({
                    "file": path.as_str(), "ticket": taken.record.ticket, "request": taken.request, "again": taken.again,
                    "state": taken.record.state,
                }));
            }
            Err(mut failure) => {
                worst = worst.max(failure.code);
                failure.error = failure.error.context(format!("{path} was not taken"));
                fail(&failure);
            }
        }
    }
    answer(surface, "spartacus.offers_taken/1", &json!({ "taken": told }), &lines.join("\n"));
    Ok(worst)
}

fn line(taken: &Taken) -> String {
    let OfferRecord { ticket, name, .. } = &taken.record;
    if taken.again {
        return format!("{ticket}  {name}: this {} was taken before", taken.request);
    }
    let next = match taken.request {
        "offer" | "update" if taken.record.waits() => {
            let by_itself = if taken.record.state.is_mirror() {
                "\n  if only its end or its secrets are new, it counts from the next push, check or repair on; otherwise"
            } else {
                ""
            };
            format!("{by_itself}\n  next: spartacus offers show {ticket}, spartacus offers verify {ticket}")
        }
        "offer" | "update" => String::new(),
        _ => "; it counts from the next run on".to_owned(),
    };
    format!("{ticket}  {name}: {} taken{next}", taken.request)
}

fn read(path: &Utf8PathBuf) -> Result<Vec<u8>, Failure> {
    if path != "-" {
        return read_at_most(path, LONGEST_INPUT);
    }
    let mut bytes = Vec::new();
    std::io::stdin().take(LONGEST_INPUT).read_to_end(&mut bytes).map_err(|error| Failure::new(exit::USAGE, error))?;
    Ok(bytes)
}

/// What a file says of its place among others; it is only to be sorted by.
fn sequence(bytes: &[u8]) -> u64 {
    serde_json::from_slice::<serde_json::Value>(&without_mail(bytes))
        .map_or(0, |read| read["signed"]["sequence"].as_u64().unwrap_or(0))
}

/// Verifies a message and writes down what it changes. No network is used, and nothing sealed is opened. With `under`, only a message
/// that has this ticket is taken.
pub fn take_in(session: &Session, bytes: &[u8], under: Option<&str>, now: Timestamp) -> Result<Taken, Failure> {
    let file = without_mail(bytes);
    let pin = session.project.pin().map_err(bundle_failure)?;
    let message = Message::read(&file, pin, now).map_err(|error| hinted(exit::FORGED, error))?;
    let failed = |error| hinted(exit::UNEXPECTED, error);
    let ticket = message.ticket();
    if under.is_some_and(|under| under != ticket.as_str()) {
        return Err(Failure::told(exit::FORGED, format!("it came under a number that is not {ticket}")));
    }
    let known = session.history.offer(ticket.as_str()).map_err(failed)?;
    let text = String::from_utf8_lossy(&file).into_owned();
    let request = message.request.word();
    let record = match known {
        None => first(&message, text, now)?,
        Some(record) if message.sequence <= record.sequence => {
            if record.sequence == message.sequence {
                return Ok(Taken { record, request, again: true });
            }
            return Err(Failure::told(exit::CONFLICT, format!("{ticket}: a newer message of this volunteer was taken before"))
                .hint(format!("if it is meant to count: let it be written again, after {}", moment_of(record.sequence))));
        }
        Some(record) => next(record, &message, text, now),
    };
    session.history.set_offer(&record).map_err(failed)?;
    Ok(Taken { record, request, again: false })
}

/// Sequences are milliseconds.
fn moment_of(sequence: u64) -> String {
    i64::try_from(sequence)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .map_or_else(String::new, report::moment)
}

fn first(message: &Message, text: String, now: Timestamp) -> Result<OfferRecord, Failure> {
    let Request::Offer(offered) = &message.request else {
        return Err(Failure::told(exit::USAGE, format!("{}: nothing was offered under this ticket", message.ticket()))
            .hint("the volunteer has to send the offer first: spartacus offer seal"));
    };
    Ok(OfferRecord {
        ticket: message.ticket().to_string(),
        name: offered.name.clone(),
        state: OfferState::Waiting,
        sequence: message.sequence,
        received: now,
        changed: now,
        expires: offered.expires,
        agreed: None,
        file: text,
        target: None,
        entry: None,
        since: None,
        paused_until: None,
        words: None,
        erase: false,
        sealed: false,
        examined: None,
        missing_since: None,
    })
}

/// What becomes of a known offer by a newer message.
fn next(mut record: OfferRecord, message: &Message, text: String, now: Timestamp) -> OfferRecord {
    record.sequence = message.sequence;
    match &message.request {
        Request::Offer(offered) | Request::Update(offered) => {
            record.file = text;
            record.examined = None;
            if matches!(message.request, Request::Offer(_)) && record.paused_until.take().is_some() {
                begin_anew(&mut record, now);
            }
            if !record.state.is_mirror() {
                record.name = offered.name.clone();
                record.expires = offered.expires;
                become_(&mut record, OfferState::Waiting, now);
                // Who sends something new is looked at anew.
                record.changed = now;
                record.words = None;
                record.erase = false;
            }
        }
        Request::Pause { until } => record.paused_until = Some(*until),
        Request::Resume {} => {
            record.paused_until = None;
            begin_anew(&mut record, now);
        }
        Request::Withdraw(how) => {
            record.erase = how.delete && record.agreed.is_some();
            become_(&mut record, OfferState::Withdrawn, now);
            record.changed = now;
            let nothing = how.delete && record.agreed.is_none();
            let more = if nothing { "; we do not log in there, so nothing is removed" } else { "" };
            record.words = Some(sanitise(&format!("withdrawn by its volunteer{more}")));
        }
    }
    record
}

/// Nobody looked at it during a pause: probation begins anew.
pub fn begin_anew(record: &mut OfferRecord, now: Timestamp) {
    if record.state == OfferState::Probation {
        record.since = Some(now);
    }
}

/// The state changes now, if it does.
pub fn become_(record: &mut OfferRecord, state: OfferState, now: Timestamp) {
    if record.state != state {
        (record.state, record.changed) = (state, now);
    }
}
