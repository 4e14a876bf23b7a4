//! Blocks of web servers: one address for readers, and one for pushes where files come by WebDAV.

mod apache;
mod nginx;

use url::Url;

use super::words::{host, server_folder, url_path};
use super::{Preparation, SetupError, SetupStep, WebServer, place};

/// The one object that changes under its name: a cache that keeps it shows readers an old state.
const POINTER: &str = "metadata/timestamp.json";
/// What Debian's web servers show on port 80 before anybody changes that.
const WEB_ROOT: &str = "/var/www/html";

/// How readers find the folder of an SFTP account.
pub(super) fn readers(preparation: &Preparation<'_>, data: &str) -> Result<Vec<SetupStep>, SetupError> {
    let Some(url) = preparation.public_url else { return Ok(vec![place::no_public_address()]) };
    let etc = server_folder("the folder of configurations", &preparation.choices.etc)?;
    match preparation.choices.web {
        WebServer::Nginx => Ok(Block::new(preparation, data, etc)?.with_readers(url)?.nginx()),
        WebServer::Apache => Ok(Block::new(preparation, data, etc)?.with_readers(url)?.apache()),
        WebServer::Other => Ok(vec![SetupStep::words(
            "Let readers in",
            format!(
                "Let {url} show the files in {data}: without a login, without scripts, not compressed, with ranges; {POINTER} must not be kept \
                 in a cache."
            ),
        )]),
    }
}

/// One address, as a web server is told of it.
struct Address {
    secure: bool,
    /// A name, or a literal address.
    host: String,
    port: u16,
    /// With slashes at both ends.
    path: String,
}

impl Address {
    fn of(url: &Url) -> Result<Self, SetupError> {
        let secure = url.scheme() == "https";
        let port = url.port().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { secure, host: host(url)?, port, path: url_path(url)? })
    }

    fn is_same_server(&self, other: &Self) -> bool {
        (self.secure, &self.host, self.port) == (other.secure, &other.host, other.port)
    }

    /// Whether it is a number: only that address is listened at, then.
    fn is_literal(&self) -> bool {
        self.host.starts_with('[') || self.host.parse::<std::net::Ipv4Addr>().is_ok()
    }
}

/// A folder that is shown at one address or two. Everything in it is plain words.
pub(super) struct Block {
    name: String,
    folder: String,
    etc: String,
    pushes: Option<Pushes>,
    readers: Option<Address>,
}

/// Where pushes come in.
struct Pushes {
    address: Address,
    /// The file with the login.
    passwords: String,
    user: String,
}

impl Block {
    pub(super) fn new(preparation: &Preparation<'_>, folder: &str, etc: &str) -> Result<Self, SetupError> {
        let folder = server_folder("the folder", folder)?.to_owned();
        Ok(Self { name: preparation.name.to_string(), folder, etc: etc.to_owned(), pushes: None, readers: None })
    }

    pub(super) fn with_readers(self, url: &Url) -> Result<Self, SetupError> {
        Ok(Self { readers: Some(Address::of(url)?), ..self })
    }

    pub(super) fn with_pushes(self, url: &Url, passwords: String, user: String) -> Result<Self, SetupError> {
        Ok(Self { pushes: Some(Pushes { address: Address::of(url)?, passwords, user }), ..self })
    }

    /// The addresses, those of one server together; what is for pushes comes first.
    fn servers(&self) -> Vec<(&Address, Option<&Pushes>, Option<&Address>)> {
        match (&self.pushes, &self.readers) {
            (Some(pushes), Some(readers)) if pushes.address.is_same_server(readers) => {
                vec![(readers, Some(pushes), Some(readers))]
            }
            (pushes, readers) => {
                let pushes = pushes.iter().map(|pushes| (&pushes.address, Some(pushes), None));
                pushes.chain(readers.iter().map(|readers| (readers, None, Some(readers)))).collect()
            }
        }
    }

    /// The certificate of a host, where certbot puts it.
    fn certificate(&self, address: &Address) -> (String, String) {
        let folder = format!("{}/letsencrypt/live/{}", self.etc, address.host);
        (format!("{folder}/fullchain.pem"), format!("{folder}/privkey.pem"))
    }

    /// How hosts get their certificates before the blocks name them: no web server starts without. `service` is what reads them.
    fn get_certificates(&self, service: &str) -> Option<SetupStep> {
        let mut hosts: Vec<&str> = Vec::new();
        for (address, ..) in self.servers() {
            if address.secure && !address.is_literal() && !hosts.contains(&address.host.as_str()) {
                hosts.push(&address.host);
            }
        }
        let line = |host: &&str| {
            format!("certbot certonly --webroot -w {WEB_ROOT} -d {host} --deploy-hook 'systemctl reload {service}'")
        };
        let why = format!(
            "As root, with the program certbot (`apt-get install certbot`); not for a host that has one already. The name has to lead to this server, and port 80 has to be \
             open. {WEB_ROOT} is the folder that the web server shows there as Debian installs it. Where none runs yet, write --standalone in \
             place of --webroot -w {WEB_ROOT}."
        );
        (!hosts.is_empty()).then(|| SetupStep::commands("Get a certificate", &why, &hosts.iter().map(line).collect::<Vec<_>>()))
    }

    /// What is said before a block; `of_a_site` is what to do where the host has one already.
    fn why(&self, of_a_site: &str) -> String {
        let secure = self.servers().iter().any(|(address, ..)| address.secure);
        let certificate = if secure { " The certificate is looked for where certbot puts it." } else { "" };
        format!(
            "Files as they are: no lists of names, no scripts, no compression, and nobody keeps an old {POINTER}. If this host is a site \
             already, do not make this file: {of_a_site}.{certificate}"
        )
    }
}
