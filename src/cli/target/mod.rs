//! `spartacus target`: the places we push to.

pub mod add;
mod address;
pub mod list;
pub mod place;
pub mod probe;
