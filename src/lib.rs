//! spartacus: one signed release, many volunteer mirrors, and always knowing which of them still stand.
//!
//! The rooms and the one direction in which data goes through them are in `docs/architecture.md`.

pub mod alert;
pub mod base;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod health;
pub mod history;
pub mod net;
pub mod plan;
pub mod reader;
pub mod registration;
pub mod report;
pub mod schedule;
pub mod store;
pub mod transfer;
pub mod trust;
pub mod web;
