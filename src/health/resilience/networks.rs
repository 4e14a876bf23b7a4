//! In which networks a mirror is: what is declared, and where its addresses are.

use std::collections::BTreeMap;

use super::party::{PartyKind, Standpoint};
use crate::base::{AsNumber, Network};

/// What networks are called, so that one network has one name at all mirrors, wherever its number comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkNames {
    organisations: BTreeMap<AsNumber, String>,
}

impl NetworkNames {
    /// The names of all networks that were found.
    pub fn of<'a>(found: impl IntoIterator<Item = &'a Network>) -> Self {
        let named = |network: &'a Network| Some((network.number, network.organisation.clone()?));
        Self { organisations: found.into_iter().filter_map(named).collect() }
    }

    fn name(&self, number: AsNumber) -> String {
        match self.organisations.get(&number) {
            Some(organisation) => format!("{number} ({organisation})"),
            None => number.to_string(),
        }
    }
}

impl Standpoint {
    /// It depends on the network that is declared, else on those of its addresses: `found` has one for each address that
    /// its name had, `None` where that is not known.
    ///
    /// A declared number wins, and it is told if no address is in that network. A declared name cannot be compared with a
    /// number, so whatever was found counts beside it.
    #[must_use]
    pub fn in_networks(self, declared: Option<&str>, found: &[Option<Network>], names: &NetworkNames) -> Self {
        let mut numbers: Vec<AsNumber> = found.iter().flatten().map(|network| network.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let all = || numbers.iter().map(|number| names.name(*number)).collect::<Vec<String>>();
        let Some(declared) = declared else {
            let one_is_unknown = found.is_empty() || found.contains(&None);
            let standpoint = all().into_iter().fold(self, |own, name| own.with(PartyKind::Network, Some(name)));
            return if one_is_unknown { standpoint.with(PartyKind::Network, None) } else { standpoint };
        };
        let Ok(number) = declared.parse::<AsNumber>() else {
            let declared = std::iter::once(declared.to_owned());
            return declared.chain(all()).fold(self, |own, name| own.with(PartyKind::Network, Some(name)));
        };
        let standpoint = self.with(PartyKind::Network, Some(names.name(number)));
        let differs = !numbers.is_empty() && !numbers.contains(&number);
        if differs { standpoint.but_found_in(names.name(number), all()) } else { standpoint }
    }
}

#[cfg(test)]
mod tests {
    use super::super::party::{NetworkDisagreement, Party};
    use super::*;
    use crate::base::TargetName;

    fn network(number: u32, organisation: Option<&str>) -> Network {
        Network { number: AsNumber(number), organisation: organisation.map(ToOwned::to_owned) }
    }

    /// The names of the networks of a mirror, and whether something is told.
    fn networks(declared: Option<&str>, found: &[Option<Network>]) -> (Vec<Option<String>>, Option<NetworkDisagreement>) {
        let other = network(7, Some("Seven"));
        let names = NetworkNames::of(found.iter().flatten().chain(std::iter::once(&other)));
        let mirror = Standpoint::new(TargetName::new("a").expect("a name")).in_networks(declared, found, &names);
        let names = mirror.parties.into_iter().map(|party: Party| party.name).collect();
        (names, mirror.disagreement)
    }

    fn named(names: &[&str]) -> (Vec<Option<String>>, Option<NetworkDisagreement>) {
        (names.iter().map(|name| Some((*name).to_owned())).collect(), None)
    }

    #[test]
    fn what_is_not_declared_is_where_the_addresses_are() {
        assert_eq!(networks(None, &[Some(network(1, Some("One"))), Some(network(1, Some("One")))]), named(&["AS1 (One)"]));
        assert_eq!(networks(None, &[Some(network(1, None)), Some(network(2, Some("Two")))]), named(&["AS1", "AS2 (Two)"]));
        assert_eq!(networks(None, &[]).0, [None]);
        assert_eq!(networks(None, &[None, Some(network(2, None))]).0, [None, Some("AS2".to_owned())]);
    }

    #[test]
    fn a_declared_number_wins_and_a_difference_is_told() {
        assert_eq!(networks(Some("AS1"), &[Some(network(1, Some("One"))), None]), named(&["AS1 (One)"]));
        assert_eq!(networks(Some("as7 Siebener"), &[]), named(&["AS7 (Seven)"]));
        let (names, told) = networks(Some("AS7"), &[Some(network(1, Some("One")))]);
        assert_eq!(names, [Some("AS7 (Seven)".to_owned())]);
        let mirror = TargetName::new("a").expect("a name");
        let found = vec!["AS1 (One)".to_owned()];
        assert_eq!(told, Some(NetworkDisagreement { mirror, declared: "AS7 (Seven)".to_owned(), found }));
    }

    #[test]
    fn a_declared_name_counts_beside_what_was_found() {
        assert_eq!(networks(Some("Example Net"), &[Some(network(1, Some("One")))]), named(&["AS1 (One)", "Example Net"]));
        assert_eq!(networks(Some("Example Net"), &[None]), named(&["Example Net"]));
    }
}
