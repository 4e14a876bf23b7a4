//! The mirrors of the day, the project that watches them, and the program under its own clock.

use std::cell::RefCell;
use std::net::{Ipv6Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use spartacus::base::TargetName;
use spartacus::history::{Event, History};
use spartacus::store::contract::noise;

use super::super::trees;
use super::fault::Fault;
use super::{EVERY, minute};
use crate::support::apache::Apache;
use crate::support::face::Face;
use crate::support::mirror::{Kind, Mirror, secret_file};
use crate::support::nginx::Nginx;
use crate::support::process::{self, wait_until};
use crate::support::project::{Finished, Project, utf8};
use crate::support::proxy::{Conditions, Proxy};
use crate::support::{PASSWORD, USER, tools};

/// The file that is more than one piece.
pub const LARGE: &str = "releases/v2/large.bin";
/// A small one.
pub const SMALL: &str = "releases/v2/part-3/file-3.txt";

/// The mirror whose name has an address of each family.
pub const BOTH_FAMILIES: &str = "nginx-8";
const NAMES: &str = "127.0.0.1 localhost both.test\n::1 both.test\n";

/// What serves a mirror.
enum Server {
    Apache(Apache),
    Nginx(Nginx),
    /// Its readers' side is in this process.
    Other(Mirror),
}

/// One mirror, behind a line that can be cut or slowed down.
pub struct Site {
    name: &'static str,
    server: Server,
    pub line: Proxy,
    /// The line over IPv6 to the one mirror that has one; `None` in it while nobody listens there.
    ipv6: Option<RefCell<Option<Proxy>>>,
}

impl Site {
    fn start(name: &'static str) -> Self {
        let server = match name.split('-').next() {
            Some("apache") => Server::Apache(Apache::start()),
            Some("nginx") => Server::Nginx(Nginx::start()),
            Some("sshd") => Server::Other(Kind::Sshd.start()),
            _ => Server::Other(Kind::Folder.start()),
        };
        let port = match &server {
            Server::Apache(apache) => apache.tls_port,
            Server::Nginx(nginx) => nginx.port,
            Server::Other(mirror) => port(&mirror.public_url),
        };
        let line = Proxy::before(port);
        let ipv6 = (name == BOTH_FAMILIES).then(|| RefCell::new(Some(line.over_ipv6(port))));
        Self { name, server, line, ipv6 }
    }

    /// Lets its IPv6 address take connections or refuse them, and waits until it does.
    pub fn listen_over_ipv6(&self, listen: bool) {
        let ipv6 = self.ipv6.as_ref().unwrap_or_else(|| panic!("{} is reached over IPv4 alone", self.name));
        let line = listen.then(|| self.line.over_ipv6(self.nginx().port));
        *ipv6.borrow_mut() = line;
        let reached = || TcpStream::connect((Ipv6Addr::LOCALHOST, self.line.port())).is_ok();
        wait_until("IPv6 is as it should be", || reached() == listen);
    }

    /// Its files under their natural names.
    pub fn root(&self) -> &Path {
        match &self.server {
            Server::Apache(apache) => &apache.root,
            Server::Nginx(nginx) => &nginx.root,
            Server::Other(mirror) => mirror.root.as_deref().expect("a folder of this machine"),
        }
    }

    pub fn nginx(&self) -> &Nginx {
        let Server::Nginx(nginx) = &self.server else { panic!("{} is not nginx", self.name) };
        nginx
    }

    pub fn apache(&self) -> &Apache {
        let Server::Apache(apache) = &self.server else { panic!("{} is not Apache", self.name) };
        apache
    }

    fn yaml_entry(&self) -> String {
        let (name, line) = (self.name, self.line.port());
        let host = if self.ipv6.is_some() { "both.test" } else { "127.0.0.1" };
        let dav = |port: u16, folder: &Path| {
            let password = secret_file(folder, "password", PASSWORD);
            let password = password.display();
            format!("    webdav:\n      url: http://127.0.0.1:{port}/dav/\n      user: {USER}\n      password: file:{password}\n")
        };
        let (url, settings) = match &self.server {
            Server::Apache(apache) => {
                let folder = apache.folder.path();
                let authority = folder.join("authority.pem");
                std::fs::write(&authority, apache.authority.pem()).expect("our own folder");
                let settings = format!("    ca: {}\n{}", authority.display(), dav(apache.port, folder));
                (format!("https://127.0.0.1:{line}/mirror/"), settings)
            }
            Server::Nginx(nginx) => (format!("http://{host}:{line}/mirror/"), dav(nginx.port, nginx.folder.path())),
            Server::Other(mirror) => (format!("http://127.0.0.1:{line}/"), mirror.settings.clone()),
        };
        format!("  - name: {name}\n    public_url: {url}\n{settings}")
    }
}

/// A place of others that tells whether we are online, behind a line of its own.
struct Place {
    line: Proxy,
    _face: Face,
    _folder: tempfile::TempDir,
}

impl Place {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let face = Face::over(folder.path());
        Self { line: Proxy::before(port(face.url())), _face: face, _folder: folder }
    }
}

/// The mirrors, one for each fault, and the project.
pub struct World {
    sites: Vec<Site>,
    control: Place,
    /// The pointer of the first release.
    pub old_pointer: Vec<u8>,
    project: Project,
    hosts: PathBuf,
}

