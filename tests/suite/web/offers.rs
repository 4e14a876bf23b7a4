//! Offers come in through the form and the interface; nothing else does.

use std::net::{SocketAddr, TcpStream};

use camino::Utf8PathBuf;
use spartacus::base::Sha256;
use spartacus::history::TicketState;
use spartacus::registration::{Message, Request, Withdrawal};
use spartacus::trust::SigningKey;

use super::site::{Answer, Site, ask, message};
use crate::cli_desk::Desk;
use crate::public::example;
use crate::support::process::wait_until;

fn volunteer() -> SigningKey {
    SigningKey::generate("volunteer").expect("a key")
}

/// The token of the form, as a browser has it.
pub fn token(front: SocketAddr) -> String {
    let page = ask(front, "GET", "/register", "", b"");
    page.text().split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token").to_owned()
}

/// Posts the form, with what was pasted into it.
pub fn submit(front: SocketAddr, headers: &str, token: &str, offer: &str) -> Answer {
    let form =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("token", token).append_pair("offer", offer).finish();
    let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{headers}");
    ask(front, "POST", "/offers", &headers, form.as_bytes())
}

#[test]
fn a_pasted_offer_is_acknowledged_at_once_and_its_ticket_tells_how_it_stands() {
    let site = Site::new();
    let key = volunteer();
    // As a browser sends what was pasted.
    let offer = site.offer(&key, 0).replace('\n', "\r\n");
    let sent = submit(site.address, "Sec-Fetch-Site: same-origin\r\n", &token(site.address), &offer);
    assert_eq!(sent.status, 303, "{}", sent.text());
    let place = sent.header("location").expect("a place").to_owned();
    let ticket = place.strip_prefix("offers/").expect("relative to /offers").to_owned();
    let page = site.get(&format!("/{place}"));
    assert!(
        page.status == 200 && page.text().contains(&ticket) && page.text().contains("waits for a maintainer"),
        "{}",
        page.text()
    );

    let waiting = site.front.waiting().expect("the database is ours");
    assert_eq!((waiting.len(), waiting[0].ticket.as_str()), (1, ticket.as_str()));
    assert_eq!(waiting[0].bytes, offer.trim_end().as_bytes(), "and nothing around it");
    // Once more, and by the other door.
    assert_eq!(submit(site.address, "", &token(site.address), &offer).status, 303);
    let again = site.post(&offer).json();
    assert_eq!((&again["known"], &again["state"]), (&true.into(), &"offered".into()));
    assert_eq!(site.front.queue().expect("the database is ours").waiting, 1);

    let now = jiff::Timestamp::now();
    site.front.take(&waiting[0], None, now).expect("the database is ours");
    site.tell(&ticket, TicketState::Rejected, "The folder is <b>full</b>.\nMake room.", waiting[0].sequence);
    let page = site.get(&format!("/{place}"));
    assert!(page.text().contains("It was not accepted.") && page.text().contains("&lt;b&gt;full&lt;/b&gt;"), "{}", page.text());
    let told = site.get(&format!("/api/v1/offers/{ticket}")).json();
    assert_eq!((&told["state"], &told["waiting"]), (&"rejected".into(), &serde_json::json!([])));
    let again = site.post(&offer).json();
    assert_eq!((&again["known"], &again["state"]), (&true.into(), &"rejected".into()), "it was taken");
    let newer = site.post(&site.offer(&key, 60)).json();
    assert_eq!((&newer["known"], &newer["state"]), (&false.into(), &"rejected".into()), "nobody has looked at it yet");
}

#[test]
fn what_another_site_or_network_sends_in_the_name_of_a_visitor_is_refused() {
    let site = Site::new();
    let offer = site.offer(&volunteer(), 0);
    let token = token(site.address);
    for headers in ["Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n", "Origin: https://evil.example\r\n"] {
        assert_eq!(submit(site.address, headers, &token, &offer).status, 403, "{headers}");
    }
    // Of this the token decides: browsers say no more of our own form over plain http.
    assert_eq!(submit(site.address, "Origin: null\r\n", "x", &offer).status, 403);
    for token in ["", "x", "99999999999.00", &token.replace('.', "0.")] {
        assert_eq!(submit(site.address, "", token, &offer).status, 403, "{token}");
    }
    assert_eq!(site.front.queue().expect("the database is ours").waiting, 0);
    assert_eq!(submit(site.address, "Origin: http://front.test\r\n", &token, &offer).status, 303);
    assert_eq!(submit(site.address, "Origin: null\r\n", &token, &offer).status, 303);
    assert!((site.metric("spartacus_web_posts_total{result=\"forged\"}") - 8.0).abs() < 0.5);
}

