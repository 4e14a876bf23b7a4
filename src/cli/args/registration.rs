//! The words of `spartacus invite` and `spartacus offer`.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use crate::base::{ByteCount, MailAddress, Sha256, TargetName};
use crate::registration::{Flavour, WebServer};

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
    /// A folder for the place that you offer, and what to do on its server, ready to be pasted.
    New(Box<OfferNew>),
    /// What to do on the server, once more, from the folder of an offer.
    Setup(OfferSetup),
    /// Try the place, from logging in to what readers get, and what its account should not be able to do.
    Doctor(OfferDoctor),
    /// Write the offer: one signed file, in which everything private is sealed to the project.
    #[command(
        after_help = "The folder has targets.yaml with the place, invite.json and volunteer.key, as `spartacus offer new` makes it. The file can be
mailed, pasted into an issue, or into the project's form where it has one (/register).

Examples:
  spartacus offer seal
  spartacus offer seal my-mirror --valid '90 days' --notes 'maintenance on Sundays'"
    )]
    Seal(OfferSeal),
    /// Write what has changed: another address, other secrets, or only that the offer goes on.
    #[command(after_help = "Examples:
  spartacus offer update                 the same place for another 180 days
  spartacus offer update my-mirror       after a change of my-mirror/targets.yaml")]
    Update(OfferSeal),
    /// Ask to be left alone for a while: nothing is sent and looked at until then.
    #[command(after_help = "Examples:
  spartacus offer pause --until 2027-01-06
  spartacus offer pause my-mirror --until '14 days'")]
    Pause {
        /// What all messages have.
        #[command(flatten)]
        message: OfferMessage,
        /// A day, a moment, or a time from now.
        #[arg(long, value_name = "WHEN")]
        until: String,
    },
    /// End a pause before its time.
    #[command(after_help = "Example:\n  spartacus offer resume")]
    Resume(OfferMessage),
    /// End the offer: nothing is sent any more, and what we know of how to log in is removed.
    #[command(after_help = "Examples:
  spartacus offer withdraw
  spartacus offer withdraw my-mirror --delete      the project's files are to be removed first")]
    Withdraw {
        /// What all messages have.
        #[command(flatten)]
        message: OfferMessage,
        /// Our files are to be removed first.
        #[arg(long)]
        delete: bool,
    },
}

/// What all messages of a volunteer have.
#[derive(Debug, Args)]
pub struct OfferMessage {
    /// The folder of the offer; otherwise the one of --config.
    #[arg(value_name = "DIR")]
    pub folder: Option<Utf8PathBuf>,
    /// The project's invite, if it is not invite.json in that folder.
    #[arg(long, value_name = "FILE")]
    pub invite: Option<Utf8PathBuf>,
    /// The project's pin, which the invite has to have.
    #[arg(long, value_name = "SHA256", value_parser = pin)]
    pub pin: Option<Sha256>,
    /// Your secret-key file, if it is not volunteer.key in that folder.
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
    /// The file to write, if not offer.json (update.json, pause.json, ...) in that folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<Utf8PathBuf>,
}

/// `spartacus offer seal`, `spartacus offer update`
#[derive(Debug, Args)]
pub struct OfferSeal {
    /// What all messages have.
    #[command(flatten)]
    pub message: OfferMessage,
    /// How long the offer holds.
    #[arg(long, value_name = "TIME", default_value = "180 days", value_parser = valid)]
    pub valid: Duration,
    /// What else the maintainers should know; sealed.
    #[arg(long, value_name = "TEXT")]
    pub notes: Option<String>,
}

/// `spartacus offers`
#[derive(Debug, Subcommand)]
pub enum Offers {
    /// Take in files that volunteers sent: offers, and what they say of them later.
    #[command(after_help = "Only the form, the signature and the times are looked at: nothing is opened, and no network is used.

Examples:
  spartacus offers add ~/mail/offer.json
  xclip -o | spartacus offers add -")]
    Add {
        /// Files; `-` is the standard input.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<Utf8PathBuf>,
    },
    /// What was offered, and what became of it.
    #[command(after_help = "Example:\n  spartacus offers list")]
    List,
    /// One offer, with what is sealed in it but for secrets.
    #[command(
        after_help = "Examples:\n  spartacus offers show paris\n  spartacus offers show t-7k3q --report      a letter to the volunteer"
    )]
    Show {
        /// The ticket, the beginning of it, or the name.
        #[arg(value_name = "TICKET")]
        ticket: String,
        /// What the last examination found, as a letter to the volunteer.
        #[arg(long)]
        report: bool,
    },
    /// Log in and try the place out, as `spartacus offer doctor` does on the volunteer's side.
    #[command(
        after_help = "It connects to public addresses only (docs/addresses.md), and to a server with SFTP only if it shows a host key that is in the
offer.

Examples:
  spartacus offers verify t-7k3q
  spartacus offers verify paris --needs '20 GiB'"
    )]
    Verify {
        /// The ticket, the beginning of it, or the name.
        #[arg(value_name = "TICKET")]
        ticket: String,
        /// How much will be stored there; otherwise what is published now.
        #[arg(long, value_name = "SIZE")]
        needs: Option<ByteCount>,
    },
    /// Make it a target: examined, written into targets.yaml, its secrets sealed to the project, pushed to, verified, and on
    /// probation.
    #[command(after_help = "Examples:
  spartacus offers accept t-7k3q
  spartacus offers accept paris --as paris-2 --yes
  spartacus offers accept paris --no-push          the next push brings the first copy")]
    Accept(OffersAccept),
    /// Decline it, or several.
    #[command(after_help = "Examples:
  spartacus offers reject t-7k3q --because 'we have three mirrors in that network already'
  spartacus offers reject t-0yc8 t-948d t-nmj0")]
    Reject {
        /// The tickets, the beginnings of them, or the names.
        #[arg(value_name = "TICKET", required = true)]
        tickets: Vec<String>,
        /// What the volunteer is told.
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
    },
}

