//! What a project tells people who want to mirror it: one file under a maintainer's signature.
//!
//! It names the key that pushes log in with, the addresses that they come from, and to whom secrets are sealed. Whoever could
//! change these would be let in everywhere, so the online key is not enough to sign it.

mod page;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use page::{authorized_keys, invite_page};

use crate::base::{BundleName, ByteCount, Hinted, Sha256, causes, sanitise};
use crate::config::sealed::recipient;
use crate::trust::{SigningKey, Statement, maintainers};

/// The purpose under which invites are signed, and the name of their form.
const SCHEMA: &str = "spartacus.invite/1";
/// Longest file, in bytes: hundreds of roots, and all lists full.
pub const LONGEST_INVITE: u64 = 2 << 20;
/// Most items of one list.
const MOST: usize = 32;
/// Longest text, in bytes.
const LONGEST_TEXT: usize = 4096;

/// What a project tells people who want to mirror it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// The project's name.
    pub project: String,
    /// The digest of its first root, which a volunteer compares with what the project says elsewhere.
    pub pin: Sha256,
    /// All of its roots, oldest first, in base64: who signs for it now follows from the pin.
    pub roots: Vec<String>,
    /// When it was written.
    pub at: Timestamp,
    /// It holds until then.
    pub expires: Timestamp,
    /// What will be stored.
    pub needs: Needs,
    /// `folder` is none: that is a place of our own machine.
    pub protocols: Vec<String>,
    /// The public SSH keys that pushes log in with, as lines of `authorized_keys`.
    pub deploy_keys: Vec<String>,
    /// Addresses and networks that pushes and looks come from; empty: not told.
    pub from: Vec<String>,
    /// The age recipients that secrets are sealed to.
    pub recipients: Vec<String>,
    /// Where offers are sent: `mailto:...` or `https://...`.
    pub send_to: Vec<String>,
    /// What is agreed, a paragraph each.
    pub conditions: Vec<String>,
}

/// What will be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Bundles of today.
    pub bundles: u64,
    /// Files in them.
    pub files: u64,
    /// Bytes in them.
    pub bytes: ByteCount,
    /// The newest bundle, if there is one.
    pub newest: Option<BundleName>,
    /// Bytes of the newest bundle.
    pub newest_bytes: ByteCount,
    /// Bytes that come to it in a year, as far as the project knows.
    pub growth_per_year: Option<ByteCount>,
}

/// Why an invite was not taken. Safe to print.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// It is no invite.
    #[error("it is no invite: {0}")]
    Form(String),
    /// It is of another project than the pin says.
    #[error("it is of the project with the pin {found}, not {expected}")]
    OtherProject {
        /// The pin that was asked for.
        expected: Sha256,
        /// That of the invite.
        found: Sha256,
    },
    /// Its roots do not lead from the pin to anybody.
    #[error("its roots do not hold: {0}")]
    Roots(String),
    /// No maintainer signed it.
    #[error("no maintainer of the project signed it")]
    Unsigned,
    /// It is over.
    #[error("it ended {0}")]
    Over(Timestamp),
}

impl Hinted for InviteError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Over(_) => Some("ask the project for a newer one".to_owned()),
            Self::OtherProject { .. } | Self::Roots(_) | Self::Unsigned => {
                Some("get the invite and the pin from the project's own pages, over different ways".to_owned())
            }
            Self::Form(_) => None,
        }
    }
}

impl Invite {
    /// The file, signed by `key`, which has to be a maintainer's.
    ///
    /// # Panics
    /// Never: records have text keys and whole numbers.
    #[must_use]
    pub fn to_file(&self, key: &SigningKey) -> Vec<u8> {
        let signed = serde_json::to_value(self).expect("records have text keys and whole numbers");
        Statement::write(SCHEMA, &signed, key)
    }

