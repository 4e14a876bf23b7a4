//! How messages travel.

mod command;
mod http;
mod mail;
mod webhook;

pub(super) use http::told;

use std::time::Duration;

use camino::Utf8PathBuf;

use super::error::AlertError;
use super::letter::Letter;
use crate::base::{MailAddress, Secret};

/// No route is waited for longer. The tests of this room have a program that hangs.
const LIMIT: Duration = Duration::from_secs(if cfg!(test) { 10 } else { 30 });

/// A route with its secrets fetched.
#[derive(Debug, Clone)]
pub enum Way {
    /// A program that reads the message as JSON.
    Command(Vec<String>),
    /// A POST in the form of Alertmanager's webhooks.
    Webhook(WebAddress),
    /// A POST to an ntfy topic.
    Ntfy(WebAddress),
    /// Mail.
    Smtp(MailServer),
}

/// Where a message is posted.
#[derive(Clone)]
pub struct WebAddress {
    /// The client, with its time-outs and authorities.
    pub client: reqwest::Client,
    /// The whole address; its path may be all that protects it.
    pub url: Secret,
    /// A bearer token.
    pub token: Option<Secret>,
}

impl std::fmt::Debug for WebAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WebAddress(…)")
    }
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// In clear until STARTTLS, which must come.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// Never; the configuration allows it to this machine only.
    None,
}

/// A mail server and what is said to it.
#[derive(Debug, Clone)]
pub struct MailServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is encrypted.
    pub security: MailSecurity,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// Who it is from.
    pub from: MailAddress,
    /// Where answers go.
    pub reply_to: Option<MailAddress>,
    /// PEM file of authorities trusted besides the system's.
    pub ca: Option<Utf8PathBuf>,
}

/// Who gets a message, where the way does not say it by itself.
pub type Recipients<'a> = &'a [MailAddress];

/// Sends one message. What went wrong is told without the addresses of those whom it was for.
pub async fn send(way: &Way, letter: &Letter, to: Recipients<'_>) -> Result<(), AlertError> {
    let sent = async {
        match way {
            Way::Command(words) => command::run(words, letter, to).await,
            Way::Webhook(address) => http::webhook(address, letter).await,
            Way::Ntfy(address) => http::ntfy(address, letter).await,
            Way::Smtp(server) => mail::send(server, letter, to).await,
        }
    };
    let sent = tokio::time::timeout(LIMIT, sent).await.unwrap_or(Err(AlertError::TimeOut(LIMIT.as_secs())));
    sent.map_err(|error| error.without(&to.iter().collect::<Vec<_>>()))
}