/// `spartacus offers accept`
#[derive(Debug, Args)]
pub struct OffersAccept {
    /// The ticket, the beginning of it, or the name.
    #[arg(value_name = "TICKET")]
    pub ticket: String,
    /// Another name for the target.
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
    /// How much will be stored there; otherwise what is published now.
    #[arg(long, value_name = "SIZE")]
    pub needs: Option<ByteCount>,
    /// Although something failed.
    #[arg(long)]
    pub force: bool,
    /// Do not push to it now.
    #[arg(long)]
    pub no_push: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
}

/// A span of time in which an offer holds.
fn valid(text: &str) -> Result<Duration, String> {
    let most = Duration::from_hours(400 * 24);
    let found = crate::base::parse_duration(text).map_err(|error| error.to_string())?;
    if (Duration::from_hours(24)..=most).contains(&found) {
        Ok(found)
    } else {
        Err("an offer holds for 1 to 400 days".to_owned())
    }
}

/// `spartacus offer new`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "On a terminal it asks for what is not given. Nothing on the server is touched: you read the steps, and do them. For SFTP no
secret leaves your machine; others lie in files that only you can read, until `spartacus offer seal` seals them.

Examples:
  spartacus offer new my-mirror --invite invite.json --pin SHA256
  spartacus offer new --place sftp://mirror@mirror.example.org/pub --host-key SHA256:... \\
      --public-url https://mirror.example.org/archive/ --name paris --no-input
  spartacus offer new --place webdavs://mirror@dav.example.org/push/ --flavour nginx --public-url https://dav.example.org/m/
  spartacus offer new --place s3+https://s3.eu-west-3.amazonaws.com/bucket/mirror --region eu-west-3 --flavour aws
  spartacus offer new --from place.yaml --no-input --dry-run"
)]
pub struct OfferNew {
    /// The folder to be made; one that is there must be empty.
    #[arg(value_name = "DIR", default_value = "my-mirror")]
    pub folder: Utf8PathBuf,
    /// The project's invite, invite.json; it is verified.
    #[arg(long, value_name = "FILE")]
    pub invite: Option<Utf8PathBuf>,
    /// The project's pin: the SHA-256 digest of its 1.root.json, as the project tells it elsewhere.
    #[arg(long, value_name = "SHA256", requires = "invite", value_parser = pin)]
    pub pin: Option<Sha256>,
    /// The project's 1.root.json, instead of its digest.
    #[arg(long, value_name = "FILE", requires = "invite", conflicts_with = "pin")]
    pub root: Option<Utf8PathBuf>,
    /// A file with one target, written as in targets.yaml, instead of questions.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["place", "password", "access_key", "secret_key", "region", "host_key"])]
    pub from: Option<Utf8PathBuf>,
    #[arg(
        long,
        value_name = "URL",
        help = "sftp://user@host[:port]/path, webdavs://user@host/path or s3+https://host/bucket[/prefix]"
    )]
    pub place: Option<String>,
    #[arg(
        long,
        help = "What runs there: openssh, hoster (SFTP); apache, nginx, nextcloud, hoster (WebDAV); aws, garage, minio, r2, other (S3)"
    )]
    pub flavour: Option<Flavour>,
    /// Where readers will find the files, without credentials.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<url::Url>,
    /// What it is to be called: a-z, 0-9, '.', '_' and '-'.
    #[arg(long)]
    pub name: Option<TargetName>,
    /// Who runs it.
    #[arg(long)]
    pub operator: Option<String>,
    /// Two-letter country code.
    #[arg(long)]
    pub country: Option<String>,
    /// Where you are told of its troubles: a mail address.
    #[arg(long, value_name = "MAIL")]
    pub contact: Option<MailAddress>,
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
    /// The server's host key, as `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints it there (SFTP).
    #[arg(long, value_name = "SHA256:...")]
    pub host_key: Option<String>,
    /// The folder on the server: the chroot of SFTP, what WebDAV shows.
    #[arg(long, value_name = "DIR", default_value = "/srv/mirror")]
    pub server_folder: String,
    /// Where the server keeps configurations.
    #[arg(long, value_name = "DIR", default_value = "/etc")]
    pub etc: String,
    /// What shows the folder to readers (SFTP): nginx, apache or other.
    #[arg(long)]
    pub web: Option<WebServer>,
    /// The last day of what is given; a year from now unless said.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: Option<jiff::civil::Date>,
    /// Pin the host key that the server shows, without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// Show everything, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `spartacus offer setup`
#[derive(Debug, Args)]
#[command(after_help = "Run it after a change of targets.yaml: setup.md and the policies beside it are written anew.

Examples:
  spartacus offer setup
  spartacus offer setup --until 2028-12-31      what is given ends later
  spartacus offer setup my-mirror --json")]
pub struct OfferSetup {
    /// The folder of the offer.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: Utf8PathBuf,
    /// Another last day of what is given.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: Option<jiff::civil::Date>,
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
