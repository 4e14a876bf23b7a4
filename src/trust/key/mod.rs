//! Maintainers' and online keys: ed25519, kept in minisign's file format.
//!
//! One key signs TUF roles, minisign and SSHSIG. The three cannot be taken for one another: a TUF message begins
//! with `{"_type"`, SSHSIG's with `SSHSIG`, and minisign signs 64 bytes of hash, or 64 bytes of signature and a comment.

mod file;
mod public;
mod signing;

pub use public::{KeyId, PublicKey};
pub use signing::SigningKey;
pub(super) use signing::one_line;
