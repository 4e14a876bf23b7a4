//! Certificates of OpenSSH, made by `ssh-keygen`: of hosts, by pinned authorities, and our own to log in with.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use spartacus::base::{Hinted as _, ObjectPath};
use spartacus::store::sftp::{HostKeyPin, SftpSettings, SftpStore};
use spartacus::store::{Body, ErrorKind, Retry, Store, StoreError, Write};
use tempfile::TempDir;

use crate::sshd::{Sshd, new_key, target};
use crate::support::{process, tools};

/// Whoever signs keys: an authority of its own.
struct Authority {
    folder: TempDir,
    line: String,
}

impl Authority {
    fn new(kind: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let key = folder.path().join("ca");
        process::run(Command::new(tools::program("ssh-keygen")).args(["-q", "-t", kind, "-N", "", "-f"]).arg(&key));
        let line = std::fs::read_to_string(folder.path().join("ca.pub")).expect("a public key").trim().to_owned();
        Self { folder, line }
    }

    fn pin(&self) -> HostKeyPin {
        format!("@cert-authority {}", self.line).parse().expect("a pin")
    }

    /// Signs the public key of `key`; the certificate lies beside it. `options` say for whom and how long.
    fn sign(&self, key: &Utf8Path, options: &[&str]) -> Utf8PathBuf {
        let public = process::run(Command::new(tools::program("ssh-keygen")).arg("-yf").arg(key));
        std::fs::write(format!("{key}.pub"), public).expect("a public key");
        let mut command = Command::new(tools::program("ssh-keygen"));
        command.args(["-q", "-s"]).arg(self.folder.path().join("ca")).args(["-I", "test"]).args(options);
        process::run(command.arg(format!("{key}.pub")));
        Utf8PathBuf::from(format!("{key}-cert.pub"))
    }
}

/// A server with a certificate by `authority` for its key.
async fn certified(authority: &Authority, options: &[&str]) -> Sshd {
    Sshd::start_with(|root| format!("HostCertificate {}\n", authority.sign(&root.join("host_key"), options))).await
}

/// Its settings with these pins; it is called `localhost`.
fn pinned(server: &Sshd, pins: Vec<HostKeyPin>) -> SftpSettings {
    let mut settings = server.settings();
    "localhost".clone_into(&mut settings.host);
    settings.host_keys = pins;
    settings
}

/// What a server is told that must not learn who we are.
async fn refused(server: &Sshd, pins: Vec<HostKeyPin>) -> StoreError {
    let error = SftpStore::connect(target(), pinned(server, pins)).await.expect_err("the server is not the one pinned");
    assert_eq!((error.kind, error.retry), (ErrorKind::HostKey, Retry::Never), "{error}");
    assert!(!server.log().contains("userauth-request"), "{}", server.log());
    error
}

const GOOD: [&str; 5] = ["-h", "-n", "mirror.example.org,localhost", "-V", "-1d:+1d"];

#[tokio::test]
async fn a_host_certificate_by_a_pinned_authority_is_as_good_as_a_pinned_key() {
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let authority = Authority::new(kind);
        let server = certified(&authority, &GOOD).await;
        let settings = pinned(&server, vec![authority.pin()]);
        let store = SftpStore::connect(target(), settings).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        let path = ObjectPath::new("file").expect("a path");
        store.put(&path, &Body::bytes("bytes"), Write::New).await.expect("a put succeeds");
        assert_eq!(server.connections(), 1, "{kind}");
    }
}

/// The server's key of another kind, which russh signs with another algorithm.
#[tokio::test]
async fn a_certificate_for_an_rsa_key_is_accepted_as_well() {
    let authority = Authority::new("ed25519");
    let server = Sshd::start_with(|root| {
        let key = root.join("rsa_key");
        process::run(Command::new(tools::program("ssh-keygen")).args(["-q", "-t", "rsa", "-N", "", "-f"]).arg(&key));
        format!("HostKey {key}\nHostCertificate {}\n", authority.sign(&key, &GOOD))
    })
    .await;
    SftpStore::connect(target(), pinned(&server, vec![authority.pin()])).await.expect("the certificate is good");
}

