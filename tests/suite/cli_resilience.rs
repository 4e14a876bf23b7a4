//! Who could take every copy down, as it is told: by what is declared, and by what rounds saw.

use std::fs;

use serde_json::{Value, json};

use crate::cli_desk::Desk;
use crate::support::dns::{Dns, Zone};
use crate::support::mmdb::Mmdb;
use crate::support::secure_face::SecureFace;
use crate::support::tls::Authority;
use crate::support::{schema, tools};

fn published(names: &[&str]) -> Desk {
    let desk = Desk::with_targets(names);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

fn declare(desk: &Desk, mirror: &str, lines: &str) {
    let entry = format!("name: {mirror}\n");
    let lines = lines.replace('\n', "\n    ");
    desk.edit("targets.yaml", &entry, &format!("{entry}    {lines}\n"));
}

fn told(desk: &Desk) -> Value {
    schema::expect_command("resilience", &desk.run(&["resilience", "--json"]).ends_with(0).out)
}

#[test]
fn who_could_take_all_copies_down_is_told() {
    let desk = published(&["paris", "lyon"]);
    desk.run(&["resilience"]).complains(7, "error: no mirror is known to be good\nhint: spartacus check");
    desk.run(&["check"]).ends_with(0);
    declare(&desk, "paris", "operator: ann\ncountry: FR\npublic_url: https://mirror.example.org/");
    declare(&desk, "lyon", "operator: bob\ncountry: FR\npublic_url: https://example.com/");
    let said = desk.run(&["resilience"]).ends_with(0);
    assert_eq!(said.headline(), "1 party could take 2 good mirrors down", "{}", said.out);
    for line in [
        "costliest loss: country FR takes 2 of 2 good mirrors along",
        "not known: network of paris and lyon; set `network` there, or `health: asn_database`",
        "not known: certificate authority of paris and lyon; the last look saw no certificate",
        "a mirror outside country FR, outside the unknown network, without the unknown DNS host and without the unknown \
         certificate authority raises it from 1 to 2",
    ] {
        assert!(said.out.lines().any(|other| other == line), "{line}\n{}", said.out);
    }
    let json = told(&desk);
    assert_eq!((&json["by_kind"]["operator"]["at_least"], &json["mixed"]["at_most"]), (&2.into(), &1.into()), "{json}");
    let network = &json["by_kind"]["network"];
    assert_eq!((&network["at_least"], &network["at_most"]), (&1.into(), &2.into()), "{json}");
    assert_eq!(json["raised_to"], 2, "{json}");
}

#[test]
fn a_database_that_is_gone_is_warned_of_and_hinders_nothing() {
    let desk = published(&["paris"]);
    desk.edit("targets.yaml", "targets:", "health: {asn_database: networks.mmdb}\ntargets:");
    let said = desk.run(&["check"]).ends_with(0);
    assert!(said.err.contains("warning: `asn_database`: cannot read networks.mmdb: No such file"), "{}", said.err);
    assert!(desk.run(&["resilience"]).ends_with(0).out.contains("not known: network of paris;"));
}

/// Three mirrors over HTTPS, by names that only these tests know, on addresses of their own.
struct World {
    desk: Desk,
    dns: Dns,
    faces: Vec<SecureFace>,
}

impl World {
    fn start() -> Self {
        let mut desk = published(&["paris", "lyon", "oslo"]);
        let (first, second) = (Authority::of(Some("First Trust")), Authority::new());
        let mirrors = [
            ("paris", "mirror.example.org", "127.0.0.2", &first, "operator: ann\ncountry: FR"),
            ("lyon", "files.example.com", "127.0.0.3", &first, "operator: bob\ncountry: FR\nnetwork: AS64501"),
            ("oslo", "www.example.net", "127.0.0.4", &second, "operator: cid\ncountry: NO"),
        ];
        let mut hosts = Vec::new();
        let mut faces = Vec::new();
        for (mirror, host, address, authority, declared) in mirrors {
            let face = SecureFace::over(&desk.path(mirror), address, &authority.issue([host]));
            fs::write(desk.path(&format!("{mirror}.pem")), authority.pem()).expect("our own folder");
            let url = format!("public_url: https://{host}:{}/\nca: {mirror}.pem", face.port);
            declare(&desk, mirror, &format!("{declared}\n{url}"));
            hosts.push(format!("{address} {host}\n"));
            faces.push(face);
        }
        let dns = Dns::start(&[
            ("example.org", Zone::Servers(vec!["ns1.dns.example", "ns2.dns.example"])),
            ("example.com", Zone::Servers(vec!["a.ns.example.com", "ns9.dns.example"])),
            ("example.net", Zone::Broken),
        ]);
        // One network for Paris and Oslo; Lyon is said to be elsewhere.
        let networks = Mmdb::of_networks(&[("127.0.0.2", 31, 64500, "Example Net"), ("127.0.0.4", 32, 64500, "Example Net")]);
        fs::write(desk.path("networks.mmdb"), networks.bytes()).expect("our own folder");
        let health = format!("health: {{asn_database: networks.mmdb, resolver: \"{}\"}}\ntargets:", dns.address);
        desk.edit("targets.yaml", "targets:", &health);
        desk.write("hosts", &hosts.concat());
        let wrapper = format!("/usr/lib/{}-linux-gnu/libnss_wrapper.so", std::env::consts::ARCH);
        desk.set("LD_PRELOAD", tools::file(&wrapper));
        desk.set("NSS_WRAPPER_HOSTS", &desk.path("hosts").display().to_string());
        Self { desk, dns, faces }
    }
}

fn parties(minimum: &Value) -> Vec<(&str, &str)> {
    let parties = minimum["parties"].as_array().expect("a list");
    parties.iter().map(|party| (party["kind"].as_str().unwrap_or_default(), party["name"].as_str().unwrap_or_default())).collect()
}

#[test]
fn networks_name_servers_and_authorities_of_real_mirrors_are_found() {
    let World { desk, dns, faces } = World::start();
    let checked = desk.run(&["check", "--prometheus", "spartacus.prom", "--html", "public"]).ends_with(0);
    assert!(checked.headline().contains("3 of 3"), "{}", checked.out);
    let json = told(&desk);
    let kind = |kind: &str| &json["by_kind"][kind];
    assert_eq!(parties(kind("authority")), [("authority", "First Trust"), ("authority", "the tests' authority")]);
    assert_eq!(parties(kind("network")), [("network", "AS64500 (Example Net)"), ("network", "AS64501")]);
    // Of Oslo's name nobody is known who answers for it, so it may be whoever answers for the two others.
    assert_eq!((parties(kind("dns_host")), &kind("dns_host")["at_most"]), (vec![("dns_host", "dns.example")], &2.into()));
    assert_eq!(json["unknown"], json!([{"kind": "dns_host", "mirrors": ["oslo"]}]));
    let disagreement = json!([{"mirror": "lyon", "declared": "AS64501", "found": ["AS64500 (Example Net)"]}]);
    assert_eq!(json["network_disagreements"], disagreement);
    assert_eq!((&json["mixed"]["at_least"], &json["mixed"]["at_most"]), (&1.into(), &2.into()), "{json}");
    assert_eq!(json["costliest"][1], 2, "{json}");

    let said = desk.run(&["resilience"]).ends_with(0);
    for line in [
        "not known: DNS host of oslo; rounds ask once a day (`health: resolver`)",
        "lyon: network AS64501 is declared and counts, but its address is in AS64500 (Example Net)",
        "1 to 2 parties could take 3 good mirrors down",
    ] {
        assert_eq!(said.out.lines().filter(|other| *other == line).count(), 1, "{line}\n{}", said.out);
    }
    let metrics = desk.read("spartacus.prom");
    for line in [
        "spartacus_resilience_parties{kind=\"any\"} 1",
        "spartacus_resilience_parties{kind=\"dns_host\"} 1",
        "spartacus_resilience_parties{kind=\"network\"} 2",
        "spartacus_resilience_costliest_loss_mirrors 2",
        "spartacus_resilience_unknown_mirrors{kind=\"dns_host\"} 1",
        "spartacus_resilience_unknown_mirrors{kind=\"network\"} 0",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }
    let page = desk.read("public/index.html");
    assert!(page.contains("Not known: DNS host of oslo."), "{page}");

    // Asked once a day, whatever came of it; another resolver is asked at once.
    let mut asked = dns.asked();
    asked.sort();
    asked.dedup();
    assert_eq!(asked, ["example.com", "example.net", "example.org"]);
    let before = dns.asked().len();
    desk.run(&["check"]).ends_with(0);
    assert_eq!(dns.asked().len(), before, "{:?}", dns.asked());
    let other = Dns::start(&[("example.net", Zone::Servers(vec!["ns.example.net"]))]);
    desk.edit("targets.yaml", &dns.address.to_string(), &other.address.to_string());
    desk.run(&["check"]).ends_with(0);
    let json = told(&desk);
    assert_eq!(json["unknown"], json!([]), "what is known of the two others is believed for a week: {json}");
    assert_eq!(json["by_kind"]["dns_host"]["at_least"], 2, "{json}");

    // Without network everything is as the last round saw it.
    drop((faces, dns, other));
    assert_eq!(told(&desk)["by_kind"], json["by_kind"]);
}

#[test]
fn a_mirror_outside_of_what_is_named_raises_the_number() {
    let World { desk, dns: _dns, faces: _faces } = World::start();
    desk.edit("targets.yaml", "name: oslo\n", "name: oslo\n    state: paused\n");
    desk.run(&["check"]).ends_with(0);
    let before = told(&desk);
    assert_eq!((&before["mixed"]["at_least"], &before["raised_to"]), (&1.into(), &2.into()), "{before}");
    let said = desk.run(&["resilience"]).ends_with(0);
    let line = "a mirror outside country FR, without DNS host dns.example and without certificate authority First Trust \
                raises it from 1 to 2";
    assert!(said.out.lines().any(|other| other == line), "{}", said.out);
    // Oslo is such a mirror: in Norway, certified by somebody else, and somebody else answers for its name.
    desk.edit("targets.yaml", "    state: paused\n", "");
    let other = Dns::start(&[("example.net", Zone::Servers(vec!["ns.example.net"]))]);
    let address =
        desk.read("targets.yaml").split("resolver: \"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
    desk.edit("targets.yaml", &address.expect("it is set"), &other.address.to_string());
    desk.run(&["check"]).ends_with(0);
    assert_eq!(told(&desk)["mixed"]["at_least"], 2);
}
