//! What an SFTP target needs to be told.

use camino::Utf8PathBuf;
use url::Url;

use super::pin::HostKeyPin;
use crate::base::{ByteCount, Secret, Timeouts};
use crate::net::{Destinations, without_login};

/// How we prove who we are. Exactly one thing is offered: an agent full of keys ends in "too many authentication
/// failures".
#[derive(Debug, Clone)]
pub enum SftpAuth {
    /// A private key in OpenSSH or PEM form. If a certificate for it lies beside it (`KEY-cert.pub`), that is shown instead
    /// of the bare key, unless it is an RSA key.
    Key {
        /// The file.
        path: Utf8PathBuf,
        /// Its passphrase, if it is encrypted.
        passphrase: Option<Secret>,
    },
    /// A password, by the method `password` or, where only that is offered, `keyboard-interactive`.
    Password(Secret),
}

/// A server with SSH on the way to a target, which forwards connections and need do nothing else.
#[derive(Debug, Clone)]
pub struct JumpHost {
    /// Host name or address, as the one before it on the way resolves it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Login name there.
    pub user: String,
    /// Proof of who we are, shown to this host and to no other.
    pub auth: SftpAuth,
    /// The keys that it may show; none fits: the way ends before anything is proved to it.
    pub host_keys: Vec<HostKeyPin>,
}

/// Where an SFTP target is and how to get in.
#[derive(Clone)]
pub struct SftpSettings {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// Base folder; relative means below the login folder, empty means the login folder itself.
    pub base: String,
    /// Proof of who we are.
    pub auth: SftpAuth,
    /// The keys that the server may show; none fits: no connection.
    pub host_keys: Vec<HostKeyPin>,
    /// Time-outs.
    pub timeouts: Timeouts,
    /// Most channels on the connection; at least one. Each carries 64 files at the same time.
    pub max_channels: usize,
    /// Files from this size on are forced to disk before they get their name (where the server can); what replaces a
    /// file in use always is. A power cut soon after a push can therefore cost small new files, which the next check
    /// finds, but never the pointer to them. Forcing each small file out costs a seek each on a volunteer's disk
    /// (measured: 500 files of 4 KiB to OpenSSH on ext4 on one virtual disk, no distance: 0.33 s without, 2.0-2.3 s with).
    pub sync_from: ByteCount,
    /// `socks5h://` or `http://` proxy; what goes through it is the first connection, to the first jump host if there is one.
    pub proxy: Option<Url>,
    /// Passed one after the other, each reached through the one before it.
    pub jump: Vec<JumpHost>,
    /// Where the connection may lead. Unless that is anywhere there can be no proxy and no jump host: behind them nobody
    /// sees it.
    pub destinations: Destinations,
}

impl std::fmt::Debug for SftpSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SftpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("base", &self.base)
            .field("auth", &self.auth)
            .field("host_keys", &self.host_keys)
            .field("proxy", &self.proxy.as_ref().map(without_login))
            .field("jump", &self.jump)
            .field("destinations", &self.destinations)
            .finish_non_exhaustive()
    }
}

impl SftpSettings {
    /// Settings for the login folder of `user` at port 22 of `host`, with the usual limits.
    #[must_use]
    pub fn new(host: impl Into<String>, user: impl Into<String>, auth: SftpAuth, host_keys: Vec<HostKeyPin>) -> Self {
        Self {
            host: host.into(),
            port: 22,
            user: user.into(),
            base: String::new(),
            auth,
            host_keys,
            timeouts: Timeouts::default(),
            max_channels: 4,
            sync_from: ByteCount(1 << 20),
            proxy: None,
            jump: Vec::new(),
            destinations: Destinations::anywhere(),
        }
    }
}
