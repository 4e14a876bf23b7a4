//! HTTP clients: authorities, proxies and redirects, each against listeners of the test's own.

use std::net::Ipv4Addr;
use std::sync::Arc;

use camino::Utf8PathBuf;
use spartacus::base::Timeouts;
use spartacus::net::{Clients, Destinations, Failure, HttpPolicy, NetError, closed_before_answer, describe};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use url::Url;

use super::scripted::{Act, Scripted, answer};

fn policy() -> HttpPolicy {
    HttpPolicy::new(&Timeouts::default())
}

fn client(policy: &HttpPolicy) -> reqwest::Client {
    Clients::default().get(policy).expect("a client")
}

fn ok() -> Act {
    Act::Send(answer("200 OK", &[], "fine"))
}

/// A port that nobody listens on.
fn closed_port() -> u16 {
    crate::support::process::free_ports(1)[0]
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_no_order() {
    for code in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let other = Scripted::start(|_| ok()).await;
        let place = format!("Location: {}", other.base);
        let server = Scripted::start(move |_| Act::Send(answer(code, &[&place], ""))).await;
        for policy in [policy(), policy().for_uploads()] {
            let request = client(&policy).put(server.base.clone()).bearer_auth("canary").body("bytes");
            assert!(request.send().await.expect("an answer").status().is_redirection());
        }
        assert_eq!(other.connections(), 0, "{code}");
    }
}

#[tokio::test]
async fn clients_are_made_once_per_policy() {
    let clients = Clients::default();
    let server = Scripted::start(|_| ok()).await;
    for _ in 0..3 {
        let client = clients.get(&policy()).expect("a client");
        client.get(server.base.clone()).send().await.expect("an answer").bytes().await.expect("a body");
    }
    assert_eq!(server.connections(), 1, "the three share one pool");
    let seen = server.seen();
    assert!(seen[0].header("user-agent").starts_with("spartacus/"));
    assert_eq!(seen[0].header("referer"), "");
}

#[tokio::test]
async fn beyond_a_few_hundred_targets_no_idle_connection_is_kept() {
    for (targets, connections) in [(1, 1), (256, 1), (257, 3), (2200, 3)] {
        let clients = Clients::for_targets(targets);
        let server = Scripted::start(|_| ok()).await;
        for _ in 0..3 {
            let client = clients.get(&policy()).expect("a client");
            client.get(server.base.clone()).send().await.expect("an answer").bytes().await.expect("a body");
        }
        assert_eq!(server.connections(), connections, "{targets} targets");
    }
}

/// The extension `supported_versions` of the first message of a TLS handshake (RFC 8446, section 4.2.1).
fn offered_versions(hello: &[u8]) -> Vec<u16> {
    let short = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
    // Record and message headers, version, random; then the session, the ciphers and the compressions.
    let session = 5 + 4 + 2 + 32;
    let ciphers = session + 1 + usize::from(hello[session]);
    let compressions = ciphers + 2 + short(ciphers);
    let mut at = compressions + 1 + usize::from(hello[compressions]) + 2;
    while short(at) != 43 {
        at += 4 + short(at + 2);
    }
    (at + 5..at + 4 + short(at + 2)).step_by(2).map(|at| u16::from_be_bytes([hello[at], hello[at + 1]])).collect()
}

#[tokio::test]
async fn nothing_older_than_tls_1_2_is_offered() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let url = format!("https://localhost:{}/", listener.local_addr().expect("an address").port());
    let asking = tokio::spawn(client(&policy()).get(url).send());
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut hello = vec![0; 5];
    stream.read_exact(&mut hello).await.expect("a record");
    hello.resize(5 + usize::from(u16::from_be_bytes([hello[3], hello[4]])), 0);
    stream.read_exact(&mut hello[5..]).await.expect("the rest of it");
    let mut offered = offered_versions(&hello);
    offered.sort_unstable();
    assert_eq!(offered, [0x0303, 0x0304], "TLS 1.2 and 1.3");
    drop(stream);
    asking.await.expect("no panic").expect_err("nobody answered");
}

/// A TLS server for `localhost` with a certificate of an authority nobody knows; its PEM file; its address.
async fn tls_server(folder: &tempfile::TempDir) -> (Utf8PathBuf, Url) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let file = Utf8PathBuf::from_path_buf(folder.path().join("ca.pem")).expect("a path in UTF-8");
    std::fs::write(&file, made.cert.pem()).expect("a file");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                let _ = stream.write_all(&answer("200 OK", &["Connection: close"], "fine")).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (file, Url::parse(&format!("https://localhost:{port}/")).expect("a URL"))
}

#[tokio::test]
async fn an_authority_is_trusted_where_it_is_named_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, address) = tls_server(&folder).await;
    let error = client(&policy()).get(address.clone()).send().await.expect_err("nobody vouches for it");
    assert_eq!(describe(&error), Failure::Tls, "{error:?}");

    let trusted = file.clone();
    let trusting = client(&HttpPolicy { ca: Some(file), ..policy() });
    assert_eq!(trusting.get(address.clone()).send().await.expect("it is vouched for").text().await.expect("a body"), "fine");

    // The gate before connections changes nothing about TLS behind it.
    let allowed = ["127.0.0.1/32", "::1/128"].map(|text| text.parse().expect("a block"));
    let gated = client(&HttpPolicy { ca: Some(trusted), destinations: Destinations::public(&allowed, &[]), ..policy() });
    assert_eq!(gated.get(address.clone()).send().await.expect("it is allowed").text().await.expect("a body"), "fine");

    let mut elsewhere = address;
    elsewhere.set_host(Some("127.0.0.1")).expect("a host");
    let error = trusting.get(elsewhere).send().await.expect_err("the certificate is for another name");
    assert_eq!(describe(&error), Failure::Tls, "{error:?}");
}

