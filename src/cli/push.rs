//! `spartacus push`: a release to all targets in parallel.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use camino::Utf8Path;

use super::alone::in_turn;
use super::args::{Global, Push};
use super::board::{board, everybody};
use super::bundle::{bundle_name, stage};
use super::cancel::Cancel;
use super::check::look_at_mirrors;
use super::deliver::{Delivery, code, deliver};
use super::exit::{self, Ended, Failure};
use super::invite::{not_published, to_publish};
use super::newest;
use super::offers::settle;
use super::probing::Looking;
use super::session::{Session, bundle_failure, file_failure, key_failure};
use super::sign::sign_stage;
use super::surface::{Surface, say};
use crate::base::Hinted as _;
use crate::bundle::{self, BundleError, FleetFile, MirrorLink, Project, ProjectLock, Release, Showcase, Staged};
use crate::health::Depth;
use crate::report::{self, Board};
use crate::transfer::{Run, RunKind};
use crate::trust::SigningKey;

/// Stages and signs if asked to, publishes here, then pushes to all targets at once.
pub async fn push(surface: &Surface, global: &Global, order: &Push) -> Ended {
    // 1. What is there, and nobody else is at it.
    let mut session = Session::open(surface, global)?;
    session.selected(&global.only)?;
    let cancel = Cancel::on_signals(surface)?;
    if !order.dry_run {
        settle(surface, &mut session, &cancel).await?;
    }
    let targets = session.selected(&global.only)?;
    let lock = session.project.lock().map_err(bundle_failure)?;
    newest::refuse_if_set_back(&session).await?;
    if let Some(words) = not_published(&session.project, session.clock.now()) {
        surface.remark(&format!("warning: {words}"));
    }
    // 2. The release: from here on everything that is sent is signed.
    let Some((release, _copy)) = release(surface, &session, &lock, order, &cancel).await? else {
        return Ok(exit::OK);
    };
    newest::remember(&session).await?;
    let release = Arc::new(release);
    if order.dry_run {
        return super::repair::dry_run(surface, &session, &targets, &release, &cancel).await;
    }
    // 3. To all targets.
    let pin = pin(&session.project)?;
    let delivery =
        Delivery { kind: RunKind::Push, targets: targets.clone(), release, pin, looks: BTreeMap::new(), cancel: &cancel };
    let run = deliver(surface, global, &session, delivery).await?;
    // 4. What came of it; with --verify by hashing what readers get.
    if !order.verify || run.cancelled {
        tell(surface, &run);
        return Ok(code(&run, &cancel));
    }
    if surface.json {
        surface.remark(&report::run_table(&run, surface.style));
    } else {
        // A target that refused the push may serve the release all the same: both are told.
        say(&report::run_table(&run, surface.style));
        say(&report::run_headline(&run));
    }
    let _alone = in_turn(&session, &cancel).await?;
    let round = look_at_mirrors(&session, &targets, &Looking::only(Depth::Full), &cancel).await?;
    super::check::tell(surface, &round, None);
    Ok(code(&run, &cancel).max(super::check::code(&round, &cancel)))
}

/// The table or the JSON object; the headline is the last line.
pub fn tell(surface: &Surface, run: &Run) {
    if surface.json {
        say(&report::run_json(run));
    } else {
        say(&report::run_table(run, surface.style));
        say(&report::run_headline(run));
    }
}

/// The release to push: a folder just staged and signed, a stage that is signed, or the current state. In a dry run a stage
/// is published in a copy, which lasts as long as what comes with the release.
async fn release(
    surface: &Surface,
    session: &Session,
    lock: &ProjectLock,
    order: &Push,
    cancel: &Cancel,
) -> Result<Option<(Release, Option<bundle::Copy>)>, Failure> {
    let project = &session.project;
    let current = async || Ok(current(session, lock, order, cancel).await?.map(|release| (release, None)));
    let name = match (&order.what, &order.name) {
        (None, _) => return current().await,
        (Some(_), Some(name)) => bundle_name(name)?,
        (Some(what), None) => named_stage(session, what)?,
    };
    if let (Some(folder), Some(_)) = (&order.what, &order.name) {
        if order.dry_run {
            return Err(Failure::told(exit::USAGE, "a dry run signs nothing, so it cannot push a folder")
                .hint(format!("spartacus bundle {folder} --as {name} --dry-run")));
        }
        match stage(surface, project, lock, Utf8Path::new(folder), &name, cancel).await? {
            None => return current().await,
            Some(staged) if staged.signed(project).is_err() => {
                sign_stage(surface, project, lock, &staged, order.key.as_ref(), order.yes, cancel).await?;
            }
            Some(_) => {}
        }
    }
    if is_published(session, &name).await? {
        return current().await;
    }
    let staged = Staged::load(project, &name).map_err(bundle_failure)?;
    let now = session.clock.now();
    let published = bundle::Published::load(project, now).await.map_err(bundle_failure)?;
    staged.refuse_if_overtaken(published.as_ref()).map_err(bundle_failure)?;
    let signed = staged.signed(project).map_err(|error| unsigned(error, &name))?;
    let online = online_key(project)?;
    let showcase = showcase_with_status(session).await?;
    cancel.check()?;
    if order.dry_run {
        let (release, copy) = bundle::rehearse(project, lock, &signed, &online, &showcase, now).await.map_err(bundle_failure)?;
        return Ok(Some((release, Some(copy))));
    }
    let release = bundle::publish(project, lock, &signed, &online, &showcase, now).await;
    release.map(|release| Some((release, None))).map_err(bundle_failure)
}

