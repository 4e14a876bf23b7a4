//! Names that mean another address a moment later, or several at once, and redirects.

use std::net::{IpAddr, Ipv4Addr};

use spartacus::base::{ObjectPath, Timeouts};
use spartacus::net::{Clients, ContactError, Contacts, Destinations, Failure, HttpPolicy, NetError, describe};
use spartacus::reader::HttpSource;
use spartacus::store::sftp::{JumpHost, SftpSettings, SftpStore};
use spartacus::store::{ErrorKind, Retry};
use spartacus::trust::Fetch as _;
use url::Url;

use super::{Doorbell, Names, address, client, public_and, sftp, target};
use crate::scripted::{Act, Scripted, answer};

/// Stands for an address of the public Internet: nothing else is connected to in tests.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const TRIES: usize = 1000;

fn destinations() -> Destinations {
    public_and(&["127.0.0.2/32"])
}

/// Once the one, once the other.
fn alternating(_: &str, before: usize) -> Vec<IpAddr> {
    vec![if before.is_multiple_of(2) { PUBLIC.into() } else { Ipv4Addr::LOCALHOST.into() }]
}

fn fine(_port: u16) -> String {
    String::from_utf8(answer("200 OK", &["Connection: close"], "fine")).expect("text")
}

#[tokio::test]
async fn a_name_that_means_this_machine_every_other_time_leads_here_never() {
    let (allowed, refused) = Doorbell::two(PUBLIC, fine).await;
    let names = Names::new(alternating);
    let destinations = destinations().looked_up_by(names.clone());
    let client = client(&destinations);
    let url = format!("http://mirror.example:{}/", allowed.port);
    for number in 0..TRIES {
        match client.get(&url).send().await {
            Ok(answer) => assert!(answer.status().is_success() && number % 2 == 0, "{number}"),
            Err(error) => assert_eq!((describe(&error), number % 2), (Failure::Refused, 1), "{number}: {error:?}"),
        }
    }
    assert_eq!((allowed.rung(), refused.rung()), (TRIES / 2, 0));
    assert_eq!(names.asked(), TRIES, "what was looked at is what is connected to: nobody asks again");
}

#[tokio::test]
async fn nor_over_ssh() {
    // What it says is no greeting of SSH, which ends it at once.
    let (allowed, refused) = Doorbell::two(PUBLIC, fine).await;
    let names = Names::new(alternating);
    let destinations = destinations().looked_up_by(names.clone());
    for number in 0..TRIES {
        let error = SftpStore::connect(target(), sftp("mirror.example", allowed.port, &destinations)).await.expect_err("no SSH");
        assert_eq!(error.kind == ErrorKind::Address, number % 2 == 1, "{number}: {error}");
    }
    assert_eq!((allowed.rung(), refused.rung()), (TRIES / 2, 0));
    assert_eq!(names.asked(), TRIES);
}

#[tokio::test]
async fn nor_in_a_probe() {
    let (allowed, refused) = Doorbell::two(PUBLIC, fine).await;
    let names = Names::new(alternating);
    let destinations = destinations().looked_up_by(names.clone());
    let contacts = Contacts::new(&Timeouts::default());
    let url = Url::parse(&format!("http://mirror.example:{}/", allowed.port)).expect("a URL");
    for number in 0..TRIES {
        match contacts.resolve(&url, &destinations).await {
            Ok((_, found)) => {
                assert_eq!((found.len(), number % 2), (1, 0));
                contacts.get(&url, found[0], None).await.result.expect("it is fine");
            }
            Err(error) => assert!(matches!(error, ContactError::Forbidden(_)) && number % 2 == 1, "{number}: {error}"),
        }
    }
    assert_eq!((allowed.rung(), refused.rung()), (TRIES / 2, 0));
    assert_eq!(names.asked(), TRIES);
}

