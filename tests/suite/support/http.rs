//! The smallest HTTP client that can judge a server: plain, blocking, one request a connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// 200, 206, 404 ...
    pub status: u16,
    /// Header lines as they came.
    pub head: String,
    /// The body, if it came whole or in part.
    pub body: Vec<u8>,
}

/// GET of an `http://host:port/path` without credentials. `None` if there is no HTTP answer.
pub fn get(url: &str) -> Option<Answer> {
    request("GET", url, "")
}

/// Any request without a body. `headers` are whole lines, each with its line end.
pub fn request(method: &str, url: &str, headers: &str) -> Option<Answer> {
    let rest = url.strip_prefix("http://").expect("a plain http URL");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out above zero");
    // Version 1.0, so that no server answers in chunks.
    write!(stream, "{method} /{path} HTTP/1.0\r\nHost: {host}\r\n{headers}\r\n").ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head, body: bytes.split_off(end + 4) })
}