/// `push DIR` without `--as` is the likeliest slip.
fn named_stage(session: &Session, what: &str) -> Result<crate::base::BundleName, Failure> {
    match bundle_name(what) {
        Err(failure) if Utf8Path::new(what).is_dir() => Err(failure.hint(format!("spartacus push {what} --as NAME"))),
        Ok(name) if Staged::load(&session.project, &name).is_err() && Utf8Path::new(what).is_dir() => {
            Err(Failure::told(exit::USAGE, format!("no bundle {name} is staged, but there is a folder of that name"))
                .hint(format!("spartacus push {what} --as NAME")))
        }
        other => other,
    }
}

async fn is_published(session: &Session, name: &crate::base::BundleName) -> Result<bool, Failure> {
    let published = bundle::Published::load(&session.project, session.clock.now()).await.map_err(bundle_failure)?;
    Ok(published.is_some_and(|state| state.lists(name)))
}

/// The current state; its timestamp is renewed when half its life is gone.
async fn current(session: &Session, lock: &ProjectLock, order: &Push, cancel: &Cancel) -> Result<Option<Release>, Failure> {
    cancel.check()?;
    let (project, showcase, now) = (&session.project, showcase_with_status(session).await?, session.clock.now());
    let release = if order.dry_run {
        bundle::current_release(project, &showcase, now).await
    } else {
        bundle::renew(project, lock, &online_key(project)?, &showcase, now, false).await
    };
    match release.map_err(bundle_failure)? {
        Some(release) => Ok(Some(release)),
        None => Err(Failure::told(exit::USAGE, "nothing was published yet").hint("spartacus push FOLDER --as v1")),
    }
}

fn unsigned(error: BundleError, name: &crate::base::BundleName) -> Failure {
    match error {
        BundleError::Unsigned { .. } => {
            let own = error.hint();
            let failure = bundle_failure(error);
            if own.is_some() { failure } else { failure.hint(format!("spartacus sign {name}")) }
        }
        error => bundle_failure(error),
    }
}

/// The key that signs snapshot and timestamp unattended.
pub fn online_key(project: &Project) -> Result<SigningKey, Failure> {
    let path = project.online_key();
    SigningKey::load(&path, None).map_err(|error| {
        let failure = key_failure(error);
        if path.exists() { failure } else { failure.hint("bring it back from a backup: nothing can be published without it") }
    })
}

/// What the unsigned conveniences tell.
#[must_use]
pub fn showcase(session: &Session) -> Showcase {
    let public = session.config.targets.iter().filter(|target| session.is_shown(target)).filter_map(|target| {
        let url = target.public_url.as_ref()?;
        Some(MirrorLink { name: target.name.to_string(), url: url.to_string() })
    });
    Showcase {
        project: session.config.project.name.clone(),
        mirrors: public.collect(),
        tells: session.config.project.publish_status,
        fleet: Vec::new(),
    }
}

/// The same with what the online key signs of the mirrors now, if the project publishes that: what was last seen of them.
pub async fn showcase_with_status(session: &Session) -> Result<Showcase, Failure> {
    let showcase = showcase(session);
    if !session.config.project.publish_status {
        return Ok(showcase);
    }
    let board = Board { alone: true, ..board(session, &everybody(session)).await? };
    let file = |name, text: String| FleetFile { name, bytes: Bytes::from(text) };
    let mut fleet = vec![
        file("mirrors.json", format!("{}\n", report::mirrors_json(&board).trim_end())),
        file("status.html", report::index_page(&board)),
    ];
    let invite = to_publish(&session.project, session.clock.now());
    fleet.extend(invite.map(|bytes| FleetFile { name: "invite.json", bytes }));
    Ok(Showcase { fleet, ..showcase })
}

/// The bytes of the first root.
pub fn pin(project: &Project) -> Result<Bytes, Failure> {
    let path = project.metadata().join("1.root.json");
    std::fs::read(&path).map(Bytes::from).map_err(|error| file_failure("read", &path, error))
}
