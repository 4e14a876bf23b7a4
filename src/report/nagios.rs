//! One line and a code for Nagios, Icinga and their kin (plugin guidelines: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN).

use super::fleet::{Fleet, FleetMirror};
use crate::base::escape;
use crate::health::Condition;

/// How a check ends for a monitoring system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NagiosState {
    /// Exit code 0.
    Ok = 0,
    /// Exit code 1.
    Warning = 1,
    /// Exit code 2.
    Critical = 2,
    /// Exit code 3.
    Unknown = 3,
}

impl NagiosState {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// The line with its performance data, and the state.
#[must_use]
pub fn nagios(fleet: &Fleet) -> (NagiosState, String) {
    let watched: Vec<&FleetMirror> = fleet.mirrors.iter().filter(|mirror| mirror.lifecycle.is_watched()).collect();
    let good = watched.iter().filter(|mirror| fleet.counts(mirror)).count();
    let state = state(fleet, &watched, good);
    let release = fleet.release.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let mut troubles: Vec<String> = Condition::ALL
        .into_iter()
        .filter(|condition| *condition != Condition::Healthy)
        .filter_map(|condition| {
            let count = watched.iter().filter(|mirror| mirror.standing.condition == condition).count();
            (count > 0).then(|| format!("{count} {condition}"))
        })
        .collect();
    if !fleet.observer.saw {
        troubles.insert(0, "the last round saw nothing, by our own fault".to_owned());
    }
    let troubles = if troubles.is_empty() { String::new() } else { format!("; {}", troubles.join(", ")) };
    let of = |condition| watched.iter().filter(|mirror| mirror.standing.condition == condition).count();
    let line = format!(
        "SPARTACUS {} - {good}/{total} good {release}{troubles} | good={good};{wanted}:;{wanted}:;0;{total} unreachable={};;;0;{total} \
         quarantined={};;0;0;{total}",
        state.word(),
        of(Condition::Unreachable),
        of(Condition::Quarantined),
        total = watched.len(),
        wanted = fleet.wanted,
    );
    (state, escape(&line))
}

/// The line of a check that could not be made.
#[must_use]
pub fn nagios_unknown(why: &str) -> String {
    escape(&format!("SPARTACUS UNKNOWN - {why}"))
}

fn state(fleet: &Fleet, watched: &[&FleetMirror], good: usize) -> NagiosState {
    if !fleet.observer.saw || fleet.observer.round_at.is_none() || watched.is_empty() {
        return NagiosState::Unknown;
    }
    let any = |condition| watched.iter().any(|mirror| mirror.standing.condition == condition);
    if any(Condition::Quarantined) || good < fleet.wanted {
        return NagiosState::Critical;
    }
    let all_well = watched.iter().all(|mirror| mirror.standing.condition == Condition::Healthy);
    if all_well { NagiosState::Ok } else { NagiosState::Warning }
}
