//! Adding and probing targets on servers that nobody here wrote.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cli_desk::{Desk, Said};
use crate::sftp_peer::{Habit, Peer};
use crate::support::apache::Apache;
use crate::support::mirror::Mirror;
use crate::support::process::free_ports;
use crate::support::schema;
use crate::support::sshd::Sshd;
use crate::support::{PASSWORD, USER, nginx::Nginx, process, rclone::RcloneS3, seaweed::Seaweed, tools};
use crate::webdav_torn;

#[test]
fn an_ssh_host_key_is_shown_and_pinned() {
    let server = Sshd::start();
    let desk = Desk::with_project();
    let url = format!("sftp://{}@127.0.0.1:{}{}", server.user, server.port, server.root.display());
    let key = server.keys.client.display().to_string();
    let add = ["target", "add", "mirror", &url, "--key", &key];

    let asked = desk.run(&add).ends_with(2);
    let place = format!("127.0.0.1:{}", server.port);
    assert_eq!(
        asked.err,
        format!(
            "error: this needs an answer: {place} shows the host key ssh-ed25519 {}: did its operator give you exactly this \
             fingerprint?\n\
             hint: say it beforehand with --host-key SHA256:... (or --yes)\n",
            server.keys.fingerprint
        )
    );
    let other = format!("SHA256:{}", "A".repeat(43));
    let refused = desk.run(&[&add[..], &["--host-key", &other]].concat()).ends_with(6);
    assert!(
        refused.err.contains(&format!("error: {place} does not show the host key {other}\n  it shows ssh-ed25519 SHA256:")),
        "{}",
        refused.err
    );
    assert!(desk.read("targets.yaml").ends_with("targets: []\n"));

    let added = desk.run(&[&add[..], &["--host-key", &server.keys.fingerprint]].concat()).ends_with(0);
    assert_eq!(added.out, "mirror is in targets.yaml\nnext: spartacus target probe mirror\n");
    assert!(desk.read("targets.yaml").contains("[\"ssh-ed25519 AAAA"), "{}", desk.read("targets.yaml"));
    let probed = desk.run(&["target", "probe"]).ends_with(0);
    assert!(probed.out.starts_with("mirror: swap atomic\n"), "{}", probed.out);
    assert!(desk.run(&["target", "list"]).ends_with(0).out.contains("swap atomic"));
    assert_eq!(
        desk.run(&["push", "docs", "--as", "v1", "--yes", "--verify"]).ends_with(0).headline(),
        "v1 verified on 1 of 1 mirror"
    );
}

#[test]
fn only_the_key_whose_fingerprint_was_compared_is_pinned() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let second = folder.path().join("hostkey_ecdsa");
    process::run(Command::new(tools::program("ssh-keygen")).args(["-q", "-t", "ecdsa", "-N", "", "-f"]).arg(&second));
    let server = Sshd::start_with(&format!("HostKey {}", second.display()));
    let shown = process::run(Command::new(tools::program("ssh-keygen")).arg("-lf").arg(&second));
    let other = shown.split_whitespace().nth(1).expect("ssh-keygen shows a fingerprint");
    let desk = Desk::with_project();
    let url = format!("sftp://{}@127.0.0.1:{}{}", server.user, server.port, server.root.display());
    let key = server.keys.client.display().to_string();
    let add = ["target", "add", "mirror", &url, "--key", &key];

    let asked = desk.run(&[&add[..], &["--quiet"]].concat()).ends_with(2);
    assert!(asked.err.contains(&server.keys.fingerprint), "the question names what would be pinned:\n{}", asked.err);
    assert!(!asked.err.contains(other), "and nothing else:\n{}", asked.err);
    let asked = desk.run(&add).ends_with(2);
    let remark = format!("also shows ecdsa-sha2-nistp256 {other}, which is not pinned unless --host-key names it\n");
    assert!(asked.err.contains(&remark), "{}", asked.err);

    desk.run(&[&add[..], &["--host-key", other]].concat()).ends_with(0);
    let entry = desk.read("targets.yaml");
    assert!(entry.contains("[\"ecdsa-sha2-nistp256 AAAA"), "{entry}");
    assert!(!entry.contains("ssh-ed25519"), "{entry}");
    desk.run(&["target", "probe"]).ends_with(0);
}

#[test]
fn what_a_probe_found_counts_only_for_the_server_it_was_made_on() {
    let desk = Desk::with_targets(&["mirror"]);
    desk.run(&["target", "probe"]).ends_with(0);
    assert!(desk.run(&["target", "list"]).ends_with(0).out.contains("swap atomic"));
    fs::create_dir(desk.path("elsewhere")).expect("a new folder");
    desk.edit("targets.yaml", "/mirror", "/elsewhere");
    assert!(desk.run(&["target", "list"]).ends_with(0).out.contains("not probed"));
    desk.edit("targets.yaml", "/elsewhere", "/mirror");
    assert!(desk.run(&["target", "list"]).ends_with(0).out.contains("swap atomic"), "the old place is still known");
}

