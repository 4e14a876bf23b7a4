//! Certificates of OpenSSH (its `PROTOCOL.certkeys`): whether one vouches for the server that shows it.
//!
//! The key exchange has shown by then that the server holds the private half of the key in the certificate. That
//! somebody we trust signed for it, for this host and for today, is found out here.

use jiff::Timestamp;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, HashAlg};

use super::pin::HostKeyPin;
use crate::base::sanitise;

/// Names of a certificate that are repeated in a message.
const NAMES_SHOWN: usize = 4;

/// Why a certificate does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// No certificate, where only authorities are pinned.
    #[error("none is shown, only the key {0}")]
    Missing(String),
    /// Signed by somebody else.
    #[error("it is signed by {0}, which is not a pinned authority")]
    OtherAuthority(String),
    /// Not signed at all, or altered since.
    #[error("its signature is not the authority's")]
    Forged,
    /// Signed with SHA-1, which can be forged.
    #[error("it is signed with {0}, which can be forged")]
    Weak(String),
    /// A certificate that lets somebody log in.
    #[error("it is for users and not for hosts")]
    ForUsers,
    /// Its time has not come.
    #[error("it is not valid before {0}")]
    Early(String),
    /// Its time is over.
    #[error("it ran out at {0}")]
    Expired(String),
    /// It names other hosts, or none, which newer servers refuse as well.
    #[error("it is for {names} and not for {host}")]
    OtherHost { names: String, host: String },
    /// A condition that we do not know, and must not overlook.
    #[error("it demands `{0}`, which is not known here")]
    Demand(String),
}

impl Fault {
    /// What can be done about it, by whom.
    pub fn advice(&self, who: &str, host: &str) -> String {
        match self {
            Self::OtherAuthority(fingerprint) => format!(
                "ask the operator over another channel whether the authority {fingerprint} signs the host keys of {who}, and only then \
                 pin its public key under `host_keys`, as \"@cert-authority ssh-ed25519 AAAA...\""
            ),
            _ => format!(
                "ask the operator of {who} to sign the host key again: ssh-keygen -s CA_KEY -h -I {host} -n {host} -V +52w \
                 /etc/ssh/ssh_host_ed25519_key.pub, and to name the result as HostCertificate in sshd_config"
            ),
        }
    }
}

/// Whether one of the pinned authorities vouches for `host` at this moment.
///
/// # Errors
/// The first thing that is wrong; what the certificate says counts only once its signature is known to be good.
pub(super) fn check(certificate: &Certificate, pins: &[HostKeyPin], host: &str, now: Timestamp) -> Result<(), Fault> {
    let authority = certificate.signature_key();
    if !pins.iter().any(|pin| pin.is_authority(authority)) {
        return Err(Fault::OtherAuthority(authority.fingerprint(HashAlg::Sha256).to_string()));
    }
    strong(authority, &certificate.signature().algorithm())?;
    certificate.verify_signature().map_err(|_| Fault::Forged)?;
    if certificate.cert_type() != CertType::Host {
        return Err(Fault::ForUsers);
    }
    in_time(certificate, now)?;
    names(certificate.valid_principals(), host)?;
    match certificate.critical_options().keys().next() {
        // None is defined for hosts.
        Some(demand) => Err(Fault::Demand(sanitise(demand))),
        None => Ok(()),
    }
}

/// RSA signs with SHA-2, and nobody with DSA.
fn strong(authority: &KeyData, signature: &Algorithm) -> Result<(), Fault> {
    let weak = match signature {
        Algorithm::Rsa { hash } => hash.is_none(),
        Algorithm::Dsa => true,
        _ => matches!(authority, KeyData::Dsa(_)),
    };
    if weak { Err(Fault::Weak(sanitise(signature.as_str()))) } else { Ok(()) }
}

/// Valid from its first second until before its last; our own are not shown when they are not.
pub(super) fn in_time(certificate: &Certificate, now: Timestamp) -> Result<(), Fault> {
    // Before 1970 nothing is valid.
    let now = u64::try_from(now.as_second()).unwrap_or(0);
    if now < certificate.valid_after() {
        return Err(Fault::Early(moment(certificate.valid_after())));
    }
    if now >= certificate.valid_before() {
        return Err(Fault::Expired(moment(certificate.valid_before())));
    }
    Ok(())
}

fn moment(seconds: u64) -> String {
    let known = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    known.map_or_else(|| format!("second {seconds}"), |moment| moment.to_string())
}

/// Host names have no case (RFC 4343); a name with its last dot is the same name.
fn names(principals: &[String], host: &str) -> Result<(), Fault> {
    let plain = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let host = plain(host);
    if principals.iter().any(|name| plain(name) == host) {
        return Ok(());
    }
    let mut names = principals.iter().take(NAMES_SHOWN).map(|name| sanitise(name)).collect::<Vec<_>>().join(", ");
    if principals.len() > NAMES_SHOWN {
        names.push_str(", ...");
    }
    Err(Fault::OtherHost { names: if names.is_empty() { "no host".to_owned() } else { names }, host })
}

