//! Who answers for the domains of mirrors: asked in rounds, at most once a day for each domain.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::cancel::Cancel;
use super::exit::{self, Failure};
use super::session::{Session, hinted};
use crate::config::{Target, TargetState};
use crate::health::resilience::{RegisteredDomain, registration};
use crate::health::{NameServerSight, ask_name_servers};
use crate::net::NameServers;

/// Domains asked about in one round, at most: a large fleet is known after some rounds, and no resolver is flooded.
const MOST: usize = 250;
/// How long one domain is waited for, at most.
const ONE: Duration = Duration::from_secs(5);
/// How long all of them are waited for: no round takes longer for it than one mirror may.
const ALL: Duration = Duration::from_secs(10);

/// Asks about the domains of which nothing was asked today. What is not answered when a signal comes is not told.
pub async fn ask(session: &Session, targets: &[&Target], cancel: &Cancel) -> Result<Vec<NameServerSight>, Failure> {
    let due = due(session, targets)?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let limit = session.config.policy.timeouts.connect.min(ONE);
    match NameServers::new(session.config.health.resolver, limit) {
        Ok(Some(asker)) => Ok(tokio::select! {
            biased;
            () = cancel.token.cancelled() => Vec::new(),
            sights = ask_name_servers(&asker, due, ALL) => sights,
        }),
        Ok(None) => Ok(Vec::new()),
        // Nobody can be asked: remembered like an answer that did not come.
        Err(error) => {
            let sight = |domain| NameServerSight { domain, hosts: Err(error.to_string()) };
            Ok(due.into_iter().map(sight).collect())
        }
    }
}

/// Remembers what was asked at `at`.
pub fn remember(session: &Session, at: Timestamp, sights: &[NameServerSight]) -> Result<(), Failure> {
    if sights.is_empty() {
        return Ok(());
    }
    let resolver = session.config.health.resolver.to_string();
    session.history.record_name_servers(at, &resolver, sights).map_err(|error| hinted(exit::UNEXPECTED, error))
}

/// Domains that are to be asked about, those first that were asked about the longest time ago. Behind a proxy nothing is
/// looked up from here: whoever set one may not want it known which mirrors are looked at.
fn due(session: &Session, targets: &[&Target]) -> Result<Vec<RegisteredDomain>, Failure> {
    let known = session.history.name_servers().map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let (resolver, now) = (session.config.health.resolver.to_string(), session.clock.now());
    let asked = targets.iter().filter(|target| target.state == TargetState::Active && target.proxy.is_none());
    let hosts = asked.filter_map(|target| target.public_url.as_ref()?.host_str());
    let domains: BTreeSet<RegisteredDomain> = hosts.filter_map(registration).map(|found| found.domain).collect();
    let is_due = |domain: &RegisteredDomain| known.get(domain).is_none_or(|record| record.is_due(&resolver, now));
    let mut due: Vec<RegisteredDomain> = domains.into_iter().filter(is_due).collect();
    due.sort_by_key(|domain| known.get(domain).map(|record| record.asked));
    due.truncate(MOST);
    Ok(due)
}
