//! What a volunteer does on the server: ready text for the software that runs there.
//!
//! Pure: from what is known of a place to a list of steps. Whatever a volunteer or an invite says goes through [`words`] before it
//! stands in a configuration: a name must not become a second line of `sshd_config`.

mod choices;
mod error;
mod place;
mod s3;
mod sftp;
mod step;
mod web;
mod webdav;
mod words;

pub use choices::{Flavour, ParseFlavourError, ParseWebServerError, SetupChoices, WebServer};
pub use error::SetupError;
pub use step::{SetupForm, SetupStep, setup_page};

use jiff::civil::Date;
use url::Url;

use super::Invite;
use crate::base::TargetName;
use crate::config::TargetKind;

/// What is known of a place.
#[derive(Debug, Clone, Copy)]
pub struct Preparation<'a> {
    /// What the place is called; files on the server are named after it.
    pub name: &'a TargetName,
    /// Where it is, and how one gets in.
    pub kind: &'a TargetKind,
    /// Where readers will find it.
    pub public_url: Option<&'a Url>,
    /// What runs there, and where things lie on the server.
    pub choices: &'a SetupChoices,
    /// What the project says, if that is known yet.
    pub invite: Option<&'a Invite>,
    /// The public half of the volunteer's own key, a line of `authorized_keys`.
    pub own_key: Option<&'a str>,
}

impl Preparation<'_> {
    /// What is to be done, in this order.
    ///
    /// # Errors
    /// When something that is said cannot stand in a configuration, or does not go together.
    pub fn steps(&self) -> Result<Vec<SetupStep>, SetupError> {
        let flavour = self.choices.flavour;
        if !flavour.fits(self.kind) {
            return Err(SetupError::OtherProtocol { flavour, protocol: self.kind.word() });
        }
        match self.kind {
            TargetKind::Folder(_) => Err(SetupError::Folder),
            TargetKind::Sftp(sftp) => sftp::steps(self, sftp),
            TargetKind::S3(s3) => s3::steps(self, s3),
            TargetKind::Webdav(webdav) => webdav::steps(self, webdav),
        }
    }

    /// The last day of what is given.
    fn until(&self) -> Date {
        self.choices.until
    }
}
