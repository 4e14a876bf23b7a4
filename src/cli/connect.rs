//! From a configured target to a store.

use std::sync::Arc;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};

use super::accounts::{Accounts, S3_CONNECTIONS, WEBDAV_CONNECTIONS};
use super::deploy_key::DeployKey;
use super::session::Session;
use crate::base::{Addresses, Hinted as _, Secret, TargetName, Timeouts};
use crate::config::{
    Addressing, Config, HttpAuth, JumpHost, S3Target, SecretError, SecretRef, SftpTarget, Target, TargetKind, WebdavTarget,
};
use crate::net::{Clients, Destinations, HttpPolicy, NetError};
use crate::registration::Login;
use crate::store::folder::FolderStore;
use crate::store::s3::{self, S3Settings, S3Store};
use crate::store::sftp::{self, HostKeyPin, SftpAuth, SftpSettings, SftpStore};
use crate::store::webdav::{AuthMode, WebdavSettings, WebdavStore};
use crate::store::{ErrorKind, Operation, Store, StoreError};
use crate::transfer::Connector;

/// Reaches one configured target. Secrets are fetched when it connects, so that a target that takes no part needs none.
pub struct TargetConnector {
    target: Target,
    timeouts: Timeouts,
    destinations: Destinations,
    clients: Arc<Clients>,
    accounts: Arc<Accounts>,
    deploy: Option<DeployKey>,
}

impl TargetConnector {
    /// A connector for `target`.
    #[must_use]
    pub fn new(session: &Session, target: &Target) -> Self {
        Self {
            accounts: session.accounts.clone(),
            deploy: DeployKey::of(&session.project, target),
            ..Self::alone(&session.config, &session.clients, target)
        }
    }

    /// A connector for a target that shares its account with no other.
    #[must_use]
    pub fn alone(config: &Config, clients: &Arc<Clients>, target: &Target) -> Self {
        Self {
            target: target.clone(),
            timeouts: config.policy.timeouts,
            destinations: destinations(config, target),
            clients: clients.clone(),
            accounts: Arc::default(),
            deploy: None,
        }
    }

    /// The way in, with the secret that it takes, for an examination.
    pub async fn login(&self) -> Result<Login, StoreError> {
        Ok(match &self.target.kind {
            TargetKind::Folder(settings) => Login::Folder(settings.path.clone()),
            TargetKind::S3(settings) => Login::S3(Box::new(self.s3(settings).await?)),
            TargetKind::Sftp(settings) => Login::Sftp(Box::new(self.sftp(settings).await?)),
            TargetKind::Webdav(settings) => Login::Webdav(Box::new(self.webdav(settings).await?)),
        })
    }

    /// With this deploy key, if it logs in with it: while that is being changed, the next one will do, too.
    #[must_use]
    pub fn with_deploy_key(self, deploy: Option<DeployKey>) -> Self {
        Self { deploy, ..self }
    }

    /// The same as [`TargetConnector::login`], with the next deploy key where the server refuses the present one and takes that.
    pub async fn login_with_either_key(&self) -> Result<Login, StoreError> {
        let login = self.login().await?;
        let Login::Sftp(settings) = &login else { return Ok(login) };
        let Some(next) = self.deploy.as_ref().and_then(|deploy| deploy.with_next(settings)) else { return Ok(login) };
        // What else goes wrong the examination meets, too, and tells it.
        if self.is_refused((**settings).clone()).await && !self.is_refused(next.clone()).await {
            return Ok(Login::Sftp(Box::new(next)));
        }
        Ok(login)
    }

    async fn is_refused(&self, settings: SftpSettings) -> bool {
        match SftpStore::connect(self.target.name.clone(), settings).await {
            Ok(store) => {
                store.close().await;
                false
            }
            Err(error) => error.kind == ErrorKind::Unauthenticated,
        }
    }

    /// Logs in with `key` alone, the deploy key or the next one, and out again. Nothing is written.
    pub async fn lets_in(&self, key: &Utf8Path) -> Result<(), StoreError> {
        let (TargetKind::Sftp(wanted), Some(deploy)) = (&self.target.kind, &self.deploy) else {
            return Err(StoreError::new(ErrorKind::Unsupported, Operation::Connect, &self.target.name)
                .saying("it does not log in with the deploy key"));
        };
        let settings = self.sftp(wanted).await?;
        let next = deploy.with_next(&settings).filter(|_| deploy.next() == Some(key));
        let store = SftpStore::connect(self.target.name.clone(), next.unwrap_or(settings)).await?;
        store.close().await;
        Ok(())
    }

