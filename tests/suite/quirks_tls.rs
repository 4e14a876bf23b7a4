//! The stores over TLS: good certificates of an authority of one's own, and bad ones of every kind (F41); virtual hosts
//! of S3; proxies that die midway (F42).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::Utf8PathBuf;
use spartacus::base::{RetryPolicy, Secret, Timeouts};
use spartacus::net::{Clients, Failure, HttpPolicy, describe};
use spartacus::store::contract::{self, noise, path};
use spartacus::store::s3::{Addressing, S3Settings, S3Store};
use spartacus::store::webdav::{AuthMode, WebdavSettings, WebdavStore};
use spartacus::store::{Body, ErrorKind, Retry, Retrying, Store, Write};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::s3_inprocess::{self, settings as s3_settings};
use crate::scripted::{Act, Scripted, Seen, answer};
use crate::sftp_peer::{Habit, Peer};
use crate::support::apache::Apache;
use crate::support::tls::{Authority, Identity};
use crate::support::{PASSWORD, USER};
use crate::webdav_servers::target;

/// TLS in front of a plain server on this machine; it ends with this value.
struct Front {
    port: u16,
    connections: Arc<AtomicUsize>,
    ca: Utf8PathBuf,
    _folder: tempfile::TempDir,
    _serving: AbortOnDropHandle<()>,
}

impl Front {
    async fn before(behind: SocketAddr, authority: &Authority, identity: &Identity) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = Utf8PathBuf::from_path_buf(folder.path().join("ca.pem")).expect("a path in UTF-8");
        std::fs::write(&ca, authority.pem()).expect("a file");
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a server");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us ends the handshake.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut onward = TcpStream::connect(behind).await.expect("the server behind");
                    // Until one of them hangs up.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut onward).await;
                });
            }
        });
        Self { port, connections, ca, _folder: folder, _serving: AbortOnDropHandle::new(serving) }
    }

    fn url(&self, path: &str) -> Url {
        format!("https://localhost:{}/{path}", self.port).parse().expect("a URL")
    }

    fn client(&self) -> reqwest::Client {
        client(&HttpPolicy { ca: Some(self.ca.clone()), ..uploads() })
    }

    fn webdav(&self, client: reqwest::Client) -> WebdavStore {
        WebdavStore::new(target(), WebdavSettings::new(self.url("dav/"), client))
    }

    fn s3(&self, client: reqwest::Client) -> S3Store {
        let behind = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let settings = s3_settings(behind, s3_inprocess::SECRET);
        S3Store::new(target(), S3Settings { endpoint: self.url(""), http: client, ..settings })
    }
}

fn uploads() -> HttpPolicy {
    HttpPolicy::new(&Timeouts::default()).for_uploads()
}

fn client(policy: &HttpPolicy) -> reqwest::Client {
    Clients::default().get(policy).expect("a client")
}

fn address(server: &Scripted) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, server.base.port().expect("a port")))
}

#[tokio::test]
async fn webdav_over_tls_keeps_the_contract() {
    let apache = Apache::start();
    let ca = Utf8PathBuf::from_path_buf(apache.folder.path().join("authority.pem")).expect("a path in UTF-8");
    std::fs::write(&ca, apache.authority.pem()).expect("a file");
    let base = format!("https://localhost:{}/dav/", apache.tls_port).parse().expect("a URL");
    let settings = WebdavSettings {
        user: Some(USER.to_owned()),
        password: Some(Secret::new(PASSWORD.to_owned())),
        auth: AuthMode::Auto,
        ..WebdavSettings::new(base, client(&HttpPolicy { ca: Some(ca), ..uploads() }))
    };
    contract::run_all(&WebdavStore::new(target(), settings)).await;
}

#[tokio::test]
async fn s3_over_tls_keeps_the_contract() {
    let server = s3_inprocess::Server::start().await;
    let authority = Authority::new();
    let front = Front::before(server.address, &authority, &authority.issue(["localhost"])).await;
    contract::run_all(&front.s3(front.client())).await;
}

/// An S3 server of few words, which takes uploads in parts.
fn takes_parts(seen: &Seen) -> Act {
    let begun = "<InitiateMultipartUploadResult><UploadId>u-1</UploadId></InitiateMultipartUploadResult>";
    match seen.method.as_str() {
        "GET" => Act::Send(answer("501 Not Implemented", &[], "<Error><Code>NotImplemented</Code></Error>")),
        "POST" if seen.path.contains("uploads") => Act::Send(answer("200 OK", &[], begun)),
        "POST" => Act::Send(answer("200 OK", &[], "<CompleteMultipartUploadResult/>")),
        _ => Act::Send(answer("200 OK", &["ETag: \"tag\""], "")),
    }
}