#[test]
fn a_linked_configuration_stays_a_link() {
    let desk = Desk::with_project();
    fs::create_dir(desk.path("kept")).expect("a new folder");
    fs::rename(desk.path("targets.yaml"), desk.path("kept/real.yaml")).expect("it can be moved");
    std::os::unix::fs::symlink("kept/real.yaml", desk.path("targets.yaml")).expect("a link can be made");
    fs::create_dir(desk.path("mirror")).expect("a new folder");
    desk.run(&["target", "add", "mirror", "folder:mirror"]).ends_with(0);
    assert_eq!(fs::read_link(desk.path("targets.yaml")).expect("a link still"), Path::new("kept/real.yaml"));
    assert!(desk.read("kept/real.yaml").contains("name: mirror"), "{}", desk.read("kept/real.yaml"));
    assert_eq!(fs::read_dir(desk.path("kept")).expect("a folder").count(), 1, "nothing else stays there");
}

#[test]
fn a_probe_is_told_to_machines_as_its_schema_says() {
    let desk = Desk::with_targets(&["mirror"]);
    let good = desk.run(&["target", "probe", "--json"]).ends_with(0);
    schema::expect_probe(&good.out);
    assert!(good.out.contains("\"swap\": \"atomic\""), "{}", good.out);
    let [port] = process::free_ports(1)[..] else { panic!("one port was asked for") };
    desk.edit(
        "targets.yaml",
        "targets:\n",
        &format!("targets:\n  - name: dead\n    webdav: {{url: \"http://127.0.0.1:{port}/\"}}\n"),
    );
    let dead = desk.run(&["target", "probe", "dead", "--json"]).ends_with(7);
    schema::expect_probe(&dead.out);
    assert!(dead.out.contains("\"code\": \"unreachable\""), "{}", dead.out);
}

#[test]
fn a_certificate_is_shown_before_a_password_is_sent() {
    let server = Apache::start();
    let mut desk = Desk::with_project();
    let url = format!("webdavs://{USER}@localhost:{}/dav/", server.tls_port);
    let unknown = desk.run(&["target", "add", "mirror", &url, "--password", "env:DAV", "--yes"]).ends_with(2);
    assert!(unknown.err.starts_with("error: cannot get the certificate of localhost\n"), "{}", unknown.err);
    desk.write("authority.pem", &server.authority.pem());
    let authority = desk.path("authority.pem").display().to_string();
    desk.set("SSL_CERT_FILE", &authority);
    let shown = desk.run(&["target", "add", "mirror", &url, "--password", "env:DAV"]).ends_with(2);
    assert!(shown.err.starts_with("localhost shows a certificate that is valid for it; sha256 "), "{}", shown.err);
    assert!(shown.err.ends_with("error: this needs an answer: add it?\nhint: say it beforehand with --yes\n"), "{}", shown.err);
    let plain = format!("webdav://{USER}@127.0.0.1:{}/dav/", server.port);
    let added = desk.run(&["target", "add", "mirror", &plain, "--password", "env:DAV", "--yes"]).ends_with(0);
    assert_eq!(added.err, "127.0.0.1 is spoken to without TLS\n");
    // The secret is not there: that fails this target, and says so, where it is needed.
    let push = desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(4);
    assert!(push.out.contains("DAV"), "{}", push.out);
}

#[test]
fn an_authority_of_its_own_is_named_once() {
    let server = Apache::start();
    let mut desk = Desk::with_project();
    let url = format!("webdavs://{USER}@localhost:{}/dav/", server.tls_port);
    let add = ["target", "add", "mirror", &url, "--password", "env:DAV", "--yes"];
    let unknown = desk.run(&add).ends_with(2);
    let hint = "hint: if localhost has an authority of its own: add --ca FILE, its certificate as PEM\n";
    assert!(unknown.err.ends_with(hint), "{}", unknown.err);
    let nowhere = desk.run(&[&add[..], &["--ca", "nowhere.pem"]].concat()).ends_with(2);
    assert!(nowhere.err.starts_with("error: cannot read the certificate file ./nowhere.pem\n"), "{}", nowhere.err);
    assert!(!nowhere.err.contains("hint: if"), "{}", nowhere.err);

    desk.write("authority.pem", &server.authority.pem());
    let added = desk.run(&[&add[..], &["--ca", "authority.pem", "--json"]].concat()).ends_with(0);
    let told = schema::expect_command("target", &added.out);
    assert_eq!(told["certificate"].as_str().map(str::len), Some(64), "{told}");
    assert!(desk.read("targets.yaml").contains("\n    ca: authority.pem\n"), "{}", desk.read("targets.yaml"));
    desk.set("DAV", PASSWORD);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
}

