//! The SDK's requests over our own HTTP client, so that proxy, authorities and limits are those of every protocol.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::outgoing::Sending;
use super::wire::Reply;
use crate::base::Timeouts;
use crate::net;

/// Longest answer that is read whole. A listing of 1,000 keys of 1,024 bytes, every byte escaped, stays below.
const LONGEST_REPLY: usize = 16 << 20;

/// As much of an error's body is read; a hostile server may send without end (threat T32).
const LONGEST_ERROR: usize = 64 << 10;

/// Longest time that such an answer may take, however steadily it trickles.
const LONGEST_READING: Duration = Duration::from_mins(2);

/// An exchange that failed below the protocol.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// The client could not carry it.
    #[error("the exchange failed")]
    Http(#[from] reqwest::Error),
    /// The request could not be sent, or nobody answered it.
    #[error("no answer")]
    Send(#[from] net::SendError),
    /// The answer did not come to its end in time.
    #[error("the answer did not end in time")]
    TooSlow,
    /// An answer without end.
    #[error("an answer of more than {0} bytes")]
    Endless(usize),
    /// The SDK's request or the answer does not fit HTTP's types.
    #[error("not expressible in HTTP")]
    Shape(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Carries the SDK's requests.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    client: reqwest::Client,
    timeouts: Timeouts,
}

impl Connector {
    /// Over this client.
    pub(super) fn new(client: reqwest::Client, timeouts: Timeouts) -> Self {
        Self { client, timeouts }
    }

    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, ExchangeError> {
        let reply = request.extension::<Reply>().copied().unwrap_or(Reply::Whole);
        let sending = request.extension::<Sending>().cloned().unwrap_or_else(Sending::nothing);
        let silence = self.timeouts.first_byte.max(self.timeouts.idle);
        let response = net::send(&self.client, to_reqwest(request)?, sending.length, &sending.progress, silence).await?;
        let success = response.status().is_success();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match reply {
            Reply::Streamed if success => SdkBody::from_body_1_x(reqwest::Body::from(response)),
            _ if success => {
                let whole = timeout(LONGEST_READING, read_whole(response, self.timeouts.idle)).await;
                SdkBody::from(whole.map_err(|_| ExchangeError::TooSlow)??)
            }
            _ => SdkBody::from(read_beginning(response, self.timeouts.idle).await),
        };
        let mut answer = http::Response::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        HttpResponse::try_from(answer).map_err(|error| ExchangeError::Shape(error.into()))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        // The SDK's own kinds of error are not read: store::s3::error finds ours inside.
        HttpConnectorFuture::new(async move {
            connector.exchange(request).await.map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn to_reqwest(request: HttpRequest) -> Result<reqwest::Request, ExchangeError> {
    let request = request.try_into_http1x().map_err(|error| ExchangeError::Shape(error.into()))?;
    let request = request.map(|body| match body.bytes() {
        Some(bytes) => reqwest::Body::from(Bytes::copy_from_slice(bytes)),
        None => reqwest::Body::wrap(body),
    });
    Ok(reqwest::Request::try_from(request)?)
}

async fn read_whole(mut response: reqwest::Response, idle: Duration) -> Result<Bytes, ExchangeError> {
    let mut found = BytesMut::new();
    while let Some(piece) = timeout(idle, response.chunk()).await.map_err(|_| ExchangeError::TooSlow)?? {
        if found.len() + piece.len() > LONGEST_REPLY {
            return Err(ExchangeError::Endless(LONGEST_REPLY));
        }
        found.extend_from_slice(&piece);
    }
    Ok(found.freeze())
}

/// What can be had of an error's body in time: the status alone already says that the call failed.
async fn read_beginning(mut response: reqwest::Response, patience: Duration) -> Bytes {
    let mut found = BytesMut::new();
    let reading = async {
        while let Ok(Some(piece)) = response.chunk().await {
            let room = LONGEST_ERROR - found.len();
            found.extend_from_slice(&piece[..piece.len().min(room)]);
            if found.len() == LONGEST_ERROR {
                break;
            }
        }
    };
    // Too late is as good as cut off.
    let _ = timeout(patience, reading).await;
    found.freeze()
}
