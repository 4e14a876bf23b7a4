//! Who answers for the domains of mirrors, asked in a round.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use super::resilience::RegisteredDomain;
use crate::net::NameServers;

/// Domains asked about at the same time.
const AT_ONCE: usize = 16;

/// What asking for the name servers of a domain gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameServerSight {
    /// The domain.
    pub domain: RegisteredDomain,
    /// The domains that its name servers are in, by name; or why they are not known, safe to print.
    pub hosts: Result<Vec<RegisteredDomain>, String>,
}

/// Asks about `domains`, several at the same time. Those of which nothing came within `limit` are left out.
pub async fn ask_name_servers(asker: &NameServers, domains: Vec<RegisteredDomain>, limit: Duration) -> Vec<NameServerSight> {
    let end = Instant::now() + limit;
    let mut answers = stream::iter(domains).map(|domain| ask(asker, domain)).buffer_unordered(AT_ONCE);
    let mut sights = Vec::new();
    while let Ok(Some(sight)) = timeout_at(end, answers.next()).await {
        sights.push(sight);
    }
    sights
}

async fn ask(asker: &NameServers, domain: RegisteredDomain) -> NameServerSight {
    let found = asker.of(domain.as_str()).await;
    let hosts = found.map_err(|error| error.to_string()).map(|servers| {
        let mut hosts: Vec<RegisteredDomain> = servers.iter().map(|server| RegisteredDomain::of_server(server)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    });
    NameServerSight { domain, hosts }
}
