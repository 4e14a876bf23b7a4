//! The words of the command line.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::vantage::args::Places;

mod registration;
mod rotate;
mod serve;

pub use registration::{Invite, Offer, OfferDoctor, OfferMessage, OfferNew, OfferSeal, OfferSetup, Offers, OffersAccept};
pub use rotate::Rotate;
pub use serve::Serve;

/// Push signed bundles to many volunteer mirrors at once, and know which of them still stand.
#[derive(Debug, Parser)]
#[command(
    name = "spartacus",
    version,
    propagate_version = true,
    after_help = "Examples:
  spartacus init mirrors --name my-project --recovery-out /media/usb/recovery.key
  spartacus target add paris sftp://deploy@paris.example/srv/mirror --public-url https://paris.example/mirror/
  spartacus push dist --as v1.2          stage, sign and push in one go
  spartacus check --full                 hash every byte that readers get
  spartacus repair                       bring every target back

Exit codes: 0 all done, 2 usage, 3 some failed but enough copies are good, 4 too few copies, 5 conflict or lock,
6 signature or digest wrong, 7 unhealthy mirrors. More: docs/exit-codes.md"
)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The configuration file; the project is the folder it lies in.
    #[arg(long, global = true, value_name = "FILE", env = "SPARTACUS_CONFIG", default_value = "targets.yaml")]
    pub config: Utf8PathBuf,
    /// Only these targets: names or tags, separated by commas.
    #[arg(long, global = true, value_name = "NAME,...", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Print one JSON object on stdout instead of a table (docs/json.md).
    #[arg(long, global = true)]
    pub json: bool,
    /// Write what happens to this file, one JSON object a line.
    #[arg(long, global = true, value_name = "FILE")]
    pub events: Option<Utf8PathBuf>,
    /// Say more on stderr (-vv: requests, -vvv: everything).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on stderr but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Colours.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
    /// Never ask: a question that needs an answer is an error.
    #[arg(long, global = true)]
    pub no_input: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a project: targets.yaml, keys, the root of trust.
    Init(Init),
    /// Maintainers' keys and the online key.
    #[command(
        subcommand,
        after_help = "Examples:\n  spartacus key list\n  spartacus key show maintainer\n  spartacus key new alice --out ~/alice.key"
    )]
    Key(Key),
    /// Stage a folder: check names, hash, write unsigned metadata.
    Bundle(Bundle),
    /// Add your signature to a staged bundle.
    Sign(Sign),
    /// Push to all targets in parallel.
    Push(Push),
    /// Bring every target back to the current signed state, moving only what is missing or wrong.
    Repair(Repair),
    /// A new timestamp on all mirrors, so that none of them becomes stale.
    Renew(Renew),
    /// Look at every mirror as readers do.
    Check(Box<Check>),
    /// Rounds, deep checks, repairs and renewals on time, in one long-lived process.
    Schedule(Schedule),
    /// Who is told of what: test the routes, send what is due, see what was sent.
    #[command(
        subcommand,
        after_help = "Routes are `alerts:` in targets.yaml; `spartacus check --alert` sends at the end of a round.\n\nExamples:\n  \
        spartacus alert test\n  spartacus alert list\n  spartacus alert send --dry-run"
    )]
    Alert(Alert),
    /// The last known state of every mirror, without network.
    Status(Status),
    /// Who could take every good copy down, and what one more mirror should avoid.
    #[command(after_help = "It goes by `operator`, `network` and `country` in targets.yaml, by the names in `public_url`,\n\
        and by what rounds saw: addresses (`health: asn_database` tells their networks), certificates\n\
        and name servers. Whoever is not known could be anybody: the numbers are limits then.\n\nExamples:\n  spartacus resilience\n  spartacus resilience --json")]
    Resilience,
    /// Verify a copy anywhere: a URL or a folder.
    Verify(Verify),
    /// The places we push to.
    #[command(
        subcommand,
        after_help = "Examples:\n  spartacus target add local folder:/srv/mirror\n  spartacus target list\n  spartacus target probe local"
    )]
    Target(Target),
    /// Write what people need to know who want to mirror the project, signed by a maintainer, and a page to print.
    Invite(Invite),
    /// For whoever has some web space: see that it would do as a mirror.
    #[command(
        subcommand,
        after_help = "The place is written as a target into a targets.yaml of your own; no project is needed (docs/volunteers.md).\n\n\
        Examples:\n  spartacus offer new my-mirror --invite invite.json --pin SHA256\n  cd my-mirror && spartacus offer doctor"
    )]
    Offer(Offer),
    /// What volunteers offered: look at it, try it out, decide.
    #[command(
        subcommand,
        after_help = "What becomes of an offer is told in docs/offers.md.\n\nExamples:\n  spartacus offers add offer.json\n  \
        spartacus offers verify paris\n  spartacus offers accept paris"
    )]
    Offers(Offers),
    /// Change the SSH key that pushes log in with, without a gap.
    #[command(
        subcommand,
        after_help = "For a while both keys are there; pushes log in with either (docs/offers.md).\n\nExamples:\n  spartacus rotate begin\n  \
        spartacus rotate status\n  spartacus rotate finish"
    )]
    Rotate(Rotate),
    /// The web front: status page, registration form, metrics. Holds no secrets and connects to nowhere.
    Serve(Serve),
    /// Shell completions on stdout.
    #[command(after_help = "Example:\n  spartacus completions bash > ~/.local/share/bash-completion/completions/spartacus")]
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// The manual page on stdout, or one page for every command in a folder.
    #[command(after_help = "Examples:\n  spartacus man | man -l -\n  spartacus man --dir /usr/local/share/man/man1")]
    Man {
        /// Write spartacus.1, spartacus-push.1 and so on here; the folder must exist.
        #[arg(long, value_name = "DIR")]
        dir: Option<Utf8PathBuf>,
    },
}

