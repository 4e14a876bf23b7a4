//! `spartacus verify`: a copy anywhere, with nothing but the pin.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::args::Verify;
use super::check::{depth, tell};
use super::exit::{self, Ended, Failure};
use super::session::{hinted, read_at_most};
use super::surface::Surface;
use crate::base::{Clock, Holds, Replicas, TargetName, Timeouts};
use crate::health::{self, Expectation, Mirror, ProbeOrders, RoundOrders, Verdict};
use crate::net::{Clients, HttpPolicy};
use crate::reader::{FolderSource, HttpSource, Source};

/// A root is some kilobytes long.
const LONGEST_ROOT: u64 = 1 << 20;

/// Verifies one place and tells what was found.
pub async fn verify(surface: &Surface, order: &Verify) -> Ended {
    let pin = read_pin(&order.root)?;
    let mirror = Mirror {
        target: TargetName::new("copy")?,
        source: source(order)?,
        holds: Holds::All,
        known: None,
        probes: ProbeOrders::default(),
        reach: None,
        again: Vec::new(),
    };
    let round = health::round(RoundOrders {
        mirrors: vec![mirror],
        expected: Expectation {
            pin: pin.into(),
            version: 0,
            snapshot: None,
            companions: Arc::default(),
            now: Clock::System.now(),
        },
        release: None,
        depth: depth(order.files, order.full),
        replicas: Replicas::All,
        paused: 0,
        concurrency: 1,
        timeouts: Timeouts::default(),
        clock: Clock::System,
        control: None,
        cancel: CancellationToken::new(),
    });
    let mut round = round.await;
    round.release = round.mirrors.first().and_then(|mirror| mirror.release.clone());
    tell(surface, &round, None);
    Ok(match round.mirrors.first().map(|mirror| mirror.verdict) {
        Some(Verdict::Current) => exit::OK,
        Some(Verdict::Forged | Verdict::Mixed | Verdict::RolledBack) => exit::FORGED,
        _ => exit::UNHEALTHY,
    })
}

/// The pin that `--root` names.
pub fn read_pin(path: &Utf8Path) -> Result<Vec<u8>, Failure> {
    const HINT: &str = "--root takes the project's 1.root.json, from a source that you trust";
    let pin = read_at_most(path, LONGEST_ROOT).map_err(|failure| failure.hint(HINT))?;
    if !is_root(&pin) {
        return Err(Failure::told(exit::USAGE, format!("{path} is not a root of trust")).hint(HINT));
    }
    Ok(pin)
}

/// Whether it looks like a root at all: a wrong file is a slip of the reader, not a forgery by the mirror.
fn is_root(pin: &[u8]) -> bool {
    let found: Option<serde_json::Value> = serde_json::from_slice(pin).ok();
    found.is_some_and(|value| value["signed"]["_type"] == "root")
}

fn source(order: &Verify) -> Result<Arc<dyn Source>, Failure> {
    match Url::parse(&order.place) {
        // What is refused is not repeated: it may be a login.
        Ok(url)
            if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() =>
        {
            Err(Failure::told(exit::USAGE, "the address has a login, a query or a fragment in it")
                .hint("readers need none: spartacus verify https://mirror.example/path/ --root 1.root.json"))
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            let policy = HttpPolicy { proxy: order.proxy.clone(), ca: order.ca.clone(), ..HttpPolicy::new(&Timeouts::default()) };
            let client = Clients::default().get(&policy).map_err(|error| hinted(exit::USAGE, error))?;
            Ok(Arc::new(HttpSource::new(client, url).with_forbidden_as_missing()))
        }
        _ => {
            let folder = Utf8PathBuf::from(&order.place);
            if folder.is_dir() {
                return Ok(Arc::new(FolderSource::new(folder)));
            }
            Err(Failure::told(
                exit::USAGE,
                format!("{} is neither an http(s) address nor a folder", crate::base::sanitise(&order.place)),
            )
            .hint("spartacus verify https://mirror.example/path/ --root 1.root.json"))
        }
    }
}
