//! A front that is served: a database with pages in it, the real program, and requests to it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::{SignedDuration, Timestamp};
use spartacus::base::{ByteCount, Secret, Sha256};
use spartacus::config::sealed::Identity;
use spartacus::history::{Front, FrontAbout, FrontPage, FrontPages, TicketNews, TicketState};
use spartacus::registration::{Invite, Limits, Message, Needs, Offered, OfferedPlace, Request, Sealed, SecretName, invite_page};
use spartacus::report::{Board, content_type, public_files};
use spartacus::trust::SigningKey;

use super::offers::connect_from;
use crate::support::process::{Server, Stop, wait_until};
use crate::support::tools;

/// What is sealed into every offer of these tests.
pub const CANARY: &str = "canary-e7c1b95f-of-a-volunteer";

/// A part of loopback, so that the tests themselves are strangers.
const PROXIES: &str = "127.9.0.0/16";

/// A served front. Stopped when dropped.
pub struct Site {
    pub front: Front,
    pub server: Server,
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    pub folder: tempfile::TempDir,
    root: Vec<u8>,
}

/// An answer, with its head as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The value of a header, in whatever case its name came.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// What the database of a small project has.
pub fn pages_of(board: &Board, about: FrontAbout) -> FrontPages {
    let page = |path: &str, bytes: Vec<u8>| FrontPage {
        path: path.to_owned(),
        kind: content_type(path).to_owned(),
        bytes: bytes.into(),
    };
    let pages = public_files(board).files().map(|(path, text)| page(path, text.as_bytes().to_vec())).collect();
    FrontPages { about, pages, metrics: spartacus::report::prometheus(&board.fleet) }
}

impl Site {
    /// Serves the example's pages, with an invite.
    pub fn new() -> Self {
        Self::with(&crate::public::example::fleet(), 200, &[])
    }

    /// Serves these pages; `waiting` messages may wait. The program is started by `wrapped` words, if there are any.
    pub fn with(board: &Board, waiting: u32, wrapped: &[&str]) -> Self {
        Self::start(board, waiting, wrapped, PROXIES)
    }

    /// Serves the example's pages, and believes what proxies in this network say of who asks.
    pub fn behind(network: &str) -> Self {
        Self::start(&crate::public::example::fleet(), 200, &[], network)
    }

    fn start(board: &Board, waiting: u32, wrapped: &[&str], behind: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Utf8PathBuf::from_path_buf(folder.path().join("front/front.db")).expect("UTF-8");
        let front = Front::open(&database).expect("a front database");
        let desk = crate::cli_desk::Desk::with_project();
        let root = std::fs::read(desk.path(".spartacus/metadata/1.root.json")).expect("init writes it");
        let password = Secret::new(crate::cli_desk::KEY_PASSWORD.to_owned());
        let path = Utf8PathBuf::from_path_buf(desk.path("keys/maintainer.key")).expect("UTF-8");
        let key = SigningKey::load(&path, Some(&password)).expect("our own key");
        let mut pages = pages_of(board, about(&root, waiting));
        let invite = invite(&root, desk.read("keys/deploy_ed25519.pub").trim()).to_file(&key);
        let read = Invite::read(&invite, Sha256::of(&root), Timestamp::now()).expect("an invite that holds");
        for (path, bytes) in [("invite.html", invite_page(&read, None).into_bytes()), ("invite.json", invite)] {
            pages.pages.push(FrontPage { path: path.to_owned(), kind: content_type(path).to_owned(), bytes: bytes.into() });
        }
        front.publish(&pages, Timestamp::now()).expect("pages are published");
        let (server, address, metrics) = serve_behind(folder.path(), &database, wrapped, behind);
        Self { front, server, address, metrics, folder, root }
    }

    /// Publishes other pages for the same project.
    pub fn publish(&self, board: &Board, round: Timestamp) {
        let pages = pages_of(board, FrontAbout { round: Some(round), ..about(&self.root, 200) });
        self.front.publish(&pages, Timestamp::now()).expect("pages are published");
    }

    pub fn get(&self, path: &str) -> Answer {
        ask(self.address, "GET", path, "", b"")
    }

    pub fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        ask(self.address, method, path, headers, body)
    }

    /// Posts a file as programs do.
    pub fn post(&self, file: &str) -> Answer {
        self.request("POST", "/api/v1/offers", "Content-Type: application/json\r\n", file.as_bytes())
    }

    /// The same through a proxy that is believed, in the name of `who`.
    pub fn post_from(&self, who: &str, file: &str) -> Answer {
        let stream = connect_from(SocketAddr::from(([127, 9, 0, 1], 0)), self.address);
        let headers = format!("Content-Type: application/json\r\nX-Forwarded-For: {who}\r\nX-Forwarded-Proto: https\r\n");
        try_on(stream, "POST", "/api/v1/offers", &headers, file.as_bytes()).expect("an answer")
    }

    pub fn metric(&self, name: &str) -> f64 {
        let told = ask(self.metrics, "GET", "/metrics", "", b"");
        let line =
            told.text().lines().find(|line| line.starts_with(&format!("{name} ")) || line.starts_with(&format!("{name}{{")));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("no {name} in {}", told.text()))
    }

    /// How many bytes of memory the process holds now.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// Processor time that the process has used.
    pub fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.server.id())).expect("it runs");
        let fields: Vec<&str> = stat.rsplit(") ").next().expect("after the name").split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().expect("user time") + fields[12].parse::<u64>().expect("system time");
        // The kernel tells them in hundredths of a second (USER_HZ), on every machine that these tests run on.
        Duration::from_millis(ticks * 10)
    }

    /// The project says how an offer stands.
    pub fn tell(&self, ticket: &str, state: TicketState, words: &str, taken: u64) {
        let now = Timestamp::now();
        let is_mirror = state == TicketState::Active;
        let news = TicketNews { ticket: ticket.to_owned(), state, words: words.to_owned(), changed: now, taken, is_mirror };
        self.front.tell(&[news], now).expect("the database is ours");
    }

    /// The pin of the project.
    pub fn pin(&self) -> Sha256 {
        Sha256::of(&self.root)
    }

    /// A signed file that offers a place, of a volunteer of its own, `seconds` after now.
    pub fn offer(&self, volunteer: &SigningKey, seconds: i64) -> String {
        message(volunteer, self.pin(), seconds)
    }
}

