//! Who answers for a domain, asked of a resolver that answers well or badly; and networks by a database made here.

use std::fs;
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use spartacus::base::{AsNumber, NameServerPolicy, Network, NetworkDatabase, NetworkDatabaseError};
use spartacus::net::{NameServerError, NameServers};

use crate::support::dns::{Dns, Zone};
use crate::support::mmdb::{Mmdb, map, string, uint};
use crate::support::{process, tools};

const LIMIT: Duration = Duration::from_secs(10);

fn asker(dns: &Dns, limit: Duration) -> NameServers {
    NameServers::new(NameServerPolicy::At(dns.address), limit).expect("a resolver").expect("one that is asked")
}

#[tokio::test]
async fn name_servers_are_found_wherever_the_zone_begins() {
    let dns = Dns::start(&[
        ("example.org", Zone::Servers(vec!["NS2.example.net", "ns1.example.net"])),
        ("long.example", Zone::Long(vec!["ns1.example.net"])),
        ("ann.pages.example", Zone::In("pages.example")),
        ("pages.example", Zone::Servers(vec!["ns.pages.example"])),
        ("bob.pages.example", Zone::Alias("bob.example.com", vec!["ns1.example.com"])),
    ]);
    let asker = asker(&dns, LIMIT);
    for (domain, expected) in [
        ("example.org", &["ns1.example.net", "ns2.example.net"][..]),
        ("long.example", &["ns1.example.net"]),
        ("ann.pages.example", &["ns.pages.example"]),
        // Whoever answers for either name can end it.
        ("bob.pages.example", &["ns.pages.example", "ns1.example.com"]),
    ] {
        let found = asker.of(domain).await.unwrap_or_else(|error| panic!("{domain}: {error:?}"));
        assert_eq!(found, expected, "{domain}: {:?}", dns.asked());
    }
}

#[tokio::test]
async fn an_answer_that_names_nobody_is_never_taken_for_none() {
    let dns = Dns::start(&[
        ("broken.example", Zone::Broken),
        ("refused.example", Zone::Refused),
        ("empty.example", Zone::Empty),
        ("astray.example", Zone::In("example.org")),
    ]);
    let asker = asker(&dns, LIMIT);
    for (domain, expected) in [
        ("nowhere.example", "there is no such domain"),
        ("broken.example", "the resolver answers Server Failure"),
        ("refused.example", "the resolver answers Query Refused"),
        ("empty.example", "the resolver answers without naming a name server"),
        ("astray.example", "the resolver answers without naming a name server"),
        ("no name at all", "no name at all is no name of a domain"),
    ] {
        let error = asker.of(domain).await.expect_err(domain);
        assert_eq!(error.to_string(), expected, "{error:?}");
    }
    assert!(NameServers::new(NameServerPolicy::Never, LIMIT).expect("nothing to set up").is_none());
}

#[tokio::test]
async fn silence_ends_in_time() {
    let dns = Dns::start(&[("silent.example", Zone::Silent)]);
    let limit = Duration::from_secs(2);
    assert_eq!(asker(&dns, limit).of("silent.example").await, Err(NameServerError::Timeout(limit)));
    crate::support::process::wait_until("the question came", || !dns.asked().is_empty());
}

fn written(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> Utf8PathBuf {
    let path = Utf8Path::from_path(folder.path()).expect("a UTF-8 path").join(name);
    fs::write(&path, bytes).expect("our own folder");
    path
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn the_network_of_an_address_is_what_the_database_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "A name of more than twenty-nine letters";
    let database = Mmdb::of_networks(&[
        ("192.0.2.0", 25, 64500, "Example Net"),
        ("192.0.2.128", 25, 64501, long),
        ("2001:db8::", 32, 4_200_000_000, "Six\u{1b}[1m"),
    ]);
    let path = written(&folder, "networks.mmdb", &database.bytes());
    let networks = NetworkDatabase::open(&path).expect("a good database");
    let found = |text: &str| networks.network_of(address(text)).map(|Network { number, organisation }| (number.0, organisation));
    assert_eq!(found("192.0.2.1"), Some((64500, Some("Example Net".to_owned()))));
    assert_eq!(found("::ffff:192.0.2.200"), Some((64501, Some(long.to_owned()))));
    let (number, name) = found("2001:db8:1::1").expect("a network");
    assert!(number == 4_200_000_000 && name.is_some_and(|name| name.starts_with("Six") && !name.contains('\u{1b}')));
    assert_eq!((found("198.51.100.1"), found("2001:db9::1")), (None, None));

    // The file is what others take it for, too.
    let told = |ip: &str, field: &str| {
        let mut command = Command::new(tools::program("mmdblookup"));
        process::run(command.args(["--file", path.as_str(), "--ip", ip, field])).trim().to_owned()
    };
    assert_eq!(told("192.0.2.127", "autonomous_system_number"), "64500 <uint32>");
    assert_eq!(told("192.0.2.128", "autonomous_system_organization"), format!("\"{long}\" <utf8_string>"));
    assert_eq!(told("2001:db8::1", "autonomous_system_number"), "4200000000 <uint32>");
}

#[test]
fn a_database_of_another_maker_is_read_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = map(&[("asn", string("AS64500")), ("as_name", string("Example Net")), ("country_code", string("NO"))]);
    let path = written(&folder, "lite.mmdb", &Mmdb::of("lite").with(address("192.0.2.0"), 24, &record).bytes());
    let found = NetworkDatabase::open(&path).expect("a good database").network_of(address("192.0.2.9"));
    assert_eq!(found, Some(Network { number: AsNumber(64500), organisation: Some("Example Net".to_owned()) }));
}

#[test]
fn a_database_without_networks_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let country = map(&[("country", map(&[("iso_code", string("NO"))])), ("geoname_id", uint(6, 3_144_096))]);
    let other = Mmdb::of("GeoLite2-Country").with(address("192.0.2.0"), 24, &country).bytes();
    let path = written(&folder, "country.mmdb", &other);
    let error = NetworkDatabase::open(&path).expect_err("no networks are in it");
    assert!(matches!(&error, NetworkDatabaseError::NoNetworks { kind, .. } if kind == "GeoLite2-Country"), "{error:?}");

    // Cut at any place and turned at any byte: an answer, never a panic.
    let good = Mmdb::of_networks(&[("192.0.2.0", 24, 64500, "Example Net"), ("2001:db8::", 32, 64501, "Six")]).bytes();
    for place in 0..good.len() {
        let path = written(&folder, "cut.mmdb", &good[..place]);
        assert!(matches!(NetworkDatabase::open(&path), Err(NetworkDatabaseError::Format { .. })), "cut at {place}");
        let mut turned = good.clone();
        turned[place] ^= 0xff;
        if let Ok(networks) = NetworkDatabase::open(&written(&folder, "turned.mmdb", &turned)) {
            let _ = (networks.network_of(address("192.0.2.1")), networks.network_of(address("2001:db8::1")));
        }
    }
}