#[tokio::test]
async fn a_file_without_certificates_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = Utf8PathBuf::from_path_buf(folder.path().join("ca.pem")).expect("a path in UTF-8");
    let get = || Clients::default().get(&HttpPolicy { ca: Some(file.clone()), ..policy() });
    assert!(matches!(get(), Err(NetError::ReadCa { .. })));
    for text in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&file, text).expect("a file");
        assert!(matches!(get(), Err(NetError::ParseCa { .. })), "{text:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_fails_is_never_gone_around() {
    let server = Scripted::start(|_| ok()).await;
    let closed = closed_port();
    let refusing = Scripted::start(|_| Act::SendAndClose(answer("502 Bad Gateway", &[], ""))).await;
    let proxies = [
        format!("http://127.0.0.1:{closed}"),
        format!("socks5h://127.0.0.1:{closed}"),
        // Speaks, but no SOCKS.
        format!("socks5h://127.0.0.1:{}", refusing.base.port().expect("a port")),
    ];
    for proxy in proxies {
        for policy in [policy(), policy().for_uploads()] {
            let client = client(&HttpPolicy { proxy: Some(Url::parse(&proxy).expect("a URL")), ..policy });
            // The scripted server reads until a blank line, which no SOCKS greeting has: the client must give up first.
            let sent = tokio::time::timeout(std::time::Duration::from_millis(300), client.get(server.base.clone()).send()).await;
            if let Ok(result) = sent {
                assert_eq!(describe(&result.expect_err("the proxy does not serve")), Failure::Unreachable, "{proxy}");
            }
        }
    }
    // https goes through CONNECT; a refusal of it ends the attempt.
    let through = Url::parse(&format!("http://127.0.0.1:{}", refusing.base.port().expect("a port"))).expect("a URL");
    let mut secure = server.base.clone();
    secure.set_scheme("https").expect("a scheme");
    let error = client(&HttpPolicy { proxy: Some(through), ..policy() }).get(secure).send().await.expect_err("it is refused");
    assert_eq!(describe(&error), Failure::Unreachable, "{error:?}");
    assert_eq!(refusing.of("CONNECT").len(), 1);
    assert_eq!(server.connections(), 0, "nothing ever went straight to the server");
}

/// `socks5h` hands the name to the proxy: looking it up here would tell the local resolver which onion is visited.
#[tokio::test]
async fn names_are_looked_up_by_the_proxy() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut greeting = [0; 2];
        stream.read_exact(&mut greeting).await.expect("a greeting");
        let mut methods = vec![0; usize::from(greeting[1])];
        stream.read_exact(&mut methods).await.expect("methods");
        stream.write_all(&[5, 0]).await.expect("a choice");
        let mut request = [0; 5];
        stream.read_exact(&mut request).await.expect("a request");
        assert_eq!(request[3], 3, "a name, not an address");
        let mut name = vec![0; usize::from(request[4])];
        stream.read_exact(&mut name).await.expect("a name");
        String::from_utf8(name).expect("ascii")
    });
    let through = Url::parse(&format!("socks5h://127.0.0.1:{port}")).expect("a URL");
    let client = client(&HttpPolicy { proxy: Some(through), ..policy() });
    let error = client.get("http://mirror.onion/").send().await.expect_err("the proxy hangs up");
    assert_eq!(describe(&error), Failure::Unreachable, "{error:?}");
    assert_eq!(proxy.await.expect("the proxy was asked"), "mirror.onion");
}

#[tokio::test]
async fn failures_have_their_names() {
    let port = closed_port();
    let error = client(&policy()).get(format!("http://127.0.0.1:{port}/")).send().await.expect_err("nobody listens");
    assert_eq!(describe(&error), Failure::Unreachable);

    let server = Scripted::start(|_| Act::SendAndClose(b"SSH-2.0-OpenSSH\r\n".to_vec())).await;
    let error = client(&policy()).get(server.base.clone()).send().await.expect_err("that is no HTTP");
    assert_eq!(describe(&error), Failure::Protocol, "{error:?}");

    let server = Scripted::start(|_| Act::SendAndClose(Vec::new())).await;
    let error = client(&policy()).get(server.base.clone()).send().await.expect_err("it hangs up");
    assert_eq!(describe(&error), Failure::ConnectionLost, "{error:?}");
    assert!(closed_before_answer(&error));

    let broken = futures_util::stream::iter([
        Ok(bytes::Bytes::from_static(b"some")),
        Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
    ]);
    let server = Scripted::start(|_| ok()).await;
    let request = client(&policy()).put(server.base.clone()).body(reqwest::Body::wrap_stream(broken));
    let error = request.header("content-length", 10).send().await.expect_err("our own file ended early");
    assert_eq!(describe(&error), Failure::Body, "{error:?}");
    assert!(!closed_before_answer(&error));
}
