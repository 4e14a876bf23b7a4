//! A WebDAV server over a folder (dav-server), with Basic authentication in front.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dav_server::DavHandler;
use dav_server::body::Body;
use dav_server::fakels::FakeLs;
use dav_server::localfs::LocalFs;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// Serves `folder` as the collection `/dav/` on a free loopback port until the runtime ends.
pub async fn start(folder: &Path) -> anyhow::Result<SocketAddr> {
    let dav = DavHandler::builder()
        .filesystem(LocalFs::new(folder, false, false, false))
        .locksystem(FakeLs::new())
        .strip_prefix("/dav")
        .build_handler();
    let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", super::USER, super::PASSWORD)));

    let (listener, address) = super::listen().await?;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (dav, expected) = (dav.clone(), expected.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request| respond(dav.clone(), expected.clone(), request));
                // A client that hangs up ends its own connection only.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
            });
        }
    });
    Ok(address)
}

async fn respond(dav: DavHandler, expected: String, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    if request.headers().get(AUTHORIZATION).is_some_and(|given| given.as_bytes() == expected.as_bytes()) {
        return Ok(dav.handle(request).await);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"demo\""));
    Ok(response)
}
