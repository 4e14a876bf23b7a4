//! Another deploy key, with a time in which both are there.
//!
//! Which files there are tells how far it is, so that a kill at any point leaves a key that works, and the next command goes on:
//!
//! ```text
//! deploy_ed25519  .next  .next.pub
//!       old         -        -       nothing is under way
//!       old        new       -       `begin` was killed: under way
//!       old        new      new      under way
//!       new         -       new      `finish` was killed after the one rename that counts: switched
//!       new         -        -       finished
//! ```
//!
//! The public half of a key is taken from the key itself: the file beside it may be older after a kill.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use ssh_key::PrivateKey;

use super::disk::{self, PUBLIC};
use super::error::BundleError;
use super::init::write_ssh_key;
use super::project::Project;

/// How far a change of the deploy key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// There is one key.
    None,
    /// The next key is there, too.
    UnderWay,
    /// The next key has taken the place of the old one, and what is left of the change is to be tidied up.
    Switched,
}

impl Project {
    /// The secret SSH key that comes after [`Project::deploy_key`], while it is being changed.
    #[must_use]
    pub fn next_deploy_key(&self) -> Utf8PathBuf {
        self.keys().join("deploy_ed25519.next")
    }

    /// How far a change of the deploy key is.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        let next = self.next_deploy_key();
        match (next.exists(), beside(&next, ".pub").exists() || beside(&next, CERTIFICATE).exists()) {
            (true, _) => Rotation::UnderWay,
            (false, true) => Rotation::Switched,
            (false, false) => Rotation::None,
        }
    }

    /// The public halves of the deploy key and of the next one, as lines of `authorized_keys`; of those that lie here.
    pub fn deploy_keys(&self) -> Result<Vec<String>, BundleError> {
        let mut lines: Vec<String> = Vec::new();
        for path in [self.deploy_key(), self.next_deploy_key()] {
            match public_half(&path)? {
                Some(line) if !lines.contains(&line) => lines.push(line),
                _ => {}
            }
        }
        Ok(lines)
    }

    /// Makes the next deploy key; `comment` is said in its public half. Returns the public half.
    ///
    /// # Errors
    /// [`BundleError::Exists`] when there is one.
    pub fn begin_rotation(&self, comment: &str) -> Result<String, BundleError> {
        self.tidy_rotation()?;
        let next = self.next_deploy_key();
        // The secret half first: a public half alone means that the key has taken its place.
        write_ssh_key(&next, comment)?;
        public_half(&next)?.ok_or(BundleError::Exists { path: next })
    }

    /// Puts the next deploy key in the place of the old one, which is gone then: it may have been stolen. One rename does it.
    /// [`Project::finish_rotation`] ends it.
    pub fn switch_deploy_key(&self) -> Result<(), BundleError> {
        let (present, next) = (self.deploy_key(), self.next_deploy_key());
        if !next.exists() {
            return Ok(());
        }
        // Afterwards it alone tells that the change is not ended; where `begin` was killed, it is not there.
        if let (false, Some(line)) = (beside(&next, ".pub").exists(), public_half(&next)?) {
            disk::replace(&beside(&next, ".pub"), format!("{line}\n").as_bytes(), PUBLIC)?;
        }
        // The certificate of the old key would be taken for one of the new key, and refused.
        disk::remove(&beside(&present, CERTIFICATE))?;
        rename(&next, &present)
    }

    /// The same, and tidies up what is left of the change.
    pub fn finish_rotation(&self) -> Result<(), BundleError> {
        self.switch_deploy_key()?;
        self.tidy_rotation()
    }

    /// Removes the next deploy key.
    pub fn cancel_rotation(&self) -> Result<(), BundleError> {
        let next = self.next_deploy_key();
        // The secret half last: until then it counts as under way, and can be cancelled again.
        for path in [beside(&next, CERTIFICATE), beside(&next, ".pub"), next] {
            disk::remove(&path)?;
        }
        disk::sync_folder(&self.keys())
    }

    /// Does what a kill left undone.
    fn tidy_rotation(&self) -> Result<(), BundleError> {
        let (present, next) = (self.deploy_key(), self.next_deploy_key());
        if self.rotation() != Rotation::Switched {
            return Ok(());
        }
        let certificate = beside(&next, CERTIFICATE);
        if certificate.exists() {
            rename(&certificate, &beside(&present, CERTIFICATE))?;
        }
        if let Some(line) = public_half(&present)? {
            disk::replace(&beside(&present, ".pub"), format!("{line}\n").as_bytes(), PUBLIC)?;
        }
        disk::remove(&beside(&next, ".pub"))
    }
}

/// Where the certificate of a key lies, as OpenSSH has it.
const CERTIFICATE: &str = "-cert.pub";

fn beside(key: &Utf8Path, end: &str) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{key}{end}"))
}

fn rename(from: &Utf8Path, to: &Utf8Path) -> Result<(), BundleError> {
    fs::rename(from, to).map_err(|error| BundleError::writing(to, error))?;
    disk::sync_folder(to.parent().unwrap_or(Utf8Path::new(".")))
}

/// The public half of a secret key, of one that is locked, too; `None` without such a key. Where its form is not that of
/// OpenSSH, the file beside it tells.
fn public_half(secret: &Utf8Path) -> Result<Option<String>, BundleError> {
    let Some(bytes) = disk::read(secret)? else { return Ok(None) };
    let line = PrivateKey::from_openssh(&bytes).and_then(|key| key.public_key().to_openssh());
    if let Ok(line) = line {
        return Ok(Some(line.trim().to_owned()));
    }
    let text = disk::read(&beside(secret, ".pub"))?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).trim().to_owned()))
}
