//! `spartacus repair`: every target back to the current signed state.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::args::{Global, Repair};
use super::cancel::Cancel;
use super::connect::TargetConnector;
use super::deliver::{Delivery, code, deliver};
use super::exit::{self, Ended, Failure};
use super::journal::StateJournal;
use super::offers::settle;
use super::push::{pin, showcase, tell};
use super::session::{Session, bundle_failure, hinted};
use super::surface::{Surface, answer};
use crate::base::{ByteCount, ObjectPath, TargetName, escape};
use crate::bundle::{self, Release};
use crate::config::{Target, TargetState};
use crate::plan;
use crate::store::{Retries, Retrying, Store as _};
use crate::transfer::{Connector as _, Look, Run, RunKind, survey};

/// Looks closely at what every target holds and sends what is missing or wrong.
pub async fn repair(surface: &Surface, global: &Global, order: &Repair) -> Ended {
    let mut session = Session::open(surface, global)?;
    session.selected(&global.only)?;
    let cancel = Cancel::on_signals(surface)?;
    if !order.dry_run {
        settle(surface, &mut session, &cancel).await?;
    }
    let targets = session.selected(&global.only)?;
    let _lock = session.project.lock().map_err(bundle_failure)?;
    super::newest::refuse_if_set_back(&session).await?;
    let release =
        bundle::current_release(&session.project, &showcase(&session), session.clock.now()).await.map_err(bundle_failure)?;
    let Some(release) = release.map(Arc::new) else {
        return Err(Failure::told(exit::USAGE, "nothing was published yet").hint("spartacus push FOLDER --as v1"));
    };
    // What a check as deep would find again. The pointer and whatever is not expected any more is passed over by the look.
    let suspects = session.history.suspects().map_err(|error| hinted(exit::UNEXPECTED, error))?;
    let look = |target: &&Target| {
        if order.full { Look::Bytes } else { Look::Sizes { suspects: suspects.get(&target.name).cloned().unwrap_or_default() } }
    };
    let looks: BTreeMap<TargetName, Look> = targets.iter().map(|target| (target.name.clone(), look(target))).collect();
    if order.dry_run {
        return forecast(surface, &session, &targets, &release, &looks, &cancel).await;
    }
    let delivery = Delivery { kind: RunKind::Repair, targets, release, pin: pin(&session.project)?, looks, cancel: &cancel };
    let run = deliver(surface, global, &session, delivery).await?;
    tell(surface, &run);
    clear(&session, &run, &suspects)?;
    Ok(code(&run, &cancel))
}

/// What was suspected before a good repair was sent again by it, or read and found right.
fn clear(session: &Session, run: &Run, suspects: &BTreeMap<TargetName, BTreeSet<ObjectPath>>) -> Result<(), Failure> {
    for outcome in run.outcomes.iter().filter(|outcome| outcome.is_good()) {
        if let Some(repaired) = suspects.get(&outcome.target) {
            let cleared = session.history.clear_suspects(&outcome.target, repaired);
            cleared.map_err(|error| hinted(exit::UNEXPECTED, error))?;
        }
    }
    Ok(())
}

/// What a push would send where.
pub async fn dry_run(
    surface: &Surface,
    session: &Session,
    targets: &[&Target],
    release: &Arc<Release>,
    cancel: &Cancel,
) -> Ended {
    forecast(surface, session, targets, release, &BTreeMap::new(), cancel).await
}

async fn forecast(
    surface: &Surface,
    session: &Session,
    targets: &[&Target],
    release: &Arc<Release>,
    looks: &BTreeMap<TargetName, Look>,
    cancel: &Cancel,
) -> Ended {
    let pin = pin(&session.project)?;
    let journal = StateJournal::of_earlier_runs(session.history.clone(), release.version);
    let mut text = String::new();
    let mut told: Vec<serde_json::Value> = Vec::new();
    let mut failed = false;
    for target in targets.iter().filter(|target| target.state == TargetState::Active) {
        let closely = looks.get(&target.name).cloned().unwrap_or_default();
        let connector = TargetConnector::new(session, target);
        let look = async {
            let retries = Arc::new(Retries::new(&target.name, session.config.policy.retry, fastrand::u64(..)));
            let store = retries.connect(|| connector.connect()).await?;
            let store = Retrying::with(store, retries);
            let inventory = survey(&store, release, &pin, target.holds, &journal, &closely).await;
            store.close().await;
            inventory
        };
        let found = tokio::select! {
            biased;
            () = cancel.token.cancelled() => break,
            found = look => found,
        };
        match found {
            Ok(inventory) => {
                let plan = plan::plan(release, target.holds, &inventory);
                let (objects, bytes): (u64, ByteCount) = plan.size();
                let _ = writeln!(text, "{}: {objects} objects, {bytes}", target.name);
                let listed = plan.objects().map(|object| serde_json::json!({ "path": object.path, "length": object.length }));
                told.push(serde_json::json!({
                    "target": target.name, "objects": listed.collect::<Vec<_>>(), "bytes": bytes, "error": null,
                }));
                for object in plan.objects() {
                    let _ = writeln!(text, "  {}  {}", escape(object.path.as_str()), ByteCount(object.length));
                }
            }
            Err(error) => {
                failed = true;
                let _ = writeln!(text, "{}", escape(&error.to_string()));
                told.push(serde_json::json!({
                    "target": target.name, "objects": [], "bytes": 0, "error": escape(&error.to_string()),
                }));
            }
        }
    }
    text += "dry run: nothing was sent";
    if cancel.code().is_some() {
        text += " (cancelled)";
    }
    let fields = serde_json::json!({ "release": release.newest, "version": release.version, "targets": told });
    answer(surface, "spartacus.plan/1", &fields, &text);
    if let Some(code) = cancel.code() {
        return Ok(code);
    }
    Ok(if failed { exit::PARTIAL } else { exit::OK })
}
