//! A round that is watched from outside: pings around it, and alerts at its end.

use super::way::{Told, web_address};
use super::{Occasion, send_alerts};
use crate::alert::{Ping, Signal};
use crate::base::sanitise;
use crate::cli::exit::Failure;
use crate::cli::session::Session;
use crate::cli::surface::complain;
use crate::config::Address;
use crate::health::Round;
use crate::report;

/// One round, from its beginning to what is told of it. Nothing in here makes a round fail: what goes wrong is said on stderr.
#[derive(Debug)]
pub struct Watch {
    ping: Option<Ping>,
}

impl Watch {
    /// Tells `health.ping`, if there is one, that a round begins.
    pub async fn begin(session: &Session) -> Self {
        let Some(address) = &session.config.ping else { return Self { ping: None } };
        let watch = Self { ping: ping(session, address).await };
        watch.tell(Signal::Start, "").await;
        watch
    }

    /// Tells how it ended, and with `alerts` everybody who is to hear of it.
    pub async fn end(self, session: &Session, round: &Result<Round, Failure>, alerts: bool) {
        let (occasion, signal, line) = match round {
            // A round that a signal stopped says nothing about the mirrors that it did not get to.
            Ok(round) if !round.unfinished.is_empty() => (None, Signal::Fail, report::round_headline(round)),
            Ok(round) => (Some(Occasion::Round), Signal::Success, report::round_headline(round)),
            Err(failure) => (Some(Occasion::FailedRound), Signal::Fail, sanitise(&failure.error.to_string())),
        };
        if let (true, Some(occasion)) = (alerts, occasion) {
            match send_alerts(session, occasion).await {
                Ok(delivered) => delivered.complain(),
                Err(failure) => complain(&format!("alerts were not sent: {:#}", failure.error)),
            }
        }
        self.tell(signal, &line).await;
    }

    async fn tell(&self, signal: Signal, line: &str) {
        let Some(ping) = &self.ping else { return };
        if let Err(error) = ping.send(signal, line).await {
            complain(&format!("health.ping was not reached: {}", Told::of(&error).message));
        }
    }
}

async fn ping(session: &Session, address: &Address) -> Option<Ping> {
    match web_address(session, address, None, None).await {
        Ok(address) => Some(Ping::new(address)),
        Err(why) => {
            complain(&format!("health.ping was not reached: {}", why.message));
            why.hints.iter().for_each(|hint| complain(&format!("hint: {hint}")));
            None
        }
    }
}
