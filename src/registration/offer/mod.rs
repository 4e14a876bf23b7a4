//! What a volunteer tells a project: an offer, and later what becomes of it. Each is a file under the volunteer's own signature.
//!
//! A file can be mailed, pasted or posted as it is: lines are short, and whatever helps to log in or to find a person is sealed to
//! the recipients of the invite. The key that signed the first one is the volunteer from then on.

mod error;
mod place;
mod request;
mod sealed;
mod ticket;

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use error::OfferError;
pub use place::OfferedPlace;
pub use request::{Limits, Offered, Request, Withdrawal};
pub use sealed::{Sealed, SecretName, as_target};
pub use ticket::{ParseTicketError, Ticket};

use crate::base::{Sha256, sanitise};
use crate::trust::{PublicKey, SigningKey, Statement};

/// The purpose under which these files are signed, and the name of their form.
const SCHEMA: &str = "spartacus.offer/1";
/// Longest file, in bytes.
pub const LONGEST_OFFER: u64 = 64 * 1024;
/// A clock that is ahead of ours by more is wrong: what comes after would seem older.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// One signed file of a volunteer.
#[derive(Debug, Clone)]
pub struct Message {
    /// The pin of the project that it is meant for.
    pub project: Sha256,
    /// Who signed it.
    pub volunteer: PublicKey,
    /// Milliseconds since 1970 at which it was written: what is not newer than the last is not taken again.
    pub sequence: u64,
    /// When it was written, by the volunteer's clock.
    pub at: Timestamp,
    /// What is wanted.
    pub request: Request,
}

/// As it is signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    project: Sha256,
    volunteer: String,
    sequence: u64,
    at: Timestamp,
    request: Request,
}

impl Message {
    /// A message of `key`'s owner, written `now`.
    #[must_use]
    pub fn new(project: Sha256, key: &SigningKey, request: Request, now: Timestamp) -> Self {
        // Whole seconds, as all moments that are signed.
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let sequence = u64::try_from(now.as_millisecond()).unwrap_or_default();
        Self { project, volunteer: key.public().clone(), sequence, at, request }
    }

    /// The file, in short lines. `key` has to be the volunteer's.
    ///
    /// # Panics
    /// Never: records have text keys and whole numbers.
    #[must_use]
    pub fn to_file(&self, key: &SigningKey) -> String {
        let signed = Signed {
            project: self.project,
            volunteer: self.volunteer.to_minisign(),
            sequence: self.sequence,
            at: self.at,
            request: self.request.clone(),
        };
        let signed = serde_json::to_value(signed).expect("records have text keys and whole numbers");
        let file: serde_json::Value =
            serde_json::from_slice(&Statement::write(SCHEMA, &signed, key)).expect("a statement is JSON");
        format!("{file:#}\n")
    }

    /// Reads a file that is to be for the project with this pin, at `now`: its form, its signature, its times. What is sealed
    /// stays closed. Every text in it is safe to print afterwards, and no network was asked.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn read(file: &[u8], project: Sha256, now: Timestamp) -> Result<Self, OfferError> {
        if file.len() as u64 > LONGEST_OFFER {
            return Err(OfferError::TooLong);
        }
        let form = |error: String| OfferError::Form(sanitise(&error));
        let statement = Statement::read(SCHEMA, file).map_err(|error| form(error.to_string()))?;
        let signed: Signed = serde_json::from_value(statement.claim().clone()).map_err(|error| form(error.to_string()))?;
        let volunteer = PublicKey::from_minisign(&signed.volunteer).map_err(|error| form(error.to_string()))?;
        if !statement.is_by(&volunteer) {
            return Err(OfferError::Signature);
        }
        if signed.project != project {
            return Err(OfferError::OtherProject { expected: project, found: signed.project });
        }
        if signed.at > now + AHEAD {
            return Err(OfferError::Future(signed.at));
        }
        // One moment, told twice: what is sorted by the one must not be judged by another.
        if i64::try_from(signed.sequence).map_or(true, |millis| millis.div_euclid(1000) != signed.at.as_second()) {
            return Err(OfferError::Form("its sequence is not the moment at which it was written, in milliseconds".to_owned()));
        }
        let request = signed.request.checked(signed.at, now)?;
        Ok(Self { project, volunteer, sequence: signed.sequence, at: signed.at, request })
    }

    /// Reads a file that [`Self::read`] took earlier, whatever became of its times since.
    ///
    /// # Errors
    /// When it is not what was taken.
    pub fn recall(file: &[u8], project: Sha256) -> Result<Self, OfferError> {
        let claimed: Option<Timestamp> = serde_json::from_slice::<serde_json::Value>(file)
            .ok()
            .and_then(|read| read["signed"]["at"].as_str().and_then(|text| text.parse().ok()));
        Self::read(file, project, claimed.ok_or_else(|| OfferError::Form("it has no moment".to_owned()))?)
    }

    /// The number under which its offer is known. It follows from the volunteer's key, so that all messages of one volunteer to
    /// one project have the same.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        Ticket::of(self.project, &self.volunteer)
    }
}

/// The file inside a mail or a comment: from the first brace to the last one; all of it where there are none. Where the line of the
/// first brace is quoted (`> `), as in an answer to a mail, the lines after it lose the same quotes.
#[must_use]
pub fn without_mail(bytes: &[u8]) -> Cow<'_, [u8]> {
    let first = bytes.iter().position(|byte| *byte == b'{');
    let last = bytes.iter().rposition(|byte| *byte == b'}');
    let (Some(first), Some(last)) = (first, last) else { return Cow::Borrowed(bytes) };
    if first >= last {
        return Cow::Borrowed(bytes);
    }
    let begin = bytes[..first].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    match quotes(&bytes[begin..first]) {
        Some(depth) => Cow::Owned(
            bytes[first..=last].split_inclusive(|byte| *byte == b'\n').flat_map(|line| unquoted(line, depth)).copied().collect(),
        ),
        None => Cow::Borrowed(&bytes[first..=last]),
    }
}

/// How often a line that begins like this is quoted; `None`: it is not, or it begins with something else.
fn quotes(begin: &[u8]) -> Option<usize> {
    let mut depth = 0;
    for byte in begin {
        match byte {
            b'>' => depth += 1,
            b' ' | b'\t' => {}
            _ => return None,
        }
    }
    (depth > 0).then_some(depth)
}

/// A line without its first quotes, at most `depth` of them. No line of JSON begins with one.
fn unquoted(mut line: &[u8], depth: usize) -> &[u8] {
    for _ in 0..depth {
        match line.trim_ascii_start() {
            [b'>', rest @ ..] => line = rest,
            _ => break,
        }
    }
    line
}

#[cfg(test)]
mod tests;
