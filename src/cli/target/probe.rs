//! `spartacus target probe`: what a server can do, tried on scratch names.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;

use super::place::place_digest;
use crate::base::{Hinted as _, ObjectPath, TargetName, causes, escape};
use crate::cli::args::Global;
use crate::cli::connect::{TargetConnector, reader_client};
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::{Surface, complain, say};
use crate::config::Target;
use crate::history::TargetProfile;
use crate::reader::HttpSource;
use crate::report;
use crate::store::probe::{Profile, Trial, probe as try_everything};
use crate::store::{Retries, Retrying, Store as _, StoreError};
use crate::transfer::Connector as _;
use crate::trust::Fetch as _;

/// Probes the named targets, or all, one after another, and remembers what they can do.
pub async fn probe(surface: &Surface, global: &Global, names: &[String]) -> Ended {
    let session = Session::open(surface, global)?;
    let words: Vec<String> = names.iter().chain(&global.only).cloned().collect();
    let mut failed = false;
    let mut told = Vec::new();
    for target in session.selected(&words)? {
        match one(&session, target).await {
            Ok(profile) => {
                failed |= !profile.is_usable();
                remember(&session, target, &profile)?;
                if !surface.json {
                    say(&text(&target.name, &profile));
                }
                told.push(serde_json::json!({ "target": target.name, "usable": profile.is_usable(), "profile": profile }));
            }
            Err(error) => {
                failed = true;
                let hint = error.hint().map_or_else(String::new, |hint| format!("\nhint: {}", escape(&hint)));
                complain(&format!("error: {}{hint}", causes(&error).join(": ")));
                told.push(serde_json::json!({ "target": target.name, "usable": false, "error": causes(&error), "code": error.kind.code() }));
            }
        }
    }
    if surface.json {
        say(&report::object("spartacus.probe/1", &serde_json::json!({ "targets": told })));
    }
    Ok(if failed { exit::UNHEALTHY } else { exit::OK })
}

async fn one(session: &Session, target: &Target) -> Result<Profile, StoreError> {
    let policy = &session.config.policy;
    let connector = TargetConnector::new(session, target);
    let retries = Arc::new(Retries::new(&target.name, policy.retry, fastrand::u64(..)));
    let store = retries.connect(|| connector.connect()).await?;
    // A dropped connection says nothing about what the server can do.
    let store = Retrying::with(store, retries);
    let scratch = ObjectPath::new(format!(".spartacus-probe-{:016x}", fastrand::u64(..))).expect("a scratch name is a good path");
    let public = public_face(session, target);
    let found = try_everything(&store, &scratch, |path, bytes| read_as_a_reader(public, path, bytes)).await;
    store.close().await;
    found
}

fn public_face(session: &Session, target: &Target) -> Option<Arc<HttpSource>> {
    let url = target.public_url.clone()?;
    let client = reader_client(session, target).ok()?;
    Some(Arc::new(HttpSource::new(client, url)))
}

/// Whether what was written shows through the public address.
async fn read_as_a_reader(public: Option<Arc<HttpSource>>, path: ObjectPath, bytes: Bytes) -> Option<Trial> {
    let public = public?;
    let (good, detail) = match public.fetch(&path, bytes.len() as u64).await {
        Ok(Some(found)) if found == bytes => (true, "the same bytes".to_owned()),
        Ok(Some(found)) => (false, format!("{} bytes were written, {} others came", bytes.len(), found.len())),
        Ok(None) => (false, "it is not there: does the public address show the folder that we write to?".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    Some(Trial { what: "read through the public address".to_owned(), good, detail })
}

/// A profile without a swap class is not kept: nothing of it would be used, and an older one of this place may know.
fn remember(session: &Session, target: &Target, profile: &Profile) -> Result<(), Failure> {
    if profile.swap.is_none() {
        return Ok(());
    }
    let found = TargetProfile {
        capabilities: profile.capabilities.clone(),
        server: None,
        place: place_digest(&target.kind),
        probed_at: session.clock.now(),
    };
    session.history.set_profile(&target.name, &found).map_err(|error| hinted(exit::UNEXPECTED, error))
}

fn text(target: &TargetName, profile: &Profile) -> String {
    let swap = profile.swap.map_or("not known".to_owned(), |class| class.to_string());
    let mut text = format!("{target}: swap {swap}\n");
    for trial in &profile.trials {
        let good = if trial.good { "yes" } else { "no " };
        // The last gate before the terminal, whoever made the words.
        let _ = writeln!(text, "  {good}  {:<34} {}", escape(&trial.what), escape(&trial.detail));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_said_cannot_steer_the_terminal() {
        let name: TargetName = "mirror".parse().expect("a name");
        let capabilities = crate::store::memory::MemoryStore::new(name.clone()).capabilities();
        let swap = Some(capabilities.swap);
        let trial = Trial { what: "free space".to_owned(), good: false, detail: "\u{1b}]0;owned\u{7}\n  yes  swap".to_owned() };
        let told = text(&name, &Profile { capabilities, swap, trials: vec![trial] });
        assert_eq!(told.lines().count(), 2, "{told:?}");
        assert!(told.ends_with("\\u{1b}]0;owned\\u{7}\\u{a}  yes  swap\n"), "{told:?}");
    }
}
