//! What came of trying a place out, for whoever offered it.

use super::{Letter, fingerprint, to_volunteer};
use crate::base::RouteName;
use crate::report::Fleet;

/// The message that carries `text`, the report about the offer with this ticket. `text` is safe to print.
#[must_use]
pub fn tell_of_examination(fleet: &Fleet, route: &RouteName, ticket: &str, is_good: bool, text: String) -> Letter {
    let came = if is_good { "everything works" } else { "something is to be mended" };
    let thread = fingerprint(&["examined", &fleet.project, route.as_str(), ticket]);
    to_volunteer(fleet, route, thread, &format!("your offer {ticket} was tried out: {came}"), text)
}
