//! Certificates for the tests: an authority of its own, and leaves that are good or bad in one way.

use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// A certificate authority that nobody trusts but the test that made it.
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and its key.
#[derive(Debug)]
pub struct Identity {
    /// The leaf, PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: String,
}

impl Authority {
    /// A fresh one, valid from 2020 so that a test may set its clock back.
    pub fn new() -> Self {
        Self::of(None)
    }

    /// The same, of this organisation.
    pub fn of(organisation: Option<&str>) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names is a valid list");
        params.distinguished_name.push(DnType::CommonName, "the tests' authority");
        if let Some(organisation) = organisation {
            params.distinguished_name.push(DnType::OrganizationName, organisation);
        }
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2100, 1, 1);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.self_signed(&key).expect("the parameters are complete");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate, PEM: what a target's `ca` file holds.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A good certificate for these host names and addresses.
    pub fn issue<const N: usize>(&self, names: [&str; N]) -> Identity {
        self.sign(names, (2020, 2099))
    }

    /// For this machine, but its time ended in 2021.
    pub fn issue_expired(&self) -> Identity {
        self.sign(["localhost", "127.0.0.1"], (2020, 2021))
    }

    /// For this machine, but its time begins in 2098.
    pub fn issue_not_yet_valid(&self) -> Identity {
        self.sign(["localhost", "127.0.0.1"], (2098, 2099))
    }

    /// For this machine, until 6 March 2027.
    pub fn issue_ending_march_2027(&self) -> Identity {
        self.sign_until(["localhost", "127.0.0.1"], 2020, (2027, 3, 6))
    }

    /// For another host.
    pub fn issue_wrong_host(&self) -> Identity {
        self.issue(["mirror.example.org"])
    }

    fn sign<const N: usize>(&self, names: [&str; N], years: (i32, i32)) -> Identity {
        self.sign_until(names, years.0, (years.1, 1, 1))
    }

    fn sign_until<const N: usize>(&self, names: [&str; N], from: i32, until: (i32, u8, u8)) -> Identity {
        let mut params = CertificateParams::new(names.map(str::to_owned)).expect("the names are valid");
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("the parameters are complete");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Identity {
    /// Writes `<name>.pem` and `<name>.key`, as web servers want them.
    pub fn write(&self, folder: &Path, name: &str) {
        std::fs::write(folder.join(format!("{name}.pem")), &self.certificate).expect("our own folder");
        super::mirror::secret_file(folder, &format!("{name}.key"), &self.key);
    }
}
