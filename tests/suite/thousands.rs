//! A round over two thousand mirrors, each with a name, an address and a TLS handshake of its own; one in twenty is mute.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli_desk::Desk;
use crate::support::process::{Server, Stop};
use crate::support::tls::Authority;
use crate::support::tools;

/// Mirrors in all.
const MIRRORS: u16 = 2000;
/// One of so many takes a connection and never says a word.
const MUTE_EVERY: u16 = 20;
/// Longest that a round may take, on two cores.
const LONGEST: Duration = Duration::from_mins(1);
/// Most memory that it may have resident, in KiB.
const MOST_MEMORY: u64 = 128 * 1024;

/// nginx in the foreground with these servers, its files in `base`.
pub fn nginx(base: &Path, servers: &str) -> Command {
    let configuration = format!(
        "pid {base}/nginx.pid;\nerror_log {base}/error.log warn;\nworker_processes 1;\nworker_rlimit_nofile 8192;\n\
         events {{ worker_connections 4096; }}\nhttp {{\n  access_log off;\n  client_body_temp_path {base}/body;\n  \
         proxy_temp_path {base}/proxy; fastcgi_temp_path {base}/fastcgi; uwsgi_temp_path {base}/uwsgi;\n  \
         scgi_temp_path {base}/scgi;\n  ssl_protocols TLSv1.2 TLSv1.3;\n  {servers}}}\n",
        base = base.display()
    );
    fs::write(base.join("nginx.conf"), configuration).expect("our own folder");
    let mut command = Command::new(tools::file("/usr/sbin/nginx"));
    command.arg("-c").arg(base.join("nginx.conf")).arg("-e").arg(base.join("error.log")).args(["-g", "daemon off;"]);
    command
}

/// An address of its own for each mirror.
fn address(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 9, high, low)
}

fn is_mute(number: u16) -> bool {
    number.is_multiple_of(MUTE_EVERY)
}

/// Two thousand targets beside the one that was pushed to; readers find each under a name of its own, in the hosts given back.
fn name_everybody(desk: &Desk, authority: &Path, port: u16, mute: u16) -> String {
    let (mut targets, mut hosts) = (String::new(), "127.0.0.1 localhost\n".to_owned());
    for number in 1..=MIRRORS {
        let port = if is_mute(number) { mute } else { port };
        let authority = authority.display();
        write!(
            targets,
            "  - name: m{number}\n    public_url: https://m{number}.mirrors.test:{port}/\n    ca: {authority}\n    \
             folder:\n      path: {}\n",
            desk.path(&format!("folders/m{number}")).display()
        )
        .and_then(|()| writeln!(hosts, "{} m{number}.mirrors.test", address(number)))
        .expect("writing to a string cannot fail");
    }
    desk.write("targets.yaml", &format!("{}{targets}", desk.read("targets.yaml")));
    hosts
}

/// The most memory that a child ever had resident, in KiB (proc(5), `VmHWM`), and how long it took.
fn watched(mut child: Child) -> (u64, Duration, i32) {
    let begun = Instant::now();
    let mut most = 0;
    let code = loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            break status.code().expect("it was not killed");
        }
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        most = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(most);
        std::thread::sleep(Duration::from_millis(20));
    };
    (most, begun.elapsed(), code)
}

#[test]
fn a_round_over_two_thousand_mirrors_takes_a_minute_and_128_mib_at_most() {
    tools::require_root("another /etc/hosts for one command");
    let desk = Desk::with_targets(&["first"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    let server = tempfile::tempdir().expect("a temporary folder");
    let base = server.path();
    let authority = Authority::new();
    authority.issue(["*.mirrors.test"]).write(base, "server");
    fs::write(base.join("authority.pem"), authority.pem()).expect("our own folder");
    let folder = desk.path("first");
    crate::cli_reach::open_to_everybody(&desk);
    let (_running, ports) = Server::start(&base.join("nginx.out"), Stop::Term, 1, |ports| {
        let server = format!(
            "server {{ listen {port} ssl backlog=4096; ssl_certificate server.pem; ssl_certificate_key server.key; \
             location / {{ alias {folder}/; }} }}\n",
            port = ports[0],
            folder = folder.display()
        );
        nginx(base, &server)
    });
    // It listens, so the system accepts; nobody ever answers.
    let mute = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    let mute_port = mute.local_addr().expect("an address").port();
    let hosts = name_everybody(&desk, &base.join("authority.pem"), ports[0], mute_port);

    let check = "spartacus check --prometheus metrics.prom --json > report.json";
    let line = crate::cli_reach::with_names(&desk, &hosts, check);
    let mut command = Command::new(tools::program("unshare"));
    command.args(["--mount", "/bin/sh", "-c", &line]).stdin(Stdio::null());
    let (memory, took, code) = watched(desk.prepared(&mut command).spawn().expect("unshare starts"));
    assert_eq!(code, 4, "all copies are wanted, and the mute ones are none");
    let report: serde_json::Value = serde_json::from_str(&desk.read("report.json")).expect("JSON");
    let wrong: Vec<&serde_json::Value> = report["mirrors"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|check| {
            let number = check["target"].as_str().and_then(|name| name.strip_prefix('m')?.parse().ok());
            (check["verdict"] == "current") == number.is_some_and(is_mute)
        })
        .collect();
    assert!(wrong.is_empty(), "{} verdicts are wrong, among them {:#}", wrong.len(), wrong[0]);
    println!("{MIRRORS} mirrors in {:.1} s with {} MiB at most", took.as_secs_f32(), memory / 1024);
    assert!(took < LONGEST && memory < MOST_MEMORY, "{took:?}, {memory} KiB");
}
