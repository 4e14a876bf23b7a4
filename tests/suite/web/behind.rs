//! Behind a real web server, with the block that is shipped.

use spartacus::trust::SigningKey;

use super::site::{Site, ask};
use crate::support::process::{Server, Stop};
use crate::support::tools;

#[test]
fn behind_nginx_each_visitor_has_an_own_allowance_and_links_lead_below_any_path() {
    let site = Site::new();
    let shipped = std::fs::read_to_string(tools::repository().join("examples/web/nginx.conf")).expect("an example of ours");
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
    // What a visitor claims counts for nothing: all of these are one, and not secure.
    assert_eq!(sent.header("strict-transport-security"), None);
    let statuses: Vec<u16> = (0..12_u8)
        .map(|number| {
            let claimed = format!("Content-Type: application/json\r\nX-Forwarded-For: 198.51.{number}.9\r\n");
            ask(nginx, "POST", "/api/v1/offers", &claimed, b"{}").status
        })
        .collect();
    assert_eq!(statuses, [[422; 9].as_slice(), &[429; 3]].concat());

    let moved = ask(nginx, "GET", "/below/mirror/berlin-1", "", b"");
    assert_eq!((moved.status, moved.header("location")), (308, Some("../mirrors/berlin-1.html")));
    assert_eq!(ask(nginx, "GET", "/below/mirrors/berlin-1.html", "", b"").status, 200);
    assert!(ask(nginx, "GET", "/below/register", "", b"").text().contains("action=\"offers\""));
    assert_eq!(ask(nginx, "POST", "/api/v1/offers", json, &vec![b'x'; 70_000]).status, 413);
}
