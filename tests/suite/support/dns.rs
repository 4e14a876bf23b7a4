//! A tiny DNS server on loopback that answers questions for name servers, well or badly.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::oneshot;

const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;

/// How the server answers for a name. A name that it does not know does not exist.
#[derive(Debug, Clone)]
pub enum Zone {
    /// These servers answer for it.
    Servers(Vec<&'static str>),
    /// The same, but the answer does not fit and is given over TCP alone.
    Long(Vec<&'static str>),
    /// It stands for another name, for which these servers answer.
    Alias(&'static str, Vec<&'static str>),
    /// It is no zone but a name in this one.
    In(&'static str),
    /// The answer is empty and names nobody.
    Empty,
    /// SERVFAIL.
    Broken,
    /// REFUSED: whoever was asked does not answer for it.
    Refused,
    /// No answer.
    Silent,
}

/// A running server. Stops when dropped.
#[derive(Debug)]
pub struct Dns {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    /// Dropping it ends the thread below.
    _running: oneshot::Sender<()>,
}

type Zones = BTreeMap<String, Zone>;

impl Dns {
    /// Serves these names from a thread with a runtime of its own.
    pub fn start(zones: &[(&str, Zone)]) -> Self {
        let zones: Zones = zones.iter().map(|(name, zone)| ((*name).to_owned(), zone.clone())).collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (running, stopped) = oneshot::channel::<()>();
        let (report, address) = std::sync::mpsc::channel();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(async {
                let (udp, tcp) = sockets().await;
                report.send(udp.local_addr().expect("an address")).expect("the test waits");
                tokio::select! {
                    () = datagrams(udp, &zones, &log) => {}
                    () = streams(tcp, &zones, &log) => {}
                    // The sender sends nothing: being dropped is its message.
                    _ = stopped => {}
                }
            });
        });
        Self { address: address.recv().expect("the server starts"), asked, _running: running }
    }

    /// The names that were asked about, as often as they were, in the order of the questions.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics here").clone()
    }
}

/// A port of which both kinds are free.
async fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

async fn datagrams(udp: UdpSocket, zones: &Zones, log: &Mutex<Vec<String>>) {
    let mut buffer = [0; 2048];
    loop {
        let (length, from) = udp.recv_from(&mut buffer).await.expect("loopback works");
        if let Some(answer) = answer(&buffer[..length], zones, log, false) {
            // Whoever asked may be gone.
            let _ = udp.send_to(&answer, from).await;
        }
    }
}

async fn streams(tcp: TcpListener, zones: &Zones, log: &Mutex<Vec<String>>) {
    loop {
        let (stream, _) = tcp.accept().await.expect("loopback works");
        // Whoever asked may be gone.
        let _ = one_stream(stream, zones, log).await;
    }
}

async fn one_stream(mut stream: TcpStream, zones: &Zones, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let length = stream.read_u16().await?;
    let mut question = vec![0; usize::from(length)];
    stream.read_exact(&mut question).await?;
    if let Some(answer) = answer(&question, zones, log, true) {
        stream.write_u16(u16::try_from(answer.len()).expect("a short answer")).await?;
        stream.write_all(&answer).await?;
    }
    Ok(())
}

/// The answer to one question (RFC 1035, section 4), if there is one.
fn answer(question: &[u8], zones: &Zones, log: &Mutex<Vec<String>>, over_tcp: bool) -> Option<Vec<u8>> {
    let (name, end) = read_name(question, 12)?;
    let kind = u16::from_be_bytes([*question.get(end)?, *question.get(end + 1)?]);
    assert_eq!(kind, NS, "only name servers are asked for: {name}");
    log.lock().expect("nobody panics here").push(name.clone());
    let (mut code, mut truncated, mut answers, mut authority) = (0, false, Vec::new(), Vec::new());
    let servers =
        |owner: &str, names: &[&str]| names.iter().map(|server| record(owner, NS, &written(server))).collect::<Vec<_>>();
    let soa = |zone: &str| record(zone, SOA, &[written("ns.invalid"), written("hostmaster.invalid"), vec![0; 20]].concat());
    match zones.get(&name) {
        Some(Zone::Servers(names)) => answers = servers(&name, names),
        Some(Zone::Long(names)) if over_tcp => answers = servers(&name, names),
        Some(Zone::Long(_)) => truncated = true,
        Some(Zone::Alias(to, names)) => {
            answers.push(record(&name, CNAME, &written(to)));
            answers.extend(servers(to, names));
        }
        Some(Zone::In(zone)) => authority.push(soa(zone)),
        Some(Zone::Empty) => {}
        Some(Zone::Broken) => code = 2,
        Some(Zone::Refused) => code = 5,
        Some(Zone::Silent) => return None,
        None => {
            code = 3;
            authority.push(soa("invalid"));
        }
    }
    let count = |records: &Vec<Vec<u8>>| u16::try_from(records.len()).expect("a few").to_be_bytes();
    let flags: u16 = 0x8180 | code | if truncated { 0x0200 } else { 0 };
    let head = [&question[..2], &flags.to_be_bytes(), &[0, 1], &count(&answers), &count(&authority), &[0, 0]].concat();
    Some([head, question[12..end + 4].to_vec(), answers.concat(), authority.concat()].concat())
}

fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("a short record");
    [&written(owner)[..], &kind.to_be_bytes(), &[0, 1], &60_u32.to_be_bytes(), &length.to_be_bytes(), data].concat()
}

fn written(name: &str) -> Vec<u8> {
    let label = |label: &str| [&[u8::try_from(label.len()).expect("a short label")], label.as_bytes()].concat();
    name.split('.').flat_map(label).chain([0]).collect()
}

/// A name without compression, lower case, and where it ends.
fn read_name(bytes: &[u8], mut place: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*bytes.get(place)?);
        place += 1;
        if length == 0 {
            return Some((labels.join("."), place));
        }
        labels.push(String::from_utf8_lossy(bytes.get(place..place + length)?).to_ascii_lowercase());
        place += length;
    }
}
