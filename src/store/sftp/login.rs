//! Logging in, with the one credential that is configured.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use zeroize::Zeroizing;

use super::certificate::in_time;
use super::connect::{Server, Ssh};
use super::failure::Failure;
use super::guard::Guard;
use super::settings::SftpAuth;
use crate::base::{Clock, Secret, sanitise};

/// Proves to the server who we are.
pub(super) async fn authenticate(mut ssh: Ssh, server: Server<'_>) -> Result<Ssh, Failure> {
    let user = server.user;
    let mut shown = String::new();
    let result = match server.auth {
        SftpAuth::Key { path, passphrase } => {
            let Credential { key, certificate } = load_key(path.clone(), passphrase.clone()).await?;
            let key = Arc::new(key);
            if let Some(certificate) = certificate {
                shown = format!(" and was shown the certificate {}", certificate_of(path));
                ssh.handle.authenticate_openssh_cert(user, key, certificate).await
            } else {
                let hash = signature_hash(&ssh.handle, &key).await?;
                ssh.handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await
            }
        }
        SftpAuth::Password(password) => with_password(&mut ssh.handle, user, password).await,
    };
    match result {
        Ok(AuthResult::Success) => Ok(ssh),
        // A line that is cut while we wait for the answer is told like a refusal that offers nothing else.
        Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() && ssh.handle.is_closed() => {
            Err(Failure::Lost(ssh.notes.farewell().unwrap_or_else(|| "the connection ended during login".to_owned())))
        }
        Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
            let methods: Vec<String> = remaining_methods.iter().map(String::from).collect();
            let mut words = format!("the server accepts {} for user {user}{shown}", methods.join(", "));
            if partial_success {
                words.push_str(", and wants more than one of them");
            }
            if let Some(banner) = ssh.notes.banner() {
                words = format!("{words}; it says: {banner}");
            }
            Err(Failure::Unauthenticated(words))
        }
        Err(error) => Err(ssh.notes.farewell().map_or_else(|| error.into(), Failure::Lost)),
    }
}

/// RSA keys sign with SHA-2. A server that tells of its algorithms and lacks both is refused: SHA-1 can be forged.
async fn signature_hash(handle: &Handle<Guard>, key: &PrivateKey) -> Result<Option<HashAlg>, Failure> {
    if !matches!(key.algorithm(), Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    match handle.best_supported_rsa_hash().await? {
        Some(Some(hash)) => Ok(Some(hash)),
        // It did not tell; every server since 2016 knows this one.
        None => Ok(Some(HashAlg::Sha256)),
        Some(None) => Err(Failure::Unsupported("the server accepts RSA keys with SHA-1 signatures only".to_owned())),
    }
}

/// By the method `password` or, where that is not offered, `keyboard-interactive`; never both: the same wrong password
/// would count as two guesses. What a server lists after a refusal does not tell, since some leave out what just failed.
async fn with_password(handle: &mut Handle<Guard>, user: &str, password: &Secret) -> Result<AuthResult, russh::Error> {
    let refused = handle.authenticate_none(user).await?;
    match &refused {
        AuthResult::Failure { remaining_methods, .. }
            if remaining_methods.contains(&MethodKind::KeyboardInteractive)
                && !remaining_methods.contains(&MethodKind::Password) => {}
        AuthResult::Failure { .. } => return handle.authenticate_password(user, password.expose()).await,
        AuthResult::Success => return Ok(refused),
    }
    // Servers with PAM often offer only this: one question, whose answer is not shown.
    let mut asked = handle.authenticate_keyboard_interactive_start(user, None::<String>).await?;
    for _ in 0..2 {
        let answers = match asked {
            KeyboardInteractiveAuthResponse::Success => return Ok(AuthResult::Success),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } if prompts.is_empty() => Vec::new(),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } if prompts.len() == 1 && !prompts[0].echo => {
                vec![password.expose().to_owned()]
            }
            _ => return Ok(refused),
        };
        asked = handle.authenticate_keyboard_interactive_respond(answers).await?;
    }
    Ok(if matches!(asked, KeyboardInteractiveAuthResponse::Success) { AuthResult::Success } else { refused })
}

/// What proves who we are by key.
struct Credential {
    key: PrivateKey,
    /// Shown instead of the bare key.
    certificate: Option<Certificate>,
}

/// Where OpenSSH, too, looks for the certificate of a key.
fn certificate_of(key: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{key}-cert.pub"))
}

/// Reads a private key, and the certificate that lies beside it. Decrypting one takes a good part of a second on
/// purpose, so it runs apart.
async fn load_key(path: Utf8PathBuf, passphrase: Option<Secret>) -> Result<Credential, Failure> {
    let loaded = tokio::task::spawn_blocking(move || {
        let text = read_private(&path)?;
        let key = decode_secret_key(&text, passphrase.as_ref().map(Secret::expose)).map_err(|error| {
            let cause = match (error, passphrase) {
                (russh::keys::Error::KeyIsEncrypted, None) => "it is encrypted, and no passphrase is given".to_owned(),
                (_, Some(_)) => "wrong passphrase, or not a private key".to_owned(),
                (other, None) => sanitise(&other.to_string()),
            };
            Failure::Local(format!("cannot use the key file {path}: {cause}"))
        })?;
        let certificate = load_certificate(&key, &certificate_of(&path), Clock::System.now())?;
        Ok(Credential { key, certificate })
    });
    loaded.await.map_err(|error| Failure::Local(error.to_string()))?
}

/// Reads a secret file that nobody else may read, judged on the open file so that it cannot be exchanged in between.
fn read_private(path: &Utf8Path) -> Result<Zeroizing<String>, Failure> {
    let fail = |error| Failure::Local(format!("cannot read the key file {path}: {error}"));
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let mode = file.metadata().map_err(fail)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::KeyMode { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

/// Reads the certificate of `key`, if there is one. One that no server can accept is told here, and not shown: it would
/// count as a guess. Those of RSA keys are left alone, since russh signs with SHA-1 for them; the bare key is shown.
fn load_certificate(key: &PrivateKey, path: &Utf8Path, now: Timestamp) -> Result<Option<Certificate>, Failure> {
    let unusable =
        |why: String| Failure::Local(format!("cannot use the certificate {path}: {why} (or remove it to show the bare key)"));
    if matches!(key.algorithm(), Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(error.to_string())),
    };
    let certificate = Certificate::from_openssh(text.trim()).map_err(|error| unusable(sanitise(&error.to_string())))?;
    if certificate.public_key() != key.public_key().key_data() {
        return Err(unusable("it is for another key".to_owned()));
    }
    if certificate.cert_type() != CertType::User {
        return Err(unusable("it is for hosts and not for users".to_owned()));
    }
    in_time(&certificate, now).map_err(|fault| unusable(fault.to_string()))?;
    Ok(Some(certificate))
}