/// `spartacus init`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus init mirrors --name my-project --recovery-out /media/usb/recovery.key
  SPARTACUS_KEY_PASSWORD_FILE=pw spartacus init --name ci --recovery-out ../recovery.key --no-input")]
pub struct Init {
    /// Where; made if it does not exist.
    #[arg(default_value = ".")]
    pub folder: Utf8PathBuf,
    /// The project's name, shown in reports.
    #[arg(long)]
    pub name: String,
    /// Your name as a maintainer; it appears in the names of signature files.
    #[arg(long, value_name = "NAME", default_value = "maintainer")]
    pub maintainer: String,
    /// Where the recovery key goes: outside the project, best on another medium.
    #[arg(long, value_name = "FILE")]
    pub recovery_out: Option<Utf8PathBuf>,
    /// A team instead of one person: the minisign public keys of all maintainers (repeat).
    #[arg(long = "maintainer-key", value_name = "FILE", conflicts_with = "recovery_out")]
    pub maintainer_keys: Vec<Utf8PathBuf>,
    /// Signatures that a team needs.
    #[arg(long, value_name = "N", requires = "maintainer_keys")]
    pub threshold: Option<u32>,
    /// Accept n-of-n: one lost key ends the project.
    #[arg(long)]
    pub force: bool,
}

/// `spartacus key`
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a maintainer's key, or that of a vantage.
    #[command(after_help = "Examples:\n  spartacus key new alice --out ~/alice.key\n  spartacus key new de --vantage")]
    New {
        /// The name of the maintainer or vantage.
        name: String,
        /// The secret-key file; its public half goes beside it as `.pub`. In a project a maintainer's is keys/NAME.key, and
        /// anywhere that of a vantage vantage.key.
        #[arg(long, value_name = "FILE")]
        out: Option<Utf8PathBuf>,
        /// A key for `check --vantage`: without a password, because it signs unattended, and good for nothing else.
        #[arg(long)]
        vantage: bool,
    },
    /// Which keys may sign what.
    #[command(after_help = "Example:\n  spartacus key list")]
    List,
    /// One key in the forms that readers need.
    #[command(after_help = "Example:\n  spartacus key show maintainer     minisign, allowed_signers and TUF forms")]
    Show {
        /// The key's name, or a file.
        name: String,
    },
}

/// `spartacus bundle`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus bundle dist --as v1.2
  spartacus bundle dist --as v1.2 --request v1.2.request    a second maintainer, from her own tree
  spartacus bundle --restage v1.2        after another release overtook it")]
