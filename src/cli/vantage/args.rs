//! The words of `spartacus check --vantage` and `--merge`.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::Args;
use url::Url;

use crate::base::VantageName;
use crate::health::LONGEST_VALID;

/// What `check` takes besides for looks from several places.
#[derive(Debug, Args)]
#[command(next_help_heading = "From several places")]
pub struct Places {
    /// Look as the vantage of this name, and write what was seen, signed, to --out. It needs no project and no login.
    #[arg(long, value_name = "NAME", requires = "out")]
    #[arg(conflicts_with_all = ["merge", "sample", "throughput", "write", "nagios", "alert", "prometheus", "html"])]
    pub vantage: Option<VantageName>,
    /// Where the signed testimony goes.
    #[arg(long, value_name = "FILE", requires = "vantage")]
    pub out: Option<Utf8PathBuf>,
    /// The pin: the project's 1.root.json, from a source that you trust. Without it a project must be here.
    #[arg(long, value_name = "FILE", requires_all = ["vantage", "mirrors"])]
    pub root: Option<Utf8PathBuf>,
    /// The mirrors: a `mirrors.json` as `check --html` writes it, a file or an https address.
    #[arg(long, value_name = "FILE|URL", requires = "root")]
    pub mirrors: Option<String>,
    /// The key of this vantage, as `key new NAME --vantage` makes it.
    #[arg(long, value_name = "FILE", default_value = "vantage.key")]
    pub key: Utf8PathBuf,
    /// How long the testimony counts: at most a day.
    #[arg(long, value_name = "TIME", value_parser = valid, default_value = "30m", requires = "vantage")]
    pub valid: Duration,
    /// A place of others that tells whether this machine is online (repeat): then all mirrors failing at once is believed.
    #[arg(long, value_name = "URL", value_parser = web, requires = "vantage")]
    pub control: Vec<Url>,
    /// Look from here, and weigh what vantages of `health: vantages` saw, who wrote these files.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub merge: Vec<Utf8PathBuf>,
    /// Certificates (PEM) to trust besides the system's.
    #[arg(long, value_name = "FILE", requires = "root")]
    pub ca: Option<Utf8PathBuf>,
}

/// An address of the web, without a login.
fn web(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_plain = url.has_host() && url.username().is_empty() && url.password().is_none();
    let is_web = matches!(url.scheme(), "http" | "https") && is_plain;
    is_web.then_some(url).ok_or_else(|| "a web address without a login, such as https://example.org/".to_owned())
}

/// A time that a testimony may count for.
fn valid(text: &str) -> Result<Duration, String> {
    let time = crate::cli::args::span(text)?;
    if time < Duration::from_secs(1) || time > LONGEST_VALID {
        return Err("from 1s to 24h".to_owned());
    }
    Ok(time)
}
