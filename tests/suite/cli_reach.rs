//! Reach as a maintainer sees it: what wrong answers are called, families apart, our own outage, and a second try.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::cli_desk::{Desk, Said};
use crate::scripted::{Act, Scripted, answer};
use crate::support::face::Face;
use crate::support::process::{self, Server, Stop, free_ports};
use crate::support::tls::Authority;
use crate::support::{schema, tools};

/// Lets readers find the folder target `name` at `url`.
fn show(desk: &Desk, name: &str, url: &str) {
    desk.edit("targets.yaml", &format!("name: {name}\n"), &format!("name: {name}\n    public_url: {url}\n"));
}

fn published(names: &[&str]) -> Desk {
    let desk = Desk::with_targets(names);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

fn checked(desk: &Desk, code: i32) -> Value {
    let report = desk.run(&["check", "--json"]).ends_with(code).out;
    schema::expect_check(&report);
    serde_json::from_str(&report).expect("JSON")
}

fn of<'a>(report: &'a Value, mirror: &str) -> &'a Value {
    let mirrors = report["mirrors"].as_array().expect("a list");
    mirrors.iter().find(|check| check["target"] == mirror).expect("it was looked at")
}

/// Class, phase and words of what went wrong over the first family that was tried.
fn trouble(report: &Value, mirror: &str) -> [String; 3] {
    let found = &of(report, mirror)["probes"]["reach"][0]["trouble"];
    ["class", "phase", "what"].map(|field| found[field].as_str().unwrap_or_default().to_owned())
}