#[test]
fn a_proxy_is_used_from_the_first_look_on() {
    let desk = Desk::with_project();
    let port = free_ports(1)[0];
    let proxy = format!("socks5h://127.0.0.1:{port}");
    for url in ["sftp://u@mirror.invalid/m", "webdavs://u@mirror.invalid/m"] {
        let said = desk.run(&["target", "add", "far", url, "--password", "env:P", "--proxy", &proxy, "--yes"]).ends_with(2);
        // The name is the proxy's to resolve: without it, that would be what failed.
        assert!(!said.err.contains("dns") && !said.err.contains("lookup"), "{}", said.err);
        assert!(said.err.to_lowercase().contains("connect"), "{}", said.err);
    }
    std::fs::create_dir(desk.path("here")).expect("a new folder");
    desk.run(&["target", "add", "here", "folder:here", "--proxy", &proxy]).ends_with(0);
    assert!(desk.read("targets.yaml").contains(&format!("\n    proxy: {proxy}\n")), "{}", desk.read("targets.yaml"));
}

/// Expects a probe to find this swap class, and the program to remember it and to act by it.
fn probe(mirror: &Mirror, swap: &str) {
    let desk = Desk::with_project();
    let probed = probe_alone(mirror, &desk);
    assert!(probed.out.starts_with(&format!("{}: swap {swap}\n", mirror.kind.name())), "{}", probed.out);
    assert!(probed.out.contains("  yes  read through the public address    the same bytes\n"), "{}", probed.out);
    believed(&desk, swap);
}

/// Makes the mirror the only target of a project, and probes it.
fn probe_alone(mirror: &Mirror, desk: &Desk) -> Said {
    let text = desk.read("targets.yaml").replace("targets: []\n", &format!("targets:\n{}", mirror.yaml_entry()));
    desk.write("targets.yaml", &text);
    desk.run(&["target", "probe"]).ends_with(0)
}

/// Expects the only target to be treated by this swap class.
fn believed(desk: &Desk, swap: &str) {
    assert!(desk.run(&["target", "list"]).ends_with(0).out.contains(&format!("swap {swap}")));

    let pushed = desk.run(&["push", "docs", "--as", "v1", "--yes", "--verify"]).ends_with(0);
    assert_eq!(pushed.out.contains("note: swap"), swap != "atomic", "{}", pushed.out);
    assert!(!pushed.out.contains("(not probed)"), "{}", pushed.out);
    desk.edit("targets.yaml", "replicas: all", "require_atomic: true\n  replicas: all");
    let strict = desk.run(&["repair", "--full"]).ends_with(if swap == "atomic" { 0 } else { 4 });
    assert_eq!(strict.out.contains("policy.require_atomic asks for atomic"), swap != "atomic", "{}", strict.out);
}

#[test]
fn apache_can_be_probed() {
    probe(&Apache::start().mirror_basic(), "atomic");
}

#[test]
fn nginx_can_be_probed() {
    probe(&Nginx::start().mirror(), "atomic");
}

#[test]
fn seaweed_can_be_probed() {
    probe(&Seaweed::start().mirror(), "atomic");
}

/// Some of its answers to many requests at once are 500, and then too few reads are left to tell.
#[test]
fn rclone_s3_is_called_atomic_or_nothing_at_all() {
    let found = probe_alone(&RcloneS3::start().mirror(), &Desk::with_project());
    let line = found.out.lines().next().unwrap_or_default();
    assert!(["rclone-s3: swap atomic", "rclone-s3: swap not known"].contains(&line), "{}", found.out);
}

/// A project whose only target is this entry, probed.
fn probed(entry: &str, first_line: &str) -> Desk {
    let desk = Desk::with_project();
    desk.edit("targets.yaml", "targets: []\n", &format!("targets:\n{entry}"));
    let said = desk.run(&["target", "probe"]).ends_with(0);
    assert_eq!(said.out.lines().next(), Some(first_line), "{}", said.out);
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_writes_in_place_is_found_to_tear() {
    let (_folder, place) = webdav_torn::serve().await;
    let (_other_folder, other) = webdav_torn::serve().await;
    let test = tokio::task::spawn_blocking(move || {
        let desk = probed(&format!("  - name: mirror\n    webdav: {{url: \"{place}\"}}\n"), "mirror: swap torn");
        believed(&desk, "torn");
        // At another address there is another server, of which nothing is known.
        desk.edit("targets.yaml", place.as_str(), other.as_str());
        desk.edit("targets.yaml", "require_atomic: true", "require_atomic: false");
        let pushed = desk.run(&["push"]).ends_with(0);
        assert!(pushed.out.contains("swap: torn (not probed)"), "{}", pushed.out);
    });
    test.await.expect("it does not panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_rename_over_a_name_is_found_to_leave_a_gap() {
    let peer = Peer::start(Habit::Plain).await;
    let entry = peer.yaml_entry("mirror");
    let test = tokio::task::spawn_blocking(move || believed(&probed(&entry, "mirror: swap gap"), "gap"));
    test.await.expect("it does not panic");
}

#[test]
fn with_one_connection_nobody_can_tell_whether_a_swap_tears() {
    let mirror = Apache::start().mirror_basic();
    let entry = format!("{}    limits: {{connections: 1}}\n", mirror.yaml_entry());
    let desk = probed(&entry, "apache-basic: swap not known");
    assert!(desk.run(&["target", "list"]).ends_with(0).out.contains("not probed"));
}
