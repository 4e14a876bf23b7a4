//! Where a mirror is read: its public address, or what comes nearest to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OnceCell;
use url::Url;

use super::connect::{TargetConnector, destinations, http_policy};
use super::session::Session;
use crate::base::{ObjectPath, RetryPolicy, Sha256, TargetName};
use crate::config::{Target, TargetKind};
use crate::health::{Family, ReachProbe, StoreSource, Unreachable};
use crate::net::{Contacts, HttpPolicy, NetError};
use crate::reader::{FolderSource, HttpSource, Part, PartOrder, Source};
use crate::store::{Bandwidth, Limited, Retries, Retrying, Tap};
use crate::transfer::Connector as _;
use crate::trust::{Fetch, FetchError};

/// How a mirror without a public address is named in reports (docs/json.md, `via`).
const STORE: &str = "store";
/// Calls under way on one store, at most; a check asks for a few files at a time and never comes near it.
const CALLS: usize = 64;

/// Where `target` is read. Nothing is asked yet, so nothing can fail: a mirror that cannot be reached says so when it is
/// looked at, and the others are looked at all the same. `shared` is what slows all targets together.
#[must_use]
pub fn source(session: &Session, target: &Target, shared: Option<&Arc<dyn Tap>>) -> Arc<dyn Source> {
    match (&target.public_url, &target.kind) {
        (Some(url), _) => face(session, target, url, None),
        (None, TargetKind::Folder(folder)) => Arc::new(FolderSource::new(folder.path.clone())),
        (None, _) => Arc::new(Visit::to(session, target, shared)),
    }
}

/// The same on fresh connections, once over each family. Only public addresses have any, and behind a proxy nobody can
/// choose.
#[must_use]
pub fn sources_afresh(session: &Session, target: &Target) -> Vec<(Family, Arc<dyn Source>)> {
    let Some(url) = target.public_url.as_ref().filter(|_| target.proxy.is_none()) else { return Vec::new() };
    let families = [(Family::Ipv4, Ipv4Addr::UNSPECIFIED.into()), (Family::Ipv6, Ipv6Addr::UNSPECIFIED.into())];
    families.map(|(family, any)| (family, face(session, target, url, Some(any)))).into()
}

fn face(session: &Session, target: &Target, url: &Url, any: Option<IpAddr>) -> Arc<dyn Source> {
    match reader_clients(session, target, any) {
        Ok((client, fresh)) => {
            let source = HttpSource::new(client, url.clone()).with_fresh(fresh);
            let is_s3 = matches!(target.kind, TargetKind::S3(_));
            Arc::new(if is_s3 { source.with_forbidden_as_missing() } else { source })
        }
        Err(error) => Arc::new(Unreachable::new(url.as_str(), &error)),
    }
}

/// The client that reads a target's public face, and one that keeps no connections. With `any` (`0.0.0.0` or `::`) over
/// that family alone, and neither keeps any.
fn reader_clients(
    session: &Session,
    target: &Target,
    any: Option<IpAddr>,
) -> Result<(reqwest::Client, reqwest::Client), NetError> {
    let policy = http_policy(target, &session.config.policy.timeouts, &destinations(&session.config, target));
    let policy = match any {
        Some(any) => policy.afresh(any, &session.config.policy.timeouts),
        None => policy,
    };
    let fresh = HttpPolicy { pool: 0, ..policy.clone() };
    Ok((session.clients.get(&policy)?, session.clients.get(&fresh)?))
}

/// How `target` is reached, over each family by itself. A proxy looks names up and picks addresses itself, so there is
/// nothing to tell apart behind one.
#[must_use]
pub fn reach(session: &Session, contacts: &Arc<Contacts>, target: &Target) -> Option<ReachProbe> {
    let url = target.public_url.as_ref().filter(|_| target.proxy.is_none())?;
    let probe = ReachProbe::new(contacts.clone(), url.clone(), target.ca.clone())?;
    Some(probe.within(destinations(&session.config, target)))
}

/// A mirror read through its store. It connects at the first question, and so at the same time as the others of its
/// round; limits and retries are those of a push.
struct Visit {
    target: TargetName,
    connector: TargetConnector,
    retry: RetryPolicy,
    taps: Vec<Arc<dyn Tap>>,
    opened: OnceCell<Arc<dyn Source>>,
}

impl Visit {
    fn to(session: &Session, target: &Target, shared: Option<&Arc<dyn Tap>>) -> Self {
        let policy = &session.config.policy;
        let own = target.limits.bandwidth.map(|limit| Bandwidth::new(limit) as Arc<dyn Tap>);
        Self {
            target: target.name.clone(),
            connector: TargetConnector::new(session, target),
            retry: policy.retry,
            taps: own.into_iter().chain(shared.cloned()).collect(),
            opened: OnceCell::new(),
        }
    }

    async fn opened(&self) -> &dyn Source {
        self.opened.get_or_init(|| self.open()).await.as_ref()
    }

    async fn open(&self) -> Arc<dyn Source> {
        let retries = Arc::new(Retries::new(&self.target, self.retry, fastrand::u64(..)));
        match retries.connect(|| self.connector.connect()).await {
            Ok(store) => {
                let limited = self.taps.iter().fold(Limited::new(store, CALLS), |store, tap| store.tapped(tap.clone()));
                Arc::new(StoreSource(Arc::new(Retrying::with(limited, retries))))
            }
            // That it cannot be reached is what the check will say of it.
            Err(error) => Arc::new(Unreachable::store(STORE, &error)),
        }
    }
}

#[async_trait]
impl Fetch for Visit {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        self.opened().await.fetch(path, cap).await
    }
}

#[async_trait]
impl Source for Visit {
    fn name(&self) -> String {
        STORE.to_owned()
    }

    async fn size(&self, path: &ObjectPath) -> Result<Option<u64>, FetchError> {
        self.opened().await.size(path).await
    }

    async fn digest(&self, path: &ObjectPath, cap: u64) -> Result<Option<(u64, Sha256)>, FetchError> {
        self.opened().await.digest(path, cap).await
    }

    async fn part(&self, path: &ObjectPath, order: PartOrder) -> Result<Option<Part>, FetchError> {
        self.opened().await.part(path, order).await
    }
}
