//! Behind nginx, with the block that docs/operations.md leads to.

use std::io::{Read as _, Write as _};

use spartacus::trust::SigningKey;

use super::site::{Site, ask};
use crate::support::process::{Server, Stop};
use crate::support::tools;

/// The example for this web server that docs/operations.md leads to, as it stands there.
pub fn documented(server: &str) -> String {
    let operations = std::fs::read_to_string(tools::repository().join("docs/operations.md")).expect("a document of ours");
    let entry = operations.lines().find_map(|line| line.strip_prefix(&format!("- {server}: ["))).expect("a line about it");
    let link = entry.split_once("](").and_then(|(_, rest)| rest.split_once(')')).expect("it has a link").0;
    std::fs::read_to_string(tools::repository().join("docs").join(link)).expect("the link leads to a file")
}

#[test]
fn behind_nginx_each_visitor_has_an_own_allowance_and_links_lead_below_any_path() {
    let site = Site::new();
    let shipped = documented("nginx");
    // Without TLS, and on a port of the test; the rest is as it is shipped.
    let block: String = shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("listen ") && !line.trim_start().starts_with("ssl_"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let base = folder.path();
    let (_nginx, ports) = Server::start(&base.join("nginx.out"), Stop::Term, 1, |ports| {
        let here = format!("server {{\n    listen 127.0.0.1:{};\n    proxy_bind 127.9.0.1;", ports[0]);
        let below = format!("    location /below/ {{ proxy_pass http://{}/; proxy_set_header Host $host; }}\n}}\n", site.address);
        let block = block.replacen("server {", &here, 1).replace("127.0.0.1:8420", &site.address.to_string());
        let block = format!("{}{below}", block.trim_end().trim_end_matches('}'));
        crate::thousands::nginx(base, &block)
    });
    let nginx = std::net::SocketAddr::from(([127, 0, 0, 1], ports[0]));
    assert_eq!(ask(nginx, "GET", "/", "", b"").body, site.get("/").body);
    let json = "Content-Type: application/json\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n";
    let offer = site.offer(&SigningKey::generate("volunteer").expect("a key"), 0);
    let sent = ask(nginx, "POST", "/api/v1/offers", json, offer.as_bytes());
    assert_eq!(sent.status, 202, "{}", sent.text());
    // The form compares the host, with its port, with where a browser says that it comes from.
    let form = exchange(nginx, "GET /register HTTP/1.1\r\nHost: front.test:8443\r\nConnection: close\r\n\r\n");
    let token = form.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
    let body = format!("token={token}&offer=x");
    let head = "POST /offers HTTP/1.1\r\nHost: front.test:8443\r\nOrigin: http://front.test:8443\r\nConnection: close";
    let kind = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}", body.len());
    let answer = exchange(nginx, &format!("{head}\r\n{kind}\r\n\r\n{body}"));
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    // What a visitor claims counts for nothing: all of these are one, and not secure.
    assert_eq!(sent.header("strict-transport-security"), None);
    let statuses: Vec<u16> = (0..12_u8)
        .map(|number| {
            let claimed = format!("Content-Type: application/json\r\nX-Forwarded-For: 198.51.{number}.9\r\n");
            ask(nginx, "POST", "/api/v1/offers", &claimed, b"{}").status
        })
        .collect();
    assert_eq!(statuses, [[422; 8].as_slice(), &[429; 4]].concat());

    let moved = ask(nginx, "GET", "/below/mirror/berlin-1", "", b"");
    assert_eq!((moved.status, moved.header("location")), (308, Some("../mirrors/berlin-1.html")));
    assert_eq!(ask(nginx, "GET", "/below/mirrors/berlin-1.html", "", b"").status, 200);
    assert!(ask(nginx, "GET", "/below/register", "", b"").text().contains("action=\"offers\""));
    assert_eq!(ask(nginx, "POST", "/api/v1/offers", json, &vec![b'x'; 70_000]).status, 413);
}

/// One request in these words, and the whole answer.
fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).expect("nginx listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}