/// Hashing a file once more for its parts would read it twice; TLS already keeps them whole on the way.
#[tokio::test]
async fn parts_go_unsigned_over_tls_and_whole_objects_do_not() {
    let server = Scripted::start(takes_parts).await;
    let authority = Authority::new();
    let front = Front::before(address(&server), &authority, &authority.issue(["localhost"])).await;
    let store = front.s3(front.client());
    let bytes = noise((16 << 20) + 5, 1);
    store.put(&path("large"), &Body::bytes(bytes.clone()), Write::New).await.expect("a put succeeds");
    let small = Body::bytes("small");
    store.put(&path("small"), &small, Write::New).await.expect("a put succeeds");

    let mut puts = server.of("PUT");
    puts.sort_by(|one, other| one.path.cmp(&other.path));
    let [first, second, whole] = &puts[..] else { panic!("two parts and an object: {}", puts.len()) };
    for part in [first, second] {
        assert!(part.path.contains("partNumber"), "{}", part.path);
        assert_eq!(part.header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
        assert_eq!(part.header("content-length"), part.body.len().to_string());
        assert_eq!(part.header("transfer-encoding"), "");
    }
    assert_eq!([&first.body[..], &second.body[..]].concat(), bytes);
    assert_eq!(whole.header("x-amz-content-sha256"), small.sha256().to_string());
    for seen in server.seen() {
        for name in ["x-amz-acl", "x-amz-trailer", "if-match", "if-none-match", "expect"] {
            assert!(!seen.headers.contains_key(name), "{name} in {} {}", seen.method, seen.path);
        }
    }
}

#[tokio::test]
async fn a_bucket_can_be_a_host_name() {
    let server = Scripted::start(|_| Act::Send(answer("200 OK", &[], ""))).await;
    let port = address(&server).port();
    let http = reqwest::Client::builder()
        .no_proxy()
        .resolve("mirror.s3.test", address(&server))
        .build()
        .expect("a client that knows this name");
    let settings = S3Settings {
        endpoint: format!("http://s3.test:{port}").parse().expect("a URL"),
        addressing: Addressing::Virtual,
        http,
        ..s3_settings(address(&server), s3_inprocess::SECRET)
    };
    let store = S3Store::new(target(), settings);
    store.put(&path("a/b.txt"), &Body::bytes("x"), Write::New).await.expect("a put succeeds");
    let [seen] = &server.seen()[..] else { panic!("one request") };
    assert_eq!((seen.header("host"), seen.path.as_str()), (format!("mirror.s3.test:{port}").as_str(), "/some/where/a/b.txt"));
    assert!(seen.header("authorization").contains("host;"), "the name is signed: {}", seen.header("authorization"));
}

#[tokio::test]
async fn bad_certificates_are_refused_once_and_nothing_is_said_to_them() {
    let server = Scripted::start(|_| Act::Send(answer("200 OK", &[], ""))).await;
    let (known, stranger) = (Authority::new(), Authority::new());
    for (what, identity) in [
        ("expired", known.issue_expired()),
        ("not yet valid", known.issue_not_yet_valid()),
        ("for another host", known.issue_wrong_host()),
        ("by an unknown authority", stranger.issue(["localhost"])),
    ] {
        let front = Front::before(address(&server), &known, &identity).await;
        let error = front.client().get(front.url("")).send().await.expect_err(what);
        assert_eq!(describe(&error), Failure::Tls, "{what}: {error:?}");

        let before = front.connections.load(Ordering::SeqCst);
        let stores: [Box<dyn Store>; 2] = [
            Box::new(Retrying::new(front.webdav(front.client()), RetryPolicy::default(), 1)),
            Box::new(Retrying::new(front.s3(front.client()), RetryPolicy::default(), 1)),
        ];
        for store in stores {
            let error = store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect_err(what);
            assert_eq!((error.kind, error.retry), (ErrorKind::Tls, Retry::Never), "{what}: {error}");
        }
        assert_eq!(front.connections.load(Ordering::SeqCst) - before, 2, "{what}: each store tried once");
    }
    assert_eq!(server.connections(), 0, "no byte of a request came through");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_not_spoken_to_in_the_clear() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serving = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.expect("a client");
        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await.expect("an answer");
        let mut heard = Vec::new();
        // The client may reset the connection, having unread bytes of ours.
        let _ = stream.read_to_end(&mut heard).await;
        heard
    });
    let base = format!("https://localhost:{port}/dav/").parse().expect("a URL");
    let store = WebdavStore::new(target(), WebdavSettings::new(base, client(&uploads())));
    let error = store.put(&path("file"), &Body::bytes("canary"), Write::New).await.expect_err("it speaks no TLS");
    assert_eq!((error.kind, error.retry), (ErrorKind::Tls, Retry::Never), "{error}");
    let heard = serving.await.expect("the server ends");
    assert!(!heard.windows(4).any(|part| part == b"PUT " || part == b"cana"), "{heard:?}");
}

