//! Who answers for a domain: its NS records, asked of a resolver.

use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use tokio::time::timeout;

use crate::base::{NameServerPolicy, sanitise};

/// Zones that are looked through for one name: its own, and that of the name that it stands for.
const MOST_ZONES: usize = 4;

/// Why nobody is known to answer for a domain. Safe to print.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameServerError {
    /// The settings of this machine cannot be read.
    #[error("the resolvers of this machine are not known: {0}")]
    System(String),
    /// It is no name of a domain.
    #[error("{0} is no name of a domain")]
    Name(String),
    /// There is no such domain.
    #[error("there is no such domain")]
    NoSuchDomain,
    /// The resolver could not find out.
    #[error("the resolver answers {0}")]
    Refused(String),
    /// It answered without saying who does.
    #[error("the resolver answers without naming a name server")]
    Nothing,
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// No resolver, or an answer that makes no sense.
    #[error("the resolver cannot be asked: {0}")]
    Broken(String),
}

/// Asks for the name servers of domains.
#[derive(Clone)]
pub struct NameServers {
    resolver: TokioResolver,
    limit: Duration,
}

impl std::fmt::Debug for NameServers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NameServers").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl NameServers {
    /// Asks as `policy` says, `limit` at most for one domain; `None` when nobody is to be asked.
    pub fn new(policy: NameServerPolicy, limit: Duration) -> Result<Option<Self>, NameServerError> {
        let mut builder = match policy {
            NameServerPolicy::Never => return Ok(None),
            NameServerPolicy::System => {
                TokioResolver::builder_tokio().map_err(|error| NameServerError::System(sanitise(&error.to_string())))?
            }
            NameServerPolicy::At(address) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = address.port();
                    connection
                });
                let server = NameServerConfig::new(address.ip(), true, connections.into());
                let config = ResolverConfig::from_name_servers(vec![server]);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        // One lost packet is made up for within the limit.
        (options.timeout, options.attempts) = (limit / 2, 2);
        options.use_hosts_file = ResolveHosts::Never;
        options.cache_size = 0;
        let resolver = builder.build().map_err(|error| NameServerError::System(sanitise(&error.to_string())))?;
        Ok(Some(Self { resolver, limit }))
    }

    /// The names of the servers that answer for `domain`, lower case and without a dot at the end, by name. Where it is no
    /// zone of its own, those of the zone that it is in; where it stands for another name, those of that one as well.
    pub async fn of(&self, domain: &str) -> Result<Vec<String>, NameServerError> {
        // Whole, so that no search list of this machine is tried.
        let name = Name::from_ascii(format!("{}.", domain.trim_end_matches('.')))
            .map_err(|_| NameServerError::Name(sanitise(domain)))?;
        timeout(self.limit, self.asked(name)).await.unwrap_or(Err(NameServerError::Timeout(self.limit)))
    }

    async fn asked(&self, name: Name) -> Result<Vec<String>, NameServerError> {
        let mut servers = Vec::new();
        let mut zones = vec![name];
        let mut asked = 0;
        while let Some(zone) = zones.pop() {
            asked += 1;
            if asked > MOST_ZONES {
                return Err(NameServerError::Nothing);
            }
            match self.resolver.lookup(zone.clone(), RecordType::NS).await {
                Ok(found) => {
                    let before = servers.len();
                    for record in found.answers() {
                        if let RData::NS(server) = &record.data {
                            servers.push(written(&server.0));
                            // The answer for another name: whoever holds the zone of this one can still end it.
                            if record.name != zone && !zones.contains(&zone.base_name()) && zone.num_labels() > 2 {
                                zones.push(zone.base_name());
                            }
                        }
                    }
                    if servers.len() == before {
                        return Err(NameServerError::Nothing);
                    }
                }
                // No zone begins here: the answer names the one that it is in.
                Err(NetError::Dns(DnsError::NoRecordsFound(NoRecords {
                    soa: Some(soa),
                    response_code: ResponseCode::NoError,
                    ..
                }))) if soa.name != zone && soa.name.zone_of(&zone) && !soa.name.is_root() => zones.push(soa.name.clone()),
                Err(error) => return Err(self.why(&error)),
            }
        }
        servers.sort_unstable();
        servers.dedup();
        Ok(servers)
    }

    fn why(&self, error: &NetError) -> NameServerError {
        match error {
            NetError::Timeout => NameServerError::Timeout(self.limit),
            NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
                ResponseCode::NXDomain => NameServerError::NoSuchDomain,
                ResponseCode::NoError => NameServerError::Nothing,
                code => NameServerError::Refused(code.to_str().to_owned()),
            },
            NetError::Dns(DnsError::ResponseCode(code)) => NameServerError::Refused(code.to_str().to_owned()),
            other => NameServerError::Broken(sanitise(&other.to_string())),
        }
    }
}

fn written(name: &Name) -> String {
    sanitise(name.to_ascii().trim_end_matches('.')).to_ascii_lowercase()
}