    /// With the present deploy key, or with the next one while it is being changed: a volunteer who replaces the line in
    /// `authorized_keys` instead of adding one breaks nothing.
    async fn let_in(&self, settings: SftpSettings) -> Result<SftpStore, StoreError> {
        let name = &self.target.name;
        let next = self.deploy.as_ref().and_then(|deploy| deploy.with_next(&settings));
        let refused = match (SftpStore::connect(name.clone(), settings).await, &next) {
            (Err(error), Some(_)) if error.kind == ErrorKind::Unauthenticated => error,
            (ended, _) => return ended,
        };
        match SftpStore::connect(name.clone(), next.expect("it was there a moment ago")).await {
            Ok(store) => {
                tracing::info!(target = %name, "it takes the next deploy key, and not the present one");
                Ok(store)
            }
            Err(error) if error.kind == ErrorKind::Unauthenticated => {
                Err(refused.advising("the deploy key is being changed, and neither is accepted: spartacus rotate status"))
            }
            Err(error) => Err(error),
        }
    }

    fn client(&self) -> Result<reqwest::Client, StoreError> {
        self.clients.get(&http_policy(&self.target, &self.timeouts, &self.destinations).for_uploads()).map_err(
            |error| match error {
                NetError::Refused(refused) => {
                    StoreError::new(ErrorKind::Address, Operation::Connect, &self.target.name).refusing(&refused)
                }
                other => setup(&self.target.name, other),
            },
        )
    }

    /// On a thread that may block: a password command takes its time, and other targets must not wait for it.
    async fn secret(&self, reference: &SecretRef) -> Result<Secret, StoreError> {
        let reference = reference.clone();
        let found = tokio::task::spawn_blocking(move || reference.resolve()).await;
        found.map_err(|error| setup(&self.target.name, error))?.map_err(|error| no_secret(&self.target.name, error))
    }

    async fn secret_if_any(&self, reference: Option<&SecretRef>) -> Result<Option<Secret>, StoreError> {
        match reference {
            Some(reference) => self.secret(reference).await.map(Some),
            None => Ok(None),
        }
    }

    fn connections(&self, otherwise: usize) -> usize {
        self.target.limits.connections.map_or(otherwise, |count| usize::try_from(count).unwrap_or(otherwise).max(1))
    }

    async fn s3(&self, settings: &S3Target) -> Result<S3Settings, StoreError> {
        Ok(S3Settings {
            endpoint: settings.endpoint.clone(),
            region: settings.region.clone(),
            bucket: settings.bucket.clone(),
            prefix: settings.prefix.clone(),
            addressing: match settings.addressing {
                Addressing::Path => s3::Addressing::Path,
                Addressing::Virtual => s3::Addressing::Virtual,
            },
            access_key: self.secret(&settings.access_key).await?.expose().to_owned(),
            secret_key: self.secret(&settings.secret_key).await?,
            http: self.client()?,
            timeouts: self.timeouts,
            connections: self.connections(S3_CONNECTIONS),
        })
    }

    async fn sftp(&self, settings: &SftpTarget) -> Result<SftpSettings, StoreError> {
        let auth = self.auth("sftp:", settings.key.as_ref(), settings.passphrase.as_ref(), settings.password.as_ref()).await?;
        let mut wanted = SftpSettings::new(&settings.host, &settings.user, auth, self.pins(&settings.host_keys)?);
        wanted.port = settings.port;
        wanted.base.clone_from(&settings.path);
        wanted.timeouts = self.timeouts;
        wanted.max_channels = self.connections(wanted.max_channels).min(8);
        wanted.proxy.clone_from(&self.target.proxy);
        wanted.destinations.clone_from(&self.destinations);
        for jump in &settings.jump {
            wanted.jump.push(self.jump_host(jump).await?);
        }
        Ok(wanted)
    }

    async fn jump_host(&self, jump: &JumpHost) -> Result<sftp::JumpHost, StoreError> {
        let place = format!("jump host {} in sftp:", jump.host);
        Ok(sftp::JumpHost {
            host: jump.host.clone(),
            port: jump.port,
            user: jump.user.clone(),
            auth: self.auth(&place, jump.key.as_ref(), jump.passphrase.as_ref(), jump.password.as_ref()).await?,
            host_keys: self.pins(&jump.host_keys)?,
        })
    }

