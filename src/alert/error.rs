//! Why a message did not arrive.

use crate::base::Hinted;

/// A message could not be sent. Nothing in it is secret: addresses that may be secret are left out, and what servers and
/// programs said is made safe.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The address is none, or not one that messages may go to.
    #[error("the address that the reference gives is no https:// address")]
    Address,
    /// The request did not get through.
    #[error("the request failed: {0}")]
    Request(String),
    /// An answer that is no success.
    #[error("the server answered {status}{said}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// `: ` and what it said, cut; or nothing.
        said: String,
    },
    /// The program could not be started or ended badly.
    #[error("{program} {reason}")]
    Command {
        /// Its first word.
        program: String,
        /// What happened.
        reason: String,
    },
    /// The mail server did not take it, or could not be reached.
    #[error("the mail server: {0}")]
    Mail(String),
    /// A certificate file that cannot be read.
    #[error("cannot read the certificate file {path}")]
    Certificate {
        /// The file.
        path: camino::Utf8PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It took too long.
    #[error("not done within {0} s")]
    TimeOut(u64),
}

impl Hinted for AlertError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Status { status: 401 | 403, .. } => Some("is the token right, and may it write there?".to_owned()),
            Self::Address => Some("it must begin with https:// (or http:// to this machine)".to_owned()),
            _ => None,
        }
    }
}