#[cfg(test)]
mod tests {
    use russh::keys::PrivateKey;
    use russh::keys::key::safe_rng;
    use russh::keys::ssh_key::certificate::Builder;

    use super::*;

    const HOST: &str = "mirror.example.org";
    const FROM: u64 = 1_700_000_000;
    const UNTIL: u64 = 1_800_000_000;

    fn key() -> PrivateKey {
        PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).expect("a key")
    }

    /// A certificate of a host by `authority`; `change` says of which.
    fn certificate(authority: &PrivateKey, change: impl FnOnce(&mut Builder)) -> Certificate {
        certificate_of(CertType::Host, authority, change)
    }

    fn certificate_of(kind: CertType, authority: &PrivateKey, change: impl FnOnce(&mut Builder)) -> Certificate {
        let subject = key().public_key().key_data().clone();
        let mut builder = Builder::new_with_random_nonce(&mut safe_rng(), subject, FROM, UNTIL).expect("a builder");
        builder.cert_type(kind).expect("a type");
        change(&mut builder);
        builder.sign(authority).expect("a certificate")
    }

    fn for_host(builder: &mut Builder) {
        builder.valid_principal(HOST).expect("a name");
    }

    fn checked(certificate: &Certificate, authority: &PrivateKey, host: &str, now: u64) -> Result<(), Fault> {
        let pins = [HostKeyPin::Authority(Box::new(authority.public_key().key_data().clone()))];
        let now = Timestamp::from_second(i64::try_from(now).expect("a moment")).expect("a moment");
        check(certificate, &pins, host, now)
    }

    #[test]
    fn a_certificate_counts_from_its_first_second_until_before_its_last() {
        let authority = key();
        let good = certificate(&authority, for_host);
        for (now, fits) in [(FROM - 1, false), (FROM, true), (UNTIL - 1, true), (UNTIL, false)] {
            assert_eq!(checked(&good, &authority, HOST, now).is_ok(), fits, "{now}");
        }
        assert!(matches!(checked(&good, &authority, HOST, 0), Err(Fault::Early(since)) if since.starts_with("2023-")));
        assert!(matches!(checked(&good, &authority, HOST, UNTIL), Err(Fault::Expired(until)) if until.starts_with("2027-")));
    }

    #[test]
    fn only_the_name_that_was_asked_for_counts() {
        let authority = key();
        let good = certificate(&authority, for_host);
        assert_eq!(checked(&good, &authority, "Mirror.Example.ORG.", FROM), Ok(()));
        for host in ["example.org", "mirror.example.org.evil.org", "*", ""] {
            assert!(matches!(checked(&good, &authority, host, FROM), Err(Fault::OtherHost { .. })), "{host}");
        }
        let wild = certificate(&authority, |builder| {
            builder.valid_principal("*.example.org").expect("a name");
        });
        assert!(matches!(checked(&wild, &authority, HOST, FROM), Err(Fault::OtherHost { .. })));
        let for_all = certificate(&authority, |builder| {
            builder.all_principals_valid().expect("a builder");
        });
        assert!(matches!(checked(&for_all, &authority, HOST, FROM), Err(Fault::OtherHost { .. })));
    }

    #[test]
    fn a_certificate_of_another_kind_or_with_a_demand_is_refused() {
        let authority = key();
        let user = certificate_of(CertType::User, &authority, for_host);
        assert_eq!(checked(&user, &authority, HOST, FROM), Err(Fault::ForUsers));
        let demanding = certificate(&authority, |builder| {
            for_host(builder);
            builder.critical_option("source-address", "192.0.2.0/24").expect("an option");
        });
        assert_eq!(checked(&demanding, &authority, HOST, FROM), Err(Fault::Demand("source-address".to_owned())));
    }

    #[test]
    fn a_certificate_by_somebody_else_or_altered_is_refused() {
        let (authority, other) = (key(), key());
        let good = certificate(&authority, for_host);
        assert!(matches!(checked(&good, &other, HOST, FROM), Err(Fault::OtherAuthority(_))));
        // One bit of the serial number, which the signature covers and nothing else reads.
        let bytes = good.to_bytes().expect("bytes");
        let altered = (0..bytes.len()).filter_map(|place| {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1;
            Certificate::from_bytes(&bytes).ok().filter(|altered| altered.signature_key() == good.signature_key())
        });
        let mut tried = 0;
        for altered in altered {
            assert_eq!(checked(&altered, &authority, HOST, FROM), Err(Fault::Forged));
            tried += 1;
        }
        assert!(tried > 100, "{tried} altered certificates");
    }
}
