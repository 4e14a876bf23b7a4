//! `spartacus renew`: a new timestamp on all mirrors, so that none of them becomes stale.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::{Global, Renew};
use super::cancel::Cancel;
use super::deliver::{Delivery, code, deliver};
use super::exit::{self, Ended, Failure};
use super::newest;
use super::push::{online_key, pin, showcase, showcase_with_status, tell};
use super::session::{Session, bundle_failure};
use super::surface::{Surface, say};
use crate::bundle::{self, Heartbeat, Published};
use crate::config::Target;
use crate::transfer::{Run, RunKind};

/// Signs a new timestamp and sends it to all targets.
pub async fn renew(surface: &Surface, global: &Global, order: &Renew) -> Ended {
    let session = Session::open(surface, global)?;
    let targets = session.selected(&global.only)?;
    let cancel = Cancel::on_signals(surface)?;
    if order.dry_run {
        return dry_run(surface, &session, &targets, order, &cancel).await;
    }
    let run = renewal(surface, global, &session, &targets, !order.if_due, &cancel).await?;
    tell(surface, &run);
    Ok(code(&run, &cancel))
}

/// A new timestamp if half the life of the present one is gone, or if `forced`; and what is newest to all `targets`.
pub async fn renewal(
    surface: &Surface,
    global: &Global,
    session: &Session,
    targets: &[&Target],
    forced: bool,
    cancel: &Cancel,
) -> Result<Run, Failure> {
    let lock = session.project.lock().map_err(bundle_failure)?;
    newest::refuse_if_set_back(session).await?;
    cancel.check()?;
    let (project, now) = (&session.project, session.clock.now());
    let showcase = showcase_with_status(session).await?;
    let published = Published::load(project, now).await.map_err(bundle_failure)?;
    if !showcase.fleet.is_empty() && published.is_some_and(|published| !published.may_tell()) {
        surface.remark(
            "note: publish_status begins with the next release: no maintainer has signed yet that the online key may tell of mirrors",
        );
    }
    let release = bundle::renew(project, &lock, &online_key(project)?, &showcase, now, forced).await;
    let release = release.map_err(bundle_failure)?.ok_or_else(nothing_published)?;
    newest::remember(session).await?;
    let delivery = Delivery {
        kind: RunKind::Renew,
        targets: targets.to_vec(),
        release: Arc::new(release),
        pin: pin(project)?,
        looks: BTreeMap::new(),
        cancel,
    };
    deliver(surface, global, session, delivery).await
}

/// What a renewal would change, and what targets lack besides; signs nothing and sends nothing.
async fn dry_run(surface: &Surface, session: &Session, targets: &[&Target], order: &Renew, cancel: &Cancel) -> Ended {
    // Programs get the plan alone.
    let tell = |text: &str| if surface.json { surface.remark(text) } else { say(text) };
    let (project, now) = (&session.project, session.clock.now());
    let heartbeat = Heartbeat::of(project, now, session.config.project.publish_status)
        .await
        .map_err(bundle_failure)?
        .ok_or_else(nothing_published)?;
    let day = "%Y-%m-%d %H:%MZ";
    let (expires, next) = (heartbeat.expires.strftime(day), heartbeat.next_expires.strftime(day));
    if order.if_due && now < heartbeat.due {
        tell(&format!("timestamp {} lasts until {expires}; the next is due {}", heartbeat.version, heartbeat.due.strftime(day)));
    } else {
        let (old, new) = (heartbeat.version, heartbeat.version + 1);
        tell(&format!("timestamp {new}, until {next}, would replace timestamp {old}, until {expires}, on every target"));
    }
    let release = bundle::current_release(project, &showcase(session), now).await.map_err(bundle_failure)?;
    let release = release.map(Arc::new).ok_or_else(nothing_published)?;
    tell("besides that, targets lack:");
    super::repair::dry_run(surface, session, targets, &release, cancel).await
}

fn nothing_published() -> Failure {
    Failure::told(exit::USAGE, "nothing was published yet").hint("spartacus push FOLDER --as v1")
}
