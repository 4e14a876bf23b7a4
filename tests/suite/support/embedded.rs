//! The demo's in-process mirrors, for fast tests that need no real server. One copy: examples/demo/mirrors.

#[path = "../../../examples/demo/mirrors/mod.rs"]
pub mod mirrors;
