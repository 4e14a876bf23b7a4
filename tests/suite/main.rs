//! Everything that is tested from outside, in one binary: linking it once is what costs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in tests a panic is the report")]

mod bundle;
mod config;
mod config_bombs;
mod history;
mod keys;
mod trust;
