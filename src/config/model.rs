//! The checked configuration: what the rest of the program reads.

use std::time::Duration;

use camino::Utf8PathBuf;
use url::Url;

use super::SecretRef;
use crate::base::{
    AddressBlock, Addresses, AlertRules, ByteCount, HealthPolicy, Holds, Layout, MailAddress, Replicas, RetryPolicy, RouteName,
    TargetLimits, TargetName, Timeouts,
};

/// A whole `targets.yaml`, checked. Relative paths in it are resolved against the file's folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from.
    pub path: Utf8PathBuf,
    /// What is published.
    pub project: Project,
    /// How pushing goes about it.
    pub policy: Policy,
    /// How mirrors are watched.
    pub health: HealthPolicy,
    /// `health.ping`: who is told that a round begins, ends or fails.
    pub ping: Option<Address>,
    /// Who hears of what, in the order of the file; names are unique.
    pub alerts: Vec<AlertRoute>,
    /// Where it goes, in the order of the file; names are unique.
    pub targets: Vec<Target>,
    /// What people are told who want to mirror the project, if it invites any.
    pub invite: Option<InvitePolicy>,
    /// What the web front is given, if there is one.
    pub serve: Option<ServePolicy>,
}

/// `serve:`
#[derive(Debug, Clone)]
pub struct ServePolicy {
    /// The front database; `None`: in the project's state.
    pub database: Option<Utf8PathBuf>,
    /// Most messages of volunteers that wait.
    pub waiting: u32,
    /// The front says that nobody looks any more when the last round is older.
    pub stale: Duration,
}

/// `invite:`
#[derive(Debug, Clone)]
pub struct InvitePolicy {
    /// Where offers are sent: `mailto:...` or `https://...`; at least one.
    pub send_to: Vec<String>,
    /// Who opens offers besides the project's own identity: age recipients, at least one, whose identity is kept elsewhere.
    pub recipients: Vec<String>,
    /// Addresses and networks that we push and look from, as they are written; empty: not told.
    pub from: Vec<String>,
    /// Bytes that come to it in a year, as far as that is known.
    pub growth: Option<ByteCount>,
    /// What is agreed, a paragraph each.
    pub conditions: Vec<String>,
    /// How long it holds.
    pub valid: Duration,
    /// How long a new mirror has to be good before readers are sent to it.
    pub probation: Duration,
}

/// `project:`
#[derive(Debug, Clone)]
pub struct Project {
    /// Shown in reports.
    pub name: String,
    /// How files lie on mirrors.
    pub layout: Layout,
    /// Digest of `1.root.json`, if pinned in the file (`root: sha256:...`).
    pub root: Option<crate::base::Sha256>,
    /// The list of mirrors and how they are is pushed to all of them, signed by the online key.
    pub publish_status: bool,
}

/// `policy:`
#[derive(Debug, Clone)]
pub struct Policy {
    /// Complete copies wanted.
    pub replicas: Replicas,
    /// Refuse targets whose swap is not atomic.
    pub require_atomic: bool,
    /// Retries and breaker.
    pub retry: RetryPolicy,
    /// Time-outs and deadlines.
    pub timeouts: Timeouts,
    /// Targets worked on at the same time.
    pub concurrency: usize,
    /// Bytes per second over all targets.
    pub bandwidth: Option<ByteCount>,
    /// Networks that targets with `addresses: public` may lie in besides the public Internet.
    pub private_networks: Vec<AddressBlock>,
}

/// One entry of `targets:`.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its unique name.
    pub name: TargetName,
    /// The protocol and its settings.
    pub kind: TargetKind,
    /// Where readers find the same tree, without credentials.
    pub public_url: Option<Url>,
    /// Who runs it.
    pub operator: Option<String>,
    /// Two-letter country code.
    pub country: Option<String>,
    /// Hosting network (`AS64496` or a name).
    pub network: Option<String>,
    /// For `--only`.
    pub tags: Vec<String>,
    /// What the volunteer allows.
    pub limits: TargetLimits,
    /// How much it holds.
    pub holds: Holds,
    /// `socks5h://` or `http://`.
    pub proxy: Option<Url>,
    /// PEM file of authorities trusted for this target besides the system's.
    pub ca: Option<Utf8PathBuf>,
    /// Where its connections may lead.
    pub addresses: Addresses,
    /// Where its volunteer is told of its troubles. Private: in no report that leaves this machine.
    // Boxed: few targets have one, and a file may name very many targets.
    pub contact: Option<Box<MailAddress>>,
    /// Whether it takes part.
    pub state: TargetState,
}

/// Whether a target takes part in pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetState {
    /// It does.
    #[default]
    Active,
    /// It is left out, and counts as such.
    Paused,
}

/// The protocol of a target.
#[derive(Debug, Clone)]
pub enum TargetKind {
    /// `folder:`
    Folder(FolderTarget),
    /// `s3:`
    S3(S3Target),
    /// `sftp:`
    Sftp(SftpTarget),
    /// `webdav:`
    Webdav(WebdavTarget),
}

impl TargetKind {
    /// `folder`, `s3`, `sftp` or `webdav`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::S3(_) => "s3",
            Self::Sftp(_) => "sftp",
            Self::Webdav(_) => "webdav",
        }
    }
}

