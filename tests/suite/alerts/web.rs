//! Webhook, ntfy and the dead-man's switch, against a server that records what it gets.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{Fleet, assert_unseen};
use crate::scripted::{Act, Scripted, Seen, answer};
use crate::support::mirror::secret_file;
use crate::support::process;
use crate::support::tools;

const HOOK: &str = "canary-hook-4Zt9";
const TOKEN: &str = "canary-token-2Bv6";
const PING: &str = "canary-ping-7Nc1";

/// A server that says yes, or 503 with an echo while `down`.
async fn recorder(down: Arc<AtomicBool>) -> Scripted {
    Scripted::start(move |seen| {
        let whole = if down.load(Ordering::Relaxed) {
            answer("503 Busy", &[], &format!("no room for {} \u{1b}[2J", seen.path))
        } else {
            answer("200 OK", &[], "ok")
        };
        Act::SendAndClose(whole)
    })
    .await
}

fn at(server: &Scripted, path: &str) -> String {
    server.base.join(path).expect("an address").into()
}

/// A secret in a file of its own, as a reference.
fn reference(fleet: &Fleet, name: &str, secret: &str) -> String {
    secret_file(&fleet.desk.path("."), name, secret);
    format!("\"file:{name}\"")
}

fn below(server: &Scripted, path: &str) -> Vec<Seen> {
    server.seen().into_iter().filter(|seen| seen.path.starts_with(path)).collect()
}

