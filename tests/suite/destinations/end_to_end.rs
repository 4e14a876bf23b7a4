//! A target that a stranger offered, as a maintainer sees it.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::Value;

use crate::cli_desk::Desk;
use crate::cli_reach::with_names;
use crate::support::mirror::{Kind, Mirror};
use crate::support::project::Project;
use crate::support::{process, schema, tools, tree};

/// Targets over each protocol, and readers of each, all on this machine and all offered by strangers.
fn offered() -> (Project, Vec<Mirror>) {
    let mirrors: Vec<Mirror> = [Kind::Sshd, Kind::RcloneS3, Kind::Nginx].map(Kind::start).into();
    let project = Project::new();
    project.name_targets(mirrors.iter().map(|mirror| format!("{}    addresses: public\n", mirror.yaml_entry())));
    (project, mirrors)
}

fn to_push(project: &Project) -> std::path::PathBuf {
    let folder = project.beside("files");
    std::fs::write(folder.join("README"), "read me\n").expect("our own folder");
    folder
}

fn files(mirror: &Mirror) -> Vec<String> {
    tree::files_below(mirror.root.as_deref().expect("these have a folder"))
}

const SAID: &str = "127.0.0.1 is a loopback address";
const HINT: &str = "allow it in targets.yaml, in policy: private_networks: [127.0.0.1/32]";

#[test]
fn what_a_stranger_offers_on_our_own_network_is_refused_until_a_maintainer_allows_it() {
    let (project, mirrors) = offered();
    let folder = to_push(&project);
    let before: Vec<_> = mirrors.iter().map(files).collect();

    let folder = folder.to_str().expect("a UTF-8 path");
    let pushed = project.run(&["push", folder, "--as", "v1", "--yes", "--json"]).ends_with(4);
    let outcomes = pushed.json()["outcomes"].as_array().expect("a list").clone();
    assert_eq!(outcomes.len(), mirrors.len());
    for outcome in &outcomes {
        let failure = &outcome["failure"];
        assert_eq!((&failure["code"], &outcome["retries"]), (&"address".into(), &0.into()), "{outcome:#}");
        let message = failure["messages"][0].as_str().expect("words");
        let target = outcome["target"].as_str().expect("a name");
        assert!(message.starts_with(&format!("{target}: ")) && message.contains(SAID), "{outcome:#}");
        assert!(failure["hint"].as_str().is_some_and(|hint| hint.contains(HINT)), "{outcome:#}");
    }
    let report = project.run(&["check", "--json"]).ends_with(4).json();
    for check in report["mirrors"].as_array().expect("a list") {
        assert_eq!(check["verdict"], "unreadable", "{check:#}");
        let words = check["evidence"].to_string();
        assert!(words.contains(SAID) && words.contains(HINT), "{words}");
        let reach = &check["probes"]["reach"][0];
        assert_eq!((&reach["trouble"]["class"], &reach["trouble"]["phase"]), (&"address".into(), &"dns".into()), "{reach:#}");
    }
    project.run(&["target", "probe"]).ends_with(7).says(SAID).says(HINT);
    // Without a public address they are read through their stores.
    let hidden = mirrors.iter().map(|mirror| {
        let entry = format!("{}    addresses: public\n", mirror.yaml_entry());
        entry.replacen(&format!("    public_url: {}\n", mirror.public_url), "", 1)
    });
    project.name_targets(hidden);
    let report = project.run(&["check", "--json"]).ends_with(4).json();
    for check in report["mirrors"].as_array().expect("a list") {
        let words = check["evidence"].to_string();
        assert!(check["via"] == "store" && words.contains(SAID) && words.contains(HINT), "{check:#}");
    }
    project.name_targets(mirrors.iter().map(|mirror| format!("{}    addresses: public\n", mirror.yaml_entry())));
    assert_eq!(mirrors.iter().map(files).collect::<Vec<_>>(), before, "nothing was written anywhere");

    project.reconfigure("policy:\n", "policy:\n  private_networks: [127.0.0.0/8]\n");
    project.run(&["push", "v1", "--yes"]).ends_with(0);
    project.run(&["check", "--full"]).ends_with(0);
    project.run(&["target", "probe"]).ends_with(0);
    for mirror in &mirrors {
        assert!(files(mirror).iter().any(|file| file == "releases/v1/README"), "{}", mirror.kind.name());
    }
}

/// A proxy of the environment would look names up where nobody sees the answer.
#[test]
fn no_proxy_of_the_environment_is_asked() {
    let (project, _mirrors) = offered();
    project.reconfigure("policy:\n", "policy:\n  private_networks: [127.0.0.0/8]\n");
    let folder = to_push(&project);
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    proxy.set_nonblocking(true).expect("a socket");
    let address = format!("http://{}", proxy.local_addr().expect("an address"));
    let proxied = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, &address);
        }
        crate::support::project::Finished::new(&arguments.join(" "), process::output(&mut command)).ends_with(0)
    };
    proxied(&["push", folder.to_str().expect("a UTF-8 path"), "--as", "v1", "--yes"]);
    proxied(&["check", "--full"]);
    assert!(proxy.accept().is_err(), "somebody came");
}