/// `folder:`
#[derive(Debug, Clone)]
pub struct FolderTarget {
    /// The base folder. Whether it exists is seen when it is used.
    pub path: Utf8PathBuf,
}

/// How a bucket is named in URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addressing {
    /// `https://host/bucket/key`
    #[default]
    Path,
    /// `https://bucket.host/key`
    Virtual,
}

/// `s3:`
#[derive(Debug, Clone)]
pub struct S3Target {
    /// Service address; plain `http` only to loopback or with `insecure: true`.
    pub endpoint: Url,
    /// Region; `us-east-1` unless said.
    pub region: String,
    /// Bucket; never created by us.
    pub bucket: String,
    /// Key prefix without slashes at its ends; may be empty.
    pub prefix: String,
    /// How the bucket is addressed.
    pub addressing: Addressing,
    /// Access key id.
    pub access_key: SecretRef,
    /// Secret access key.
    pub secret_key: SecretRef,
}

/// `sftp:`
#[derive(Debug, Clone)]
pub struct SftpTarget {
    /// Host name or address.
    pub host: String,
    /// Port; 22 unless said.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// Base folder on the server; relative means below the login folder.
    pub path: String,
    /// Private key file (OpenSSH form).
    pub key: Option<Utf8PathBuf>,
    /// Its passphrase.
    pub passphrase: Option<SecretRef>,
    /// Password, instead of a key.
    pub password: Option<SecretRef>,
    /// Pinned host keys: `SHA256:...` fingerprints, `ssh-ed25519 AAAA...` lines, or such lines with `@cert-authority`
    /// before them; at least one.
    pub host_keys: Vec<String>,
    /// Hosts that it is reached through, in the order in which they are passed; at most four.
    pub jump: Vec<JumpHost>,
}

/// One entry of `jump:`, a host that forwards SSH connections. What it is shown of our credentials stands here alone.
#[derive(Debug, Clone)]
pub struct JumpHost {
    /// Host name or address, as the host before it resolves it.
    pub host: String,
    /// Port; 22 unless said.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// Private key file (OpenSSH form).
    pub key: Option<Utf8PathBuf>,
    /// Its passphrase.
    pub passphrase: Option<SecretRef>,
    /// Password, instead of a key.
    pub password: Option<SecretRef>,
    /// Pinned host keys, as those of the target; at least one.
    pub host_keys: Vec<String>,
}

/// How WebDAV requests are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpAuth {
    /// What the server asks for.
    #[default]
    Auto,
    /// Basic only, sent at once.
    Basic,
    /// Digest only.
    Digest,
}

/// `webdav:`
#[derive(Debug, Clone)]
pub struct WebdavTarget {
    /// The base collection.
    pub url: Url,
    /// Login name, if any.
    pub user: Option<String>,
    /// Password, if any.
    pub password: Option<SecretRef>,
    /// How to authenticate.
    pub auth: HttpAuth,
}

/// An address that messages are sent to. Its path may be all that protects it, so it can be a reference, and is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// Written out.
    Plain(Url),
    /// Kept elsewhere.
    Reference(SecretRef),
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(url) => write!(formatter, "Plain({}://{}/…)", url.scheme(), url.host_str().unwrap_or_default()),
            Self::Reference(reference) => formatter.debug_tuple("Reference").field(reference).finish(),
        }
    }
}

/// One entry of `alerts:`.
#[derive(Debug, Clone)]
pub struct AlertRoute {
    /// Its unique name.
    pub name: RouteName,
    /// How messages travel.
    pub way: AlertWay,
    /// What is told, when, and to whom.
    pub rules: AlertRules,
}

/// How messages travel.
#[derive(Debug, Clone)]
pub enum AlertWay {
    /// `command:`, a program of this machine that reads the event as JSON.
    Command(Vec<String>),
    /// `webhook:`, in the form of Alertmanager's.
    Webhook(HttpRoute),
    /// `ntfy:`
    Ntfy(HttpRoute),
    /// `smtp:`
    Smtp(SmtpRoute),
}

impl AlertWay {
    /// `command`, `webhook`, `ntfy` or `smtp`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Webhook(_) => "webhook",
            Self::Ntfy(_) => "ntfy",
            Self::Smtp(_) => "smtp",
        }
    }
}

/// `webhook:` and `ntfy:`
#[derive(Debug, Clone)]
pub struct HttpRoute {
    /// Where messages are posted; plain `http` only to this machine.
    pub url: Address,
    /// A bearer token.
    pub token: Option<SecretRef>,
    /// PEM file of authorities trusted besides the system's.
    pub ca: Option<Utf8PathBuf>,
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailTls {
    /// In clear first; TLS before anything is said. Without it nothing is sent.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// Never: for this machine only.
    None,
}

impl MailTls {
    /// The port that servers of this kind usually have.
    #[must_use]
    pub fn usual_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// `smtp:`
#[derive(Debug, Clone)]
pub struct SmtpRoute {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is encrypted.
    pub tls: MailTls,
    /// Login name, if any.
    pub user: Option<String>,
    /// Password, if any.
    pub password: Option<SecretRef>,
    /// Who it is from.
    pub from: MailAddress,
    /// Where answers go.
    pub reply_to: Option<MailAddress>,
    /// Who gets it; empty in a route for volunteers.
    pub to: Vec<MailAddress>,
    /// PEM file of authorities trusted besides the system's.
    pub ca: Option<Utf8PathBuf>,
}
