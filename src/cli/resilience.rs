//! `spartacus resilience`: who could take every copy down.

use super::args::Global;
use super::exit::{self, Ended, Failure};
use super::fleet::fleet;
use super::parties::good_standpoints;
use super::session::Session;
use super::surface::{Surface, say};
use crate::health::resilience::assess;
use crate::report;

/// Tells the fewest parties that together could remove every good copy.
pub fn resilience(surface: &Surface, global: &Global) -> Ended {
    let session = Session::open(surface, global)?;
    let targets = session.selected(&global.only)?;
    let all = fleet(&session, &targets)?;
    let Some(assessment) = assess(&good_standpoints(&session, &targets, &all)?) else {
        return Err(Failure::told(exit::UNHEALTHY, "no mirror is known to be good").hint("spartacus check"));
    };
    if surface.json {
        say(&report::resilience_json(&assessment));
    } else {
        say(report::resilience_text(&assessment, surface.style).trim_end());
    }
    Ok(exit::OK)
}
