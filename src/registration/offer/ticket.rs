//! The number of an offer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::Sha256;
use crate::trust::PublicKey;

/// Letters and digits that nobody takes for one another (as in Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Groups of four.
const GROUPS: usize = 4;

/// The number under which an offer is known, `t-7k3q-9xzd-…`: 80 bits that follow from the volunteer's key and the project. Whoever
/// knows it may ask how the offer stands, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ticket(String);

/// A text that is no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no ticket: they look like t-7k3q-9xzd-2f4h-m8vw")]
pub struct ParseTicketError;

impl Ticket {
    /// The ticket of what this volunteer offers to this project.
    #[must_use]
    pub fn of(project: Sha256, volunteer: &PublicKey) -> Self {
        let digest = Sha256::of(&[&b"spartacus.ticket/1\0"[..], project.as_bytes(), volunteer.as_bytes()].concat());
        let mut text = String::from("t");
        // Five bytes are eight letters, and eight letters two groups.
        for bytes in digest.as_bytes().chunks_exact(5).take(GROUPS / 2) {
            let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for position in 0..8_u32 {
                if position % 4 == 0 {
                    text.push('-');
                }
                let letter = usize::try_from(bits >> (35 - 5 * position) & 31).unwrap_or_default();
                text.push(char::from(LETTERS[letter]));
            }
        }
        Self(text)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ticket {
    type Err = ParseTicketError;

    fn from_str(text: &str) -> Result<Self, ParseTicketError> {
        let mut parts = text.split('-');
        let group = |part: &str| part.len() == 4 && part.bytes().all(|byte| LETTERS.contains(&byte));
        let good = parts.next() == Some("t") && text.split('-').count() == GROUPS + 1 && parts.all(group);
        if good { Ok(Self(text.to_owned())) } else { Err(ParseTicketError) }
    }
}

impl TryFrom<String> for Ticket {
    type Error = ParseTicketError;

    fn try_from(text: String) -> Result<Self, ParseTicketError> {
        text.parse()
    }
}

impl From<Ticket> for String {
    fn from(ticket: Ticket) -> Self {
        ticket.0
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}
