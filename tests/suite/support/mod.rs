//! Real servers, judges and faults for the tests.
//!
//! Purpose: every server is a guard: started on free loopback ports over a temporary folder, in the foreground, as a child
//! of this process, and stopped by its own pid when the guard is dropped, a panicking test included.
//! Comes in: what [`tools`] finds installed. Goes out: [`mirror::Mirror`]s to push to, and judges of the result.
//! Must not know: how the program works; only what a maintainer writes in `targets.yaml` and what readers see.
#![allow(dead_code, reason = "a toolbox: not every test module uses every tool")]

pub mod apache;
pub mod dns;
pub mod embedded;
pub mod face;
pub mod folder;
pub mod garage;
pub mod http;
pub mod judges;
pub mod mirror;
pub mod mmdb;
pub mod nginx;
pub mod process;
pub mod project;
pub mod proxy;
pub mod pty;
pub mod rclone;
pub mod schema;
pub mod seaweed;
pub mod secure_face;
pub mod sshd;
pub mod sshd_root;
pub mod strace;
pub mod tamper;
pub mod tls;
pub mod tools;
pub mod tree;

/// Login name on every server that has its own users.
pub const USER: &str = "deploy";
/// Password for [`USER`].
pub const PASSWORD: &str = "sekret-1";
/// S3 access key id.
pub const ACCESS_KEY: &str = "AKIASPARTACUSTEST";
/// S3 secret access key.
pub const SECRET_KEY: &str = "secret-key-of-the-tests";
