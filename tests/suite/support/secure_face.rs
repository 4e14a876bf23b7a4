//! The readers' side of a folder over HTTPS, on an address of loopback of its own.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::embedded::mirrors::face;
use super::tls::Identity;

/// A folder served read-only. Stops when dropped.
#[derive(Debug)]
pub struct SecureFace {
    pub port: u16,
    /// Dropping it ends the thread below.
    _running: oneshot::Sender<()>,
}

impl SecureFace {
    /// Serves `folder` at `address` as `identity`, from a thread with a runtime of its own.
    pub fn over(folder: &Path, address: &str, identity: &Identity) -> Self {
        let folder = folder.to_owned();
        let address: IpAddr = address.parse().expect("an address");
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a server");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (running, stopped) = oneshot::channel::<()>();
        let (report, port) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(async {
                let behind = face::start(&folder).await.expect("a face starts");
                let listener = TcpListener::bind((address, 0)).await.expect("an address of loopback");
                report.send(listener.local_addr().expect("an address").port()).expect("the test waits");
                tokio::select! {
                    () = serve(listener, acceptor, behind) => {}
                    // The sender sends nothing: being dropped is its message.
                    _ = stopped => {}
                }
            });
        });
        Self { port: port.recv().expect("the face starts"), _running: running }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, behind: SocketAddr) {
    loop {
        let (client, _) = listener.accept().await.expect("loopback works");
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A client that does not trust us ends the handshake.
            let Ok(mut client) = acceptor.accept(client).await else { return };
            let mut onward = TcpStream::connect(behind).await.expect("the face behind");
            // Until one of them hangs up.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut onward).await;
        });
    }
}
