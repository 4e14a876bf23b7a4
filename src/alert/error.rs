//! Why a message did not arrive.

use crate::base::{Hinted, MailAddress};

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

impl AlertError {
    /// The same without these addresses: programs and servers like to repeat them, and they are private.
    pub(super) fn without(self, addresses: &[&MailAddress]) -> Self {
        let clean = |text: String| addresses.iter().fold(text, |text, address| left_out(&text, address.as_str()));
        match self {
            Self::Request(words) => Self::Request(clean(words)),
            Self::Status { status, said } => Self::Status { status, said: clean(said) },
            Self::Command { program, reason } => Self::Command { program, reason: clean(reason) },
            Self::Mail(words) => Self::Mail(clean(words)),
            other => other,
        }
    }
}

/// `text` without `address`, in whatever case it is repeated.
fn left_out(text: &str, address: &str) -> String {
    let (mut rest, mut kept) = (text, String::with_capacity(text.len()));
    // Both are cut at the same places: ASCII letters alone change their case.
    while let Some(at) = rest.to_ascii_lowercase().find(&address.to_ascii_lowercase()) {
        kept.push_str(&rest[..at]);
        kept.push_str("[address]");
        rest = &rest[at + address.len()..];
    }
    kept + rest
}

impl Hinted for AlertError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Status { status: 401 | 403, .. } => Some("is the token right, and may it write there?".to_owned()),
            Self::Mail(words) if words.contains("certificate") => Some(
                "is `host` a name in the server's certificate, and its authority the system's or the one in `ca`?".to_owned(),
            ),
            Self::Mail(words) if words.contains("(535)") => Some("are `user` and `password` right?".to_owned()),
            Self::Address => Some("it must begin with https:// (or http:// to this machine)".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_repeat_whom_it_was_for() {
        let ann: MailAddress = "ann@example.org".parse().unwrap();
        let said = AlertError::Mail("550 <Ann@Example.org>: who is ann@example.org?".to_owned()).without(&[&ann]);
        assert_eq!(said.to_string(), "the mail server: 550 <[address]>: who is [address]?");
        assert_eq!(left_out("é<ann@example.org>é", "ann@example.org"), "é<[address]>é");
    }
}
