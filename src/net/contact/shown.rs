//! What a certificate says of itself.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::base::sanitise;

/// A certificate that a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCertificate {
    /// When it ends.
    pub not_after: Timestamp,
    /// Who issued it: common name, else organisation, else the whole name; safe to print.
    pub issuer: String,
    /// The organisation that issued it, which may have many issuers; safe to print.
    pub organisation: Option<String>,
    /// Version of TLS, such as `TLSv1.3`; `None` when the handshake was not finished.
    pub protocol: Option<String>,
    /// Why it was refused; `None`: it was not.
    pub trouble: Option<String>,
}

impl ShownCertificate {
    /// Reads a certificate in DER form; `None` when it is none.
    pub(super) fn read(leaf: &CertificateDer<'_>, trouble: Option<String>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
        let issuer = certificate.issuer();
        let name = issuer.iter_common_name().chain(issuer.iter_organization()).find_map(|part| part.as_str().ok());
        Some(Self {
            not_after: Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?,
            issuer: sanitise(&name.map_or_else(|| issuer.to_string(), str::to_owned)),
            organisation: issuer.iter_organization().find_map(|part| part.as_str().ok()).map(sanitise),
            protocol: None,
            trouble,
        })
    }
}