/// What readers get of nginx at `/page/` and so on, whatever its folder holds.
const WRONG: &str = "location /page/ { default_type text/html; return 200 '<h1>For sale</h1>'; }
    location /elsewhere/ { return 302 http://127.0.0.1:9/parked$uri; }
    location /gone/ { return 410; }";

#[test]
fn each_wrong_answer_of_a_web_server_has_its_name_and_the_address_that_it_leads_to() {
    let names = ["good", "page", "elsewhere", "gone", "packed", "nobody"];
    let desk = published(&names);
    open_to_everybody(&desk);
    let nginx = tempfile::tempdir().expect("a temporary folder");
    let folder = desk.path("good").display().to_string();
    let (_running, ports) = Server::start(&nginx.path().join("nginx.out"), Stop::Term, 1, |ports| {
        let good = format!("location /good/ {{ alias {folder}/; }}");
        let packed = format!("location /packed/ {{ alias {folder}/; add_header Content-Encoding gzip; }}");
        let port = ports[0];
        super::thousands::nginx(nginx.path(), &format!("server {{ listen 127.0.0.1:{port};\n{WRONG}\n{good}\n{packed}\n}}\n"))
    });
    let port = ports[0];
    let origin = format!("http://127.0.0.1:{port}");
    for name in names {
        show(&desk, name, &format!("{origin}/{name}/"));
    }
    let [closed] = free_ports(1)[..] else { panic!("one port") };
    desk.edit("targets.yaml", &format!("{origin}/nobody/"), &format!("http://127.0.0.1:{closed}/"));

    let report = checked(&desk, 4);
    assert_eq!(of(&report, "good")["verdict"], "current", "{report:#}");
    assert_eq!(of(&report, "good")["probes"]["reach"][0]["trouble"], Value::Null);
    let told = |name, class: &str, phase: &str, what: &str| {
        assert_eq!(trouble(&report, name), [class, phase, &format!("127.0.0.1:{what}")], "{name}");
        // 410 says that nothing is there; the others say nothing about what is.
        let verdict = if name == "gone" { "incomplete" } else { "unreadable" };
        assert_eq!(of(&report, name)["verdict"], verdict, "{name}: {report:#}");
    };
    told("page", "html_page", "first_byte", &format!("{port}: it sends an HTML page instead of the file"));
    let parked = "http://127.0.0.1:9/parked/elsewhere/metadata/timestamp.json";
    told("elsewhere", "redirect", "first_byte", &format!("{port}: it answers 302 Found: redirected to {parked}"));
    told("gone", "http_status", "first_byte", &format!("{port}: it answers 410 Gone"));
    let sent = "it sends the file compressed (gzip) although that was not accepted";
    told("packed", "encoding", "first_byte", &format!("{port}: {sent}"));
    told("nobody", "refused", "connect", &format!("{closed}: no connection: Connection refused (os error 111)"));

    let why = desk.run(&["status", "--explain", "page"]).ends_with(0);
    let line = format!("\n    not reached over IPv4, failed waiting for the answer: 127.0.0.1:{port}: it sends an HTML page");
    assert!(why.out.contains(&line), "{}", why.out);
    let why = desk.run(&["status", "--explain", "good"]).ends_with(0);
    assert!(why.out.contains("\n    reached over IPv4 (127.0.0.1): connection "), "{}", why.out);
    let told = schema::expect_command("mirror", &desk.run(&["status", "--explain", "good", "--json"]).ends_with(0).out);
    assert_eq!((&told["seen"]["reach"][0]["family"], &told["seen"]["certificate"]), (&"ipv4".into(), &Value::Null));
}

/// nginx serves as another user when root runs the tests.
pub fn open_to_everybody(desk: &Desk) {
    process::run(Command::new(tools::program("chmod")).args(["-R", "a+rX"]).arg(desk.path("")));
}

/// nginx with TLS over one folder: a port for each certificate.
struct Certificates {
    ports: Vec<u16>,
    authority: PathBuf,
    _server: Server,
    _folder: tempfile::TempDir,
}

impl Certificates {
    /// In this order: good, expired, not yet valid, for another host, and twice of another authority with the same name.
    fn over(mirror: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path();
        let (authority, stranger) = (Authority::new(), Authority::new());
        let here = ["localhost", "127.0.0.1"];
        let shown = [
            authority.issue(here),
            authority.issue_expired(),
            authority.issue_not_yet_valid(),
            authority.issue_wrong_host(),
            stranger.issue(here),
            stranger.issue(here),
        ];
        for (number, identity) in shown.iter().enumerate() {
            identity.write(base, &number.to_string());
        }
        fs::write(base.join("authority.pem"), authority.pem()).expect("our own folder");
        let (server, ports) = Server::start(&base.join("nginx.out"), Stop::Term, shown.len(), |ports| {
            let server = |(number, port)| {
                format!(
                    "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {number}.pem; ssl_certificate_key {number}.key; \
                     location / {{ alias {}/; }} }}\n",
                    mirror.display()
                )
            };
            let servers: String = ports.iter().enumerate().map(server).collect();
            super::thousands::nginx(base, &servers)
        });
        Self { ports, authority: base.join("authority.pem"), _server: server, _folder: folder }
    }
}

#[test]
fn a_certificate_is_told_also_when_it_is_not_accepted() {
    let names = ["good", "expired", "early", "other", "forged", "unknown"];
    let desk = published(&names);
    open_to_everybody(&desk);
    let shown = Certificates::over(&desk.path("good"));
    for (name, port) in names.iter().zip(&shown.ports) {
        let trusted = format!("\n    ca: {}", shown.authority.display());
        // Of the last one only the system's authorities are trusted.
        show(&desk, name, &format!("https://127.0.0.1:{port}/{}", if *name == "unknown" { "" } else { &trusted }));
    }
    let report = checked(&desk, 4);
    let good = of(&report, "good");
    assert_eq!(good["verdict"], "current", "{report:#}");
    let certificate = &good["probes"]["certificate"];
    assert_eq!(certificate["trouble"], Value::Null);
    assert_eq!((&certificate["issuer"], &certificate["protocol"]), (&"the tests' authority".into(), &"TLSv1.3".into()));
    assert!(good["probes"]["reach"][0]["phases"]["tls_ms"].is_u64(), "{good:#}");
    let refused = [
        ("expired", "it has expired"),
        ("early", "its time has not begun"),
        ("other", "it is not for the name 127.0.0.1"),
        ("forged", "it was not signed by the authority that it names"),
        ("unknown", "no authority that is trusted here issued it"),
    ];
    for (name, why) in refused {
        let probes = &of(&report, name)["probes"];
        assert_eq!(probes["certificate"]["trouble"], why, "{name}");
        let [class, phase, what] = trouble(&report, name);
        assert_eq!([&*class, &*phase], ["tls", "tls"], "{name}");
        assert!(what.contains(&format!("the certificate is not to be accepted: {why} (issued by ")), "{what}");
    }

    // Its days left are told, and count: with a limit above them the mirror is degraded.
    let why = desk.run(&["status", "--explain", "good"]).ends_with(0);
    assert!(why.out.contains("\n    certificate: until 2099-01-01 00:00Z ("), "{}", why.out);
    assert!(why.out.contains(" d), issued by the tests' authority, TLSv1.3\n"), "{}", why.out);
    let why = desk.run(&["status", "--explain", "expired"]).ends_with(0);
    assert!(why.out.contains("\n    certificate: until 2021-01-01 00:00Z (ended), "), "{}", why.out);
    assert!(why.out.contains("; NOT ACCEPTED: it has expired\n"), "{}", why.out);
}

/// A line for `unshare --mount /bin/sh -c` that runs `command` where names are those of `hosts` and no others: whoever is asked
/// about one that is not in there is this machine, where nobody answers.
pub fn with_names(desk: &Desk, hosts: &str, command: &str) -> String {
    desk.write("hosts", hosts);
    desk.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    let resolver = "if [ -e /etc/resolv.conf ]; then mount --bind resolv.conf /etc/resolv.conf; fi";
    format!("mount --bind hosts /etc/hosts && {resolver} && exec {command}")
}

/// Runs the program with a name that has an address of each family.
fn with_both_families(desk: &Desk, command: &str) -> Said {
    let line = with_names(desk, "127.0.0.1 localhost both.test\n::1 both.test\n", command);
    desk.shell(&format!("unshare --mount /bin/sh -c '{line}'"))
}

fn check_with_both_families(desk: &Desk, code: i32) -> Value {
    let report = with_both_families(desk, "spartacus check --json").ends_with(code).out;
    schema::expect_check(&report);
    serde_json::from_str(&report).expect("JSON")
}

#[test]
fn a_family_that_leads_nowhere_is_told_although_the_other_one_works() {
    tools::require_root("another /etc/hosts for one command");
    let desk = published(&["half", "sixth"]);
    open_to_everybody(&desk);
    let nginx = tempfile::tempdir().expect("a temporary folder");
    let base = nginx.path();
    let (server, ports) = Server::start(&base.join("nginx.out"), Stop::Term, 2, |ports| {
        let server = |listen: &str, port: u16, name: &str| {
            format!("server {{ listen {listen}:{port}; location / {{ alias {}/; }} }}\n", desk.path(name).display())
        };
        let servers = server("127.0.0.1", ports[0], "half") + &server("[::1]", ports[1], "sixth");
        super::thousands::nginx(base, &servers)
    });
    show(&desk, "half", &format!("http://both.test:{}/", ports[0]));
    show(&desk, "sixth", &format!("http://[::1]:{}/", ports[1]));

    for round in 1..=3 {
        let report = check_with_both_families(&desk, 0);
        assert_eq!(of(&report, "half")["verdict"], "current", "readers fall back to IPv4");
        let reach = of(&report, "half")["probes"]["reach"].as_array().expect("a list").clone();
        let families: Vec<&Value> = reach.iter().map(|seen| &seen["family"]).collect();
        assert_eq!(families, ["ipv4", "ipv6"]);
        assert_eq!((&reach[0]["address"], &reach[0]["trouble"]), (&"127.0.0.1".into(), &Value::Null));
        assert_eq!((&reach[1]["address"], &reach[1]["trouble"]["class"]), (&"::1".into(), &"refused".into()));
        let why = desk.run(&["status", "--explain", "half"]).ends_with(0);
        let expected = if round < 3 { "half is healthy since " } else { "half is degraded since " };
        assert!(why.out.starts_with(expected), "round {round}: {}", why.out);
    }
    let why = desk.run(&["status", "--explain", "half"]).ends_with(0);
    let reason = format!("reached over IPv4, but not over IPv6: [::1]:{}: no connection: ", ports[0]);
    assert!(why.out.contains("\n  half reached (since ") && why.out.contains(&reason), "{}", why.out);

    check_with_both_families(&desk, 0);
    let told = with_both_families(&desk, "spartacus check --prometheus metrics.prom");
    let line = format!("  half  reach: not reached over IPv6, failed connecting: [::1]:{}: ", ports[0]);
    assert!(told.ends_with(0).out.contains(&line));
    let metrics = desk.read("metrics.prom");
    for line in [
        "spartacus_probe_success{mirror=\"half\",probe=\"reach\",family=\"ipv4\"} 1",
        "spartacus_probe_success{mirror=\"half\",probe=\"reach\",family=\"ipv6\"} 0",
        "spartacus_probe_success{mirror=\"sixth\",probe=\"reach\",family=\"ipv6\"} 1",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }
    let phases = "spartacus_probe_duration_seconds{mirror=\"half\",probe=\"reach\",family=\"ipv4\",phase=\"first_byte\"} ";
    assert!(metrics.contains(phases), "{metrics}");
    let judge = format!("{} check metrics < {}", tools::program("promtool").display(), desk.path("metrics.prom").display());
    assert_eq!(process::run(Command::new("/bin/sh").args(["-c", &judge])), "");
    drop(server);
}

/// From now on nobody answers at this address: it is another one, since whoever binds next may get a port that was given up.
fn away(desk: &Desk, url: &str) -> String {
    let dead = format!("http://127.0.0.1:{}/", free_ports(1)[0]);
    desk.edit("targets.yaml", url, &dead);
    dead
}

#[test]
fn whether_we_are_online_is_asked_of_others_and_decides_whether_failures_count() {
    let names = ["paris", "lyon", "lille", "nice"];
    let desk = published(&names);
    let faces: Vec<Face> = names.iter().map(|name| Face::over(&desk.path(name))).collect();
    for (name, face) in names.iter().zip(&faces) {
        show(&desk, name, face.url());
    }
    // A place of others: whatever it answers, it answers.
    let place = Face::over(&desk.path("docs"));
    desk.write("targets.yaml", &format!("{}\nhealth:\n  control: ['{}nothing-here']\n", desk.read("targets.yaml"), place.url()));
    let round = checked(&desk, 0);
    assert_eq!(round["online"], true);
    desk.run(&["check", "--prometheus", "metrics.prom"]).ends_with(0);
    assert!(desk.read("metrics.prom").contains("\nspartacus_observer_online 1\n"));

    // All mirrors fail at once while the place answers: it is not our line, so three rounds are enough.
    let addresses: Vec<String> = faces.iter().map(|face| away(&desk, face.url())).collect();
    drop(faces);
    for _ in 0..3 {
        assert_eq!(checked(&desk, 4)["online"], true);
    }
    for name in names {
        let why = desk.run(&["status", "--explain", name]).ends_with(0);
        assert!(why.out.starts_with(&format!("{name} is unreachable since ")), "{}", why.out);
    }

    // They come back, and then nobody answers any more: we are offline, and nothing is held against anybody.
    let faces: Vec<Face> = names.iter().map(|name| Face::over(&desk.path(name))).collect();
    for (old, face) in addresses.iter().zip(&faces) {
        desk.edit("targets.yaml", old, face.url());
    }
    for _ in 0..2 {
        desk.run(&["check", "--full"]).ends_with(0);
    }
    for url in faces.iter().chain([&place]).map(Face::url) {
        away(&desk, url);
    }
    drop((faces, place));
    for _ in 0..4 {
        assert_eq!(checked(&desk, 4)["online"], false);
    }
    for name in names {
        let why = desk.run(&["status", "--explain", name]).ends_with(0);
        assert!(why.out.starts_with(&format!("{name} is healthy since ")), "{}", why.out);
    }
    let blind = desk.run(&["check", "--nagios", "--prometheus", "metrics.prom"]).ends_with(3);
    assert!(blind.out.starts_with("SPARTACUS UNKNOWN - "), "{}", blind.out);
    let metrics = desk.read("metrics.prom");
    assert!(metrics.contains("\nspartacus_observer_online 0\n") && metrics.contains("\nspartacus_observer_saw 0\n"), "{metrics}");
}

/// A mirror that breaks its first connections and serves `folder` on all others.
async fn shaky(folder: PathBuf, broken: Arc<AtomicUsize>) -> Scripted {
    Scripted::start(move |seen| {
        if seen.connection < broken.load(Ordering::SeqCst) {
            return Act::SendAndClose(Vec::new());
        }
        let path = seen.path.trim_start_matches("/dav/");
        Act::SendAndClose(match fs::read_to_string(folder.join(path)) {
            Ok(text) => answer("200 OK", &["Content-Type: application/json", "Connection: close"], &text),
            Err(_) => answer("404 Not Found", &["Connection: close"], ""),
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_is_tried_once_more_on_a_fresh_connection() {
    let desk = published(&["paris"]);
    let broken = Arc::new(AtomicUsize::new(usize::MAX));
    let server = shaky(desk.path("paris"), broken.clone()).await;
    show(&desk, "paris", server.base.as_str());
    // One connection for reach, and the first look and the second one as many each.
    let report = checked(&desk, 4);
    assert_eq!(of(&report, "paris")["verdict"], "unreadable");
    assert_eq!(trouble(&report, "paris")[..2], ["broken", "first_byte"]);
    let connections = server.connections();
    assert!(connections >= 3 && connections % 2 == 1, "{connections}");

    // Now the first look fails just as before, and the second one finds it whole.
    let first_look = connections.div_ceil(2);
    broken.store(connections + first_look, Ordering::SeqCst);
    let report = checked(&desk, 0);
    assert_eq!(of(&report, "paris")["verdict"], "current", "{report:#}");
    assert!(server.connections() > connections + first_look);
}

#[test]
fn a_name_that_leads_nowhere_is_told_for_both_families() {
    tools::require_root("another /etc/hosts for one command");
    let desk = published(&["paris", "lyon"]);
    // RFC 6761: this name is never delegated.
    show(&desk, "paris", "http://mirror.invalid/");
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = silent.local_addr().expect("an address").port();
    show(&desk, "lyon", &format!("http://127.0.0.1:{port}/"));
    let patience = "policy:\n  timeouts: {connect: 3 s, handshake: 3 s, first_byte: 3 s, idle: 3 s}\n";
    let text = desk.read("targets.yaml");
    assert!(!text.contains("\n  timeouts:"), "{text}");
    let text = if text.contains("\npolicy:\n") { text.replacen("policy:\n", patience, 1) } else { format!("{text}\n{patience}") };
    desk.write("targets.yaml", &text);
    let line = with_names(&desk, "127.0.0.1 localhost\n", "spartacus check --json");
    let report = desk.shell(&format!("unshare --mount /bin/sh -c '{line}'")).ends_with(4).out;
    schema::expect_check(&report);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let reach = of(&report, "paris")["probes"]["reach"].as_array().expect("a list").clone();
    assert_eq!(reach.len(), 2);
    for seen in &reach {
        assert_eq!((&seen["address"], &seen["trouble"]["phase"]), (&Value::Null, &"dns".into()), "{seen}");
    }
    assert_eq!(trouble(&report, "lyon"), ["timeout", "first_byte", &format!("127.0.0.1:{port}: nothing came within 3 s")]);
}
