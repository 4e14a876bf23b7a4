//! Who could take every copy down.
//!
//! Each mirror that serves readers depends on parties: who runs it, who hosts it, a country, a registry, whoever holds its
//! name, who answers for that name, who certifies it. The fewest parties that together reach every mirror are what a takedown
//! needs: a minimum hitting set.
//!
//! A party that is not known could be anybody of its kind. So the least that a takedown needs is counted as if it were
//! whoever suits it best, and the most as if it were somebody else at each mirror.

mod assess;
mod bits;
mod hitting_set;
mod instance;
mod names;
mod networks;
mod party;
#[cfg(test)]
mod tests;

pub use assess::{Assessment, Minimum, Unknown, assess};
pub use names::{RegisteredDomain, Registration, registration};
pub use networks::NetworkNames;
pub use party::{NetworkDisagreement, Party, PartyKind, Standpoint};