/// A file of `volunteer` for the project with this pin.
pub fn message(volunteer: &SigningKey, pin: Sha256, seconds: i64) -> String {
    let now = Timestamp::now();
    let recipients = [Identity::generate().to_public().to_string(), Identity::generate().to_public().to_string()];
    let sealed = Sealed {
        place: OfferedPlace::Webdav { url: format!("https://{CANARY}.example.org/box/"), user: Some("mirror".to_owned()) },
        secrets: [(SecretName::Password, Secret::new(CANARY.to_owned()))].into(),
        contact: Some("alice@example.org".parse().expect("an address")),
        notes: None,
    };
    let offered = Offered {
        name: "paris".parse().expect("a name"),
        public_url: "https://mirror.example.org/archive/".to_owned(),
        kind: "webdav".to_owned(),
        operator: None,
        country: None,
        network: None,
        limits: Limits::default(),
        expires: now + SignedDuration::from_hours(24 * 180),
        sealed: sealed.close(volunteer.public(), &recipients).expect("it can be sealed"),
    };
    let request = Request::Offer(Box::new(offered));
    Message::new(pin, volunteer, request, now + SignedDuration::from_secs(seconds)).to_file(volunteer)
}

fn about(root: &[u8], waiting: u32) -> FrontAbout {
    FrontAbout {
        project: "Field Atlas".to_owned(),
        pin: Sha256::of(root),
        round: Some(Timestamp::now()),
        stale_after_s: 900,
        most_waiting: waiting,
    }
}

fn invite(root: &[u8], deploy_key: &str) -> Invite {
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("a whole second");
    let recipient = || Identity::generate().to_public().to_string();
    Invite {
        project: "Field Atlas".to_owned(),
        pin: Sha256::of(root),
        roots: Invite::encoded_roots(&[root.to_vec().into()]),
        at: now,
        expires: now + SignedDuration::from_hours(24 * 30),
        needs: Needs {
            bundles: 1,
            files: 2,
            bytes: ByteCount(5_000_000_000),
            newest: None,
            newest_bytes: ByteCount(0),
            growth_per_year: None,
        },
        protocols: vec!["sftp".to_owned(), "webdav".to_owned(), "s3".to_owned()],
        deploy_keys: vec![deploy_key.to_owned()],
        from: Vec::new(),
        recipients: vec![recipient(), recipient()],
        send_to: vec!["https://mirrors.example.org/register".to_owned()],
        conditions: vec!["Nobody changes <b>them</b>.".to_owned()],
    }
}

/// Starts `spartacus serve` on a database; believes proxies on loopback.
pub fn serve(folder: &Path, database: &camino::Utf8Path, wrapped: &[&str]) -> (Server, SocketAddr, SocketAddr) {
    serve_behind(folder, database, wrapped, PROXIES)
}

/// The same; `behind` are the proxies that it believes.
fn serve_behind(folder: &Path, database: &camino::Utf8Path, wrapped: &[&str], behind: &str) -> (Server, SocketAddr, SocketAddr) {
    let log = folder.join("serve.log");
    let (server, ports) = Server::start(&log, Stop::Term, 2, |ports| {
        let own = env!("CARGO_BIN_EXE_spartacus");
        let (first, rest) =
            wrapped.split_first().map_or((own.into(), [].as_slice()), |(first, rest)| (tools::program(first), rest));
        let mut command = Command::new(first);
        command.args(rest);
        if !wrapped.is_empty() {
            command.arg(own);
        }
        command.args(["serve", "--database", database.as_str(), "--listen", &format!("127.0.0.1:{}", ports[0])]);
        command.args(["--metrics", &format!("127.0.0.1:{}", ports[1]), "--behind", behind, "-v"]);
        command.current_dir(folder).env_clear();
        command
    });
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (address, metrics) = (at(ports[0]), at(ports[1]));
    wait_until("the front listens for metrics", || TcpStream::connect(metrics).is_ok());
    (server, address, metrics)
}

/// One request on a connection of its own.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let stream = TcpStream::connect(address).expect("the front listens");
    try_on(stream, method, path, headers, body).expect("an answer")
}

/// The same on this connection; an error where it ended without an answer.
pub fn try_on(stream: TcpStream, method: &str, path: &str, headers: &str, body: &[u8]) -> std::io::Result<Answer> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    exchange(stream, "front.test", method, path, headers, body)
}

/// The same on any connection, asking for the site of this name.
pub fn exchange(
    mut stream: impl Read + Write,
    host: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> std::io::Result<Answer> {
    let length = if method == "POST" { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}{length}\r\n")?;
    // Whoever refuses does so before the body, and may have closed by then.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        read?;
        return Err(std::io::Error::other("no answer"));
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or(std::io::Error::other("no status"))?;
    Ok(Answer { status, head, body: bytes.split_off(end + 4) })
}
