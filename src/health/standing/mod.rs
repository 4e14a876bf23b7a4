//! How a mirror is, over time: the state that a single look cannot give.
//!
//! [`judge`] is a pure function of what was (a [`Standing`]), what was seen and the time. Whatever it needs to remember
//! between rounds stands in the [`Standing`], which `history` keeps: a restart changes nothing.

mod condition;
mod judge;
mod mend;
mod others;
mod reasons;
#[cfg(test)]
mod tests;
mod writing;

pub use condition::{Condition, Counters, Reason, ReasonCode, Standing};
pub use judge::{Around, condition_of, judge, observer_fault};
pub use mend::Pace;
pub use others::is_silent_elsewhere;
