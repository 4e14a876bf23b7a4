//! The examination of a place, over the servers that volunteers run: narrow accounts and accounts that can do too much.

mod chroot;
mod readers;
mod s3;
mod setup;
mod sftp;
mod webdav;

use std::sync::Arc;
use std::time::Duration;

use spartacus::base::{ByteCount, Clock, TargetName, Timeouts};
use spartacus::net::{Clients, Contacts, Destinations, HttpPolicy};
use spartacus::registration::{Check, Examination, Finding, Login, Outcome, Place, PublicFace, examine};

/// What loopback shows at once; a busy machine gets a while.
const PATIENCE: Duration = Duration::from_secs(10);

/// The questions that every place answers which is reached over a network and has readers.
const ALWAYS: [Check; 11] = [
    Check::PublicEncryption,
    Check::Login,
    Check::Write,
    Check::ReadBack,
    Check::PublicRead,
    Check::ContentType,
    Check::Ranges,
    Check::Replace,
    Check::PublicReplace,
    Check::Delete,
    Check::PublicDelete,
];

fn target() -> TargetName {
    TargetName::new("offered").expect("a name")
}

/// A public address as commands look at it.
fn face(url: &str) -> PublicFace {
    PublicFace {
        url: url.parse().expect("a URL"),
        client: Clients::default().get(&HttpPolicy::new(&Timeouts::default())).expect("a client"),
        contacts: Some(Arc::new(Contacts::new(&Timeouts::default()))),
        destinations: Destinations::anywhere(),
        ca: None,
    }
}

fn place(login: Login, public_url: &str) -> Place {
    Place {
        target: target(),
        login,
        face: Some(face(public_url)),
        needed: Some(ByteCount(1 << 20)),
        patience: PATIENCE,
        clock: Clock::System,
        claim: None,
    }
}

/// Examines, and sees that every finding is told once, in order, and survives JSON.
async fn examined(place: &Place) -> Examination {
    let mut told: Vec<Finding> = Vec::new();
    let found = examine(place, &mut |finding| told.push(finding.clone())).await;
    assert_eq!(told, found.findings);
    let json = serde_json::to_string(&found).expect("it can be written");
    assert_eq!(serde_json::from_str::<Examination>(&json).expect("it can be read"), found);
    for finding in &found.findings {
        let mends = matches!(finding.outcome, Outcome::Warning | Outcome::Failed);
        assert_eq!(finding.fix.is_some(), mends, "what is wrong, and only that, comes with what mends it: {finding:?}");
    }
    found
}

fn outcome(found: &Examination, check: Check) -> Outcome {
    found.of(check).unwrap_or_else(|| panic!("{check:?} was not asked: {found:#?}")).outcome
}

#[track_caller]
fn assert_all(found: &Examination, checks: &[Check], wanted: Outcome) {
    for check in checks {
        assert_eq!(outcome(found, *check), wanted, "{check:?}: {found:#?}");
    }
}

/// The finding has this outcome, and its words and what mends it hold these.
#[track_caller]
fn assert_told(found: &Examination, check: Check, wanted: Outcome, what: &str, fix: &str) {
    let finding = found.of(check).unwrap_or_else(|| panic!("{check:?} was not asked: {found:#?}"));
    assert_eq!(finding.outcome, wanted, "{finding:?}");
    assert!(finding.what.contains(what), "{what:?} is not in {finding:?}");
    assert!(finding.fix.as_deref().unwrap_or_default().contains(fix), "{fix:?} is not in {finding:?}");
}

/// Names of an examination that still lie in a folder.
fn leftovers(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("spartacus-")).collect()
}

#[test]
fn the_page_tells_of_every_check() {
    let page = std::fs::read_to_string(crate::support::tools::repository().join("docs/offers.md")).expect("the page is there");
    for check in Check::ALL {
        let word = serde_json::to_value(check).expect("a word");
        let word = format!("`{}`", word.as_str().expect("a word"));
        assert!(page.contains(&word), "docs/offers.md does not name {word}");
        assert!(!check.title().is_empty());
    }
}
