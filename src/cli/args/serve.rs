//! The words of `spartacus serve`.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use clap::Args;

use crate::base::AddressBlock;

/// `spartacus serve`
#[derive(Debug, Args)]
#[command(
    after_help = "What it shows is put into the front database by every round, push and repair, once targets.yaml has `serve: {}`. It reads
nothing else of the project, holds no secrets, and connects to nowhere; it may run as another user. Put a web server with https
before it (docs/operations.md).

Examples:
  spartacus serve                                    in the project's folder: http://127.0.0.1:8420/
  spartacus serve --listen 127.0.0.1:8420 --metrics --behind 127.0.0.0/8
  spartacus serve --database /var/lib/spartacus-front/front.db      as another user, without a project"
)]
pub struct Serve {
    /// Where people come to; port 0 takes one that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8420")]
    pub listen: SocketAddr,
    /// Also tell metrics, there, which has to be on loopback: 127.0.0.1:8421 if you do not say where.
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:8421")]
    pub metrics: Option<SocketAddr>,
    /// The front database, as `serve: database:` in targets.yaml names it; otherwise .spartacus/front/front.db.
    #[arg(long, value_name = "FILE")]
    pub database: Option<Utf8PathBuf>,
    /// Networks of proxies that are believed when they tell who asks (X-Forwarded-For, X-Forwarded-Proto).
    #[arg(long, value_name = "NETWORK,...", value_delimiter = ',')]
    pub behind: Vec<AddressBlock>,
}
