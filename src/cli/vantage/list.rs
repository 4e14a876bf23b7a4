//! Which mirrors a vantage looks at: those of a public list, or those of the project that it runs in.

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use url::Url;

use super::args::Places;
use crate::base::{Lifecycle, ObjectPath, TargetName, Timeouts, causes, sanitise};
use crate::cli::args::Global;
use crate::cli::connect::destinations;
use crate::cli::exit::{self, Failure};
use crate::cli::push;
use crate::cli::session::{configuration, hinted, project, read_at_most};
use crate::cli::surface::Surface;
use crate::cli::verify::read_pin;
use crate::config::{Config, Target, TargetState};
use crate::net::{Clients, Destinations, HttpPolicy};
use crate::reader::HttpSource;
use crate::trust::Fetch as _;

/// Longest list, in bytes: 10,000 mirrors with all that is told of them.
const LONGEST: u64 = 16 << 20;
/// What the list calls its form.
const SCHEMA: &str = "spartacus.mirrors/1";

/// Where one mirror is read.
pub struct Address {
    /// Its name.
    pub name: TargetName,
    /// Its public address.
    pub url: Url,
    /// A proxy in between.
    pub proxy: Option<Url>,
    /// Authorities trusted besides the system's.
    pub ca: Option<Utf8PathBuf>,
    /// Where connections may lead: a list says nothing of that, and whoever names it vouches for it.
    pub destinations: Destinations,
}

/// Everything that a look needs.
pub struct Addresses {
    /// `1.root.json`.
    pub pin: Bytes,
    /// The mirrors.
    pub mirrors: Vec<Address>,
    /// Places that tell whether this machine is online.
    pub control: Vec<Url>,
    /// How long is waited.
    pub timeouts: Timeouts,
}

/// The public list, as far as it is used: names, addresses, and which mirrors take part. It is not signed, and need not
/// be: a testimony says which address it is about.
#[derive(Deserialize)]
struct PublicList {
    schema: String,
    mirrors: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: TargetName,
    url: Option<String>,
    #[serde(default)]
    lifecycle: Lifecycle,
}

impl Addresses {
    /// From `--root` and `--mirrors`, or from the project here.
    pub async fn gather(surface: &Surface, global: &Global, places: &Places) -> Result<Self, Failure> {
        let (Some(root), Some(list)) = (&places.root, &places.mirrors) else {
            return Self::of_project(surface, global, places).map_err(|failure| {
                failure.hint("without a project: check --vantage NAME --out FILE --root 1.root.json --mirrors mirrors.json")
            });
        };
        let pin = read_pin(root)?.into();
        let text = read_list(list, places.ca.as_deref()).await?;
        let refuse = |why: &str| {
            Failure::told(exit::USAGE, format!("{} is no list of mirrors: {why}", sanitise(list)))
                .hint("--mirrors takes the mirrors.json that `spartacus check --html DIR` writes")
        };
        let read: PublicList = serde_json::from_slice(&text).map_err(|error| refuse(&sanitise(&error.to_string())))?;
        if read.schema != SCHEMA {
            return Err(refuse(&format!("its schema is not {SCHEMA}")));
        }
        let mut mirrors: Vec<Address> = Vec::new();
        for listed in read.mirrors.into_iter().filter(|listed| listed.lifecycle.is_watched()) {
            // Not public: there is nothing to read from here.
            let Some(url) = listed.url else { continue };
            let url = public(&url).ok_or_else(|| refuse(&format!("the address of {} is none to read from", listed.name)))?;
            if mirrors.iter().any(|other| other.name == listed.name) {
                return Err(refuse(&format!("{} is in it twice", listed.name)));
            }
            mirrors.push(Address {
                name: listed.name,
                url,
                proxy: None,
                ca: places.ca.clone(),
                destinations: Destinations::anywhere(),
            });
        }
        Self { pin, mirrors, control: places.control.clone(), timeouts: Timeouts::default() }.not_empty(list)
    }

    fn of_project(surface: &Surface, global: &Global, places: &Places) -> Result<Self, Failure> {
        let config: Config = configuration(surface, global)?;
        let pin = push::pin(&project(global)?)?;
        let address = |target: &Target| {
            let url = target.public_url.clone()?;
            let destinations = destinations(&config, target);
            Some(Address { name: target.name.clone(), url, proxy: target.proxy.clone(), ca: target.ca.clone(), destinations })
        };
        let active = config.targets.iter().filter(|target| target.state == TargetState::Active);
        let mirrors = active.filter_map(address).collect();
        let control = config.health.control.iter().chain(&places.control).cloned().collect();
        Self { pin, mirrors, control, timeouts: config.policy.timeouts }.not_empty(config.path.as_str())
    }

    fn not_empty(self, place: &str) -> Result<Self, Failure> {
        if self.mirrors.is_empty() {
            return Err(Failure::told(exit::USAGE, format!("{} names no mirror with a public address", sanitise(place)))
                .hint("a vantage has no logins: it reads what everybody can read (`public_url` in targets.yaml)"));
        }
        Ok(self)
    }

    /// Those of these names; all without any.
    pub fn only(mut self, names: &[String]) -> Result<Self, Failure> {
        if let Some(unknown) = names.iter().find(|name| !self.mirrors.iter().any(|mirror| mirror.name.as_str() == **name)) {
            let known: Vec<&str> = self.mirrors.iter().map(|mirror| mirror.name.as_str()).collect();
            return Err(Failure::told(exit::USAGE, format!("--only {}: no mirror has that name", sanitise(unknown)))
                .hint(format!("mirrors are: {}", known.join(", "))));
        }
        self.mirrors.retain(|mirror| names.is_empty() || names.iter().any(|name| mirror.name.as_str() == name));
        Ok(self)
    }
}

/// An address that readers may be given: of the web, without a login, a query or a fragment.
fn public(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    (plain && url.has_host() && matches!(url.scheme(), "http" | "https")).then_some(url)
}

async fn read_list(place: &str, ca: Option<&Utf8Path>) -> Result<Vec<u8>, Failure> {
    let Some(url) = public(place) else {
        if place.contains("://") {
            // What is refused is not repeated: it may be a login.
            return Err(Failure::told(
                exit::USAGE,
                "--mirrors: the address has a login, a query or a fragment, or is none of the web",
            )
            .hint("--mirrors takes a file, or an address such as https://status.example.org/mirrors.json"));
        }
        return read_at_most(Utf8Path::new(place), LONGEST)
            .map_err(|failure| failure.hint("--mirrors takes the mirrors.json that `spartacus check --html DIR` writes"));
    };
    let fail = |why: String| {
        Failure::told(exit::UNEXPECTED, format!("{url} could not be read: {why}"))
            .hint("a copy of the list in a file does as well: --mirrors mirrors.json")
    };
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
    let path = ObjectPath::new(name.as_ref()).map_err(|error| fail(error.to_string()))?;
    let policy = HttpPolicy { ca: ca.map(Utf8Path::to_owned), ..HttpPolicy::new(&Timeouts::default()) };
    let client = Clients::default().get(&policy).map_err(|error| hinted(exit::USAGE, error))?;
    let folder = url.join(".").map_err(|error| fail(error.to_string()))?;
    let found = HttpSource::new(client, folder).fetch(&path, LONGEST).await;
    let bytes = found.map_err(|error| fail(causes(&error).join(": ")))?.ok_or_else(|| fail("it is not there".to_owned()))?;
    Ok(bytes.to_vec())
}
