//! What is due when.
//!
//! Purpose: rounds of checks, repairs and renewals on time, for one long-lived process and for single commands that cron
//! starts. The rules are pure functions; the loop asks them, and has the work done by whoever implements [`Work`].
//! Comes in: what was done when, how mirrors stand, the clock, a seed. Goes out: the jobs that are due.
//! Must not know: how a job is done, how it is told, and the command line.

mod lifeline;
mod mend;
mod plan;
#[cfg(test)]
mod tests;

pub use lifeline::{JobEnd, Work, keep_time};
pub use mend::{Choice, Restraint, choose, next_try, tried_again};
pub use plan::{Due, Job, MirrorPast, Past, Rhythm, plan};
