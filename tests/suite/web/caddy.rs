//! Behind Caddy, with the block that docs/operations.md leads to: over TLS, as visitors from several networks.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use spartacus::trust::SigningKey;

use super::behind::documented;
use super::offers::connect_from;
use super::site::{Answer, Site, ask, exchange};
use crate::support::process::{self, Server, Stop};
use crate::support::tls::Authority;
use crate::support::tools;

/// The host of the example.
const HOST: &str = "mirrors.example.org";
/// Where the example has the front.
const FRONT: &str = "127.0.0.1:8420";
/// What Caddy is asked not to do here: listen on ports that the test does not know, and fetch certificates.
const ALONE: &str = "{\n\tadmin off\n\tauto_https off\n\tservers {\n\t\tprotocols h1 h2\n\t}\n}\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// A front behind Caddy.
struct Caddy {
    site: Site,
    port: u16,
    trusted: Arc<ClientConfig>,
    _server: Server,
    _folder: tempfile::TempDir,
}

impl Caddy {
    /// The front believes nobody but Caddy, which comes from 127.0.0.1; all else of loopback is visitors.
    fn start() -> Self {
        Self::before(Site::behind("127.0.0.1/32"))
    }

    fn before(site: Site) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path();
        let authority = Authority::new();
        authority.issue([HOST]).write(base, "front");
        let shipped = documented("Caddy");
        let (head, front) = (format!("{HOST} {{\n"), site.address.to_string());
        assert_eq!((shipped.matches(&head).count(), shipped.matches(FRONT).count()), (1, 1), "{shipped}");
        let (server, ports) = Server::start(&base.join("caddy.out"), Stop::Kill, 1, |ports| {
            let here = format!(
                "{HOST}:{} {{\n\tbind 127.0.0.1\n\ttls {base}/front.pem {base}/front.key\n",
                ports[0],
                base = base.display()
            );
            let block = shipped.replace(&head, &here).replace(FRONT, &front);
            std::fs::write(base.join("Caddyfile"), format!("{ALONE}{block}")).expect("our own folder");
            caddy(base, "run", &base.join("Caddyfile"))
        });
        Self { site, port: ports[0], trusted: trusting(&authority), _server: server, _folder: folder }
    }

    /// The host with its port, as browsers say it.
    fn host(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    /// One request of the visitor at `from`.
    fn ask(&self, from: Ipv4Addr, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let stream = connect_from(SocketAddr::from((from, 0)), SocketAddr::from(([127, 0, 0, 1], self.port)));
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("not zero");
        let name = HOST.try_into().expect("a host name");
        let client = ClientConnection::new(Arc::clone(&self.trusted), name).expect("a client");
        exchange(StreamOwned::new(client, stream), &self.host(), method, path, headers, body).expect("an answer")
    }

    /// The token of the form, as the visitor at `from` gets it.
    fn token(&self, from: Ipv4Addr) -> String {
        let form = self.ask(from, "GET", "/register", "", b"");
        let rest = form.text().split("name=\"token\" value=\"").nth(1).expect("the form has a token");
        rest.split('"').next().expect("it ends").to_owned()
    }

    /// Posts the form from a page of `origin`.
    fn submit(&self, from: Ipv4Addr, origin: &str, token: &str, offer: &str) -> Answer {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("token", token).append_pair("offer", offer).finish();
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\nOrigin: {origin}\r\n");
        self.ask(from, "POST", "/offers", &headers, body.as_bytes())
    }
}

/// Caddy with this file. Whatever it keeps is kept in `base`.
fn caddy(base: &Path, word: &str, file: &Path) -> Command {
    let mut command = Command::new(tools::program("caddy"));
    command.args([word, "--adapter", "caddyfile", "--config"]).arg(file).current_dir(base);
    for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(name, base);
    }
    command
}

/// What believes this authority and no other.
fn trusting(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("a certificate")).expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Names and values of the header, without what each server says for itself.
fn fields(answer: &Answer) -> Vec<(String, String)> {
    let own = ["connection", "date", "server", "content-length", "transfer-encoding", "strict-transport-security"];
    let fields = answer.head.lines().filter_map(|line| line.split_once(": "));
    let mut fields: Vec<_> = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let names: BTreeSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), fields.len(), "a field came twice:\n{}", answer.head);
    fields.retain(|(name, _)| !own.contains(&name.as_str()));
    fields.sort();
    fields
}

#[test]
fn caddy_takes_the_block_as_it_is_documented() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("Caddyfile");
    std::fs::write(&file, documented("Caddy")).expect("our own folder");
    let told = process::output(&mut caddy(folder.path(), "validate", &file));
    assert!(told.status.success() && process::text(&told).contains("Valid configuration"), "{}", process::text(&told));
}

