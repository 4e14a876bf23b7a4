//! Signatures for people: over `SHA256SUMS`, for tools that they already have.
//!
//! Rules S1, S2, S3 and S4 of docs/bundle-format.md.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest as _};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, Signature, SshSig};

use super::TrustError;
use super::key::{PublicKey, SigningKey, one_line};

/// minisign's mark of a signature over the BLAKE2b-512 hash of the data.
const PREHASHED: [u8; 2] = *b"ED";

/// The text of a `.minisig` file over `data`: the prehashed form, which `minisign` since 0.6 verifies.
///
/// `trusted_comment` is signed too: name the bundle and the moment in it, so that a reader sees what this is.
pub fn minisig(key: &SigningKey, data: &[u8], trusted_comment: &str) -> Result<String, TrustError> {
    let comment = one_line(trusted_comment)?;
    let signature = key.sign(&Blake2b512::digest(data));
    let number = key.public().number();
    let global = key.sign(&[&signature[..], comment.as_bytes()].concat());
    let first = STANDARD.encode([&PREHASHED[..], &number, &signature].concat());
    let second = STANDARD.encode(global);
    Ok(format!("untrusted comment: signature from a spartacus key\n{first}\ntrusted comment: {comment}\n{second}\n"))
}

/// The text of an OpenSSH signature over `data` (PROTOCOL.sshsig, SHA-512), as `ssh-keygen -Y verify -n NAMESPACE` takes it.
///
/// `namespace` is `file` for files that people verify by hand; it keeps signatures made for one purpose from serving another.
pub fn sshsig(key: &SigningKey, data: &[u8], namespace: &str) -> Result<String, TrustError> {
    let failed = |_| TrustError::Crypto("an OpenSSH signature could not be encoded");
    let message = SshSig::signed_data(namespace, HashAlg::Sha512, data).map_err(failed)?;
    let signature = Signature::new(Algorithm::Ed25519, key.sign(&message).to_vec()).map_err(failed)?;
    let public = KeyData::Ed25519(Ed25519PublicKey(*key.public().as_bytes()));
    let sealed = SshSig::new(public, namespace, HashAlg::Sha512, signature).map_err(failed)?;
    sealed.to_pem(LineEnding::LF).map_err(failed)
}

/// Whether `text` is a `.minisig` file by `key` over `data`, its trusted comment included. Only the prehashed form counts.
#[must_use]
pub fn verify_minisig(key: &PublicKey, data: &[u8], text: &str) -> bool {
    let mut lines = text.lines();
    let (Some(_untrusted), Some(first), Some(comment), Some(second)) = (lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return false;
    };
    let (Ok(first), Some(comment), Ok(global)) =
        (STANDARD.decode(first), comment.strip_prefix("trusted comment: "), STANDARD.decode(second))
    else {
        return false;
    };
    // Two bytes of algorithm, eight of key number, 64 of signature. The number is a label: the signature decides.
    let Some((head, signature)) = first.split_at_checked(10) else { return false };
    head[..2] == PREHASHED
        && key.verifies(&Blake2b512::digest(data), signature)
        && key.verifies(&[signature, comment.as_bytes()].concat(), &global)
}

/// Whether `text` is an OpenSSH signature by `key` over `data` for this `namespace`.
#[must_use]
pub fn verify_sshsig(key: &PublicKey, data: &[u8], namespace: &str, text: &str) -> bool {
    let Ok(sealed) = SshSig::from_pem(text) else { return false };
    // The key inside the file is only a claim; ours verifies, and the other fields are under its signature.
    SshSig::signed_data(namespace, sealed.hash_alg(), data)
        .is_ok_and(|message| sealed.algorithm() == Algorithm::Ed25519 && key.verifies(&message, sealed.signature_bytes()))
}
