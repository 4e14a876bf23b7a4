//! Addresses in every spelling that a URL, a resolver or a person may read as one.

use std::collections::BTreeSet;
use std::net::IpAddr;

use spartacus::base::{Hinted as _, ObjectPath, Timeouts};
use spartacus::net::{Contacts, Destinations, Failure, RefusedDestination, describe, refused_destination};
use spartacus::reader::HttpSource;
use spartacus::store::s3::S3Store;
use spartacus::store::sftp::{SftpStore, scan_host_keys};
use spartacus::store::webdav::{WebdavSettings, WebdavStore};
use spartacus::store::{ErrorKind, Retry, Store as _, StoreError};
use spartacus::trust::Fetch as _;
use url::Url;

use super::{Doorbell, Names, address, client, public, public_and, sftp, target};
use crate::s3_inprocess;

/// Hosts that are addresses, as they stand in a URL.
const ADDRESSES: &[&str] = &[
    // Loopback.
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.000.000.001",
    "127.00.00.01",
    "127.0.0.0x1",
    "127.0x0.0x0.0x1",
    "127.0.0.2",
    "127.127.127.127",
    "127.255.255.254",
    "2130706433",
    "2130706433.",
    "017700000001",
    "0177.0.0.1",
    "0177.1",
    "0177.0.1",
    "0x7f000001",
    "0x7F000001",
    "0X7f000001",
    "0x7f000001.",
    "0x7f.1",
    "0x7f.0.1",
    "0x7f.0.0.1",
    "0x7f.0x0.0x0.0x1",
    "0x000000007f.0.0.1",
    "[::1]",
    "[0::1]",
    "[::0:1]",
    "[::0001]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0.0.0.1]",
    // IPv4 in IPv6.
    "[::ffff:127.0.0.1]",
    "[::FFFF:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[0000:0000:0000:0000:0000:ffff:7f00:0001]",
    "[::ffff:10.0.0.7]",
    "[::ffff:a00:7]",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:0.0.0.0]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::10.0.0.7]",
    "[::8.8.8.8]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::10.0.0.7]",
    "[64:FF9B:0:0:0:0:a9fe:a9fe]",
    "[64:ff9b::8.8.8.8]",
    "[64:ff9b:1::1]",
    "[64:ff9b:1:ffff::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a00:7::1]",
    "[2002:a9fe:a9fe::a9fe:a9fe]",
    "[2002:808:808::1]",
    "[2001::1]",
    "[2001:0:7f00:1::]",
    "[2001:0000:4136:e378:8000:63bf:3fff:fdd2]",
    // This host, this network.
    "0",
    "0x0",
    "00",
    "0.0",
    "0.0.0.0",
    "000.000.000.000",
    "0.1.2.3",
    "[::]",
    "[0:0::0:0]",
    "[0:0:0:0:0:0:0:0]",
    // Private.
    "10.0.0.7",
    "10.7",
    "10.0.7",
    "012.0.0.7",
    "012.7",
    "0xa.0.0.7",
    "0xa000007",
    "167772167",
    "10.255.255.255",
    "172.16.0.1",
    "172.16.1",
    "172.31.255.254",
    "0254.020.0.1",
    "0xac100001",
    "2886729729",
    "192.168.0.1",
    "192.168.1",
    "192.168.257",
    "0300.0250.0.1",
    "0xc0.0xa8.0.1",
    "0xc0a80001",
    "3232235521",
    "[fc00::1]",
    "[fd00::1]",
    "[FD12:3456:789A::1]",
    "[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
    // A carrier's, and a cloud's.
    "100.64.0.1",
    "100.127.255.254",
    "100.100.100.200",
    "0x64646464",
    "1684301000",
    "169.254.169.254",
    "169.254.43518",
    "169.16689662",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "0xa9fea9fe",
    "2852039166",
    "169.254.0.1",
    "169.254.170.2",
    "192.0.0.192",
    "168.63.129.16",
    "2822734096",
    "[fd00:ec2::254]",
    "[FD00:0EC2:0:0:0:0:0:254]",
    // Of one network, or of one site.
    "[fe80::1]",
    "[FE80::1]",
    "[fe80:0:0:0:0:0:0:1]",
    "[febf:ffff::1]",
    "[fec0::1]",
    "[feff::1]",
    // For documents, benchmarks, protocols and nobody.
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.9",
    "[2001:db8::1]",
    "[2001:DB8:0:0::1]",
    "[3fff::1]",
    "[3fff:fff::1]",
    "198.18.0.1",
    "198.19.255.255",
    "[2001:2::1]",
    "192.0.0.8",
    "192.88.99.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "[2001:1::1]",
    "[2001:3::1]",
    "[2001:4:112::1]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[2001:30::1]",
    "[2001:1ff:ffff::1]",
    "[2620:4f:8000::1]",
    "[100::1]",
    "[100:0:0:1::1]",
    "[5f00::1]",
    "[3ffe::1]",
    // To many at once, or reserved.
    "224.0.0.1",
    "233.252.0.1",
    "239.255.255.255",
    "0xe0000001",
    "[ff02::1]",
    "[FF0E::1]",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
    "0xffffffff",
    "4294967295",
    "037777777777",
    "[::2]",
    "[1::1]",
    "[200::1]",
    "[400::1]",
    "[4000::1]",
    "[6000::1]",
    "[8000::1]",
    "[c000::1]",
    "[fe00::1]",
];

