//! Everything that the public outputs are made from, put together without network.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::exit::{self, Failure};
use super::fleet::fleet;
use super::invite::to_publish;
use super::parties::good_standpoints;
use super::session::{Session, bundle_failure, hinted};
use crate::base::{BundleName, Holds, TargetName};
use crate::bundle::Published;
use crate::config::Target;
use crate::health::resilience::assess;
use crate::history::{History, HistoryError, RecordedRun};
use crate::report::{Board, BoardBundle, BoardFile, Fleet, FleetMirror, Past};
use crate::trust::role::CHUNK_BYTES;

/// Days that are shown.
const DAYS: u16 = 90;
/// Events of each mirror that are told.
const EVENTS: u32 = 50;
/// Runs that are looked through for when a bundle was first pushed.
const RUNS: u32 = 1000;

/// Every target: what is public is about all mirrors, whichever of them a command was asked to look at.
pub fn everybody(session: &Session) -> Vec<&Target> {
    session.config.targets.iter().collect()
}

/// All that may be told to everybody of `targets`.
pub async fn board(session: &Session, targets: &[&Target]) -> Result<Board, Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let fleet = fleet(session, targets)?;
    let history = &session.history;
    let pasts: Result<Vec<Past>, HistoryError> = targets.iter().map(|target| past(history, &target.name, fleet.at)).collect();
    let bundles = bundles(session, targets, &fleet).await?;
    Ok(Board {
        pasts: pasts.map_err(fail)?,
        events: history.events_about_ourselves(EVENTS).map_err(fail)?,
        rules: session.config.health.rules,
        resilience: assess(&good_standpoints(session, targets, &fleet)?),
        identity: session.project.pin().map_err(bundle_failure)?,
        bundles,
        chunk_bytes: CHUNK_BYTES,
        alone: false,
        invites: to_publish(&session.project, fleet.at).is_some(),
        fleet,
    })
}

fn past(history: &History, target: &TargetName, now: Timestamp) -> Result<Past, HistoryError> {
    Ok(Past {
        days: history.days(target, now, DAYS)?,
        first_bytes: history.first_bytes(target, now)?,
        events: history.events_of(target, EVENTS)?,
    })
}

/// The live bundles, newest first, with the mirrors on which every byte of each was found right.
async fn bundles(session: &Session, targets: &[&Target], fleet: &Fleet) -> Result<Vec<BoardBundle>, Failure> {
    let fail = |error| hinted(exit::UNEXPECTED, error);
    let Some(published) = Published::load(&session.project, fleet.at).await.map_err(bundle_failure)? else {
        return Ok(Vec::new());
    };
    let runs = session.history.last_runs(RUNS).map_err(fail)?;
    let altered: BTreeMap<TargetName, u64> =
        session.history.last_state().map_err(fail)?.into_iter().map(|state| (state.target, state.altered)).collect();
    let mut found = Vec::new();
    for (age, record) in (0..).zip(published.verified().bundles.iter().rev()) {
        let files = published.files(&session.project, &record.name).await.map_err(bundle_failure)?;
        let since = pushed_since(&runs, &record.name, record.created);
        let mut verified_on: Vec<usize> = targets
            .iter()
            .zip(&fleet.mirrors)
            .enumerate()
            .filter(|(_, (target, mirror))| {
                let clean = altered.get(&target.name).is_none_or(|altered| *altered == 0);
                clean && holds(target.holds, age) && is_verified(mirror, since)
            })
            .map(|(position, _)| position)
            .collect();
        verified_on.sort_by_key(|&position| fleet.mirrors[position].first_byte_ms().unwrap_or(u32::MAX));
        found.push(BoardBundle {
            name: record.name.clone(),
            created: record.created,
            files: files
                .into_iter()
                .map(|file| BoardFile {
                    path: file.path.as_str().to_owned(),
                    length: file.length,
                    sha256: file.sha256,
                    chunks: file.chunks,
                })
                .collect(),
            verified_on,
        });
    }
    Ok(found)
}

/// A full verification after this moment has seen the bundle, for a mirror is only current when it shows what was pushed.
/// Where the first push is forgotten, the oldest run that is not says at least that it was before.
fn pushed_since(runs: &[RecordedRun], name: &BundleName, created: Timestamp) -> Timestamp {
    let first = runs.iter().rev().find(|run| run.start.release.as_ref() == Some(name));
    first.or(runs.last()).map_or(created, |run| run.start.started.max(created))
}

fn holds(holds: Holds, age: u32) -> bool {
    match holds {
        Holds::All => true,
        Holds::Newest(count) => age < count,
    }
}

fn is_verified(mirror: &FleetMirror, since: Timestamp) -> bool {
    let listed = mirror.public_url.is_some() && mirror.lifecycle.is_listed() && mirror.standing.condition.is_good();
    listed && mirror.standing.verified_at.is_some_and(|moment| moment > since)
}
