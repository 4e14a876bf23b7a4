//! Why a volunteer's file was not taken.

use jiff::Timestamp;

use super::LONGEST_OFFER;
use crate::base::{ByteCount, Hinted, Sha256};
use crate::config::sealed::SealError;

/// Why a volunteer's file was not taken. Safe to print.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// Longer than any that is meant.
    #[error("it is longer than {}", ByteCount(LONGEST_OFFER))]
    TooLong,
    /// It is none.
    #[error("it is no offer: {0}")]
    Form(String),
    /// The key that it names did not sign it.
    #[error("the key that it names did not sign it, or it was changed underway")]
    Signature,
    /// It is for another project.
    #[error("it is meant for the project with the pin {found}, not for {expected}")]
    OtherProject {
        /// Ours.
        expected: Sha256,
        /// Its own.
        found: Sha256,
    },
    /// It was written in the future.
    #[error("it says that it was written at {0}, which is yet to come")]
    Future(Timestamp),
    /// It is over.
    #[error("it ended {0}")]
    Over(Timestamp),
    /// Its sealed part cannot be opened.
    #[error("its sealed part cannot be opened")]
    Closed(#[source] SealError),
    /// What is sealed is not what belongs there.
    #[error("its sealed part is wrong: {0}")]
    Inside(String),
}

impl Hinted for OfferError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::OtherProject { .. } => Some("seal it again with the invite of this project".to_owned()),
            Self::Future(_) => Some("set the volunteer's clock right, and let it be sealed again".to_owned()),
            Self::Over(_) => Some("let it be sealed again: spartacus offer update".to_owned()),
            Self::Closed(source) => source.hint(),
            Self::TooLong | Self::Form(_) | Self::Signature | Self::Inside(_) => {
                Some("let it be sealed and sent again as a file: programs that wrap lines or change quotes break it".to_owned())
            }
        }
    }
}
