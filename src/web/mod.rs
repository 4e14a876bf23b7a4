//! The web front: what is published is shown, and offers of volunteers are taken.
//!
//! Purpose: pages from the front database, the registration form, a small JSON interface, metrics on a listener of their own; and
//! limits, so that strangers cannot use the process up.
//! Comes in: a listener, the front database, requests of strangers. Goes out: answers; signed and sealed messages into the front
//! database; lines of the log without anything that was posted.
//! Must not know: keys, secrets, the project's state, and how to connect to anywhere.
//!
//! Thin: what is shown was made by `report`, what comes in is judged by `registration`, what is kept lies in `history`.

mod answers;
mod api;
mod asker;
mod connection;
mod counts;
mod error;
mod fields;
mod frame;
mod gate;
mod guard;
mod health;
mod intake;
mod offers;
mod rates;
mod register;
mod rest;
mod routes;
mod script;
mod seldom;
mod serve;
#[cfg(test)]
mod tests;
mod token;
mod view;

pub use error::WebError;
pub use serve::{Settings, serve};