    /// The one credential for a server with SSH; `place` says where in the file it belongs.
    async fn auth(
        &self,
        place: &str,
        key: Option<&Utf8PathBuf>,
        passphrase: Option<&SecretRef>,
        password: Option<&SecretRef>,
    ) -> Result<SftpAuth, StoreError> {
        match (key, password) {
            (Some(path), _) => {
                let passphrase = self.secret_if_any(passphrase).await?;
                Ok(SftpAuth::Key { path: path.clone(), passphrase })
            }
            (None, Some(reference)) => Ok(SftpAuth::Password(self.secret(reference).await?)),
            (None, None) => Err(StoreError::new(ErrorKind::Unauthenticated, Operation::Connect, &self.target.name)
                .saying("neither a key nor a password is configured")
                .advising(format!("add `key: keys/deploy_ed25519` to {place} of target {}", self.target.name))),
        }
    }

    fn pins(&self, texts: &[String]) -> Result<Vec<HostKeyPin>, StoreError> {
        texts
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map_err(|error| setup::<sftp::ParsePinError>(&self.target.name, error))
    }

    async fn webdav(&self, settings: &WebdavTarget) -> Result<WebdavSettings, StoreError> {
        Ok(WebdavSettings {
            base: settings.url.clone(),
            client: self.client()?,
            user: settings.user.clone(),
            password: self.secret_if_any(settings.password.as_ref()).await?,
            auth: match settings.auth {
                HttpAuth::Auto => AuthMode::Auto,
                HttpAuth::Basic => AuthMode::Basic,
                HttpAuth::Digest => AuthMode::Digest,
            },
            timeouts: self.timeouts,
            connections: self.connections(WEBDAV_CONNECTIONS),
        })
    }
}

#[async_trait]
impl Connector for TargetConnector {
    async fn connect(&self) -> Result<Arc<dyn Store>, StoreError> {
        let name = self.target.name.clone();
        let store: Arc<dyn Store> = match self.login().await? {
            Login::Folder(path) => Arc::new(FolderStore::new(name, path)),
            Login::S3(settings) => Arc::new(S3Store::new(name, *settings)),
            Login::Sftp(settings) => Arc::new(self.let_in(*settings).await?),
            Login::Webdav(settings) => Arc::new(WebdavStore::new(name, *settings)),
        };
        Ok(self.accounts.limit(&self.target, store))
    }
}

/// The HTTP policy of a target: the same for writing to it and for reading its public face.
#[must_use]
pub fn http_policy(target: &Target, timeouts: &Timeouts, destinations: &Destinations) -> HttpPolicy {
    HttpPolicy {
        proxy: target.proxy.clone(),
        ca: target.ca.clone(),
        destinations: destinations.clone(),
        ..HttpPolicy::new(timeouts)
    }
}

/// Where the connections of a target may lead. Our own addresses as others see them are none that a stranger may offer.
#[must_use]
pub fn destinations(config: &Config, target: &Target) -> Destinations {
    match target.addresses {
        Addresses::Anywhere => Destinations::anywhere(),
        Addresses::Public => Destinations::public(&config.policy.private_networks, &config.health.seen_from),
    }
}

fn setup<E: std::error::Error + Send + Sync + 'static>(target: &TargetName, error: E) -> StoreError {
    StoreError::new(ErrorKind::Local, Operation::Connect, target).saying(error.to_string()).because(error)
}

fn no_secret(target: &TargetName, error: SecretError) -> StoreError {
    let advice = error.hint();
    let found = StoreError::new(ErrorKind::Unauthenticated, Operation::Connect, target).saying(error.to_string()).because(error);
    match advice {
        Some(advice) => found.advising(advice),
        None => found,
    }
}

/// The client that reads a target's public face.
pub fn reader_client(session: &Session, target: &Target) -> Result<reqwest::Client, NetError> {
    let destinations = destinations(&session.config, target);
    session.clients.get(&http_policy(target, &session.config.policy.timeouts, &destinations))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_password_command_holds_nobody_up() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let signal = folder.path().join("signal");
        let text = format!(
            "project: {{name: demo}}\ntargets:\n  - name: m\n    webdav:\n      url: https://127.0.0.1/\n      user: u\n      \
             password: {{command: [/bin/sh, -c, 'until [ -e \"$0\" ]; do sleep 0.01; done; echo secret', '{}']}}\n",
            signal.display()
        );
        let loaded = crate::config::Config::from_text("targets.yaml".into(), &text).expect("a good configuration");
        let connector = TargetConnector {
            target: loaded.config.targets[0].clone(),
            timeouts: Timeouts::default(),
            destinations: Destinations::anywhere(),
            clients: Arc::default(),
            accounts: Arc::default(),
            deploy: None,
        };
        // On the one thread of this runtime: the command ends only when the other task gets its turn.
        let others = async { std::fs::write(&signal, "") };
        let (connected, written) = tokio::join!(connector.connect(), others);
        written.expect("the file can be written");
        connected.expect("the command was waited for elsewhere");
    }
}