#[tokio::test]
async fn a_host_certificate_that_does_not_fit_is_refused_before_anyone_logs_in() {
    let authority = Authority::new("ed25519");
    for (options, words) in [
        (&["-h", "-n", "localhost", "-V", "-2d:-1d"][..], "host certificate: it ran out at "),
        (&["-h", "-n", "localhost", "-V", "+1d:+2d"], "host certificate: it is not valid before "),
        (&["-h", "-n", "mirror.example.org,127.0.0.1"], "it is for mirror.example.org, 127.0.0.1 and not for localhost"),
        (&["-h", "-n", "*"], "it is for * and not for localhost"),
        (&["-h"], "it is for no host and not for localhost"),
        (&["-n", "localhost"], "it is for users and not for hosts"),
    ] {
        let server = certified(&authority, options).await;
        let error = refused(&server, vec![authority.pin()]).await;
        assert!(error.to_string().contains(words), "{options:?}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("-h -I localhost -n localhost")), "{:?}", error.hint());
        assert_eq!(server.connections(), 1, "a certificate is looked at once");
    }
}

#[tokio::test]
async fn only_the_pinned_authority_counts() {
    let (authority, other) = (Authority::new("ed25519"), Authority::new("ed25519"));
    let server = certified(&other, &GOOD).await;
    let error = refused(&server, vec![authority.pin()]).await;
    assert!(error.to_string().contains("which is not a pinned authority"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("over another channel")), "{:?}", error.hint());

    // The same key pinned as a host's own says nothing about the hosts that it signs for.
    let as_key = other.line.parse().expect("a pin");
    refused(&server, vec![as_key]).await;
}

#[tokio::test]
async fn a_server_without_a_certificate_is_told_what_is_missing() {
    let authority = Authority::new("ed25519");
    let server = Sshd::start().await;
    let error = refused(&server, vec![authority.pin()]).await;
    assert!(error.to_string().contains("host certificate: none is shown, only the key SHA256:"), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn keys_may_be_pinned_beside_an_authority() {
    let authority = Authority::new("ed25519");
    // Without a certificate, and with one by nobody we know: in both the key itself is pinned.
    let bare = Sshd::start().await;
    let foreign = certified(&Authority::new("ed25519"), &GOOD).await;
    for server in [bare, foreign] {
        let print: HostKeyPin = server.settings().host_keys[0].to_string().parse().expect("a fingerprint");
        for pin in [server.settings().host_keys[0].clone(), print] {
            let store = SftpStore::connect(target(), pinned(&server, vec![authority.pin(), pin])).await;
            store.expect("the key is pinned").close().await;
        }
        assert_eq!(server.connections(), 2);
    }
    // A certificate that ran out, and a pinned key of another kind, which the server has as well.
    let server = Sshd::start_with(|root| {
        let key = root.join("ecdsa_key");
        process::run(Command::new(tools::program("ssh-keygen")).args(["-q", "-t", "ecdsa", "-N", "", "-f"]).arg(&key));
        let expired = authority.sign(&root.join("host_key"), &["-h", "-n", "localhost", "-V", "-2d:-1d"]);
        format!("HostKey {key}\nHostCertificate {expired}\n")
    })
    .await;
    let other = std::fs::read_to_string(server.root().join("ecdsa_key.pub")).expect("a public key");
    let pins = vec![authority.pin(), other.parse().expect("a pin")];
    SftpStore::connect(target(), pinned(&server, pins)).await.expect("the other key is pinned");
}

#[tokio::test]
async fn each_server_on_the_way_may_have_an_authority() {
    let (authority, of_jump) = (Authority::new("ed25519"), Authority::new("ed25519"));
    let options = ["-h", "-n", "127.0.0.1"];
    let server = certified(&authority, &GOOD).await;
    let jump = certified(&of_jump, &options).await;
    let mut settings = pinned(&server, vec![authority.pin()]);
    settings.jump = vec![jump.jump()];
    settings.jump[0].host_keys = vec![of_jump.pin()];
    SftpStore::connect(target(), settings.clone()).await.expect("both are vouched for").close().await;

    settings.jump[0].host_keys = vec![authority.pin()];
    let error = SftpStore::connect(target(), settings).await.expect_err("the target's authority signs for the target");
    assert_eq!(error.kind, ErrorKind::HostKey, "{error}");
    assert!(error.to_string().contains("jump host 127.0.0.1: host certificate: it is signed by "), "{error}");
    assert_eq!((jump.connections(), server.connections()), (2, 1));
}

/// A server that lets in whom an authority has signed for, and knows no keys of its own.
#[tokio::test]
async fn a_certificate_beside_our_key_is_shown_instead_of_the_key() {
    let authority = Authority::new("ed25519");
    let server = Sshd::start_with(|root| {
        std::fs::write(root.join("users_ca.pub"), &authority.line).expect("a file");
        format!("TrustedUserCAKeys {root}/users_ca.pub\nAuthorizedKeysFile none\n")
    })
    .await;
    let key = server.root().join("user_key");
    let user = server.settings().user;
    let error = SftpStore::connect(target(), server.settings()).await.expect_err("the bare key is unknown");
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");

    let certificate = authority.sign(&key, &["-n", &user, "-V", "-1d:+1d"]);
    SftpStore::connect(target(), server.settings()).await.expect("the certificate lets us in").close().await;

    // Ones that no server takes are told here, and not shown.
    let connections = server.connections();
    for (options, words) in
        [(&["-n", &*user, "-V", "-2d:-1d"][..], "it ran out at "), (&["-h", "-n", &user], "it is for hosts and not for users")]
    {
        authority.sign(&key, options);
        let error = SftpStore::connect(target(), server.settings()).await.expect_err("not to be used");
        assert_eq!((error.kind, error.retry), (ErrorKind::Local, Retry::Never), "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains(certificate.as_str()), "{error}");
    }
    new_key(&server.root().join("stranger"));
    let of_stranger = authority.sign(&server.root().join("stranger"), &["-n", &user]);
    std::fs::rename(of_stranger, &certificate).expect("a file");
    let error = SftpStore::connect(target(), server.settings()).await.expect_err("not to be used");
    assert!(error.to_string().contains("it is for another key"), "{error}");
    assert_eq!(server.connections(), connections + 3);
    let attempts = server.log().matches("userauth-request").count();
    // One that the server refuses is named.
    authority.sign(&key, &["-n", "somebody-else"]);
    let error = SftpStore::connect(target(), server.settings()).await.expect_err("it is somebody else's");
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains(&format!("was shown the certificate {certificate}")), "{error}");
    assert!(server.log().matches("userauth-request").count() > attempts);
}
