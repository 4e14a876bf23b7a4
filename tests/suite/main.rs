//! Everything that is tested from outside, in one binary: linking it once is what costs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in tests a panic is the report")]

mod bundle;
mod cli;
mod cli_breaker;
mod cli_cancelled;
mod cli_desk;
mod cli_health;
mod cli_mirrors;
mod cli_secrets;
mod cli_target;
mod cli_team;
mod cli_truth;
mod config;
mod config_bombs;
mod delay_proxy;
mod engine;
mod history;
mod keys;
mod layering;
mod net_clients;
mod publish;
mod quirks_document;
mod quirks_folder;
mod quirks_servers;
mod quirks_sftp;
mod quirks_tls;
mod quirks_webdav;
mod s3_inprocess;
mod s3_servers;
mod scripted;
mod sftp_certificates;
mod sftp_faults;
mod sftp_jump;
mod sftp_openssh;
mod sftp_peer;
mod sftp_proxy;
mod sshd;
mod support;
mod support_selftest;
mod trust;
mod webdav_evil;
mod webdav_real;
mod webdav_servers;
mod webdav_torn;
mod wide;
