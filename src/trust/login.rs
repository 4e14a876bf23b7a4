//! Keys that log in to servers. They sign nothing that readers see.

use aws_lc_rs::rand;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{LineEnding, PrivateKey};
use zeroize::Zeroizing;

use super::TrustError;
use crate::base::Secret;

/// Bytes of randomness in a new password.
const PASSWORD_BYTES: usize = 16;

/// A new ed25519 key in the form of OpenSSH, without a passphrase: it is used unattended.
pub struct LoginKey {
    /// The private half, as its file has it.
    pub secret: Zeroizing<String>,
    /// The public half, a line of `authorized_keys` without its end.
    pub public: String,
}

impl LoginKey {
    /// Makes one.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate(comment: &str) -> Result<Self, TrustError> {
        let failed = |_| TrustError::Crypto("the login key could not be made");
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut seed[..]).map_err(|_| TrustError::Crypto("no randomness from the system"))?;
        let key = PrivateKey::new(Ed25519Keypair::from_seed(&seed).into(), comment).map_err(failed)?;
        let public = key.public_key().to_openssh().map_err(failed)?;
        Ok(Self { secret: key.to_openssh(LineEnding::LF).map_err(failed)?, public })
    }
}

/// A password for a login that only programs use: 32 letters and digits that nobody could guess.
///
/// # Errors
/// When the system gives no randomness.
pub fn new_password() -> Result<Secret, TrustError> {
    let mut bytes = Zeroizing::new([0; PASSWORD_BYTES]);
    rand::fill(&mut bytes[..]).map_err(|_| TrustError::Crypto("no randomness from the system"))?;
    Ok(Secret::new(hex::encode(&bytes[..])))
}

impl std::fmt::Debug for LoginKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("LoginKey").field(&self.public).finish()
    }
}