/// A folder whose readers come by `url`, over names of this test.
fn read_at(url: &str) -> Desk {
    let desk = Desk::with_targets(&["paris"]);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    let more = format!("name: paris\n    addresses: public\n    public_url: {url}\n");
    desk.edit("targets.yaml", "name: paris\n", &more);
    desk
}

/// What a check says of the mirror when it runs after `preparations` in a network of its own, which leads nowhere: even if
/// an address is not refused, nobody outside this machine is asked for anything.
fn evidence(desk: &Desk, hosts: &str, preparations: &str) -> String {
    let line = with_names(desk, hosts, "spartacus check --json");
    let report = desk.shell(&format!("unshare --mount --net /bin/sh -c '{preparations}{line}'")).ends_with(4).out;
    schema::expect_check(&report);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    report["mirrors"][0]["evidence"][0]["what"].as_str().expect("words").to_owned()
}

#[test]
fn a_name_is_judged_by_what_this_machine_takes_it_for() {
    tools::require_root("another /etc/hosts for one command");
    let desk = read_at("http://mirror.test:8080/");
    for (hosts, said) in [
        ("127.0.0.1 mirror.test\n", "mirror.test is 127.0.0.1, a loopback address"),
        ("10.0.0.7 mirror.test\n", "mirror.test is 10.0.0.7, a private address (RFC 1918)"),
        ("198.41.0.4 mirror.test\n::1 mirror.test\n", "mirror.test is ::1, the loopback address"),
        ("fd00::7 mirror.test\n", "mirror.test is fd00::7, a unique local address (RFC 4193)"),
    ] {
        let words = evidence(&desk, hosts, "");
        assert!(words.contains(said), "{hosts}: {words}");
        let block = if said.contains("::") { "/128\"]" } else { "/32]" };
        assert!(words.contains("private_networks: [") && words.contains(block), "{words}");
    }
}

#[test]
fn an_address_of_this_machine_is_ours_although_it_is_public() {
    tools::require_root("an address of the public Internet for one command");
    let ip = tools::program("ip").display().to_string();
    let desk = read_at("http://198.41.0.5:8080/");
    let ours = format!("{ip} link set lo up && {ip} addr add 198.41.0.4/32 dev lo && {ip} addr add 198.41.0.5/32 dev lo && ");
    let words = evidence(&desk, "", &ours);
    assert!(words.contains("198.41.0.5 is an address of our own"), "{words}");
    // Where sockets may have addresses of others, the routes decide.
    let lenient = format!("{ours}echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind && ");
    desk.edit("targets.yaml", "198.41.0.5", "198.41.0.4");
    let words = evidence(&desk, "", &lenient);
    assert!(words.contains("198.41.0.4 is an address of our own"), "{words}");
    desk.edit("targets.yaml", "198.41.0.4", "198.41.0.6");
    for preparations in [&ours, &lenient] {
        let words = evidence(&desk, "", preparations);
        assert!(words.contains("no connection"), "it is another machine's, and nobody is there: {words}");
    }
}

#[test]
fn addresses_that_others_see_of_us_are_ours() {
    tools::require_root("a network without a way out, for one command");
    let desk = read_at("http://198.41.0.4:8080/");
    desk.write("targets.yaml", &format!("{}\nhealth:\n  seen_from: [198.41.0.4]\n", desk.read("targets.yaml")));
    let words = evidence(&desk, "", "");
    assert!(words.contains("198.41.0.4 is an address of our own"), "{words}");
}

/// The words that a maintainer copies out of the hint are what the file needs.
#[test]
fn the_hint_is_right_as_it_is_pasted() {
    let desk = read_at("http://[::1]:9/");
    let said = desk.run(&["check"]).ends_with(4).out;
    let pasted = said.split("in policy: ").nth(1).and_then(|rest| rest.split_inclusive(']').next()).expect("a hint");
    assert_eq!(pasted, "private_networks: [\"::1/128\"]");
    let text = desk.read("targets.yaml");
    let policy = format!("policy:\n  {pasted}\n");
    let text = if text.contains("\npolicy:\n") { text.replacen("policy:\n", &policy, 1) } else { format!("{text}\n{policy}") };
    desk.write("targets.yaml", &text);
    let said = desk.run(&["check"]).ends_with(4).out;
    // Port 9 is the next thing that is wrong.
    assert!(said.contains("port 9 of [::1] is not one that mirrors are reached on"), "{said}");
}
