//! What can be wrong with a mirror, how that is brought about on a real server, and how it is mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use spartacus::health::{Condition, ReasonCode};

use super::world::{BOTH_FAMILIES, LARGE, SMALL, Site, World};
use crate::support::process::{self, wait_until};
use crate::support::proxy::Conditions;
use crate::support::tls::{Authority, Identity};
use crate::support::{PASSWORD, USER, http, tools};

/// Looks in a row, a hundredth of a second apart, that have to see a new configuration.
const LOOKS_ALIKE: u32 = 50;

/// One fault of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Late,
    OneFamily,
    Stopped,
    Expired,
    WrongHost,
    Page,
    Redirect,
    Compressed,
    Slow,
    Missing,
    Short,
    Flipped,
    RolledBack,
    EndsSoon,
    CannotWrite,
    NotShown,
    AllGone,
}

impl Fault {
    /// In the order of the day.
    pub const ALL: [Self; 17] = [
        Self::Late,
        Self::Stopped,
        Self::Expired,
        Self::WrongHost,
        Self::Page,
        Self::Redirect,
        Self::Compressed,
        Self::Slow,
        Self::Missing,
        Self::Short,
        Self::Flipped,
        Self::RolledBack,
        Self::EndsSoon,
        Self::CannotWrite,
        Self::NotShown,
        Self::OneFamily,
        Self::AllGone,
    ];

