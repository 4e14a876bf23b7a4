//! The words of `spartacus invite` and `spartacus offer`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use crate::base::{ByteCount, Sha256};

/// `spartacus invite`
#[derive(Debug, Args)]
#[command(
    after_help = "What it says stands in `invite:` of targets.yaml: where offers go, who opens what is sealed, addresses, conditions. Sizes and
keys come from the project. With publish_status: true every mirror carries the newest invite.

Examples:
  spartacus invite                                  invite/invite.json and invite/invite.html
  spartacus invite --key ~/alice.key --out site --yes
  spartacus invite --show invite.json --pin SHA256      a volunteer, with the pin as the project tells it elsewhere"
)]
pub struct Invite {
    /// The secret-key file of a maintainer; otherwise the one in keys/.
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
    /// The folder for both files.
    #[arg(long, value_name = "DIR", default_value = "invite")]
    pub out: Utf8PathBuf,
    /// Do not ask before signing.
    #[arg(long, short)]
    pub yes: bool,
    /// Verify and show an invite that came from elsewhere; no project is needed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "yes"])]
    pub show: Option<Utf8PathBuf>,
    /// The project's pin: the SHA-256 digest of its 1.root.json.
    #[arg(long, value_name = "SHA256", requires = "show", value_parser = pin)]
    pub pin: Option<Sha256>,
    /// The project's 1.root.json, instead of its digest.
    #[arg(long, value_name = "FILE", requires = "show", conflicts_with = "pin")]
    pub root: Option<Utf8PathBuf>,
}

/// `spartacus offer`
#[derive(Debug, Subcommand)]
pub enum Offer {
    /// Try the place, from logging in to what readers get, and what its account should not be able to do.
    Doctor(OfferDoctor),
}

/// `spartacus offer doctor`
#[derive(Debug, Args)]
#[command(
    after_help = "Small files are written and removed again. It logs in as a push does, and tries what no push needs: commands, a shell,
forwarding, writing outside, other buckets. Each of these should fail; what to change is said beside it (docs/offers.md).

Examples:
  spartacus offer doctor                         every place in targets.yaml
  spartacus offer doctor paris --needs '20 GiB'
  sudo spartacus offer doctor --chroot /srv/mirror      on your own server, with a chroot for SFTP"
)]
pub struct OfferDoctor {
    /// Which places; all of the file without a name.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// How much will be stored there: "20 GiB".
    #[arg(long, value_name = "SIZE")]
    pub needs: Option<ByteCount>,
    /// The folder that an SFTP account is locked into, on this machine: the folders down to it are looked at, too.
    #[arg(long, value_name = "DIR")]
    pub chroot: Option<Utf8PathBuf>,
}

/// A pin, with or without `sha256:` before it.
fn pin(text: &str) -> Result<Sha256, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.parse().map_err(|_| "the pin of a project has 64 hexadecimal digits".to_owned())
}