    /// Reads a file that is to be an invite of the project with this pin, and holds at `now`. Every text in it is safe to print
    /// afterwards.
    ///
    /// # Errors
    /// When it is not.
    pub fn read(file: &[u8], pin: Sha256, now: Timestamp) -> Result<Self, InviteError> {
        let form = |error: String| InviteError::Form(sanitise(&error));
        let statement = Statement::read(SCHEMA, file).map_err(|error| form(error.to_string()))?;
        let claimed: Self = serde_json::from_value(statement.claim().clone()).map_err(|error| form(error.to_string()))?;
        if claimed.pin != pin {
            return Err(InviteError::OtherProject { expected: pin, found: claimed.pin });
        }
        let roots = claimed.decoded_roots()?;
        if roots.first().map(|root| Sha256::of(root)) != Some(pin) {
            return Err(InviteError::Roots("the first of them is not the one of the pin".to_owned()));
        }
        let keys = maintainers(&roots).map_err(|error| InviteError::Roots(sanitise(&causes(&error).join(": "))))?;
        if !keys.keys.iter().any(|key| statement.is_by(key)) {
            return Err(InviteError::Unsigned);
        }
        if claimed.expires <= now {
            return Err(InviteError::Over(claimed.expires));
        }
        claimed.checked()
    }

    /// The same, whether it still holds or not: whoever was invited once may say what becomes of their offer.
    ///
    /// # Errors
    /// When it never was an invite of this project.
    pub fn recall(file: &[u8], pin: Sha256) -> Result<Self, InviteError> {
        let read: Option<serde_json::Value> = serde_json::from_slice(file).ok();
        let at = read.and_then(|read| read["signed"]["at"].as_str()?.parse().ok());
        Self::read(file, pin, at.ok_or_else(|| InviteError::Form("it has no moment".to_owned()))?)
    }

    /// The pin that a file says it is for, whoever wrote it; to be compared, not to be believed.
    #[must_use]
    pub fn claimed_pin(file: &[u8]) -> Option<Sha256> {
        let read: serde_json::Value = serde_json::from_slice(file).ok()?;
        read["signed"]["pin"].as_str()?.parse().ok()
    }

    fn decoded_roots(&self) -> Result<Vec<Bytes>, InviteError> {
        let decoded = |text: &String| STANDARD.decode(text).map(Bytes::from);
        self.roots.iter().map(decoded).collect::<Result<_, _>>().map_err(|error| InviteError::Roots(error.to_string()))
    }

    /// Roots as they stand in the file.
    #[must_use]
    pub fn encoded_roots(roots: &[Bytes]) -> Vec<String> {
        roots.iter().map(|root| STANDARD.encode(root)).collect()
    }

    /// A maintainer signed it, and may have been forced or careless all the same.
    fn checked(mut self) -> Result<Self, InviteError> {
        let form = |what: &str| InviteError::Form(what.to_owned());
        let lists = [&self.protocols, &self.deploy_keys, &self.from, &self.recipients, &self.send_to, &self.conditions];
        if lists.iter().any(|list| list.len() > MOST || list.iter().any(|text| text.len() > LONGEST_TEXT)) {
            return Err(form("it says more than is read"));
        }
        if self.project.len() > LONGEST_TEXT {
            return Err(form("the project's name is too long"));
        }
        if self.recipients.len() < 2 || self.recipients.iter().any(|text| recipient(text).is_err()) {
            return Err(form("secrets have to be sealed to two recipients at least"));
        }
        if self.deploy_keys.iter().any(|line| line.contains('\n') || ssh_key::PublicKey::from_openssh(line).is_err()) {
            return Err(form("what pushes log in with is no SSH key"));
        }
        let named = |text: &String| text.starts_with("mailto:") || text.starts_with("https://");
        if self.send_to.is_empty() || !self.send_to.iter().all(named) {
            return Err(form("it does not say where offers are sent"));
        }
        let texts = [&mut self.protocols, &mut self.deploy_keys, &mut self.from, &mut self.send_to, &mut self.conditions];
        texts.into_iter().flatten().chain([&mut self.project]).for_each(|text| *text = sanitise(text));
        Ok(self)
    }
}