/// Hosts that are names, as a URL has them and as people write them. Each leads to this machine.
const NAMES: &[&str] = &[
    "localhost",
    "localhost.",
    "LOCALHOST",
    "LocalHost.",
    "localhost.localdomain",
    "ip6-localhost",
    "mirror.localhost",
    "mirror.internal",
    "mirror.example",
    "mirror.example.",
    "MIRROR.Example",
    "127.0.0.1.example",
    "7f000001.rebind.example",
    "_dmarc.mirror.example",
    "xn--mnchen-3ya.example",
    "metadata.google.internal",
    "0x7f.example",
];

/// URLs that look as if they led elsewhere. `PORT` is one that must stay silent.
const TRICKS: &[&str] = &[
    "http://mirror.example@127.0.0.1:PORT/",
    "http://mirror.example:443@127.0.0.1:PORT/",
    "http://mirror.example%40127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\\@mirror.example/",
    "http:\\\\127.0.0.1:PORT\\",
    "http:/127.0.0.1:PORT/",
    "http:127.0.0.1:PORT/",
    "HTTP://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT#@mirror.example/",
    "http://127.0.0.1:PORT?@mirror.example/",
    "http://127%2e0%2e0%2e1:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://①②⑦.0.0.1:PORT/",
    "http://１２７.０.０.１:PORT/",
    "http://127。0。0。1:PORT/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/",
    "http://loc\u{ad}alhost:PORT/",
    "http://127.0.0.1\t:PORT/",
    "http://1\n27.0.0.1:PORT/",
    " http://127.0.0.1:PORT/ ",
    "http://[::1%25lo]:PORT/",
    "http://[fe80::1%25eth0]:PORT/",
    "http://[::1]%20:PORT/",
    "http://[::ffff:127.1]:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://127.0.0.1..:PORT/",
    "http://127.0.0.256:PORT/",
    "http://0x7f.0.0.0x1g:PORT/",
    "http://4294967296:PORT/",
    "http://127.0.0.1:PORT/metadata/../../",
];

fn object() -> ObjectPath {
    ObjectPath::new("metadata/timestamp.json").expect("a path")
}

/// A name server that leads every name to this machine.
fn home() -> std::sync::Arc<Names> {
    Names::new(|_, _| vec![IpAddr::from([127, 0, 0, 1])])
}

#[track_caller]
fn expect_refused(error: &StoreError, what: &str) {
    assert_eq!((error.kind, error.retry), (ErrorKind::Address, Retry::Never), "{what}: {error}");
    let hint = error.hint().expect("a hint");
    assert!(hint.contains("private_networks: ["), "{what}: {hint}");
    assert!(error.to_string().starts_with("offered: "), "{what}: {error}");
}

