//! Parties, and on which of them a mirror depends.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::base::TargetName;

/// What a party is to a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// Runs it.
    Operator,
    /// Hosts it: an autonomous system, or a name for one.
    Network,
    /// Has its laws.
    Country,
    /// Keeps the registry of its name's ending.
    Suffix,
    /// Holds the name that was registered.
    Domain,
    /// Answers for that name: whoever holds the domain that its name servers are in.
    DnsHost,
    /// Issued the certificate that it shows.
    Authority,
}

impl PartyKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Operator, Self::Network, Self::Country, Self::Suffix, Self::Domain, Self::DnsHost, Self::Authority];

    /// The word in JSON and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Network => "network",
            Self::Country => "country",
            Self::Suffix => "suffix",
            Self::Domain => "domain",
            Self::DnsHost => "dns_host",
            Self::Authority => "authority",
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Network => "network",
            Self::Country => "country",
            Self::Suffix => "domain suffix",
            Self::Domain => "registered domain",
            Self::DnsHost => "DNS host",
            Self::Authority => "certificate authority",
        }
    }
}

/// Somebody who can take mirrors down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Party {
    /// What they are.
    pub kind: PartyKind,
    /// Who; `None` for "not known".
    pub name: Option<String>,
}

impl std::fmt::Display for Party {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(formatter, "{} {name}", self.kind.words()),
            None => write!(formatter, "an unknown {}", self.kind.words()),
        }
    }
}

/// A mirror whose address is in another network than is declared. The declared one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkDisagreement {
    /// Which mirror.
    pub mirror: TargetName,
    /// What is declared.
    pub declared: String,
    /// Where its addresses are.
    pub found: Vec<String>,
}

/// A mirror that serves readers, and everybody who could end that, each of them alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standpoint {
    /// Which.
    pub mirror: TargetName,
    /// On whom it depends. Of a kind that is not here it depends on nobody.
    pub(super) parties: BTreeSet<Party>,
    pub(super) disagreement: Option<NetworkDisagreement>,
}

impl Standpoint {
    /// A mirror that depends on nobody yet.
    #[must_use]
    pub fn new(mirror: TargetName) -> Self {
        Self { mirror, parties: BTreeSet::new(), disagreement: None }
    }

    /// It depends on this one of a kind; `None`: on one that is not known.
    #[must_use]
    pub fn with(mut self, kind: PartyKind, name: Option<String>) -> Self {
        self.parties.insert(Party { kind, name });
        self
    }

    /// It depends on each of these of a kind; none of them: on one that is not known.
    #[must_use]
    pub fn with_each(self, kind: PartyKind, names: Vec<String>) -> Self {
        if names.is_empty() {
            return self.with(kind, None);
        }
        names.into_iter().fold(self, |standpoint, name| standpoint.with(kind, Some(name)))
    }

    /// Its address is in another network than is declared.
    #[must_use]
    pub fn but_found_in(mut self, declared: String, found: Vec<String>) -> Self {
        self.disagreement = Some(NetworkDisagreement { mirror: self.mirror.clone(), declared, found });
        self
    }

    /// Whether it depends on nobody of a kind.
    pub(super) fn is_free_of(&self, kind: PartyKind) -> bool {
        self.parties.iter().all(|party| party.kind != kind)
    }
}
