//! `smtp:` plain text, one mail for all recipients of a message.

use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::super::error::AlertError;
use super::super::letter::Letter;
use super::{LIMIT, MailSecurity, MailServer, Recipients};
use crate::base::{MailAddress, causes, sanitise};

/// Hands the message to the server: to all recipients at once, and to each alone if the server refuses it for good. One address
/// that does not exist any more must not keep the others from hearing; it is enough that one of them does.
pub(super) async fn send(server: &MailServer, letter: &Letter, to: Recipients<'_>) -> Result<(), AlertError> {
    let transport = transport(server)?;
    let refused = match transport.send(message(server, letter, to)?).await {
        Ok(_) => return Ok(()),
        Err(error) if error.is_permanent() && to.len() > 1 => error,
        Err(error) => return Err(failed(&error)),
    };
    let mut taken = 0;
    for one in to.chunks(1) {
        match transport.send(message(server, letter, one)?).await {
            Ok(_) => taken += 1,
            Err(error) => {
                let why = failed(&error).without(&to.iter().collect::<Vec<_>>());
                tracing::warn!(route = %letter.route, "one of {} recipients was refused: {why}", to.len());
            }
        }
    }
    if taken > 0 { Ok(()) } else { Err(failed(&refused)) }
}

fn message(server: &MailServer, letter: &Letter, to: Recipients<'_>) -> Result<Message, AlertError> {
    let host = server.from.host();
    let mut builder: MessageBuilder = Message::builder()
        .from(mailbox(&server.from)?)
        // A duplicate, after a power cut between sending and writing that down, has the same one.
        .message_id(Some(format!("<{}@{host}>", letter.id)))
        .references(format!("<{}@{host}>", letter.thread))
        .subject(&letter.title)
        // Without it the next two fields mean nothing (RFC 2045, section 4).
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    if let Some(reply_to) = &server.reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    for address in to {
        builder = builder.to(mailbox(address)?);
    }
    // Nobody's holiday notice comes back (RFC 3834).
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    builder = builder.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    builder.body(letter.text.clone()).map_err(|error| failed(&error))
}

fn mailbox(address: &MailAddress) -> Result<Mailbox, AlertError> {
    let address: Address =
        address.as_str().parse().map_err(|_| AlertError::Mail("an address that it cannot write".to_owned()))?;
    Ok(Mailbox::new(None, address))
}

fn transport(server: &MailServer) -> Result<AsyncSmtpTransport<Tokio1Executor>, AlertError> {
    let tls = match server.security {
        MailSecurity::StartTls => Tls::Required(parameters(server)?),
        MailSecurity::Implicit => Tls::Wrapper(parameters(server)?),
        MailSecurity::None => Tls::None,
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host);
    let mut builder = builder.port(server.port).tls(tls).timeout(Some(LIMIT));
    if let Some((user, password)) = &server.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

fn parameters(server: &MailServer) -> Result<TlsParameters, AlertError> {
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.ca {
        let pem = std::fs::read(path).map_err(|source| AlertError::Certificate { path: path.clone(), source })?;
        parameters = parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| failed(&error))?);
    }
    parameters.build().map_err(|error| failed(&error))
}

fn failed(error: &(dyn std::error::Error + 'static)) -> AlertError {
    AlertError::Mail(sanitise(&causes(error).join(": ")))
}
