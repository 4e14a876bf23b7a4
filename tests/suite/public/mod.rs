//! What is told to everybody: pages, feeds, badges, lists, Metalinks and alert rules, each held against a judge that
//! nobody here wrote.

mod browser;
mod download;
pub mod example;
mod formats;
mod pages;
mod rules;