    /// As in the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Late => "every answer comes 0.6 s late (nginx)",
            Self::Stopped => "nginx does not listen any more",
            Self::Expired => "Apache shows a certificate that has expired",
            Self::WrongHost => "Apache shows a certificate for another host",
            Self::Page => "nginx answers everything with an HTML page and status 200",
            Self::Redirect => "nginx redirects everything elsewhere",
            Self::Compressed => "nginx says `Content-Encoding: gzip`",
            Self::Slow => "the first byte comes later than `first_byte` allows (SSH server)",
            Self::Missing => "a file is removed (folder)",
            Self::Short => "a file is cut short (SSH server)",
            Self::Flipped => "one byte in the middle of a file of 4.5 MiB is changed (Apache)",
            Self::RolledBack => "the pointer of the release before is put back (nginx)",
            Self::EndsSoon => "Apache shows a certificate that ends in five days",
            Self::CannotWrite => "the password of our account is another one (Apache)",
            Self::NotShown => "nginx shows readers nothing of what is new",
            Self::OneFamily => "IPv6 refuses connections, IPv4 does not (nginx)",
            Self::AllGone => "our lines to all mirrors and to the place of `health: control` are cut",
        }
    }

    /// The mirror that it happens to: each fault has one of its own, since a mirror that changed too often counts as
    /// flapping.
    pub fn mirror(self) -> &'static str {
        match self {
            Self::Stopped => "nginx-1",
            Self::Page => "nginx-2",
            Self::Redirect => "nginx-3",
            Self::Compressed => "nginx-4",
            Self::RolledBack => "nginx-5",
            Self::NotShown => "nginx-6",
            Self::Late => "nginx-7",
            Self::OneFamily => BOTH_FAMILIES,
            Self::Expired => "apache-1",
            Self::WrongHost => "apache-2",
            Self::Flipped => "apache-3",
            Self::EndsSoon => "apache-4",
            Self::CannotWrite => "apache-5",
            Self::Slow => "sshd-1",
            Self::Short => "sshd-2",
            Self::Missing => "folder",
            Self::AllGone => "all",
        }
    }

    /// Minutes after the full hour at which it begins: samples are taken at five past, and one was just over.
    pub fn begins(self) -> i64 {
        if self == Self::Flipped { 7 } else { 2 }
    }

    /// For how many minutes.
    pub fn lasts(self) -> i64 {
        if self == Self::Flipped { 85 } else { 30 }
    }

    /// What has to be reported.
    pub fn expected(self) -> (Condition, ReasonCode) {
        match self {
            Self::Missing | Self::Short => (Condition::Incomplete, ReasonCode::Missing),
            Self::Flipped => (Condition::Quarantined, ReasonCode::Altered),
            Self::RolledBack => (Condition::Quarantined, ReasonCode::RolledBack),
            Self::EndsSoon => (Condition::Degraded, ReasonCode::CertificateEnds),
            Self::CannotWrite => (Condition::Degraded, ReasonCode::CannotWrite),
            Self::NotShown => (Condition::Degraded, ReasonCode::NotShown),
            Self::Late => (Condition::Degraded, ReasonCode::Slow),
            Self::OneFamily => (Condition::Degraded, ReasonCode::HalfReached),
            _ => (Condition::Unreachable, ReasonCode::NoAnswer),
        }
    }

    /// Whether only a canary tells: then one is written in each round of the hour.
    pub fn needs_canaries(self) -> bool {
        matches!(self, Self::CannotWrite | Self::NotShown)
    }

    /// Whether it is over only once every byte was hashed.
    pub fn needs_verifying(self) -> bool {
        let whole = matches!(self, Self::EndsSoon | Self::CannotWrite | Self::NotShown | Self::Late | Self::OneFamily);
        !whole && !matches!(self, Self::Missing | Self::Short | Self::AllGone)
    }

    /// When it has to be over, in minutes after the beginning.
    pub fn is_over_after(self) -> i64 {
        // What a mirror was like in a day is told until slow looks are less than one in twenty of those since midnight.
        if self == Self::Late { 12 * 60 } else { self.lasts() + 25 }
    }

    pub fn inject(self, world: &World) {
        if self == Self::AllGone {
            return world.cut_all(true);
        }
        let site = world.site(self.mirror());
        match self {
            Self::Stopped => reconfigure(site, "listen ", "listen unix:closed.sock;"),
            Self::Page => readers_get(site, "default_type text/html; return 200 '<h1>For sale</h1>';"),
            Self::Redirect => readers_get(site, "return 302 http://127.0.0.1:9/parked$uri;"),
            Self::Compressed => {
                readers_get(site, &format!("alias {}/; add_header Content-Encoding gzip;", site.root().display()));
            }
            Self::Expired => show(site, Authority::issue_expired),
            Self::WrongHost => show(site, Authority::issue_wrong_host),
            Self::EndsSoon => show(site, Authority::issue_ending_march_2027),
            Self::CannotWrite => set_password(site, "another"),
            Self::NotShown => reconfigure(
                site,
                "location /mirror/ ",
                &format!(
                    "location ~ ^/mirror/.spartacus-probe {{ return 404; }} location /mirror/ {{ alias {}/; add_header X-New no; }}",
                    site.root().display()
                ),
            ),
            Self::Slow => site.line.set(Conditions::round_trip(Duration::from_secs(10))),
            Self::Late => site.line.set(Conditions::round_trip(Duration::from_millis(600))),
            Self::OneFamily => site.listen_over_ipv6(false),
            Self::Missing => fs::remove_file(site.root().join(SMALL)).expect("it was pushed"),
            Self::Short => cut(&site.root().join(SMALL)),
            Self::Flipped => flip(&site.root().join(LARGE)),
            Self::RolledBack => {
                fs::write(site.root().join("metadata/timestamp.json"), &world.old_pointer).expect("our own folder");
            }
            Self::AllGone => unreachable!("it has no mirror of its own"),
        }
    }

    pub fn heal(self, world: &World, now: Timestamp) {
        match self {
            Self::AllGone => world.cut_all(false),
            Self::Stopped | Self::Page | Self::Redirect | Self::Compressed | Self::NotShown => restore(world.site(self.mirror())),
            Self::CannotWrite => set_password(world.site(self.mirror()), PASSWORD),
            Self::Expired | Self::WrongHost | Self::EndsSoon => {
                show(world.site(self.mirror()), |authority| authority.issue(["localhost", "127.0.0.1"]));
            }
            Self::Slow | Self::Late => world.site(self.mirror()).line.set(Conditions::default()),
            Self::OneFamily => world.site(self.mirror()).listen_over_ipv6(true),
            Self::Missing | Self::Short | Self::Flipped | Self::RolledBack => world.repair(now, self.mirror()),
        }
    }
}

