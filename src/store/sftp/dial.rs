//! The connection under SSH: TCP, straight or through a proxy, or a channel of a jump host.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::connect::{Place, Way};
use super::failure::Failure;
use super::jump::forward;
use super::line::Stream;
use crate::net::{Destinations, Vetted, without_login};

/// Longest answer of an HTTP proxy that is read.
const LONGEST_HEAD: usize = 8 * 1024;

/// Connects within the time-out. There is no fall-back to a direct connection: it would show who we are.
pub(super) async fn dial(place: Place<'_>) -> Result<Box<dyn Stream>, Failure> {
    let limit = place.timeouts.connect;
    let connected = async {
        Ok(match place.way {
            Way::Straight => without_delay(open(place.destinations, place.host, place.port).await?)?,
            Way::Proxy(proxy) => {
                place.destinations.admit_behind(&without_login(proxy))?;
                without_delay(through(proxy, place.host, place.port).await?)?
            }
            Way::Jump(jump) => {
                place.destinations.admit_behind(&jump.host)?;
                Box::new(forward(jump, place.host, place.port).await?) as Box<dyn Stream>
            }
        })
    };
    timeout(limit, connected).await.map_err(|_| Failure::Slow { what: "connection", limit })?
}

/// Without Nagle's algorithm, which makes small requests wait for the answers to earlier ones.
fn without_delay(stream: TcpStream) -> Result<Box<dyn Stream>, Failure> {
    stream.set_nodelay(true).map_err(|error| Failure::Unreachable(error.to_string()))?;
    Ok(Box::new(stream))
}

/// To one of the addresses that were looked at: the name is not looked up again.
async fn open(destinations: &Destinations, host: &str, port: u16) -> Result<TcpStream, Failure> {
    let vetted = destinations.resolve(host, port).await?;
    let addresses: Vec<SocketAddr> = vetted.into_iter().map(Vetted::address).collect();
    TcpStream::connect(&addresses[..]).await.map_err(|error| Failure::Unreachable(error.to_string()))
}

async fn through(proxy: &Url, host: &str, port: u16) -> Result<TcpStream, Failure> {
    let name = proxy.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    // Ours, and not the target's: where it is, a maintainer has said.
    let mut stream = open(&Destinations::anywhere(), &name, proxy.port_or_known_default().unwrap_or(1080)).await?;
    match proxy.scheme() {
        "socks5h" => socks(&mut stream, proxy, host, port).await?,
        "http" => http_connect(&mut stream, proxy, host, port).await?,
        other => return Err(Failure::Unsupported(format!("a proxy of kind {other}"))),
    }
    Ok(stream)
}

#[allow(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn broken(error: std::io::Error) -> Failure {
    Failure::Unreachable(format!("the proxy broke off: {error}"))
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::Unreachable(format!("the proxy refuses: {why}"))
}

/// RFC 1928 (SOCKS5) with the name resolved by the proxy, and RFC 1929 for a user and password in the URL.
async fn socks(stream: &mut TcpStream, proxy: &Url, host: &str, port: u16) -> Result<(), Failure> {
    let with_login = !proxy.username().is_empty();
    let methods: &[u8] = if with_login { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    stream.write_all(methods).await.map_err(broken)?;
    let mut choice = [0; 2];
    stream.read_exact(&mut choice).await.map_err(broken)?;
    match choice {
        [5, 0] => {}
        [5, 2] if with_login => {
            let (user, password) = login(proxy);
            let mut request = vec![1];
            counted(&mut request, user.as_bytes())?;
            counted(&mut request, password.as_bytes())?;
            stream.write_all(&request).await.map_err(broken)?;
            let mut answer = [0; 2];
            stream.read_exact(&mut answer).await.map_err(broken)?;
            if answer[1] != 0 {
                return Err(refused("user or password"));
            }
        }
        _ => return Err(refused("every way to log in")),
    }
    let mut request = vec![5, 1, 0, 3];
    counted(&mut request, host.as_bytes())?;
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).await.map_err(broken)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.map_err(broken)?;
    if answer[1] != 0 {
        return Err(refused(format!("SOCKS code {}", answer[1])));
    }
    // The address that the proxy connected from, of no use to us.
    let rest = match answer[3] {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await.map_err(broken)?),
        _ => return Err(refused("an unknown kind of address")),
    };
    let mut address = vec![0; rest + 2];
    stream.read_exact(&mut address).await.map_err(broken)?;
    Ok(())
}

fn counted(request: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Failure> {
    let length = u8::try_from(bytes.len()).map_err(|_| refused("a name of more than 255 bytes"))?;
    request.push(length);
    request.extend_from_slice(bytes);
    Ok(())
}

fn login(proxy: &Url) -> (String, String) {
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    (plain(proxy.username()), plain(proxy.password().unwrap_or_default()))
}

/// RFC 9110, section 9.3.6.
async fn http_connect(stream: &mut TcpStream, proxy: &Url, host: &str, port: u16) -> Result<(), Failure> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if !proxy.username().is_empty() {
        let (user, password) = login(proxy);
        let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
        request = format!("{request}Proxy-Authorization: Basic {credentials}\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    // Byte by byte: what follows the head is the server's, and must stay in the socket.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST_HEAD {
            return Err(refused("with an endless answer"));
        }
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    let first = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    if first.split(' ').nth(1) == Some("200") { Ok(()) } else { Err(refused(first)) }
}
