//! Why there is no set-up for what was said.

use super::Flavour;
use crate::base::Hinted;

/// Why there is no set-up. Safe to print.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A folder of this machine is nothing that others can reach.
    #[error("a folder of this machine is nothing that a project could reach")]
    Folder,
    /// The software speaks something else.
    #[error("{flavour} does not fit {protocol}")]
    OtherProtocol {
        /// The software.
        flavour: Flavour,
        /// How the place is reached.
        protocol: &'static str,
    },
    /// It could become something else in a configuration.
    #[error("{what} cannot stand in a configuration: \"{shown}\"")]
    Unsafe {
        /// What it is.
        what: &'static str,
        /// As it was said, safe to print.
        shown: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// The folder that an account is locked into belongs to root, so nothing can be written into it.
    #[error("the account cannot write to the folder that it is locked into itself")]
    Top,
    /// Readers and pushes under one address.
    #[error("readers and pushes have the same address, {0}")]
    SameAddress(String),
}

impl Hinted for SetupError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Folder => "offer a place with SFTP, S3 or WebDAV".to_owned(),
            Self::OtherProtocol { protocol, .. } => {
                let those: Vec<&str> = Flavour::of_protocol(protocol).into_iter().map(Flavour::word).collect();
                format!("--flavour {}", those.join(" | "))
            }
            Self::Unsafe { allowed, .. } => format!("use {allowed}"),
            Self::Top => "take a folder below it as the path, such as /pub".to_owned(),
            Self::SameAddress(_) => {
                "give pushes a path of their own, such as /push/, beside that of readers: one needs a login, the other none"
                    .to_owned()
            }
        })
    }
}