/// Changes the password of our account on Apache, which reads it with every request.
fn set_password(site: &Site, password: &str) {
    let file = site.apache().folder.path().join("htpasswd");
    process::run(Command::new(tools::program("htpasswd")).arg("-bB").arg(file).args([USER, password]));
}

fn cut(file: &Path) {
    let bytes = fs::read(file).expect("it was pushed");
    fs::write(file, &bytes[..bytes.len() / 2]).expect("our own folder");
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).expect("it was pushed");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("our own folder");
}

/// Lets nginx answer readers in another way.
fn readers_get(site: &Site, rule: &str) {
    reconfigure(site, "location /mirror/ ", &format!("location /mirror/ {{ {rule} }}"));
}

/// Lets nginx read a configuration in which the line that begins so is another, and waits until readers notice.
fn reconfigure(site: &Site, begin: &str, line: &str) {
    let path = configuration(site);
    let good = fs::read_to_string(&path).expect("it was written when nginx started");
    fs::write(path.with_extension("good"), &good).expect("our own folder");
    let (before, rest) = good.split_once(begin).expect("nginx.conf has such a line");
    let (_, after) = rest.split_once('\n').expect("and others after it");
    load(site, &format!("{before}{line}\n{after}"));
}

fn restore(site: &Site) {
    let good = fs::read_to_string(configuration(site).with_extension("good")).expect("it was kept when the fault began");
    load(site, &good);
}

fn configuration(site: &Site) -> PathBuf {
    site.nginx().folder.path().join("nginx.conf")
}

fn load(site: &Site, text: &str) {
    let before = seen(site);
    fs::write(configuration(site), text).expect("our own folder");
    site.nginx().server.signal("HUP");
    // For a moment the workers of the old configuration go on to accept connections.
    let mut in_a_row = 0;
    wait_until("nginx has another configuration", || {
        in_a_row = if seen(site) == before { 0 } else { in_a_row + 1 };
        in_a_row >= LOOKS_ALIKE
    });
}

/// What a reader sees of nginx: status and head without the date.
fn seen(site: &Site) -> Option<(u16, Vec<String>)> {
    let answer = http::get(&format!("http://127.0.0.1:{}/mirror/metadata/timestamp.json", site.nginx().port))?;
    let lines = answer.head.lines().filter(|line| !line.starts_with("Date:"));
    Some((answer.status, lines.map(str::to_owned).collect()))
}

/// Lets Apache show another certificate, and waits until it does.
fn show(site: &Site, issue: impl Fn(&Authority) -> Identity) {
    let apache = site.apache();
    let identity = issue(&apache.authority);
    let folder = apache.folder.path();
    fs::write(folder.join("server.pem"), &identity.certificate).expect("our own folder");
    fs::write(folder.join("server.key"), &identity.key).expect("our own folder");
    apache.server.signal("USR1");
    let wanted = body_of(&identity.certificate);
    // A worker of before may take a connection for a moment more.
    let mut in_a_row = 0;
    wait_until("Apache shows another certificate", || {
        in_a_row = if body_of(&shown(apache.tls_port)) == wanted { in_a_row + 1 } else { 0 };
        in_a_row >= LOOKS_ALIKE
    });
}

/// The certificate that a server on loopback shows, as `openssl s_client` prints it.
fn shown(port: u16) -> String {
    let mut client = Command::new(tools::program("openssl"));
    client.args(["s_client", "-connect", &format!("127.0.0.1:{port}")]).stdin(Stdio::null());
    process::text(&process::output(&mut client))
}

/// The lines between the marks of the first certificate.
fn body_of(pem: &str) -> Vec<String> {
    let inside = pem.lines().skip_while(|line| !line.contains("BEGIN CERTIFICATE")).skip(1);
    inside.take_while(|line| !line.contains("END CERTIFICATE")).map(|line| line.trim().to_owned()).collect()
}