/// Every way of ours to a place, each expected to be refused before anything is sent.
///
/// What is decided is asked first, without a connection: should the decision ever be wrong, this test must not be what
/// knocks at somebody's door.
async fn expect_refused_everywhere(url: &Url, destinations: &Destinations, what: &str) {
    expect_no_address(url.host_str().expect("a host"), url.port_or_known_default().expect("a port"), destinations).await;
    let error = client(destinations).get(url.clone()).send().await.expect_err(what);
    assert_eq!(describe(&error), Failure::Refused, "{what}: {error:?}");
    assert!(matches!(refused_destination(&error), Some(RefusedDestination::Address { .. })), "{what}: {error:?}");

    let settings = WebdavSettings::new(url.clone(), client(destinations));
    expect_refused(&WebdavStore::new(target(), settings).stat(&object()).await.expect_err(what), what);

    let mut settings = s3_inprocess::settings(([192, 0, 2, 1], 9).into(), "canary-0b7c");
    (settings.endpoint, settings.http) = (url.clone(), client(destinations));
    // The SDK takes no such endpoint.
    settings.endpoint.set_query(None);
    settings.endpoint.set_fragment(None);
    expect_refused(&S3Store::new(target(), settings).stat(&object()).await.expect_err(what), what);

    let read = HttpSource::new(client(destinations), url.clone()).fetch(&object(), 9).await.expect_err(what);
    assert!(read.reason.contains("address not allowed") && read.reason.contains("private_networks: ["), "{what}: {read}");

    let error = Contacts::new(&Timeouts::default()).resolve(url, destinations).await.expect_err(what);
    assert!(error.to_string().contains(" is "), "{what}: {error}");
}

/// Nothing is connected to here.
async fn expect_no_address(host: &str, port: u16, destinations: &Destinations) {
    destinations.resolve(host, port).await.expect_err(host);
}

async fn expect_no_session(host: &str, port: u16, destinations: &Destinations) -> StoreError {
    expect_no_address(host, port, destinations).await;
    let scanned = scan_host_keys(&target(), host, port, None, &Timeouts::default(), destinations).await;
    scanned.expect_err(host);
    SftpStore::connect(target(), sftp(host, port, destinations)).await.expect_err(host)
}

/// That the gate in the client is there at all is seen on this machine, before other addresses are tried with it.
async fn expect_a_gate(bell: &Doorbell) {
    let place = format!("http://127.0.0.1:{}/", bell.port);
    let error = client(&public()).get(&place).send().await.expect_err("it is loopback");
    assert_eq!((describe(&error), bell.rung()), (Failure::Refused, 0), "{error:?}");
}

#[tokio::test]
async fn no_spelling_of_an_address_that_is_not_public_is_connected_to() {
    let bell = Doorbell::everywhere().await;
    let distinct: BTreeSet<&str> = ADDRESSES.iter().chain(NAMES).chain(TRICKS).copied().collect();
    assert!(distinct.len() >= 200 && distinct.len() == ADDRESSES.len() + NAMES.len() + TRICKS.len(), "{}", distinct.len());
    expect_a_gate(&bell).await;
    for host in ADDRESSES {
        for scheme in ["http", "https"] {
            let url = Url::parse(&format!("{scheme}://{host}:{}/", bell.port)).unwrap_or_else(|error| panic!("{host}: {error}"));
            expect_refused_everywhere(&url, &public(), url.as_str()).await;
        }
        // A resolver of the system reads the same spellings, and is asked for the rest.
        for host in [host, host.trim_matches(['[', ']'])] {
            expect_refused(&expect_no_session(host, bell.port, &public()).await, host);
        }
    }
    assert_eq!(bell.rung(), 0);
}

#[tokio::test]
async fn no_name_leads_to_an_address_that_is_not_public() {
    let bell = Doorbell::everywhere().await;
    let destinations = public().looked_up_by(home());
    for name in NAMES {
        for scheme in ["http", "https"] {
            let url = Url::parse(&format!("{scheme}://{name}:{}/", bell.port)).unwrap_or_else(|error| panic!("{name}: {error}"));
            expect_refused_everywhere(&url, &destinations, url.as_str()).await;
        }
        expect_refused(&expect_no_session(name, bell.port, &destinations).await, name);
    }
    // As the system looks it up.
    let error = expect_no_session("localhost", bell.port, &public()).await;
    expect_refused(&error, "localhost");
    assert!(error.detail.starts_with("localhost is ") && error.detail.ends_with("loopback address"), "{}", error.detail);
    assert_eq!(bell.rung(), 0);
}

#[tokio::test]
async fn no_url_that_looks_as_if_it_led_elsewhere_is_connected_to() {
    let bell = Doorbell::everywhere().await;
    let destinations = public().looked_up_by(home());
    let mut parsed = 0;
    for trick in TRICKS {
        let text = trick.replace("PORT", &bell.port.to_string());
        // What is no URL goes nowhere; the check of the configuration says so.
        if let Ok(url) = Url::parse(&text) {
            expect_refused_everywhere(&url, &destinations, &text).await;
            parsed += 1;
        }
        let host = text.trim().split("//").nth(1).unwrap_or_default().split(['/', '#', '?']).next().unwrap_or_default();
        expect_no_session(host, bell.port, &destinations).await;
    }
    assert!(parsed >= 15, "{parsed} of these are URLs");
    assert_eq!(bell.rung(), 0);
    client(&Destinations::anywhere()).get(format!("http://127.0.0.1:{}/", bell.port)).send().await.expect_err("it says no");
    assert_eq!(bell.rung(), 1, "it would have been heard");
}