fn json(seen: &Seen) -> Value {
    assert_eq!((seen.method.as_str(), seen.header("content-type")), ("POST", "application/json"));
    serde_json::from_slice(&seen.body).expect("one JSON object")
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_every_field_of_alertmanagers_form_and_the_end_with_the_same_fingerprint() {
    let fleet = Fleet::new();
    let server = recorder(Arc::default()).await;
    let url = reference(&fleet, "hook", &at(&server, &format!("/hook/{HOOK}")));
    let token = reference(&fleet, "token", TOKEN);
    fleet.routes(&[format!("{{name: chat, on: [unreachable], webhook: {{url: {url}, token: {token}}}}}")]);
    let paris = fleet.away("paris");
    fleet.round();
    let rome = fleet.away("rome");
    fleet.round();
    fleet.back("rome", &rome);
    fleet.round();
    fleet.round();
    fleet.back("paris", &paris);
    fleet.round();
    fleet.round();
    let seen = below(&server, "/hook/");
    assert!(seen.iter().all(|seen| seen.header("authorization") == format!("Bearer {TOKEN}")));
    let posts: Vec<Value> = seen.iter().map(json).collect();
    let told: Vec<(String, Vec<String>)> = posts
        .iter()
        .map(|post| {
            let alerts = post["alerts"].as_array().expect("a list");
            let one = |alert: &Value| {
                format!("{} {}", alert["labels"]["mirror"].as_str().expect("a name"), alert["status"].as_str().expect("a word"))
            };
            (post["status"].as_str().expect("a word").to_owned(), alerts.iter().map(one).collect())
        })
        .collect();
    let expected = [
        ("firing", &["paris firing"][..]),
        ("firing", &["rome firing", "paris firing"]),
        // The group goes on firing while anything in it does.
        ("firing", &["rome resolved", "paris firing"]),
        ("resolved", &["paris resolved"]),
    ];
    let expected: Vec<(String, Vec<String>)> = expected
        .iter()
        .map(|(status, alerts)| ((*status).to_owned(), alerts.iter().map(|alert| (*alert).to_owned()).collect()))
        .collect();
    assert_eq!(told, expected);
    for post in &posts {
        let documented = [
            "version",
            "groupKey",
            "truncatedAlerts",
            "status",
            "receiver",
            "groupLabels",
            "commonLabels",
            "commonAnnotations",
            "externalURL",
            "alerts",
        ];
        assert_eq!(keys(post), documented.into());
        assert_eq!((&post["version"], &post["receiver"], &post["truncatedAlerts"]), (&"4".into(), &"chat".into(), &0.into()));
        assert_eq!(post["groupKey"], posts[0]["groupKey"]);
        assert_eq!(post["groupLabels"], serde_json::json!({ "project": "demo" }));
        assert_eq!(post["commonLabels"]["alertname"], "SpartacusUnreachable");
        for alert in post["alerts"].as_array().expect("a list") {
            let documented = ["status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"];
            assert_eq!(keys(alert), documented.into());
            let moment =
                |name: &str| alert[name].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()).expect("a moment");
            let over = alert["status"] == "resolved";
            assert_eq!(over, moment("endsAt") >= moment("startsAt"), "{alert}");
            let fingerprint = alert["fingerprint"].as_str().expect("digits");
            assert!(fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fingerprint}");
        }
    }
    let fingerprint = |post: &Value, mirror: &str| {
        let alerts = post["alerts"].as_array().expect("a list");
        alerts.iter().find(|alert| alert["labels"]["mirror"] == mirror).expect("it is told of")["fingerprint"].clone()
    };
    assert_eq!(fingerprint(&posts[0], "paris"), fingerprint(&posts[3], "paris"));
    assert_eq!(fingerprint(&posts[1], "rome"), fingerprint(&posts[2], "rome"));
    assert_ne!(fingerprint(&posts[1], "rome"), fingerprint(&posts[1], "paris"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ntfy_gets_title_priority_tags_and_token_and_a_server_that_is_away_loses_nothing() {
    let mut fleet = Fleet::new();
    fleet.desk.set("RUST_LOG", "trace");
    let down = Arc::new(AtomicBool::new(true));
    // Nobody listens at first.
    let port = process::free_ports(1)[0];
    let topic = |port: u16| format!("http://127.0.0.1:{port}/{HOOK}");
    let (url, token) = (reference(&fleet, "topic", &topic(port)), reference(&fleet, "token", TOKEN));
    fleet.routes(&[format!("{{name: phone, ntfy: {{url: {url}, token: {token}}}}}")]);
    let dead = fleet.away("paris");
    let away = fleet.round().ends_with(4);
    assert!(away.err.contains("alert route phone failed, and is tried again later: the request failed: "), "{}", away.err);
    // Then somebody, who has no room.
    let server = recorder(down.clone()).await;
    std::fs::write(fleet.desk.path("topic"), topic(server.base.port().expect("a port"))).expect("a file of the test's own");
    let busy = fleet.desk.run(&["alert", "send"]).ends_with(7);
    assert!(busy.err.contains("the server answered 503: no room for /[redacted] \\u{1b}[2J"), "{}", busy.err);
    assert_eq!((&fleet.route("phone")["failed"], &fleet.route("phone")["waiting"]), (&2.into(), &1.into()));
    let status = fleet.desk.run(&["status"]).ends_with(0);
    assert!(status.out.contains("alert route phone fails since 2"), "{}", status.out);
    down.store(false, Ordering::Relaxed);
    let sent = fleet.desk.run(&["alert", "send"]).ends_with(0);
    assert_eq!(sent.out, "1 message sent\n");
    assert_eq!(fleet.desk.run(&["alert", "send"]).ends_with(0).out, "0 messages sent\n");

    fleet.back("paris", &dead);
    fleet.round();
    fleet.round();
    let seen = below(&server, "/canary-hook");
    assert_eq!(seen.len(), 3, "refused, sent, and the end");
    for seen in &seen {
        assert_eq!((seen.method.as_str(), seen.header("authorization")), ("POST", &*format!("Bearer {TOKEN}")));
    }
    let headers = |seen: &Seen| ["title", "priority", "tags"].map(|name| seen.header(name).to_owned());
    let title = "[demo] too few good copies, paris is unreachable";
    assert_eq!(headers(&seen[1]), [title, "5", "rotating_light"]);
    let body = String::from_utf8_lossy(&seen[1].body);
    assert!(body.starts_with("too few good copies, since 2") && body.contains("\nparis is unreachable, since 2"), "{body}");
    let over = "[demo] over: too few good copies, paris is no longer unreachable";
    assert_eq!(headers(&seen[2]), [over, "3", "white_check_mark"]);
    let list = fleet.desk.run(&["alert", "list", "--json"]).ends_with(0);
    assert_unseen(&fleet.desk, &[HOOK, TOKEN], &[&away, &busy, &status, &sent, &list], &[".spartacus/state.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_outside_hears_how_each_round_begins_and_ends() {
    let mut fleet = Fleet::new();
    let down = Arc::new(AtomicBool::new(false));
    let server = recorder(down.clone()).await;
    fleet.desk.set("WATCH", &at(&server, &format!("/ping/{PING}")));
    fleet.desk.set("RUST_LOG", "trace");
    fleet.desk.edit("targets.yaml", "health: {", "health: {ping: \"env:WATCH\", ");
    let hook = at(&server, "/hook");
    fleet.routes(&[format!("{{name: chat, on: [round], webhook: {{url: \"{hook}\"}}}}")]);
    let mut said = vec![fleet.desk.run(&["check"]).ends_with(0)];
    // Whatever it finds, a round that was made is a success.
    let dead = fleet.away("paris");
    said.push(fleet.desk.run(&["check"]).ends_with(4));
    fleet.back("paris", &dead);
    // What we published ourselves cannot be read: no round can be made.
    let pointer = fleet.desk.read(".spartacus/metadata/timestamp.json");
    fleet.desk.write(".spartacus/metadata/timestamp.json", "{}");
    let failed = fleet.round().ends_with(6);
    assert_eq!(failed.out, "", "there is nothing to tell of the mirrors");
    said.push(failed);
    fleet.desk.write(".spartacus/metadata/timestamp.json", &pointer);
    said.push(fleet.round());

    let pings = below(&server, "/ping/");
    let paths: Vec<(&str, &str)> = pings.iter().map(|seen| seen.path.split_once("?rid=").expect("the round's number")).collect();
    let words: Vec<&str> =
        paths.iter().map(|(path, _)| path.strip_prefix(&format!("/ping/{PING}")).expect("the address")).collect();
    assert_eq!(words, ["/start", "", "/start", "", "/start", "/fail", "/start", ""]);
    let rounds: Vec<&str> = paths.iter().map(|(_, rid)| *rid).collect();
    assert!(rounds.chunks(2).all(|two| two[0] == two[1] && two[0].len() == 36), "{rounds:?}");
    assert_eq!(rounds.iter().collect::<BTreeSet<_>>().len(), 4);
    assert!(pings.iter().all(|seen| seen.method == "POST"));
    assert!(String::from_utf8_lossy(&pings[1].body).contains("current on 3 of 3 mirrors"), "{:?}", pings[1]);
    // The maintainer hears of the round that could not be made, and that they are made again.
    let hooks: Vec<Value> = below(&server, "/hook").iter().map(json).collect();
    let status: Vec<&Value> = hooks.iter().map(|hook| &hook["status"]).collect();
    assert_eq!(status, ["firing", "resolved"]);

    // A watch that is away is told, and changes nothing about the round.
    down.store(true, Ordering::Relaxed);
    let busy = fleet.desk.run(&["check", "--full"]).ends_with(0);
    assert_eq!(busy.err.matches("health.ping was not reached: the server answered 503").count(), 2, "{}", busy.err);
    said.push(busy);
    let said: Vec<_> = said.iter().collect();
    assert_unseen(&fleet.desk, &[PING], &said, &[".spartacus/state.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_was_sent_and_what_failed_and_never_go_back() {
    let fleet = Fleet::new();
    let down = Arc::new(AtomicBool::new(true));
    let server = recorder(down.clone()).await;
    let (hook, topic) = (at(&server, "/hook"), at(&server, "/topic"));
    fleet.routes(&[
        format!("{{name: chat, webhook: {{url: \"{hook}\"}}}}"),
        format!("{{name: phone, on: [full], ntfy: {{url: \"{topic}\"}}}}"),
    ]);
    fleet.away("paris");
    let metrics = |arguments: &[&str]| {
        fleet.desk.run(&[&["check", "--prometheus", "all.prom"], arguments].concat()).ends_with(4);
        let mut judge = Command::new(tools::program("promtool"));
        judge.args(["check", "metrics"]).stdin(std::fs::File::open(fleet.desk.path("all.prom")).expect("it was written"));
        let judged = judge.output().expect("promtool starts");
        assert!(judged.status.success() && judged.stderr.is_empty(), "{}", process::text(&judged));
        fleet.desk.read("all.prom")
    };
    let has = |text: &str, line: &str| assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    let failing = "spartacus_alert_route_failing_since_timestamp_seconds{route=\"chat\"} ";
    let first = metrics(&["--alert"]);
    has(&first, "spartacus_alerts_sent_total{route=\"chat\",result=\"ok\"} 0");
    has(&first, "spartacus_alerts_sent_total{route=\"chat\",result=\"failed\"} 1");
    has(&first, "spartacus_alerts_sent_total{route=\"chat\",result=\"given_up\"} 0");
    has(&first, "spartacus_alerts_sent_total{route=\"phone\",result=\"ok\"} 0");
    has(&first, "spartacus_alerts_waiting{route=\"chat\"} 1");
    assert!(first.contains(failing), "{first}");
    down.store(false, Ordering::Relaxed);
    fleet.desk.run(&["alert", "send"]).ends_with(0);
    let second = metrics(&[]);
    has(&second, "spartacus_alerts_sent_total{route=\"chat\",result=\"ok\"} 1");
    has(&second, "spartacus_alerts_sent_total{route=\"chat\",result=\"failed\"} 1");
    has(&second, "spartacus_alerts_waiting{route=\"chat\"} 0");
    assert!(!second.contains(failing), "{second}");
}
