//! What is shown: the same files as in the folder, with headers, for browsers, feed readers and programs.

use std::fmt::Write as _;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use spartacus::report::public_files;

use super::site::{Answer, Site, ask};
use crate::cli_desk::Desk;
use crate::public::example;
use crate::support::process::{self, wait_until};
use crate::support::{schema, tools};

/// What is where: path, and how it is answered.
const ROUTES: &[&str] = &[
    "/",
    "/index.html",
    "/mirrors",
    "/mirrors/berlin-1.html",
    "/mirror/berlin-1",
    "/mirrors.json",
    "/mirrorlist.txt",
    "/feed.atom",
    "/feeds/berlin-1.atom",
    "/badges/mirrors.svg",
    "/metalink/4.2.0/4.2.0.meta4",
    "/invite",
    "/invite.json",
    "/offers",
    "/offers/t-7k3q-9xzd-2f4h-m8vw",
    "/offers/nonsense",
    "/healthz",
    "/metrics",
    "/api/v1/status",
    "/api/v1/mirrors",
    "/api/v1/invite",
    "/api/v1/offers",
    "/api/v1/offers/t-7k3q-9xzd-2f4h-m8vw",
    "/api/v1/openapi.json",
    "/api/v1/nothing",
    "/.git/config",
    "/../../etc/passwd",
    "/%2e%2e/front.db",
    "//evil.example/",
];

/// Header lines whose values are of the moment.
const FLEETING: [&str; 4] = ["date", "etag", "content-length", "retry-after"];