#[tokio::test]
async fn a_proxy_that_dies_midway_is_not_gone_around() {
    let server = Scripted::start(|_| Act::Send(answer("201 Created", &[], ""))).await;
    // A proxy for plain http answers in the server's place.
    let proxy = Scripted::start(|seen| match seen.turn {
        0 => Act::Send(answer("200 OK", &[], "through the proxy")),
        _ => Act::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort".to_vec()),
    })
    .await;
    let through = Url::parse(&format!("http://127.0.0.1:{}", address(&proxy).port())).expect("a URL");
    let client = client(&HttpPolicy { proxy: Some(through), ..uploads() });
    let get = || client.get(server.base.clone()).send();
    assert_eq!(get().await.expect("an answer").text().await.expect("a body"), "through the proxy");
    let error = get().await.expect("a head").bytes().await.expect_err("it breaks off in the body");
    assert_eq!(describe(&error), Failure::ConnectionLost, "{error:?}");
    drop(proxy);
    // The listener goes with the task that was told to end, which takes a moment.
    loop {
        match get().await {
            Ok(answer) => drop(answer.bytes().await),
            Err(error) if describe(&error) == Failure::Unreachable => break,
            Err(_) => {}
        }
    }
    assert_eq!(server.connections(), 0, "nothing ever went straight to the server");
}

/// The same for SFTP: a tunnel that breaks is a broken connection, and the next one goes through the proxy or not at all.
#[tokio::test]
async fn a_tunnel_that_dies_midway_is_not_gone_around() {
    let peer = Peer::start(Habit::Plain).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let through = listener.local_addr().expect("an address");
    let behind = peer.address;
    let (cut, mut cutting) = tokio::sync::oneshot::channel::<()>();
    let serving = AbortOnDropHandle::new(tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut client, _) = listener.accept().await.expect("a client");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.expect("a byte of the head"));
        }
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("an answer");
        let mut onward = TcpStream::connect(behind).await.expect("the server");
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut onward) => {}
            _ = &mut cutting => {}
        }
    }));
    let mut settings = peer.settings();
    settings.proxy = Some(format!("http://{through}").parse().expect("a URL"));
    let store = spartacus::store::sftp::SftpStore::connect(target(), settings).await.expect("the server lets us in");
    store.put(&path("file"), &Body::bytes("bytes"), Write::New).await.expect("a put succeeds");
    cut.send(()).expect("the proxy waits for it");
    serving.await.expect("the proxy ends");
    for _ in 0..3 {
        let error = store.put(&path("other"), &Body::bytes("bytes"), Write::New).await.expect_err("the proxy is gone");
        assert!(matches!(error.kind, ErrorKind::ConnectionLost | ErrorKind::Unreachable), "{error}");
    }
    assert_eq!(peer.authentications.load(Ordering::SeqCst), 1, "nobody came without the proxy");
}

#[test]
fn a_proxys_password_is_never_shown() {
    let proxy = Some("http://anna:canary-7@127.0.0.1:9".parse().expect("a URL"));
    let policy = HttpPolicy { proxy, ..uploads() };
    let http = client(&policy);
    let webdav = WebdavSettings::new("http://localhost/".parse().expect("a URL"), http.clone());
    let s3 = S3Settings { http, ..s3_settings(([127, 0, 0, 1], 9).into(), "canary-7-secret") };
    for shown in [format!("{policy:?}"), format!("{webdav:?}"), format!("{s3:?}")] {
        assert!(!shown.contains("canary-7") && !shown.contains("anna"), "{shown}");
        // "anna:canary-7" as a login header carries it.
        assert!(!shown.contains("YW5uYTpjYW5hcnktNw"), "{shown}");
    }
}
