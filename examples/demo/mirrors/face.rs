//! The public face: a folder over HTTP, read-only. GET, HEAD and one range; no listings.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header::{ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

type Body = BoxBody<Bytes, io::Error>;

/// Serves `folder` on a free loopback port until the runtime ends.
pub async fn start(folder: &Path) -> anyhow::Result<SocketAddr> {
    let (listener, address) = super::listen().await?;
    let folder = folder.to_owned();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let folder = folder.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| respond(folder.clone(), request));
                // A reader that hangs up early is no concern of the face.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
            });
        }
    });
    Ok(address)
}

async fn respond(folder: PathBuf, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, http::HeaderValue::from_static("GET, HEAD"));
        return Ok(response);
    }
    let Some(path) = locate(&folder, request.uri().path()) else { return Ok(refusal(StatusCode::NOT_FOUND)) };
    let range = request.headers().get(RANGE).and_then(|value| value.to_str().ok());
    Ok(send(&path, range, request.method() == Method::HEAD).await.unwrap_or_else(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => refusal(StatusCode::FORBIDDEN),
        _ => refusal(StatusCode::NOT_FOUND),
    }))
}

/// The file that a URL's path names, never one outside the folder.
fn locate(folder: &Path, path: &str) -> Option<PathBuf> {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    let mut file = folder.to_owned();
    for part in decoded.split('/').filter(|part| !part.is_empty()) {
        if part == "." || part == ".." || part.contains('\0') {
            return None;
        }
        file.push(part);
    }
    if decoded.ends_with('/') {
        file.push("index.html");
    }
    Some(file)
}

async fn send(path: &Path, range: Option<&str>, head: bool) -> io::Result<Response<Body>> {
    let mut file = tokio::fs::File::open(path).await?;
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let size = metadata.len();
    let (first, length, status) = match range.map(|range| slice(range, size)) {
        None | Some(Slice::Ignored) => (0, size, StatusCode::OK),
        Some(Slice::Part { first, length }) => (first, length, StatusCode::PARTIAL_CONTENT),
        Some(Slice::Outside) => {
            let mut response = refusal(StatusCode::RANGE_NOT_SATISFIABLE);
            response.headers_mut().insert(CONTENT_RANGE, text(&format!("bytes */{size}")));
            return Ok(response);
        }
    };
    file.seek(io::SeekFrom::Start(first)).await?;
    let body = if head { empty() } else { StreamBody::new(ReaderStream::new(file.take(length)).map_ok(Frame::data)).boxed() };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, text("bytes"));
    headers.insert(CONTENT_LENGTH, length.into());
    if status == StatusCode::PARTIAL_CONTENT {
        headers.insert(CONTENT_RANGE, text(&format!("bytes {first}-{}/{size}", first + length - 1)));
    }
    Ok(response)
}

/// What a `Range` header asks for (RFC 9110, section 14.1.2).
enum Slice {
    /// Several ranges or another unit: the whole file is a correct answer.
    Ignored,
    /// Bytes that exist.
    Part { first: u64, length: u64 },
    /// None that exist.
    Outside,
}

fn slice(range: &str, size: u64) -> Slice {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|rest| rest.split_once('-')) else { return Slice::Ignored };
    let (first, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Ok(first), Err(_)) if last.is_empty() => (first, size),
        (Err(_), Ok(length)) if first.is_empty() => (size.saturating_sub(length), size),
        _ => return Slice::Ignored,
    };
    if first < end { Slice::Part { first, length: end - first } } else { Slice::Outside }
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = status;
    response
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

fn text(value: &str) -> http::HeaderValue {
    http::HeaderValue::from_str(value).expect("digits and ASCII words")
}
