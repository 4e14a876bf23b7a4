//! TLS with a witness: what was shown is known also when it was not accepted.

use std::sync::{Arc, Mutex, PoisonError};

use camino::Utf8Path;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use super::{ContactError, ShownCertificate};
use crate::base::sanitise;
use crate::net::NetError;

/// The system's authorities and those of one `ca` file.
#[derive(Debug)]
pub(super) struct Authorities {
    provider: Arc<CryptoProvider>,
    verifier: Arc<Verifier>,
}

impl Authorities {
    pub fn read(ca: Option<&Utf8Path>) -> Result<Self, NetError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let extra = ca.map_or_else(|| Ok(Vec::new()), certificates)?;
        let verifier = Verifier::new_with_extra_roots(extra, provider.clone()).map_err(NetError::Authorities)?;
        Ok(Self { provider, verifier: Arc::new(verifier) })
    }

    /// A connector for one connection, and who saw the certificate on it. Nothing is resumed: every look sees the whole
    /// handshake.
    pub fn connector(&self) -> (TlsConnector, Witness) {
        let witness = Witness { verifier: self.verifier.clone(), seen: Arc::default() };
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(witness.clone()))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        (TlsConnector::from(Arc::new(config)), witness)
    }
}

fn certificates(path: &Utf8Path) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let pem = std::fs::read(path).map_err(|source| NetError::ReadCa { path: path.to_owned(), source })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| NetError::ParseCa { path: path.to_owned(), source: None })
}

/// Verifies as the platform does, and remembers what was shown. It never accepts what that refuses.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    verifier: Arc<Verifier>,
    seen: Arc<Mutex<Option<ShownCertificate>>>,
}

impl Witness {
    pub fn shown(&self) -> Option<ShownCertificate> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let result = self.verifier.verify_server_cert(leaf, chain, name, ocsp, now);
        let trouble = result.as_ref().err().map(|error| sanitise(&why(error, name)));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = ShownCertificate::read(leaf, trouble);
        result
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Why a certificate was refused, in words for the person who has to mend it.
fn why(error: &Error, name: &ServerName<'_>) -> String {
    let Error::InvalidCertificate(error) = error else { return error.to_string() };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "its time has not begun".to_owned(),
        CertificateError::UnknownIssuer => "no authority that is trusted here issued it".to_owned(),
        CertificateError::BadSignature => "it was not signed by the authority that it names".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is not for the name {}", name.to_str())
        }
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn server_name(url: &Url) -> Result<ServerName<'static>, ContactError> {
    let host = url.host_str().unwrap_or_default();
    // An IPv6 address stands in brackets in a URL, and without them in a certificate.
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    ServerName::try_from(host).map_err(|error| ContactError::Tls(error.to_string()))
}

/// The version that was agreed on, such as `TLSv1.3`.
pub(super) fn protocol(stream: &TlsStream<TcpStream>) -> Option<String> {
    stream.get_ref().1.protocol_version()?.as_str().map(|name| name.replace('_', "."))
}