impl World {
    /// Two releases on all of them, and a first verification of every byte.
    pub fn begin() -> Self {
        tools::require_root("another /etc/hosts for one command");
        let names = Fault::ALL.into_iter().map(Fault::mirror).filter(|name| *name != "all");
        let sites: Vec<Site> = std::thread::scope(|scope| {
            let starting: Vec<_> = names.map(|name| scope.spawn(move || Site::start(name))).collect();
            starting.into_iter().map(|site| site.join().expect("the server starts")).collect()
        });
        let project = Project::new();
        project.name_targets(sites.iter().map(Site::yaml_entry));
        let patience = "  timeouts: {connect: 2 s, handshake: 2 s, first_byte: 2 s, idle: 2 s}\n  replicas: all ";
        project.reconfigure("  replicas: all ", patience);
        let control = Place::start();
        let asked = format!("health:\n  control: [http://127.0.0.1:{}/]\npolicy:\n", control.line.port());
        project.reconfigure("policy:\n", &asked);
        let hosts = project.beside("names").join("hosts");
        std::fs::write(&hosts, NAMES).expect("our own folder");
        let mut world = Self { sites, control, old_pointer: Vec::new(), project, hosts };
        world.publish();
        world
    }

    /// The mirror of this name.
    pub fn site(&self, name: &str) -> &Site {
        self.sites.iter().find(|site| site.name == name).expect("each fault has its mirror")
    }

    fn publish(&mut self) {
        let pointer = self.sites[0].root().join("metadata/timestamp.json");
        for (number, name) in ["v1", "v2"].into_iter().enumerate() {
            let tree = self.project.beside(name);
            trees::many(&tree, 10, name);
            trees::write(&tree, "large.bin", &noise((4 << 20) + 500_000, 7));
            self.at(minute(0), &["push", utf8(&tree), "--as", name, "--yes"]).ends_with(0);
            if number == 0 {
                self.old_pointer = std::fs::read(&pointer).expect("it was pushed");
            }
        }
        self.at(minute(EVERY), &["check", "--full"]).ends_with(0);
    }

    /// The names of the mirrors.
    pub fn mirrors(&self) -> Vec<&'static str> {
        self.sites.iter().map(|site| site.name).collect()
    }

    /// Runs the program at this moment: its clock stands still meanwhile, while waiting takes as long as ever.
    fn at(&self, moment: Timestamp, arguments: &[&str]) -> Finished {
        let real = self.project.command(arguments);
        // A mirror's name is known to this one command alone.
        let mut command = Command::new(tools::program("unshare"));
        command.args(["--mount", "/bin/sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]).arg(&self.hosts);
        command.arg(tools::program("faketime")).args(["-m", "-f", &moment.strftime("%Y-%m-%d %H:%M:%S").to_string()]);
        command.arg(real.get_program()).args(real.get_args());
        for (name, value) in real.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("TZ", "UTC").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        command.current_dir(real.get_current_dir().expect("the project's folder"));
        let output = loop {
            let output = process::output(&mut command);
            if !process::is_stale_faketime(&output.stderr) {
                break output;
            }
        };
        Finished::new(&format!("spartacus {} at {moment}", arguments.join(" ")), output)
    }

    /// A round; whatever it finds, it has to come to its end.
    pub fn check(&self, moment: Timestamp, arguments: &[&str]) {
        let round = self.at(moment, &[&["check"], arguments].concat());
        let code = round.code();
        assert!([0, 4, 6, 7].contains(&code), "{round}");
    }

    /// Sends a mirror what it lacks.
    pub fn repair(&self, moment: Timestamp, mirror: &str) {
        self.at(moment, &["repair", "--only", mirror]).ends_with(0);
    }

    /// Pushes the current state again, which renews its pointer.
    pub fn push_again(&self, moment: Timestamp) {
        self.at(moment, &["push"]).ends_with(0);
    }

    /// Cuts the lines to all mirrors and to the place that tells whether we are online, or lets them through again.
    pub fn cut_all(&self, off: bool) {
        for line in self.sites.iter().map(|site| &site.line).chain([&self.control.line]) {
            line.set(Conditions { off, ..Conditions::default() });
        }
        self.site(BOTH_FAMILIES).listen_over_ipv6(!off);
    }

    /// What the program has remembered.
    pub fn history(&self) -> History {
        let path = Utf8PathBuf::from_path_buf(self.project.path().join(".spartacus/state.db")).expect("UTF-8");
        History::open(&path).expect("the program's own file")
    }

    /// What happened to a mirror, oldest first.
    pub fn events(history: &History, mirror: &str) -> Vec<Event> {
        let name: TargetName = mirror.parse().expect("a name");
        let mut events = history.events_of(&name, 10_000).expect("the program's own file");
        events.reverse();
        events
    }

    /// What happened to us, oldest first.
    pub fn events_about_ourselves(history: &History) -> Vec<Event> {
        let mut events = history.events_about_ourselves(10_000).expect("the program's own file");
        events.reverse();
        events
    }
}

fn port(url: &str) -> u16 {
    url::Url::parse(url).expect("a mirror's address").port().expect("a port of the test's own")
}
