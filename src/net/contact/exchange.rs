//! The HTTP part of a contact.

use std::time::Instant;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::AbortOnDropHandle;
use url::{Position, Url};

use super::{ContactError, LONGEST, Stage, Times, within};
use crate::base::{Timeouts, sanitise};

/// Asks for `url` over `stream` and reads the answer to its end.
pub(super) async fn get<S>(url: &Url, stream: S, timeouts: &Timeouts, times: &mut Times) -> Result<(), ContactError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let begun = Instant::now();
    let asking = async {
        // A buffer of 8 KiB is the smallest that hyper takes; with thousands of mirrors its own 400 KiB would add up.
        let handshake = http1::Builder::new().max_buf_size(8 * 1024).handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(|error| ContactError::http(Stage::FirstByte, &error))?;
        let driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let answer = sender.send_request(request(url)?).await;
        Ok((answer.map_err(|error| ContactError::http(Stage::FirstByte, &error))?, driver))
    };
    let (answer, _driver) = within(Stage::FirstByte, timeouts.first_byte, asking).await??;
    times.first_byte = Some(begun.elapsed());
    judge(url, &answer)?;
    let begun = Instant::now();
    within(Stage::Transfer, timeouts.idle, read(answer.into_body())).await??;
    times.transfer = Some(begun.elapsed());
    Ok(())
}

/// The request that readers make, without anything that tells who asks but our name.
fn request(url: &Url) -> Result<Request<Empty<Bytes>>, ContactError> {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    Request::get(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, host)
        .header(USER_AGENT, concat!("spartacus/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|error| ContactError::Protocol(error.to_string()))
}

fn judge(url: &Url, answer: &Response<Incoming>) -> Result<(), ContactError> {
    let (status, headers) = (answer.status(), answer.headers());
    if status.is_redirection() {
        let to = text(headers, &LOCATION).unwrap_or_else(|| "an unnamed place".to_owned());
        // Relative to what was asked for: people need the whole address.
        let to = url.join(&to).map_or(to, String::from);
        return Err(ContactError::Redirect { status, to: sanitise(&to) });
    }
    if !status.is_success() {
        return Err(ContactError::Status(status));
    }
    if text(headers, &CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html")) {
        return Err(ContactError::HtmlPage);
    }
    match text(headers, &CONTENT_ENCODING).filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        Some(encoding) => Err(ContactError::Encoding(sanitise(&encoding))),
        None => Ok(()),
    }
}

async fn read(mut body: Incoming) -> Result<(), ContactError> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ContactError::http(Stage::Transfer, &error))?;
        length += frame.data_ref().map_or(0, Bytes::len);
        if length > LONGEST {
            return Err(ContactError::Protocol(format!("it is longer than {LONGEST} bytes")));
        }
    }
    Ok(())
}

fn text(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
