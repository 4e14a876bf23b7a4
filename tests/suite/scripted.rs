//! An HTTP server that answers as a test tells it to, whatever good servers would do.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// Which connection it came on, and its number there; both from 0.
    pub connection: usize,
    pub turn: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What the server does about a request.
pub enum Act {
    /// Sends these bytes and waits for the next request.
    Send(Vec<u8>),
    /// Sends these bytes and closes.
    SendAndClose(Vec<u8>),
    /// Sends a head, then this again and again until the client has had enough.
    Flood(Vec<u8>, Vec<u8>),
    /// Keeps the connection and says nothing.
    Silence,
}

/// A whole answer.
pub fn answer(status: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// A running server; it ends with this value.
pub struct Scripted {
    pub base: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
}

impl Scripted {
    pub async fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (seen, connections, script) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::<Mutex<usize>>::default(), Arc::new(script));
        let task = tokio::spawn({
            let (seen, connections) = (Arc::clone(&seen), Arc::clone(&connections));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let number = {
                        let mut count = connections.lock().expect("no test panicked with it");
                        *count += 1;
                        *count - 1
                    };
                    tokio::spawn(serve(stream, number, Arc::clone(&script), Arc::clone(&seen)));
                }
            }
        });
        let base = Url::parse(&format!("http://127.0.0.1:{port}/dav/")).expect("a URL");
        Self { base, seen, connections, task }
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panicked with it").clone()
    }

    /// The requests with this method.
    pub fn of(&self, method: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.method == method).collect()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("no test panicked with it")
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S: Fn(&Seen) -> Act>(mut stream: TcpStream, connection: usize, script: Arc<S>, log: Arc<Mutex<Vec<Seen>>>) {
    for turn in 0.. {
        let Some(mut seen) = read_request(&mut stream).await else { return };
        (seen.connection, seen.turn) = (connection, turn);
        log.lock().expect("no test panicked with it").push(seen.clone());
        let sent = match script(&seen) {
            Act::Send(bytes) => stream.write_all(&bytes).await,
            Act::SendAndClose(bytes) => {
                // The client may have gone already.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Act::Flood(head, piece) => {
                let _ = stream.write_all(&head).await;
                while stream.write_all(&piece).await.is_ok() {}
                return;
            }
            Act::Silence => std::future::pending().await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { method, path, headers, body, connection: 0, turn: 0 })
}