#[tokio::test]
async fn an_address_of_the_public_internet_may_be_connected_to() {
    for host in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "203.0.114.0",
        "223.255.255.255",
        "134744072",
        "0x08080808",
        "010.8.8.8",
        "[::ffff:8.8.8.8]",
        "[2001:200::1]",
        "[2001:4860:4860::8888]",
        "[2001:db7:ffff::1]",
        "[2001:db9::1]",
        "[2003::1]",
        "[2400::1]",
        "[2606:4700:4700::1111]",
        "[2a00:1450::1]",
        "[3ffd::1]",
    ] {
        for port in [22, 80, 443, 1025, 8443, 65535] {
            let found = public().resolve(host, port).await.unwrap_or_else(|error| panic!("{host}: {error}"));
            assert_eq!((found.len(), found[0].address().port()), (1, port), "{host}");
        }
    }
}

#[tokio::test]
async fn ports_that_no_mirror_is_served_on_are_refused_whatever_the_address() {
    let destinations = public_and(&["127.0.0.0/8"]).looked_up_by(home());
    for host in ["8.8.8.8", "127.0.0.1", "mirror.example", "[2606:4700::1]"] {
        for port in [0, 1, 21, 23, 25, 53, 81, 110, 111, 139, 143, 389, 444, 445, 465, 587, 636, 1023, 1024] {
            let error = destinations.resolve(host, port).await.expect_err(host);
            assert!(error.to_string().starts_with(&format!("port {port} of ")), "{error}");
            // What is public is not asked for anything, not even if this fails.
            let is_here = matches!(host, "127.0.0.1" | "mirror.example");
            let Ok(url) = Url::parse(&format!("http://{host}:{port}/")) else { panic!("{host}") };
            if is_here && port != 0 {
                let error = client(&destinations).get(url).send().await.expect_err(host);
                assert!(matches!(refused_destination(&error), Some(RefusedDestination::Port { .. })), "{error:?}");
            }
        }
    }
    let error = expect_no_session("127.0.0.1", 25, &destinations).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::Address, Retry::Never));
    assert!(destinations.resolve("127.0.0.1", 443).await.is_ok());
}

#[tokio::test]
async fn what_a_maintainer_allows_is_allowed_and_no_more() {
    for (networks, yes, no) in [
        (&["10.0.0.0/8"][..], &["10.0.0.7", "0xa000007", "[::ffff:10.0.0.7]"][..], &["[::10.0.0.7]", "192.168.0.1"][..]),
        (&["fd00::/8"], &["[fd00::1]"], &["[fc00::1]", "[fe80::1]", "10.0.0.7"]),
        (&["169.254.169.254/32"], &["169.254.169.254"], &["169.254.169.253"]),
        // The way to a NAT64 is allowed; what lies behind it is looked at all the same.
        (&["64:ff9b::/96"], &["[64:ff9b::8.8.8.8]"], &["[64:ff9b::10.0.0.7]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::1]"]),
        (&["64:ff9b::/96", "10.0.0.0/8"], &["[64:ff9b::10.0.0.7]"], &["[64:ff9b::127.0.0.1]"]),
    ] {
        let destinations = public_and(networks);
        for host in yes {
            destinations.resolve(host, 443).await.unwrap_or_else(|error| panic!("{networks:?} has {host}: {error}"));
        }
        for host in no {
            assert!(destinations.resolve(host, 443).await.is_err(), "{networks:?} has no {host}");
        }
    }
    let ours = Destinations::public(&[], &[address("198.41.0.4"), address("::ffff:198.41.0.5")]);
    for host in ["198.41.0.4", "198.41.0.5", "[::ffff:198.41.0.4]"] {
        let error = ours.resolve(host, 443).await.expect_err(host);
        assert!(error.to_string().ends_with(" is an address of our own"), "{error}");
    }
    assert!(ours.resolve("198.41.0.6", 443).await.is_ok());
}