#[test]
fn every_route_has_its_answer_and_its_headers() {
    let site = Site::new();
    let mut told = String::new();
    for path in ROUTES {
        let answer = site.get(path);
        writeln!(told, "GET {path} {}", answer.status).expect("a string takes everything");
        for line in answer.head.lines().skip(1) {
            let (name, value) = line.split_once(": ").expect("a header");
            let name = name.to_ascii_lowercase();
            let common = ["connection", "x-content-type-options", "x-frame-options", "referrer-policy", "permissions-policy"];
            if common.contains(&name.as_str()) || name == "cross-origin-opener-policy" {
                continue;
            }
            let value = if FLEETING.contains(&name.as_str()) { "..." } else { value };
            let digest = value.find("'sha256-").map(|at| (at, value[at + 1..].find('\'').expect("it ends") + at + 2));
            let value = digest.map_or(value.to_owned(), |(from, to)| format!("{}'sha256-...'{}", &value[..from], &value[to..]));
            writeln!(told, "  {name}: {value}").expect("a string takes everything");
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert_eq!(answer.header("set-cookie"), None, "{path}");
        assert_eq!(answer.header("strict-transport-security"), None, "{path}: nobody said that it is https");
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{path} has none"));
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn the_form_is_there_with_and_without_its_script() {
    let site = Site::new();
    let page = site.get("/register");
    let name =
        page.text().split("src=\"assets/").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("register-0.js").to_owned();
    let script = site.get(&format!("/assets/{name}"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"), "otherwise browsers do not say where the form comes from");
    assert_eq!(site.get("/assets/register.js").status, 404, "its name changes with it");
    let policy = page.header("content-security-policy").expect("every page has one");
    let style = policy.split("; style-src ").nth(1).and_then(|rest| rest.split(';').next()).expect("a style is allowed");
    let allowed = policy.replace(style, "STYLE");
    let plain = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; style-src STYLE";
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert!(style.starts_with("'sha256-") && style.ends_with('\''), "{policy}");
    // `make web` decides; either way there is a way to seal and a field for what was sealed.
    let built_in = tools::repository().join("target/web/register.js");
    if built_in.exists() {
        let bytes = std::fs::read(built_in).expect("our own file");
        assert!(script.status == 200 && script.body == bytes, "`make web` ran after this build: run cargo build once more");
        assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(allowed, format!("{plain}; script-src 'self'"));
        let digest = openssl_sha384(&bytes);
        assert!(page.text().contains(&format!("integrity=\"sha384-{digest}\" crossorigin=\"anonymous\"")), "{}", page.text());
        assert!(page.text().contains("data-field=\"s3.secret_key\""), "{}", page.text());
    } else {
        assert_eq!((script.status, allowed.as_str()), (404, plain));
        assert!(!page.text().contains("<script") && !page.text().contains("data-field"), "{}", page.text());
    }
    assert!(page.text().contains("spartacus offer seal") && page.text().contains("<textarea id=\"file\" name=\"offer\""));
}

/// As another program computes it.
fn openssl_sha384(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("script");
    std::fs::write(&file, bytes).expect("our own file");
    let line = format!("openssl dgst -sha384 -binary {} | openssl base64 -A", file.display());
    process::run(Command::new("/bin/sh").args(["-c", &line])).trim().to_owned()
}

#[test]
fn what_is_shown_is_what_lies_in_the_folder_and_a_new_round_is_seen_at_once() {
    let site = Site::new();
    for (path, text) in public_files(&example::fleet()).files() {
        let answer = site.get(&format!("/{path}"));
        assert_eq!((answer.status, answer.text()), (200, text), "{path}");
    }
    let index = site.get("/");
    assert_eq!(index.body, site.get("/index.html").body);

    // Nothing is sent that the browser has; and HEAD tells the length.
    let tag = index.header("etag").expect("a tag").to_owned();
    let known = site.request("GET", "/", &format!("If-None-Match: \"x\", W/{tag}\r\n"), b"");
    assert_eq!((known.status, known.body.len()), (304, 0));
    let head = site.request("HEAD", "/", "", b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(index.body.len().to_string().as_str()));
    assert_eq!(site.request("DELETE", "/index.html", "", b"").status, 405);
    assert_eq!(site.request("PUT", "/api/v1/offers", "", b"").status, 405);

    site.publish(&example::many(3), Timestamp::now());
    wait_until("the new round is shown", || site.get("/").body != index.body);
    assert_eq!(site.get("/mirrors/berlin-1.html").status, 404);
    assert_eq!(site.get("/mirrors/mirror-0001.html").status, 200);
    assert_ne!(site.get("/").header("etag"), Some(tag.as_str()));
    assert_eq!(site.get("/invite").status, 404, "it was not published again");
    assert!(site.get("/register").text().contains("invites nobody new"));
}

#[test]
fn healthz_says_when_nobody_looks_any_more_and_when_the_database_is_gone() {
    let site = Site::new();
    let told = site.get("/healthz");
    assert_eq!((told.status, told.json()["status"].as_str()), (200, Some("ok")));
    site.publish(&example::fleet(), Timestamp::now() - SignedDuration::from_mins(16));
    wait_until("it is stale", || site.get("/healthz").status == 503);
    assert_eq!(site.get("/healthz").json()["status"], "stale");
    assert_eq!(site.get("/api/v1/status").json()["stale"], true);
    site.publish(&example::fleet(), Timestamp::now());
    wait_until("it is fresh", || site.get("/healthz").status == 200);

    let (here, aside) = (site.folder.path().join("front"), site.folder.path().join("aside"));
    std::fs::rename(&here, &aside).expect("our own folder");
    wait_until("it is missed", || site.get("/healthz").status == 503);
    assert_eq!(site.get("/healthz").json()["status"], "database");
    assert_eq!(site.get("/").status, 200, "what was read goes on to be shown");
    assert!(!site.get("/healthz").text().contains("front.db"));
    assert!(site.server.log().contains("the front database cannot be read"), "{}", site.server.log());
    // Another file in its place, as after a restore.
    let database = camino::Utf8PathBuf::from_path_buf(here.join("front.db")).expect("UTF-8");
    let restored = spartacus::history::Front::open(&database).expect("a new one");
    let old = site.front.pages(None).expect("the old one is open").expect("pages");
    restored.publish(&old.content, Timestamp::now()).expect("pages are published");
    wait_until("it is followed", || site.get("/healthz").status == 200);
}

#[test]
fn the_document_names_every_route_of_the_interface_and_each_answers_as_it_says() {
    let site = Site::new();
    let document = site.get("/api/v1/openapi.json").json();
    let described = document["paths"].as_object().expect("paths");
    let routes = std::fs::read_to_string(tools::repository().join("src/web/routes.rs")).expect("our own source");
    let written: Vec<&str> = routes
        .split(".route(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|path| path.starts_with("/api/"))
        .collect();
    assert!(written.len() >= 6, "{written:?}");
    let mut sorted: Vec<&str> = written.iter().map(|path| path.strip_prefix("/api/v1").expect("there is one version")).collect();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted, described.keys().map(String::as_str).collect::<Vec<_>>());
    // Programs put a path behind the address of the server, which is relative to the document.
    let server = document["servers"][0]["url"].as_str().expect("a server");
    for base in ["http://front.test", "http://front.test/below/here"] {
        let at = url::Url::parse(&format!("{base}/api/v1/openapi.json")).expect("an address").join(server).expect("relative");
        assert_eq!(format!("{at}/status"), format!("{base}/api/v1/status"));
    }

    let volunteer = spartacus::trust::SigningKey::generate("volunteer").expect("a key");
    let received = site.post(&site.offer(&volunteer, 0));
    assert_eq!(received.status, 202, "{}", received.text());
    let ticket = received.json()["ticket"].as_str().expect("a ticket").to_owned();
    for (path, methods) in described {
        let place = format!("/api/v1{}", path.replace("{ticket}", &ticket));
        for method in methods.as_object().expect("methods").keys() {
            let answer = match method.as_str() {
                "get" => site.get(&place),
                _ => site.post(&site.offer(&volunteer, 1)),
            };
            assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
            is_described(&document, path, method, &answer);
            let other = site.request("DELETE", &place, "", b"");
            assert_eq!(other.status, 405, "{path}");
            assert!(other.header("allow").is_some(), "{path}: {}", other.head);
            is_described(&document, path, method, &other);
        }
    }
}

#[test]
fn every_refusal_of_the_interface_is_in_the_document() {
    let site = Site::with(&example::many(2), 12, &[]);
    let document = site.get("/api/v1/openapi.json").json();
    let volunteer = || spartacus::trust::SigningKey::generate("volunteer").expect("a key");
    let refused = |answer: &Answer, status: u16| {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("retry-after").is_some(), matches!(status, 429 | 503), "{}", answer.head);
        is_described(&document, "/offers", "post", answer);
    };
    let unknown = site.get("/api/v1/offers/t-0000-0000-0000-0000");
    assert_eq!(unknown.status, 404);
    is_described(&document, "/offers/{ticket}", "get", &unknown);
    let twice = site.request("GET", "/api/v1/status", "Host: other.test\r\n", b"");
    assert_eq!(twice.status, 400);
    is_described(&document, "/status", "get", &twice);
    refused(&site.request("POST", "/api/v1/offers", "Host: other.test\r\nContent-Type: application/json\r\n", b"{}"), 400);
    refused(&site.post("{}"), 422);
    refused(&site.request("POST", "/api/v1/offers", "Content-Type: text/plain\r\n", b"{}"), 415);
    refused(&site.post(&" ".repeat(64 * 1024 + 1)), 413);
    let key = volunteer();
    // As many of one volunteer as may wait, then one more.
    for seconds in 0..8 {
        let sent = site.post_from("198.51.100.1", &site.offer(&key, seconds));
        assert_eq!(sent.status, 202, "{}", sent.text());
    }
    let many = site.post_from("198.51.100.1", &site.offer(&key, 8));
    refused(&many, 429);
    assert_eq!(many.header("retry-after"), Some("86400"));
    // A maintainer takes the newest: what was written before comes too late.
    let waiting = site.front.waiting().expect("the database is ours");
    let newest = waiting.iter().max_by_key(|message| message.sequence).expect("eight");
    site.front.take(newest, None, Timestamp::now()).expect("the database is ours");
    site.tell(&newest.ticket, spartacus::history::TicketState::Offered, "", newest.sequence);
    let older = site.post_from("198.51.100.2", &site.offer(&key, -60));
    refused(&older, 409);
    // And with four more as many wait as may.
    for _ in 0..5 {
        assert_eq!(site.post_from("203.0.113.1", &site.offer(&volunteer(), 0)).status, 202);
    }
    refused(&site.post_from("203.0.113.1", &site.offer(&volunteer(), 0)), 503);
    let mut answers = std::iter::repeat_with(|| site.post("{}")).take(11);
    refused(&answers.find(|answer| answer.status != 422).expect("ten of one network"), 429);
}

/// Whether the document describes this answer, and whether it is like that.
fn is_described(document: &Value, path: &str, method: &str, answer: &Answer) {
    let response = &document["paths"][path][method]["responses"][answer.status.to_string()];
    let response = response["$ref"].as_str().map_or(response, |place| {
        document.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("there is no {place}"))
    });
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path} {} is not in the document", answer.status);
    assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
    fits(document, schema, &answer.json(), path);
}

/// What the document uses of JSON Schema, and no more.
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    for (word, rule) in schema.as_object().expect("a schema") {
        match word.as_str() {
            "$ref" => {
                let path = rule.as_str().expect("a reference").trim_start_matches('#');
                fits(document, document.pointer(path).expect("it is there"), value, place);
            }
            "type" => {
                let allowed: Vec<&str> = rule
                    .as_array()
                    .map_or_else(|| vec![rule.as_str()], |all| all.iter().map(Value::as_str).collect())
                    .into_iter()
                    .flatten()
                    .collect();
                let found = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "integer",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                assert!(allowed.contains(&found), "{place}: {value} is no {allowed:?}");
            }
            "const" => assert_eq!(value, rule, "{place}"),
            "enum" => assert!(rule.as_array().expect("a list").contains(value), "{place}: {value}"),
            "required" => rule.as_array().expect("a list").iter().filter_map(Value::as_str).for_each(|name| {
                assert!(value.get(name).is_some(), "{place}: {name} is missing in {value}");
            }),
            "properties" => rule.as_object().expect("properties").iter().for_each(|(name, rule)| {
                if let Some(value) = value.get(name) {
                    fits(document, rule, value, &format!("{place}/{name}"));
                }
            }),
            "items" => value.as_array().into_iter().flatten().for_each(|value| fits(document, rule, value, place)),
            "minimum" => assert!(value.is_null() || value.as_i64() >= rule.as_i64(), "{place}: {value}"),
            "format" | "description" | "pattern" => {}
            unknown => panic!("the test does not know {unknown}"),
        }
    }
}

#[test]
fn metrics_are_told_on_their_own_listener_only_and_promtool_takes_them() {
    let site = Site::with(&example::hostile(), 200, &[]);
    for path in ["/", "/nothing", "/healthz", "/mirror/x<script>", "/api/v1/status"] {
        site.get(path);
    }
    assert_eq!(site.get("/metrics").status, 404);
    let told = ask(site.metrics, "GET", "/metrics", "", b"");
    assert_eq!(told.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "spartacus_web_requests_total{route=\"page\",code=\"2xx\"} 1",
        "spartacus_web_database_readable 1",
        "spartacus_mirror_up{",
    ] {
        assert!(told.text().contains(line), "{line} is not in {}", told.text());
    }
    let file = site.folder.path().join("metrics");
    std::fs::write(&file, told.text()).expect("our own file");
    let judge = format!("{} check metrics < {}", tools::program("promtool").display(), file.display());
    assert_eq!(process::run(Command::new("/bin/sh").args(["-c", &judge])), "");
    assert_eq!(ask(site.metrics, "GET", "/register", "", b"").status, 404);
}

fn recipient() -> String {
    spartacus::config::sealed::Identity::generate().to_public().to_string()
}

#[test]
fn metrics_are_never_told_elsewhere_than_on_loopback() {
    let desk = Desk::empty();
    for (address, port) in [("0.0.0.0:9100", 9100), ("[::]:0", 8421), ("192.0.2.7:8421", 8421), ("[::ffff:192.0.2.7]:8421", 8421)]
    {
        let refused = desk.run(&["serve", "--metrics", address]).ends_with(2);
        assert!(refused.err.contains("metrics are told without a login, so on loopback only"), "{}", refused.err);
        assert!(refused.err.contains(&format!("hint: spartacus serve --metrics 127.0.0.1:{port}; ")), "{}", refused.err);
    }
    for address in ["127.0.0.1:0", "127.8.8.8:0", "[::1]:0"] {
        // It gets as far as to miss the database.
        let missed = desk.run(&["serve", "--metrics", address]).ends_with(2);
        assert!(!missed.err.contains("loopback"), "{}", missed.err);
    }
}

#[test]
fn rounds_fill_the_front_of_a_project_and_a_folder_without_one_can_serve_it() {
    let desk = Desk::with_targets(&["paris"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk.run(&["check"]).ends_with(0);
    let none = desk.run(&["serve", "--listen", "127.0.0.1:0"]).ends_with(2);
    assert!(none.err.contains("hint: with `serve: {database: ./.spartacus/front/front.db}` in targets.yaml"), "{}", none.err);
    desk.edit(
        "targets.yaml",
        "targets:",
        &format!("serve: {{}}\ninvite: {{send_to: [m@example.org], recipients: [{}]}}\ntargets:", recipient()),
    );
    desk.run(&["invite", "--yes"]).ends_with(0);
    desk.run(&["check", "--html", "public"]).ends_with(0);
    assert!(desk.path(".spartacus/front/front.db").exists());

    let elsewhere = Desk::empty();
    let database = desk.path(".spartacus/front/front.db").display().to_string();
    let said = elsewhere.path("said");
    let line = format!(
        "exec setpriv --pdeathsig TERM spartacus serve --json --listen 127.0.0.1:0 --metrics 127.0.0.1:0 --database {database} > {} 2> /dev/null",
        said.display()
    );
    // It ends with this test, whatever becomes of that.
    let mut served = Command::new("/bin/bash");
    let mut child = elsewhere.prepared(served.args(["-c", &line])).spawn().expect("bash starts");
    // It is written line by line: all of it is there when it can be read.
    let is_whole = |text: String| serde_json::from_str::<serde_json::Value>(&text).is_ok();
    wait_until("it listens", || std::fs::read_to_string(&said).is_ok_and(is_whole));
    let told = schema::expect_command("serve", &std::fs::read_to_string(&said).expect("it is there"));
    let address = told["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
    let index = ask(address, "GET", "/", "", b"");
    assert_eq!(index.text(), desk.read("public/index.html"));
    // The way to the invite is on both, the way to the form only where the form is.
    assert!(index.text().contains("<a href=\"invite.html\">"), "{}", index.text());
    let to_form = "<a href=\"register\">";
    assert!(ask(address, "GET", "/invite.html", "", b"").text().contains(to_form));
    let written = desk.read("public/invite.html");
    assert!(written.contains("Mirrors wanted: demo") && !written.contains(to_form), "{written}");
    assert_eq!(desk.read("public/invite.json"), desk.read("invite/invite.json"));
    assert_eq!(ask(address, "GET", "/api/v1/status", "", b"").json()["project"], "demo");
    // A port that is taken, and a file that is no front database.
    let taken = elsewhere.run(&["serve", "--database", &database, "--listen", &address.to_string()]).ends_with(2);
    assert!(taken.err.contains(" cannot be listened on"), "{}", taken.err);
    let state = desk.path(".spartacus/state.db").display().to_string();
    let foreign = elsewhere.run(&["serve", "--database", &state]).ends_with(2);
    assert!(foreign.err.contains("this is no front database") && !foreign.err.contains("mv "), "{}", foreign.err);
    assert!(desk.path(".spartacus/state.db").is_file() && !desk.path(".spartacus/state.db-journal").exists());

    process::run(Command::new("/bin/sh").args(["-c", "kill -s TERM \"$0\"", &child.id().to_string()]));
    assert_eq!(child.wait().expect("our own child").code(), Some(143));
}