#[tokio::test]
async fn one_address_that_is_refused_spoils_the_whole_name() {
    for mixture in [
        &["127.0.0.2", "127.0.0.1"][..],
        &["127.0.0.1", "127.0.0.2"],
        &["127.0.0.2", "::1"],
        &["::1", "127.0.0.2"],
        &["127.0.0.2", "127.0.0.2", "127.0.0.2", "10.0.0.7"],
        &["127.0.0.2", "::ffff:127.0.0.1"],
        &["127.0.0.2", "fe80::1"],
        &["127.0.0.2", "64:ff9b::7f00:1"],
        &["127.0.0.2", "0.0.0.0"],
    ] {
        let (allowed, refused) = Doorbell::two(PUBLIC, fine).await;
        let destinations = destinations().looked_up_by(Names::new(|_, _| mixture.iter().map(|text| address(text)).collect()));
        let error =
            client(&destinations).get(format!("http://mirror.example:{}/", allowed.port)).send().await.expect_err("mixed");
        assert_eq!(describe(&error), Failure::Refused, "{mixture:?}");
        let settings = sftp("mirror.example", allowed.port, &destinations);
        let error = SftpStore::connect(target(), settings).await.expect_err("mixed");
        assert!(error.kind == ErrorKind::Address && error.detail.starts_with("mirror.example is "), "{mixture:?}: {error}");
        assert_eq!((allowed.rung(), refused.rung()), (0, 0), "{mixture:?}");
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_no_refusal_and_may_have_one_later() {
    let destinations = destinations().looked_up_by(Names::new(|_, _| Vec::new()));
    let error = client(&destinations).get("http://mirror.example/").send().await.expect_err("no address");
    assert_eq!(describe(&error), Failure::Unreachable, "{error:?}");
    let error = SftpStore::connect(target(), sftp("mirror.example", 22, &destinations)).await.expect_err("no address");
    assert_eq!(error.kind, ErrorKind::Unreachable);
}

/// Whoever is behind a proxy or a jump host connects where nobody sees it, so neither is even greeted.
#[tokio::test]
async fn nothing_is_asked_to_connect_for_us() {
    let (allowed, refused) = Doorbell::two(PUBLIC, fine).await;
    for scheme in ["http", "socks5h"] {
        let proxy = Url::parse(&format!("{scheme}://nobody:canary-77@{PUBLIC}:{}", allowed.port)).expect("a URL");
        let policy =
            HttpPolicy { proxy: Some(proxy.clone()), destinations: destinations(), ..HttpPolicy::new(&Timeouts::default()) };
        let error = Clients::default().get(&policy).expect_err("a proxy");
        assert!(matches!(error, NetError::Refused(_)) && !error.to_string().contains("canary-77"), "{error}");
        let mut settings = sftp("mirror.example", 22, &destinations());
        settings.proxy = Some(proxy);
        let error = SftpStore::connect(target(), settings).await.expect_err("a proxy");
        assert!(error.kind == ErrorKind::Address && !error.to_string().contains("canary-77"), "{error}");
    }
    let mut settings = sftp("mirror.example", 22, &destinations());
    let SftpSettings { user, auth, host_keys, .. } = settings.clone();
    settings.jump = vec![JumpHost { host: PUBLIC.to_string(), port: allowed.port, user, auth, host_keys }];
    let error = SftpStore::connect(target(), settings).await.expect_err("a jump host");
    assert_eq!((error.kind, error.retry), (ErrorKind::Address, Retry::Never), "{error}");
    assert_eq!((allowed.rung(), refused.rung()), (0, 0));
}

/// One that may lead anywhere has kept connections open, which are no way around the gate.
#[tokio::test]
async fn clients_that_may_lead_elsewhere_are_never_shared() {
    let server = Scripted::start(|_| Act::Send(answer("200 OK", &[], "fine"))).await;
    let clients = Clients::default();
    let policy = HttpPolicy::new(&Timeouts::default());
    let ask = |policy: &HttpPolicy| clients.get(policy).expect("a client").get(server.base.clone()).send();
    ask(&policy).await.expect("an answer").bytes().await.expect("a body");
    let error = ask(&HttpPolicy { destinations: destinations(), ..policy.clone() }).await.expect_err("it is loopback");
    assert_eq!(describe(&error), Failure::Refused);
    let allowed = HttpPolicy { destinations: public_and(&["127.0.0.1/32"]), ..policy.clone() };
    ask(&allowed).await.expect("an answer").bytes().await.expect("a body");
    ask(&HttpPolicy { destinations: destinations(), ..policy }).await.expect_err("it still is");
    assert_eq!(server.connections(), 2, "one for each client that may come");
}

#[tokio::test]
async fn a_redirect_of_a_mirror_leads_nowhere() {
    for code in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let elsewhere = |port| {
            let place = format!("Location: http://127.0.0.1:{port}/metadata/timestamp.json");
            String::from_utf8(answer(code, &[&place, "Connection: close"], "")).expect("text")
        };
        let (allowed, refused) = Doorbell::two(PUBLIC, elsewhere).await;
        let base = Url::parse(&format!("http://{PUBLIC}:{}/", allowed.port)).expect("a URL");
        let path = ObjectPath::new("metadata/timestamp.json").expect("a path");
        let error = HttpSource::new(client(&destinations()), base.clone()).fetch(&path, 9).await.expect_err("a redirect");
        assert!(error.reason.contains("redirected to http://127.0.0.1:"), "{error}");
        let contacts = Contacts::new(&Timeouts::default());
        let (_, found) = contacts.resolve(&base, &destinations()).await.expect("it is allowed");
        let error = contacts.get(&base, found[0], None).await.result.expect_err("a redirect");
        assert!(matches!(error, ContactError::Redirect { .. }), "{error}");
        assert_eq!((allowed.rung(), refused.rung()), (2, 0), "{code}");
    }
}
