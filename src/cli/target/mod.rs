//! `spartacus target`: the places we push to.

pub mod add;
pub mod address;
pub mod list;
pub mod place;
pub mod probe;
