//! Who is told of what, and how it travels.
//!
//! Purpose: from what was told before, what is now, the time and the rules of a route come the messages that are to be
//! sent: troubles, and reminders of what ends; their text for two audiences; and their way: a program, a webhook, ntfy, mail. Also the dead-man's switch.
//! Comes in: [`Fleet`](crate::report::Fleet), incidents that `history` remembers, [`Way`]s with their secrets fetched.
//! Goes out: [`Decision`]s, [`Letter`]s, and the result of each sending.
//! Must not know: the configuration file, the terminal, when rounds are made. It remembers nothing by itself.

mod compose;
mod decide;
mod error;
mod letter;
mod ping;
mod remind;
mod sight;
#[cfg(test)]
mod tests;
mod way;

pub use compose::{KeyNews, Place, Renewal, Whereabouts, compose, remind, tell_of_examination, tell_of_key, trial};
pub use decide::{Decision, News, decide};
pub use error::AlertError;
pub use letter::{Item, Letter, Urgency};
pub use ping::{Ping, Signal};
pub use remind::{Ending, step};
pub use sight::{Sight, Trouble};
pub use way::{MailSecurity, MailServer, Recipients, Way, WebAddress, send};
