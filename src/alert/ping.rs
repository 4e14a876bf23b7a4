//! The dead-man's switch: somebody outside hears that a round begins and ends, and notices when it no longer does.
//!
//! The convention is that of healthchecks.io: a request to the address itself means success, `/start` and `/fail` below it
//! what they say, and `rid` joins the two of one round.

use std::time::Duration;

use url::Url;

use super::error::AlertError;
use super::way::{WebAddress, told};

/// A round is not held up longer.
const LIMIT: Duration = Duration::from_secs(10);
/// What is sent along, in bytes.
const TEXT: usize = 2000;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A round begins.
    Start,
    /// It came to its end, whatever it found.
    Success,
    /// It could not be made.
    Fail,
}

/// The pings of one round.
#[derive(Debug, Clone)]
pub struct Ping {
    address: WebAddress,
    round: String,
}

impl Ping {
    /// Pings to `address`, with a fresh number for the round.
    #[must_use]
    pub fn new(address: WebAddress) -> Self {
        Self { address, round: round_id(fastrand::u128(..)) }
    }

    /// Sends one, with a line about what happened.
    pub async fn send(&self, signal: Signal, text: &str) -> Result<(), AlertError> {
        let url = self.url(signal)?;
        let short: String = text.chars().take(TEXT).collect();
        let answer = self.address.client.post(url).timeout(LIMIT).body(short).send().await;
        let answer = answer.map_err(|error| AlertError::Request(told(error, &self.address)))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(AlertError::Status { status: status.as_u16(), said: String::new() }),
        }
    }

    fn url(&self, signal: Signal) -> Result<Url, AlertError> {
        let mut url = Url::parse(self.address.url.expose()).map_err(|_| AlertError::Address)?;
        let word = match signal {
            Signal::Start => Some("start"),
            Signal::Success => None,
            Signal::Fail => Some("fail"),
        };
        if let Some(word) = word {
            url.path_segments_mut().map_err(|()| AlertError::Address)?.pop_if_empty().push(word);
        }
        url.query_pairs_mut().append_pair("rid", &self.round);
        Ok(url)
    }
}

/// A random number in the form of a UUID (RFC 9562, version 4), which the convention asks for. It only has to differ from
/// round to round.
fn round_id(number: u128) -> String {
    let number = number & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let digits = format!("{number:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    #[test]
    fn the_words_go_below_the_address_and_a_query_stays() {
        let address = |url: &str| WebAddress { client: reqwest::Client::new(), url: Secret::new(url.to_owned()), token: None };
        let ping = Ping { round: "r".to_owned(), address: address("https://hc.example/abc") };
        let told = |signal| ping.url(signal).expect("an address").to_string();
        assert_eq!(told(Signal::Start), "https://hc.example/abc/start?rid=r");
        assert_eq!(told(Signal::Success), "https://hc.example/abc?rid=r");
        assert_eq!(told(Signal::Fail), "https://hc.example/abc/fail?rid=r");
        let ping = Ping { round: "r".to_owned(), address: address("https://hc.example/key/?create=1") };
        assert_eq!(ping.url(Signal::Start).expect("an address").as_str(), "https://hc.example/key/start?create=1&rid=r");
    }

    #[test]
    fn the_number_of_a_round_is_a_uuid() {
        assert_eq!(round_id(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(round_id(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
