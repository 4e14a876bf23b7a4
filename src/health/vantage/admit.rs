//! Whether a testimony counts: pure, and the same words for everybody.
//!
//! 1. It has the form of one, within its bounds.
//! 2. It is of a vantage that is listed, and signed by its key.
//! 3. It is about this project, made before now, and not over yet.
//! 4. Its number is larger than that of the last one taken, so no old word comes back as a new one.

use jiff::{SignedDuration, Timestamp};

use super::testimony::{LONGEST_TESTIMONY, LONGEST_VALID, Testimony, read};
use crate::base::{Hinted, ListedVantage, Sha256, VantageName};
use crate::trust::{PublicKey, TrustError};

/// A clock may go so much ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// What a testimony is held against.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// Whose word counts.
    pub listed: &'a [ListedVantage],
    /// This project's pin.
    pub project: Sha256,
    /// The moment.
    pub now: Timestamp,
}

/// Why a testimony does not count. Each names the vantage as far as it is known.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Longer than one can be.
    #[error("it is longer than the {} MiB that a testimony may have", LONGEST_TESTIMONY >> 20)]
    TooLong,
    /// Not signed JSON of this form.
    #[error("it is no testimony")]
    Form(#[source] TrustError),
    /// Signed JSON, but not what a testimony says.
    #[error("it is no testimony: {0}")]
    Content(String),
    /// Nobody of that name is listed.
    #[error("it is of a vantage called {vantage}, and none of that name is listed")]
    Unlisted {
        /// The name that it claims.
        vantage: VantageName,
    },
    /// Another key, or changed after it was signed.
    #[error("it claims to be of {vantage}, but the key of {vantage} did not sign it, or it was changed since")]
    Signature {
        /// The name that it claims.
        vantage: VantageName,
    },
    /// About another project.
    #[error("{vantage} says it of another project, whose pin is {found}")]
    Project {
        /// Who.
        vantage: VantageName,
        /// Of which.
        found: Sha256,
    },
    /// It is over.
    #[error("what {vantage} saw counted until {}", .expired.strftime("%Y-%m-%d %H:%MZ"))]
    Expired {
        /// Who.
        vantage: VantageName,
        /// Until then.
        expired: Timestamp,
    },
    /// Its moment has not come.
    #[error("{vantage} says that it looked at {}, which is yet to come", .at.strftime("%Y-%m-%d %H:%MZ"))]
    Future {
        /// Who.
        vantage: VantageName,
        /// Then.
        at: Timestamp,
    },
    /// It would count for too long, or for no time.
    #[error("{vantage} wants to be believed from {at} until {expires}: at most a day is allowed")]
    Validity {
        /// Who.
        vantage: VantageName,
        /// From.
        at: Timestamp,
        /// Until.
        expires: Timestamp,
    },
    /// A newer one was taken, or another one with its number.
    #[error("number {found} of {vantage} comes after number {known} was taken")]
    Replayed {
        /// Who.
        vantage: VantageName,
        /// Its number.
        found: u64,
        /// The number of the last one taken.
        known: u64,
    },
}

impl Hinted for Refusal {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooLong | Self::Form(_) | Self::Content(_) => {
                "testimonies are written by: spartacus check --vantage NAME --out FILE".to_owned()
            }
            Self::Unlisted { vantage } => {
                format!("if it is one of yours, add to targets.yaml:  health: {{vantages: [{{name: {vantage}, key: RW...}}]}}")
            }
            Self::Signature { vantage } => {
                format!("fetch it from {vantage} again; if its key was replaced, put the new one into targets.yaml")
            }
            Self::Project { vantage, .. } => format!("give {vantage} this project's 1.root.json (check --vantage --root FILE)"),
            Self::Expired { vantage, .. } => {
                format!(
                    "run `spartacus check --vantage {vantage}` there more often, or with a longer --valid, and fetch what it writes"
                )
            }
            Self::Future { vantage, .. } => format!("compare the clocks of this machine and of {vantage}: date -u"),
            Self::Validity { .. } => "spartacus check --vantage NAME --valid 30m".to_owned(),
            Self::Replayed { vantage, .. } => {
                format!(
                    "fetch the newest one from {vantage}; two machines must not share its key: spartacus key new NAME --vantage"
                )
            }
        })
    }
}

/// Takes a file as the testimony of a listed vantage; all but the last rule, which needs to know what was taken before.
///
/// # Errors
/// The first rule that it breaks.
pub fn admit(file: &[u8], against: &Admission<'_>) -> Result<Testimony, Refusal> {
    if file.len() as u64 > LONGEST_TESTIMONY {
        return Err(Refusal::TooLong);
    }
    let statement = read(file).map_err(Refusal::Form)?;
    let claimed: Option<VantageName> =
        statement.claim().get("vantage").and_then(|name| name.as_str()).and_then(|name| name.parse().ok());
    let vantage = claimed.ok_or_else(|| Refusal::Content("it names no vantage".to_owned()))?;
    let Some(listed) = against.listed.iter().find(|listed| listed.name == vantage) else {
        return Err(Refusal::Unlisted { vantage });
    };
    let signed = PublicKey::from_minisign(listed.key.as_str()).is_ok_and(|key| statement.is_by(&key));
    if !signed {
        return Err(Refusal::Signature { vantage });
    }
    let testimony = Testimony::claimed(&statement).map_err(Refusal::Content)?;
    if testimony.project != against.project {
        return Err(Refusal::Project { vantage, found: testimony.project });
    }
    let (at, expires) = (testimony.at, testimony.expires);
    let most = SignedDuration::try_from(LONGEST_VALID).unwrap_or(SignedDuration::ZERO);
    if expires <= at || expires.duration_since(at) > most {
        return Err(Refusal::Validity { vantage, at, expires });
    }
    if at.duration_since(against.now) > AHEAD {
        return Err(Refusal::Future { vantage, at });
    }
    if expires <= against.now {
        return Err(Refusal::Expired { vantage, expired: expires });
    }
    Ok(testimony)
}
