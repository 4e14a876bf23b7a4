//! What a volunteer chooses that no target says: what runs there, and where things lie on the server.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::config::TargetKind;

/// Which software a place runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// SFTP: OpenSSH, whose configuration the volunteer may change.
    Openssh,
    /// SFTP or WebDAV: an account on a server that others run.
    Hoster,
    /// S3: Amazon.
    Aws,
    /// S3: Garage.
    Garage,
    /// S3: `MinIO`.
    Minio,
    /// S3: Cloudflare R2.
    R2,
    /// S3: another service.
    Other,
    /// WebDAV: Apache.
    Apache,
    /// WebDAV: nginx.
    Nginx,
    /// WebDAV: Nextcloud.
    Nextcloud,
}

/// The text is no flavour.
#[derive(Debug, thiserror::Error)]
#[error("no such flavour; there are {}", Flavour::ALL.map(Flavour::word).join(", "))]
pub struct ParseFlavourError;

impl Flavour {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Openssh,
        Self::Hoster,
        Self::Aws,
        Self::Garage,
        Self::Minio,
        Self::R2,
        Self::Other,
        Self::Apache,
        Self::Nginx,
        Self::Nextcloud,
    ];

    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Openssh => "openssh",
            Self::Hoster => "hoster",
            Self::Aws => "aws",
            Self::Garage => "garage",
            Self::Minio => "minio",
            Self::R2 => "r2",
            Self::Other => "other",
            Self::Apache => "apache",
            Self::Nginx => "nginx",
            Self::Nextcloud => "nextcloud",
        }
    }

    /// Those of a protocol: `sftp`, `s3` or `webdav`.
    #[must_use]
    pub fn of_protocol(protocol: &str) -> Vec<Self> {
        match protocol {
            "sftp" => vec![Self::Openssh, Self::Hoster],
            "s3" => vec![Self::Aws, Self::Garage, Self::Minio, Self::R2, Self::Other],
            "webdav" => vec![Self::Apache, Self::Nginx, Self::Nextcloud, Self::Hoster],
            _ => Vec::new(),
        }
    }

    /// Whether such a place can have it.
    #[must_use]
    pub fn fits(self, kind: &TargetKind) -> bool {
        Self::of_protocol(kind.word()).contains(&self)
    }

    /// What it most likely is, from its address.
    #[must_use]
    pub fn guess(kind: &TargetKind) -> Self {
        match kind {
            TargetKind::Sftp(_) | TargetKind::Folder(_) => Self::Openssh,
            TargetKind::S3(s3) => {
                let host = s3.endpoint.host_str().unwrap_or_default();
                match () {
                    () if host.ends_with(".amazonaws.com") => Self::Aws,
                    () if host.ends_with(".r2.cloudflarestorage.com") => Self::R2,
                    () if s3.region == "garage" => Self::Garage,
                    () => Self::Other,
                }
            }
            TargetKind::Webdav(webdav) if webdav.url.path().contains("/remote.php/") => Self::Nextcloud,
            TargetKind::Webdav(_) => Self::Hoster,
        }
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl FromStr for Flavour {
    type Err = ParseFlavourError;

    fn from_str(text: &str) -> Result<Self, ParseFlavourError> {
        Self::ALL.into_iter().find(|flavour| flavour.word() == text).ok_or(ParseFlavourError)
    }
}

/// What serves the folder of an SFTP account to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebServer {
    /// nginx.
    #[default]
    Nginx,
    /// Apache.
    Apache,
    /// Something else, or it is there already.
    Other,
}

/// The text is no web server that is known here.
#[derive(Debug, thiserror::Error)]
#[error("it is nginx, apache or other")]
pub struct ParseWebServerError;

impl FromStr for WebServer {
    type Err = ParseWebServerError;

    fn from_str(text: &str) -> Result<Self, ParseWebServerError> {
        match text {
            "nginx" => Ok(Self::Nginx),
            "apache" => Ok(Self::Apache),
            "other" => Ok(Self::Other),
            _ => Err(ParseWebServerError),
        }
    }
}

/// What a volunteer chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupChoices {
    /// Which software the place runs on.
    pub flavour: Flavour,
    /// The folder on the server that everything lies in: the chroot of SFTP, what WebDAV shows.
    pub server_folder: String,
    /// The folder on the server that configurations lie in.
    pub etc: String,
    /// What serves the folder of an SFTP account to readers.
    pub web: WebServer,
    /// The last day of what is given, where the software can end it.
    pub until: Date,
}

impl SetupChoices {
    /// The usual folders.
    #[must_use]
    pub fn new(flavour: Flavour, until: Date) -> Self {
        Self { flavour, server_folder: "/srv/mirror".to_owned(), etc: "/etc".to_owned(), web: WebServer::default(), until }
    }

    /// The last day on which what is given lets the project in; `None`: it ends when somebody takes it back.
    #[must_use]
    pub fn ends(&self, kind: &TargetKind) -> Option<Date> {
        let by_itself = match kind {
            TargetKind::Sftp(sftp) => sftp.password.is_none(),
            TargetKind::S3(_) => matches!(self.flavour, Flavour::Aws | Flavour::Minio | Flavour::Other),
            TargetKind::Webdav(_) | TargetKind::Folder(_) => false,
        };
        by_itself.then_some(self.until)
    }
}