pub struct Bundle {
    /// The folder to stage.
    #[arg(required_unless_present = "restage")]
    pub folder: Option<Utf8PathBuf>,
    /// The bundle's name: a-z, 0-9, '.', '_' and '-'.
    #[arg(long = "as", value_name = "NAME", required_unless_present = "restage")]
    pub name: Option<String>,
    /// Rebuild what another maintainer staged, from the file that her `sign --request-out` wrote; refuse what differs.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["restage", "dry_run"])]
    pub request: Option<Utf8PathBuf>,
    /// Write only the list of bundles anew, on top of the newest release.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["folder", "name"])]
    pub restage: Option<String>,
    /// Check names and sizes, write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `spartacus sign`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus sign v1.2
  spartacus sign v1.2 --key ~/alice.key
  spartacus sign v1.2 --request-out v1.2.request          what carol needs to stage the same from her own tree
  spartacus sign v1.2 --key ~/carol.key --out carol.sig   in carol's copy of the project; the file travels
  spartacus sign v1.2 --add carol.sig                     in the project that pushes")]
pub struct Sign {
    /// The staged bundle.
    pub name: String,
    /// Your secret-key file; otherwise the one in keys/ that may sign.
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
    /// Also write the signature to this file, for `sign --add` where the project is pushed from.
    #[arg(long, value_name = "FILE")]
    pub out: Option<Utf8PathBuf>,
    /// Sign nothing: add the signature that another maintainer wrote with --out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "out", "yes"])]
    pub add: Option<Utf8PathBuf>,
    /// Sign nothing: write what another maintainer needs for `bundle DIR --as NAME --request FILE` from her own tree.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "out", "add", "yes"])]
    pub request_out: Option<Utf8PathBuf>,
    /// Do not ask whether the changes shown are right.
    #[arg(long, short)]
    pub yes: bool,
}

/// `spartacus push`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus push v1.2                    a bundle that is staged and signed
  spartacus push dist --as v1.2          stage, sign and push in one go
  spartacus push                         the current state again, to targets that missed it
  spartacus push v1.2 --dry-run          what would be sent where")]
pub struct Push {
    /// A staged bundle, or with --as a folder; nothing: the current state.
    pub what: Option<String>,
    /// Stage and sign the folder under this name first.
    #[arg(long = "as", value_name = "NAME", requires = "what")]
    pub name: Option<String>,
    /// Your secret-key file, when signing.
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
    /// Do not ask before signing.
    #[arg(long, short)]
    pub yes: bool,
    /// Afterwards hash every byte through the public addresses.
    #[arg(long)]
    pub verify: bool,
    /// Say what would be sent where; send nothing and sign nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `spartacus repair`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus repair                       what is missing, short, or was found altered by the last check
  spartacus repair --full                read everything back and hash it first
  spartacus repair --auto                after a check, from cron: what it found, within limits, not over and over
  spartacus repair --only paris")]
pub struct Repair {
    /// Bring back what checks found to be stale or incomplete, and what is quarantined once that was kept aside; leave all
    /// others alone.
    #[arg(long, conflicts_with_all = ["full", "dry_run"])]
    pub auto: bool,
    /// Read every byte back through the targets' own protocols instead of believing sizes.
    #[arg(long)]
    pub full: bool,
    /// Say what would be sent where; send nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `spartacus renew`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus renew                        a new timestamp on all mirrors, now
  spartacus renew --if-due               only when half the life of the present one is gone: for cron
  spartacus renew --dry-run              until when the present one lasts, and what would be sent")]
pub struct Renew {
    /// Sign a new one only when half the life of the present one is gone; send it to mirrors that miss it either way.
    #[arg(long)]
    pub if_due: bool,
    /// Say what would be sent where; send nothing and sign nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `spartacus check`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus check                        is every mirror current?
  spartacus check --files                and is every file there with its size?
  spartacus check --full                 and is every byte right?
  spartacus check --sample 50            hash 50 pieces, picked at random, of each mirror
  spartacus check --write                and can we still write there, and do readers see it?
  spartacus check --alert                and tell whoever is to hear of it
  spartacus check --nagios               one line and an exit code for Nagios or Icinga
  spartacus check --prometheus /var/lib/node_exporter/spartacus.prom
  spartacus check --html /srv/www/mirrors        and write the public status page there
  spartacus check --vantage de --out de.json --root 1.root.json --mirrors https://status.example.org/mirrors.json
  spartacus check --merge de.json br.json        and weigh what these vantages saw")]
#[allow(clippy::struct_excessive_bools, reason = "independent options, not a state")]
pub struct Check {
    /// See that every file is there with its size.
    #[arg(long, conflicts_with = "full")]
    pub files: bool,
    /// Hash every byte.
    #[arg(long)]
    pub full: bool,
    /// Hash so many pieces of files of each mirror, picked at random, within its budget; 0: none. Without this a sample is
    /// taken every hour.
    #[arg(long, value_name = "N")]
    pub sample: Option<u32>,
    /// Measure how fast each mirror sends. Without this it is done every six hours.
    #[arg(long)]
    pub throughput: bool,
    /// Log in, write a small file, read it back as readers do, remove it, and ask how much room is left.
    #[arg(long)]
    pub write: bool,
    /// Print one line with performance data, and end with 0 to 3 as Nagios plugins do.
    #[arg(long, conflicts_with = "json")]
    pub nagios: bool,
    /// Wait a random time of up to this long first: "30s", "5m". For cron, so that not everybody looks in the same second.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub jitter: Option<Duration>,
    /// Afterwards send what is due on the routes of `alerts:`.
    #[arg(long)]
    pub alert: bool,
    /// Also write metrics to this file, for the node exporter's textfile collector.
    #[arg(long, value_name = "FILE")]
    pub prometheus: Option<Utf8PathBuf>,
    /// Also write the public status page, feeds, badges and lists into this folder.
    #[arg(long, value_name = "DIR")]
    pub html: Option<Utf8PathBuf>,
    /// Looks from several places.
    #[command(flatten)]
    pub places: Places,
}

/// `spartacus schedule`
#[derive(Debug, Args)]
#[command(
    after_help = "It runs until it is stopped. A look at every mirror as often as health.every says, at all files every six hours and
after a push, at every byte of each mirror once a week; repairs of what that finds, and a new timestamp when half the
life of the present one is gone. A changed targets.yaml is followed at once.

Examples:
  spartacus schedule
  spartacus schedule --dry-run           what is due when
  spartacus schedule --once              what is due now, then end: for cron"
)]
pub struct Schedule {
    /// Do what is due now, each job once, and end.
    #[arg(long)]
    pub once: bool,
    /// Say what is due when; do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// After each round write metrics to this file, for the node exporter's textfile collector.
    #[arg(long, value_name = "FILE")]
    pub prometheus: Option<Utf8PathBuf>,
    /// After each round write the public page and what belongs to it into this folder.
    #[arg(long, value_name = "DIR")]
    pub html: Option<Utf8PathBuf>,
}

/// `spartacus alert`
#[derive(Debug, Subcommand)]
pub enum Alert {
    /// What is open and what was sent, without network.
    #[command(after_help = "Examples:\n  spartacus alert list\n  spartacus alert list --json")]
    List,
    /// Send a test message and tell whether it was accepted. Volunteers get none.
    #[command(after_help = "Examples:\n  spartacus alert test oncall\n  spartacus alert test            all routes")]
    Test {
        /// Which routes; all without a name.
        #[arg(value_name = "ROUTE")]
        routes: Vec<String>,
    },
    /// Send what is due by what is remembered, and what failed before; no mirror is looked at.
    #[command(after_help = "Examples:\n  spartacus alert send --dry-run  what would be sent\n  spartacus alert send")]
    Send {
        /// Say what would be sent; send nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// `spartacus status`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus status
  spartacus status --json --only paris
  spartacus status --explain paris       why it is in its condition, since when, and what to do
  spartacus status --watch               and again every 5 seconds, until Ctrl-C
  spartacus status --html public         write the public status page, without network")]
pub struct Status {
    /// Everything that is known of one mirror.
    #[arg(long, value_name = "MIRROR")]
    pub explain: Option<String>,
    /// Write the public status page, feeds, badges and lists into this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "explain")]
    pub html: Option<Utf8PathBuf>,
    /// Tell it again every so many seconds (5 if you do not say), until Ctrl-C.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5", conflicts_with_all = ["explain", "html"])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub watch: Option<u32>,
}

/// `spartacus verify`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus verify https://paris.example/mirror/ --root 1.root.json
  spartacus verify /srv/mirror --root 1.root.json --full")]
pub struct Verify {
    /// A mirror's public address, or a folder.
    pub place: String,
    /// The pin: the project's 1.root.json, from a source that you trust (not from the mirror).
    #[arg(long, value_name = "FILE")]
    pub root: Utf8PathBuf,
    /// See that every file is there with its size.
    #[arg(long, conflicts_with = "full")]
    pub files: bool,
    /// Hash every byte.
    #[arg(long)]
    pub full: bool,
    /// Certificates (PEM) to trust besides the system's.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<Utf8PathBuf>,
    /// A `socks5h://` or `http://` proxy.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<url::Url>,
}

/// `spartacus target`
#[derive(Debug, Subcommand)]
pub enum Target {
    /// Add a target: shows its host key or certificate, asks, writes targets.yaml.
    Add(Box<TargetAdd>),
    /// The targets of targets.yaml.
    #[command(after_help = "Examples:\n  spartacus target list\n  spartacus target list --json")]
    List,
    /// Try what servers can do, on scratch names; remembers it for pushes.
    #[command(after_help = "Examples:\n  spartacus target probe paris\n  spartacus target probe            all of them")]
    Probe {
        /// Which; all without a name.
        names: Vec<String>,
    },
}

/// `spartacus target add`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  spartacus target add paris sftp://deploy@paris.example/srv/mirror --key keys/deploy_ed25519 --public-url https://paris.example/m/
  spartacus target add box webdavs://u1@box.example/remote.php/dav/files/u1/mirror --password env:BOX_PASSWORD
  spartacus target add garage s3+https://s3.example/bucket/prefix --region garage --access-key env:KEY --secret-key env:SECRET
  spartacus target add attic webdavs://u1@attic.example/m --password file:attic.password --ca keys/attic-ca.pem
  spartacus target add local folder:/srv/mirror")]
pub struct TargetAdd {
    /// Its name in reports: a-z, 0-9, '.', '_' and '-'.
    pub name: String,
    #[arg(help = "sftp://user@host[:port]/path, webdavs://user@host/path, s3+https://host/bucket[/prefix] or folder:/path")]
    pub url: String,
    /// Where readers find the same tree, without credentials.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<url::Url>,
    /// Private key file (SFTP).
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
    #[arg(long, value_name = "REF", help = "Password reference: env:NAME or file:PATH (SFTP, WebDAV)")]
    pub password: Option<String>,
    /// Access key reference (S3).
    #[arg(long, value_name = "REF")]
    pub access_key: Option<String>,
    /// Secret key reference (S3).
    #[arg(long, value_name = "REF")]
    pub secret_key: Option<String>,
    /// Region (S3).
    #[arg(long)]
    pub region: Option<String>,
    /// The host key's SHA256 fingerprint as its operator gave it (SFTP): then nothing is asked.
    #[arg(long, value_name = "SHA256:...")]
    pub host_key: Option<String>,
    #[arg(
        long,
        value_name = "FILE",
        help = "PEM file of an authority to trust besides the system's (WebDAV, S3, public address)"
    )]
    pub ca: Option<Utf8PathBuf>,
    /// A `socks5h://` or `http://` proxy, from the first look on.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<url::Url>,
    /// Who runs it.
    #[arg(long)]
    pub operator: Option<String>,
    /// Two-letter country code.
    #[arg(long)]
    pub country: Option<String>,
    /// Accept what is shown without asking.
    #[arg(long, short)]
    pub yes: bool,
}

/// A length of time as people write it: "30s", "5 min", "1h".
pub fn span(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "write it as 30s, 5m or 1h".to_owned())?;
    Duration::try_from(span).map_err(|_| "it lies in the past".to_owned())
}