#[test]
fn only_signed_messages_for_this_project_are_kept_and_never_more_than_may_wait() {
    let site = Site::with(&example::many(2), 3, &[]);
    let key = volunteer();
    let offer = site.offer(&key, 0);
    let elsewhere = message(&key, Sha256::of(b"another project"), 0);
    for (file, words) in [
        (String::new(), "it is no offer"),
        ("[]".to_owned(), "it is no offer"),
        (offer.replace("paris", "rome"), "the key that it names did not sign it"),
        (elsewhere, "it is meant for the project with the pin"),
    ] {
        let answer = site.post(&file);
        assert_eq!(answer.status, 422, "{file}");
        let said = answer.json()["error"].as_str().expect("words").to_owned();
        assert!(said.contains(words), "{said}");
    }
    let long = format!("{}{offer}", " ".repeat(64 * 1024));
    assert_eq!(site.post(&long).status, 413);
    assert_eq!(
        site.request("POST", "/api/v1/offers", "Content-Type: application/x-www-form-urlencoded\r\n", b"offer=x").status,
        415
    );
    assert_eq!(site.request("POST", "/offers", "Content-Type: application/json\r\n", b"{}").status, 415);

    let known = volunteer();
    let ticket = site.post(&site.offer(&known, 0)).json()["ticket"].as_str().expect("a ticket").to_owned();
    for _ in 0..2 {
        assert_eq!(site.post(&site.offer(&volunteer(), 0)).status, 202);
    }
    // The allowance of this network is used up; a proxy of ours speaks for others.
    let limited = site.post(&offer);
    assert_eq!(limited.status, 429);
    // One comes back every minute, and some of that minute is over.
    let after: u64 = limited.header("retry-after").and_then(|text| text.parse().ok()).expect("whole seconds");
    assert!((1..=60).contains(&after), "{after}");
    let full = site.post_from("203.0.113.9", &offer);
    assert_eq!(full.status, 503, "{}", full.text());
    assert_eq!(full.header("strict-transport-security"), Some("max-age=31536000"));
    assert!(full.json()["error"].as_str().is_some_and(|words| words.contains("as many offers wait")), "{}", full.text());
    // Whom the project knows gets through: who has a place with us must be able to leave.
    assert_eq!(site.post_from("203.0.113.9", &site.offer(&known, 1)).status, 503, "it is not known yet");
    site.tell(&ticket, TicketState::Active, "", 1);
    let leaving =
        Message::new(site.pin(), &known, Request::Withdraw(Withdrawal { delete: true }), jiff::Timestamp::now()).to_file(&known);
    let taken = site.post_from("203.0.113.9", &leaving);
    assert_eq!((taken.status, &taken.json()["state"]), (202, &"active".into()), "{}", taken.text());
    assert!(site.front.waiting().expect("the database is ours").iter().any(|message| message.bytes == leaving.as_bytes()));
    assert_eq!(site.post_from("203.0.113.9", &offer).status, 503, "nobody else does");
    wait_until("the queue is told", || site.get("/healthz").json()["waiting"] == 4);
}

#[test]
fn maintainers_take_in_what_came_and_the_ticket_says_what_they_decided() {
    let desk = Desk::with_targets(&["local"]);
    desk.edit("targets.yaml", "targets:", "serve: {}\ntargets:");
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.run(&["check"]).ends_with(0);
    let database = Utf8PathBuf::from_path_buf(desk.path(".spartacus/front/front.db")).expect("UTF-8");
    let served = tempfile::tempdir().expect("a temporary folder");
    let (_server, address, _) = super::site::serve(served.path(), &database, &[]);
    let pin = Sha256::of(&std::fs::read(desk.path(".spartacus/metadata/1.root.json")).expect("init writes it"));
    let key = volunteer();
    let json = "Content-Type: application/json\r\n";
    let sent = ask(address, "POST", "/api/v1/offers", json, message(&key, pin, 0).as_bytes());
    assert_eq!(sent.status, 202, "{}", sent.text());
    let ticket = sent.json()["ticket"].as_str().expect("a ticket").to_owned();

    let listed = desk.run(&["offers", "list"]).ends_with(0);
    assert!(listed.out.contains(&ticket) && listed.out.ends_with("1 offer waits for a decision\n"), "{}", listed.out);
    let told = || ask(address, "GET", &format!("/api/v1/offers/{ticket}"), "", b"").json();
    assert_eq!((&told()["state"], &told()["waiting"]), (&"offered".into(), &serde_json::json!([])));
    desk.run(&["offers", "reject", &ticket, "--because", "no room on our side"]).ends_with(0);
    assert_eq!((&told()["state"], &told()["words"]), (&"rejected".into(), &"no room on our side".into()));

    // A round takes in what came, too; and what the project does not take is said where the volunteer looks.
    let pause = Request::Pause { until: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24) };
    let stranger = volunteer();
    let pause = Message::new(pin, &stranger, pause, jiff::Timestamp::now()).to_file(&stranger);
    let sent = ask(address, "POST", "/api/v1/offers", json, pause.as_bytes());
    let other = sent.json()["ticket"].as_str().expect("a ticket").to_owned();
    let again = ask(address, "POST", "/api/v1/offers", json, message(&key, pin, 60).as_bytes());
    assert_eq!(again.status, 202, "{}", again.text());
    desk.run(&["push"]).ends_with(0);
    assert_eq!(told()["state"], "offered");
    let refused = ask(address, "GET", &format!("/api/v1/offers/{other}"), "", b"").json();
    assert!(
        refused["refused"].as_str().is_some_and(|words| words.contains("nothing was offered under this ticket")),
        "{refused}"
    );
    assert_eq!(ask(address, "GET", "/healthz", "", b"").status, 200);
}

/// A connection that comes from another address of loopback.
pub fn connect_from(source: SocketAddr, to: SocketAddr) -> TcpStream {
    try_connect_from(source, to).expect("the front listens")
}

/// The same; an error where nobody listens.
pub fn try_connect_from(source: SocketAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(source).expect("loopback has many addresses");
        socket.connect(to).await
    })?;
    let stream = stream.into_std().expect("no task holds it");
    stream.set_nonblocking(false).expect("a socket can block");
    Ok(stream)
}
