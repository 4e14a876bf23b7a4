//! The SFTP store through proxies.

use std::net::SocketAddr;

use spartacus::base::ObjectPath;
use spartacus::store::sftp::SftpStore;
use spartacus::store::{Body, ErrorKind, Store, Write};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use crate::sshd::{Sshd, target};

/// A proxy of either kind, told apart by the first byte; it serves one connection and hears the name asked for.
async fn proxy(server: SocketAddr) -> (SocketAddr, AbortOnDropHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let serving = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("a connection");
        let asked = if client.read_u8().await.expect("a byte") == 5 { socks(&mut client).await } else { http(&mut client).await };
        let mut onward = TcpStream::connect(server).await.expect("the server");
        // Until one of them hangs up.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut onward).await;
        asked
    });
    (address, AbortOnDropHandle::new(serving))
}

async fn socks(client: &mut TcpStream) -> String {
    let mut methods = vec![0; usize::from(client.read_u8().await.expect("a count"))];
    client.read_exact(&mut methods).await.expect("methods");
    assert!(methods.contains(&2), "a URL with a user offers to log in");
    client.write_all(&[5, 2]).await.expect("an answer");
    let mut login = [0; 3 + 4 + 6];
    client.read_exact(&mut login).await.expect("a login");
    assert_eq!(&login, b"\x01\x04anna\x06p@ss:1");
    client.write_all(&[1, 0]).await.expect("an answer");
    let mut request = [0; 5];
    client.read_exact(&mut request).await.expect("a request");
    assert_eq!(request[..4], [5, 1, 0, 3], "the name is resolved by the proxy");
    let mut name = vec![0; usize::from(request[4]) + 2];
    client.read_exact(&mut name).await.expect("a name and a port");
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 9]).await.expect("an answer");
    String::from_utf8_lossy(&name[..name.len() - 2]).into_owned()
}

async fn http(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.expect("a byte of the head"));
    }
    let head = String::from_utf8(head).expect("text");
    assert!(head.contains("Proxy-Authorization: Basic YW5uYTpwQHNzOjE=\r\n"), "{head}");
    client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await.expect("an answer");
    // "ONNECT name:port HTTP/1.1", since the first byte is gone.
    head.split(' ').nth(1).and_then(|place| place.rsplit_once(':')).expect("a place").0.to_owned()
}

#[tokio::test]
async fn both_kinds_of_proxy_carry_a_push_and_get_the_name_unresolved() {
    for scheme in ["socks5h", "http"] {
        let server = Sshd::start().await;
        let (address, serving) = proxy(server.address).await;
        let mut settings = server.settings();
        settings.host = "mirror.invalid".to_owned();
        settings.proxy = Some(format!("{scheme}://anna:p%40ss%3A1@{address}").parse().expect("a URL"));
        let store = SftpStore::connect(target(), settings).await.expect("the server lets us in");
        let path = ObjectPath::new("file").expect("a path");
        store.put(&path, &Body::bytes("through"), Write::New).await.expect("a put succeeds");
        assert_eq!(std::fs::read_to_string(server.data().join("file")).expect("a file"), "through");
        store.close().await;
        drop(store);
        assert_eq!(serving.await.expect("the proxy ends"), "mirror.invalid");
    }
}

#[tokio::test]
async fn with_a_proxy_the_first_jump_host_is_what_goes_through_it() {
    let (jump, server) = (Sshd::start_jump_host().await, Sshd::start().await);
    let (address, serving) = proxy(jump.address).await;
    let mut settings = server.settings();
    settings.jump = vec![jump.jump()];
    settings.jump[0].host = "jump.invalid".to_owned();
    settings.proxy = Some(format!("socks5h://anna:p%40ss%3A1@{address}").parse().expect("a URL"));
    let store = SftpStore::connect(target(), settings).await.expect("both let us in");
    let path = ObjectPath::new("file").expect("a path");
    store.put(&path, &Body::bytes("through"), Write::New).await.expect("a put succeeds");
    assert_eq!(std::fs::read_to_string(server.data().join("file")).expect("a file"), "through");
    store.close().await;
    drop(store);
    assert_eq!(serving.await.expect("the proxy ends"), "jump.invalid");
    assert_eq!((jump.connections(), server.connections()), (1, 1));
}

#[tokio::test]
async fn a_proxy_that_is_gone_is_not_gone_around() {
    let server = Sshd::start().await;
    let unused = format!("127.0.0.1:{}", crate::support::process::free_ports(1)[0]);
    let mut settings = server.settings();
    settings.proxy = Some(format!("socks5h://{unused}").parse().expect("a URL"));
    let error = SftpStore::connect(target(), settings).await.expect_err("nobody listens there");
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert_eq!(server.connections(), 0);
}
