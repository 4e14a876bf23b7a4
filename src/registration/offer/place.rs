//! Where a place is, and how one gets in: the sealed half of what a target has.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{OfferError, SecretName};
use crate::config::{Addressing, HttpAuth, S3Target, SecretRef, SftpTarget, TargetKind, WebdavTarget};

/// Where a place is, without the secrets that it takes. A folder is none: it is a place of our own machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum OfferedPlace {
    /// An account with SFTP.
    Sftp {
        /// Host name or address.
        host: String,
        /// Port.
        #[serde(default = "ssh_port")]
        port: u16,
        /// Login name.
        user: String,
        /// The folder, as the account sees it.
        path: String,
        /// The server's host keys, which the volunteer read on the server.
        host_keys: Vec<String>,
    },
    /// A key for a bucket.
    S3 {
        /// Service address.
        endpoint: String,
        /// Region.
        #[serde(default = "region")]
        region: String,
        /// Bucket.
        bucket: String,
        /// Key prefix.
        #[serde(default)]
        prefix: String,
        /// Whether the bucket is named in the host name instead of the path.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        virtual_host: bool,
    },
    /// An account with WebDAV.
    Webdav {
        /// The collection.
        url: String,
        /// Login name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
}

fn ssh_port() -> u16 {
    22
}

fn region() -> String {
    "us-east-1".to_owned()
}

impl OfferedPlace {
    /// The place of a target, and the secrets of it that are to be sealed.
    ///
    /// # Errors
    /// When it is reached in a way that only the owner of this machine has.
    pub fn of_target(kind: &TargetKind) -> Result<(Self, Vec<(SecretName, SecretRef)>), OfferError> {
        let not = |what: &str| Err(OfferError::Inside(what.to_owned()));
        match kind {
            TargetKind::Folder(_) => not("a folder of this machine is nothing that others can reach"),
            TargetKind::Sftp(sftp) if !sftp.jump.is_empty() => not("a place behind a jump host cannot be offered"),
            TargetKind::Sftp(sftp) => Ok((
                Self::Sftp {
                    host: sftp.host.clone(),
                    port: sftp.port,
                    user: sftp.user.clone(),
                    path: sftp.path.clone(),
                    host_keys: sftp.host_keys.clone(),
                },
                // The key that a volunteer tries the place with stays at home: pushes log in with the project's.
                sftp.password.iter().map(|secret| (SecretName::Password, secret.clone())).collect(),
            )),
            TargetKind::S3(s3) => Ok((
                Self::S3 {
                    endpoint: s3.endpoint.to_string(),
                    region: s3.region.clone(),
                    bucket: s3.bucket.clone(),
                    prefix: s3.prefix.clone(),
                    virtual_host: s3.addressing == Addressing::Virtual,
                },
                vec![(SecretName::AccessKey, s3.access_key.clone()), (SecretName::SecretKey, s3.secret_key.clone())],
            )),
            TargetKind::Webdav(webdav) => Ok((
                Self::Webdav { url: webdav.url.to_string(), user: webdav.user.clone() },
                webdav.password.iter().map(|secret| (SecretName::Password, secret.clone())).collect(),
            )),
        }
    }

    /// `sftp`, `s3` or `webdav`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sftp { .. } => "sftp",
            Self::S3 { .. } => "s3",
            Self::Webdav { .. } => "webdav",
        }
    }

    /// In one line, for the maintainer.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Sftp { host, port, user, path, .. } => format!("sftp://{user}@{host}:{port} {path}"),
            Self::S3 { endpoint, bucket, prefix, .. } => format!("s3 {endpoint} bucket {bucket} prefix {prefix:?}"),
            Self::Webdav { url, user } => format!("webdav {url} as {}", user.as_deref().unwrap_or("nobody")),
        }
    }

    /// Which secrets it takes, at least and at most.
    pub(super) fn secrets(&self) -> (&'static [SecretName], &'static [SecretName]) {
        const S3: &[SecretName] = &[SecretName::AccessKey, SecretName::SecretKey];
        const PASSWORD: &[SecretName] = &[SecretName::Password];
        match self {
            Self::Sftp { .. } => (&[], PASSWORD),
            Self::S3 { .. } => (S3, S3),
            Self::Webdav { user: Some(_), .. } => (PASSWORD, PASSWORD),
            Self::Webdav { user: None, .. } => (&[], &[]),
        }
    }

    /// As a target has it. Where a secret lies is told by `reference`; `deploy_key` is what pushes log in with where there is none.
    pub(super) fn to_target(
        &self,
        reference: impl Fn(SecretName) -> Option<SecretRef>,
        deploy_key: &str,
    ) -> Result<TargetKind, OfferError> {
        let address = |text: &str| Url::parse(text).map_err(|error| OfferError::Inside(format!("no address: {error}")));
        let needed = |name: SecretName| {
            reference(name).ok_or_else(|| OfferError::Inside(format!("there is no {name}", name = name.word())))
        };
        Ok(match self {
            Self::Sftp { host, port, user, path, host_keys } => {
                let password = reference(SecretName::Password);
                TargetKind::Sftp(SftpTarget {
                    host: host.clone(),
                    port: *port,
                    user: user.clone(),
                    path: path.clone(),
                    key: password.is_none().then(|| deploy_key.into()),
                    passphrase: None,
                    password,
                    host_keys: host_keys.clone(),
                    jump: Vec::new(),
                })
            }
            Self::S3 { endpoint, region, bucket, prefix, virtual_host } => TargetKind::S3(S3Target {
                endpoint: address(endpoint)?,
                region: region.clone(),
                bucket: bucket.clone(),
                prefix: prefix.clone(),
                addressing: if *virtual_host { Addressing::Virtual } else { Addressing::Path },
                access_key: needed(SecretName::AccessKey)?,
                secret_key: needed(SecretName::SecretKey)?,
            }),
            Self::Webdav { url, user } => TargetKind::Webdav(WebdavTarget {
                url: address(url)?,
                user: user.clone(),
                password: reference(SecretName::Password),
                auth: HttpAuth::Auto,
            }),
        })
    }
}
