//! Apache and nginx with WebDAV, and the settings to reach them.

use std::path::PathBuf;

use spartacus::base::{Secret, TargetName, Timeouts};
use spartacus::net::{Clients, HttpPolicy};
use spartacus::store::webdav::{AuthMode, WebdavSettings, WebdavStore};
use url::Url;

pub use crate::support::PASSWORD;
use crate::support::USER;
use crate::support::apache::Apache;
pub use crate::support::mirror::Kind;
use crate::support::mirror::Mirror;
use crate::support::nginx::Nginx;

/// The servers that every test of this kind runs against.
pub const ALL: [Kind; 3] = [Kind::ApacheBasic, Kind::ApacheDigest, Kind::Nginx];

/// A running server; it ends with this value.
pub struct Server {
    mirror: Mirror,
    pub base: Url,
}

impl Server {
    /// Starts a server and waits until it takes connections.
    pub fn start(kind: Kind) -> Self {
        let (mirror, port, path) = match kind {
            Kind::ApacheBasic => with_port(Apache::start(), |apache| apache.port, Apache::mirror_basic, "dav"),
            Kind::ApacheDigest => with_port(Apache::start(), |apache| apache.port, Apache::mirror_digest, "davdigest"),
            Kind::Nginx => with_port(Nginx::start(), |nginx| nginx.port, Nginx::mirror, "dav"),
            other => panic!("{} is no WebDAV server", other.name()),
        };
        Self { mirror, base: Url::parse(&format!("http://127.0.0.1:{port}/{path}/")).expect("a URL") }
    }

    /// nginx with its own `dav` alone, as the set-up of volunteers has it: no PROPFIND, so nothing is ever listed.
    pub fn start_plain() -> Self {
        let (mirror, port, path) = with_port(Nginx::start_plain(), |nginx| nginx.port, Nginx::mirror, "dav");
        Self { mirror, base: Url::parse(&format!("http://127.0.0.1:{port}/{path}/")).expect("a URL") }
    }

    /// Where the server keeps what it is given.
    pub fn data(&self) -> PathBuf {
        self.mirror.root.clone().expect("these servers keep files under their names")
    }

    /// A store over this server, with the right login.
    pub fn store(&self) -> WebdavStore {
        WebdavStore::new(target(), self.settings())
    }

    pub fn settings(&self) -> WebdavSettings {
        settings(self.base.clone())
    }
}

/// The server as a mirror, its port, and the path that it offers WebDAV at.
fn with_port<S>(server: S, port: fn(&S) -> u16, mirror: fn(S) -> Mirror, path: &str) -> (Mirror, u16, &str) {
    let port = port(&server);
    (mirror(server), port, path)
}

pub fn target() -> TargetName {
    TargetName::new("mirror").expect("a name")
}

/// Settings with the login of the servers here, over a client as pushes use it.
pub fn settings(base: Url) -> WebdavSettings {
    let client = Clients::default().get(&HttpPolicy::new(&Timeouts::default()).for_uploads()).expect("a client");
    WebdavSettings {
        user: Some(USER.to_owned()),
        password: Some(Secret::new(PASSWORD.to_owned())),
        auth: AuthMode::Auto,
        ..WebdavSettings::new(base, client)
    }
}