#[test]
fn behind_caddy_pages_and_headers_are_those_of_the_front_and_metrics_stay_inside() {
    let caddy = Caddy::start();
    let visitor = Ipv4Addr::new(127, 5, 0, 1);
    for path in ["/", "/mirrors/berlin-1.html", "/mirrors.json", "/badges/mirrors.svg", "/invite", "/nothing", "/api/v1/status"] {
        let (through, direct) = (caddy.ask(visitor, "GET", path, "", b""), caddy.site.get(path));
        assert_eq!((through.status, fields(&through)), (direct.status, fields(&direct)), "{path}");
        assert!(through.body == direct.body, "{path} has another body");
        assert_eq!(through.header("strict-transport-security"), Some("max-age=31536000"), "{path}: it came over https");
    }
    let moved = caddy.ask(visitor, "GET", "/mirror/berlin-1", "", b"");
    assert_eq!((moved.status, moved.header("location")), (308, Some("../mirrors/berlin-1.html")));
    let tag = caddy.site.get("/").header("etag").expect("a page has one").to_owned();
    assert_eq!(caddy.ask(visitor, "GET", "/", &format!("If-None-Match: {tag}\r\n"), b"").status, 304);

    // They are there, on a listener that nobody outside gets to.
    assert!(ask(caddy.site.metrics, "GET", "/metrics", "", b"").text().contains("spartacus_web_"));
    for path in ["/metrics", "//metrics", "/%6detrics", "/api/../metrics"] {
        let answer = caddy.ask(visitor, "GET", path, "", b"");
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("spartacus_web_"), "{path}");
    }
}

#[test]
fn behind_caddy_the_form_is_taken_from_our_own_page_and_from_the_network_that_fetched_it() {
    let caddy = Caddy::start();
    let (visitor, other) = (Ipv4Addr::new(127, 5, 0, 1), Ipv4Addr::new(127, 6, 0, 1));
    let own = format!("https://{}", caddy.host());
    let offer = caddy.site.offer(&SigningKey::generate("volunteer").expect("a key"), 0);
    let token = caddy.token(visitor);
    for (from, origin, token) in
        [(visitor, "https://evil.example", token.as_str()), (visitor, &own, "0.00"), (other, &own, token.as_str())]
    {
        assert_eq!(caddy.submit(from, origin, token, &offer).status, 403, "{from} {origin} {token}");
    }
    let answer = caddy.submit(visitor, &own, &token, &offer);
    let ticket = answer.header("location").unwrap_or_default();
    assert!(answer.status == 303 && ticket.starts_with("offers/t-"), "{}\n{}", answer.head, answer.text());
    let shown = caddy.ask(other, "GET", &format!("/{ticket}"), "", b"");
    assert!(shown.status == 200 && shown.text().contains("It came, and waits for a maintainer"), "{}", shown.text());
}

#[test]
fn behind_caddy_each_visitor_has_an_own_allowance_whatever_they_claim() {
    let caddy = Caddy::start();
    let (visitor, other) = (Ipv4Addr::new(127, 5, 0, 1), Ipv4Addr::new(127, 6, 0, 1));
    let post = |from: Ipv4Addr, claimed: IpAddr| {
        let headers = format!("{JSON}X-Forwarded-For: {claimed}\r\nX-Real-IP: {claimed}\r\nForwarded: for={claimed}\r\n");
        caddy.ask(from, "POST", "/api/v1/offers", &headers, b"{}").status
    };
    // Each claims to be another; one more a minute may be sent.
    let statuses: Vec<u16> = (0..12_u8).map(|number| post(visitor, [198, 51, number, 9].into())).collect();
    assert_eq!(statuses, [[422; 10].as_slice(), &[429; 2]].concat());
    // Caddy itself is nobody, and in the name of somebody else nothing was used up.
    assert_eq!(post(other, visitor.into()), 422);
    let log = caddy.site.server.log();
    assert!(!log.contains("X-Forwarded-For"), "nothing about it is odd: {log}");
}

#[test]
fn the_log_names_a_proxy_that_is_not_believed_in_words_that_work_when_they_are_pasted() {
    let caddy = Caddy::before(Site::new());
    let visitor = Ipv4Addr::new(127, 5, 0, 1);
    assert_eq!(caddy.ask(visitor, "GET", "/", "", b"").header("strict-transport-security"), None);
    let log = caddy.site.server.log();
    let hint = log.split_once("if that is your proxy: --behind ").expect("it says what helps").1;
    let mended = Caddy::before(Site::behind(hint.split_whitespace().next().expect("a network")));
    assert!(mended.ask(visitor, "GET", "/", "", b"").header("strict-transport-security").is_some());
}

#[test]
fn behind_caddy_a_body_has_64_kib_at_most_and_whoever_is_refused_learns_why() {
    let caddy = Caddy::start();
    let (visitor, other) = (Ipv4Addr::new(127, 5, 0, 1), Ipv4Addr::new(127, 6, 0, 1));
    let post = |from: Ipv4Addr, length: usize| caddy.ask(from, "POST", "/api/v1/offers", JSON, &vec![b'x'; length]);
    assert_eq!(post(visitor, 64 * 1024).status, 422, "so much is read");
    for longer in [64 * 1024 + 1, 70_000, 200_000] {
        let refused = post(visitor, longer);
        assert_eq!(refused.status, 413, "{longer}: {}", refused.text());
        assert!(refused.json()["error"].as_str().is_some_and(|words| words.contains("64 KiB")), "{}", refused.text());
    }
    let pasted = caddy.submit(visitor, &format!("https://{}", caddy.host()), &caddy.token(visitor), &"x".repeat(70_000));
    assert!(pasted.status == 413 && pasted.text().contains("64 KiB"), "{} {}", pasted.status, pasted.text());
    // Refused without a look at the body, which Caddy still sends: if the front hung up, Caddy would say 502 to some.
    let statuses: Vec<u16> = (0..60).map(|_| post(other, 60_000).status).collect();
    assert_eq!(statuses, [[422; 10].as_slice(), &[429; 50]].concat());
}
