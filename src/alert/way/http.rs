//! `webhook:` and `ntfy:` one POST.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;

use super::super::error::AlertError;
use super::super::letter::{Letter, Urgency};
use super::WebAddress;
use super::webhook::{payload, priority};
use crate::base::{causes, sanitise};

/// What ntfy takes of a message before it makes a file of it, in bytes.
const NTFY_TEXT: usize = 4096;
/// What is read of an answer, in bytes.
const ANSWER: usize = 2048;

/// Posts the message in Alertmanager's form.
pub(super) async fn webhook(address: &WebAddress, letter: &Letter) -> Result<(), AlertError> {
    let body = payload(letter).to_string();
    deliver(post(address).header("content-type", "application/json").body(body), address).await
}

/// Posts the text, with what ntfy shows around it.
pub(super) async fn ntfy(address: &WebAddress, letter: &Letter) -> Result<(), AlertError> {
    let tags = match letter.urgency {
        Urgency::Critical => "rotating_light",
        Urgency::Warning => "warning",
        Urgency::Resolved => "white_check_mark",
    };
    let request = post(address)
        .header("title", header_text(&letter.title))
        .header("priority", priority(letter.urgency))
        .header("tags", tags)
        .body(cut(&letter.text).to_owned());
    deliver(request, address).await
}

fn post(address: &WebAddress) -> RequestBuilder {
    let request = address.client.post(address.url.expose());
    match &address.token {
        Some(token) => request.bearer_auth(token.expose()),
        None => request,
    }
}

async fn deliver(request: RequestBuilder, address: &WebAddress) -> Result<(), AlertError> {
    // The address may be the secret: what the client says of it is left out.
    let mut answer = request.send().await.map_err(|error| AlertError::Request(told(error, address)))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while body.len() < ANSWER {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            // What it said is only decoration.
            _ => break,
        }
    }
    body.truncate(ANSWER);
    let said = sanitise(String::from_utf8_lossy(&body).trim());
    let said = if said.is_empty() { said } else { format!(": {said}") };
    Err(AlertError::Status { status, said })
}

/// What the client says went wrong, without the address.
pub(in crate::alert) fn told(error: reqwest::Error, address: &WebAddress) -> String {
    let words = causes(&error.without_url()).join(": ");
    sanitise(&words.replace(address.url.expose(), "[redacted]"))
}

/// Text for a header: as it is, or encoded (RFC 2047) if it is more than printable ASCII.
fn header_text(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", STANDARD.encode(text))
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(NTFY_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
