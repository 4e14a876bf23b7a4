//! The part of an offer that only the project can read.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{OfferError, Offered, OfferedPlace};
use crate::base::{Addresses, MailAddress, Secret, sanitise};
use crate::config::sealed::{Identity, open, seal};
use crate::config::{Config, NewTarget, SecretRef, Target};
use crate::trust::PublicKey;

/// Longest note, in bytes.
const LONGEST_NOTES: usize = 4096;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretName {
    /// S3.
    AccessKey,
    /// S3.
    SecretKey,
    /// SFTP and WebDAV.
    Password,
}

impl SecretName {
    /// `access_key`, `secret_key` or `password`: the key of a target that it belongs to.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AccessKey => "access_key",
            Self::SecretKey => "secret_key",
            Self::Password => "password",
        }
    }
}

/// What only the project may read: where the place is, how to get in, whom to ask.
#[derive(Debug)]
pub struct Sealed {
    /// Where it is.
    pub place: OfferedPlace,
    /// What it takes to get in.
    pub secrets: BTreeMap<SecretName, Secret>,
    /// Where the volunteer is told of troubles.
    pub contact: Option<MailAddress>,
    /// What else is to be known, safe to print.
    pub notes: Option<String>,
}

/// As it is sealed. The key of the volunteer is in it, so that nobody else can offer it under a name of their own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inside {
    volunteer: String,
    place: OfferedPlace,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<SecretName, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.secrets.values_mut().for_each(zeroize::Zeroize::zeroize);
    }
}

impl Sealed {
    /// The lines of an armor that only `recipients` can open, in an offer that `volunteer` signs.
    ///
    /// # Errors
    /// When a recipient is none.
    ///
    /// # Panics
    /// Never: records have text keys.
    pub fn close(&self, volunteer: &PublicKey, recipients: &[String]) -> Result<Vec<String>, OfferError> {
        let inside = Inside {
            volunteer: volunteer.to_minisign(),
            place: self.place.clone(),
            secrets: self.secrets.iter().map(|(name, secret)| (*name, secret.expose().to_owned())).collect(),
            contact: self.contact.as_ref().map(|address| address.as_str().to_owned()),
            notes: self.notes.clone(),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&inside).expect("records have text keys"));
        let armor = seal(&plain, recipients).map_err(OfferError::Closed)?;
        Ok(armor.lines().map(ToOwned::to_owned).collect())
    }

    /// Opens the sealed part of what `volunteer` offered, with one of `identities`.
    ///
    /// # Errors
    /// When it is not sealed to us, when another volunteer sealed it, or when it is not what belongs there.
    pub fn open(offered: &Offered, volunteer: &PublicKey, identities: &[Identity]) -> Result<Self, OfferError> {
        let plain = open(offered.armor().as_bytes(), identities).map_err(OfferError::Closed)?;
        let wrong = |what: &str| OfferError::Inside(what.to_owned());
        // Where it is wrong is told, and not what stands there.
        let mut inside: Inside = serde_json::from_slice(&plain).map_err(|error| {
            wrong(&format!("it is not what belongs there (line {}, column {})", error.line(), error.column()))
        })?;
        if inside.volunteer != volunteer.to_minisign() {
            return Err(wrong("another volunteer sealed it"));
        }
        if inside.place.word() != offered.kind {
            return Err(wrong("it is a place of another kind"));
        }
        let (least, most) = inside.place.secrets();
        let has = |name: &SecretName| inside.secrets.contains_key(name);
        if !least.iter().all(has) || !inside.secrets.keys().all(|name| most.contains(name)) {
            return Err(wrong("it does not have the secrets that such a place takes"));
        }
        let is_line = |secret: &String| !secret.is_empty() && !secret.contains(char::is_control);
        if !inside.secrets.values().all(is_line) {
            return Err(wrong("a secret in it is empty, or more than a line"));
        }
        let contact = match &inside.contact {
            Some(text) => Some(text.parse().map_err(|error| wrong(&format!("contact: {error}")))?),
            None => None,
        };
        if inside.notes.as_ref().is_some_and(|notes| notes.len() > LONGEST_NOTES) {
            return Err(wrong("the notes in it are too long"));
        }
        let secrets = std::mem::take(&mut inside.secrets);
        Ok(Self {
            place: inside.place.clone(),
            secrets: secrets.into_iter().map(|(name, secret)| (name, Secret::new(secret))).collect(),
            contact,
            notes: inside.notes.as_deref().map(sanitise),
        })
    }

    /// The target that this offer becomes, called `name`; its secrets lie where `reference` says, and where there is none
    /// pushes log in with `deploy_key`. It may lead to public addresses only.
    ///
    /// # Errors
    /// When no target can be made of it.
    pub fn target(
        &self,
        offered: &Offered,
        name: crate::base::TargetName,
        reference: impl Fn(SecretName) -> SecretRef,
        deploy_key: &str,
    ) -> Result<NewTarget, OfferError> {
        let kind = self.place.to_target(|secret| self.secrets.contains_key(&secret).then(|| reference(secret)), deploy_key)?;
        Ok(NewTarget {
            public_url: Some(offered.address()?),
            operator: offered.operator.clone(),
            country: offered.country.clone(),
            network: offered.network.clone(),
            limits: offered.limits.to_target()?,
            addresses: Addresses::Public,
            contact: self.contact.clone(),
            ..NewTarget::new(name, kind)
        })
    }
}

/// `new` as the configuration at `path` would understand it, with the same checks as an entry that a maintainer wrote.
///
/// # Errors
/// When the configuration would refuse it; the words name what is wrong.
pub fn as_target(new: &NewTarget, path: &Utf8Path) -> Result<Target, OfferError> {
    const ALONE: &str = "project:\n  name: offer\ntargets: []\n";
    let refused = |what: String| OfferError::Inside(sanitise(&what));
    let text = crate::config::add_target(ALONE, new).map_err(|error| refused(error.to_string()))?;
    match Config::from_text(path, &text) {
        Ok(mut loaded) => loaded.config.targets.pop().ok_or_else(|| refused("no target can be made of it".to_owned())),
        Err(error) => Err(refused(match error.problems().first() {
            Some(problem) => problem.message.clone(),
            None => error.to_string(),
        })),
    }
}
