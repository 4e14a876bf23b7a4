//! What others saw of the mirrors from elsewhere, and how far they are believed.
//!
//! A vantage needs nothing but the pinned root and addresses. What it saw is its [`Testimony`], signed by a key of its own.
//! Before it counts it is admitted ([`admit`]): its text comes from a stranger's machine. What is believed of it about one
//! mirror is an [`Elsewhere`]; the rules weigh it ([`super::judge`]).

mod admit;
mod elsewhere;
mod testimony;
#[cfg(test)]
mod tests;

pub use admit::{Admission, Refusal, admit};
pub use elsewhere::{Elsewhere, is_blind, to_read_again};
pub use testimony::{Glance, LONGEST_TESTIMONY, LONGEST_VALID, Testimony};
