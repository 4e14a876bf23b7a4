//! `spartacus bundle`: from a folder to a stage that maintainers can sign.

use std::ops::ControlFlow;

use camino::Utf8Path;
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Bundle, Global};
use super::cancel::Cancel;
use super::exit::{self, Ended, Failure};
use super::session::{bundle_failure, project};
use super::sign::received_request;
use super::surface::{Surface, answer};
use crate::base::{BundleName, ByteCount, Clock};
use crate::bundle::{
    self, BundleError, Collected, OnProgress, Project, ProjectLock, Published, SignRequest, Stage, StageSpec, Staged,
};

/// Stages a folder, or writes the list of bundles of an overtaken stage anew.
pub async fn bundle(surface: &Surface, global: &Global, order: &Bundle) -> Ended {
    let project = project(global)?;
    let lock = project.lock().map_err(bundle_failure)?;
    if let Some(name) = &order.restage {
        let name = bundle_name(name)?;
        let published = Published::load(&project, Clock::System.now()).await.map_err(bundle_failure)?;
        let staged = bundle::restage(&project, &lock, &name, published.as_ref()).map_err(bundle_failure)?;
        let text = format!("{name} continues the newest list of bundles\nnext: spartacus sign {name}");
        tell(surface, &name, "restaged", Some((staged.files(), staged.bytes())), &text);
        return Ok(exit::OK);
    }
    let (Some(folder), Some(name)) = (&order.folder, &order.name) else {
        return Err(Failure::told(exit::USAGE, "a folder and --as NAME are needed"));
    };
    let name = bundle_name(name)?;
    if order.dry_run {
        let collected = collect(surface, folder)?;
        let (files, bytes) = (collected.files().len() as u64, collected.bytes());
        tell(surface, &name, "checked", Some((files, bytes)), &format!("{name}: {files} files, {bytes}; nothing was written"));
        return Ok(exit::OK);
    }
    let never = Cancel::never();
    let staged = match &order.request {
        Some(path) => Some(rebuild(surface, &project, &lock, folder, &received_request(path, &name)?).await?),
        None => stage(surface, &project, &lock, folder, &name, &never).await?,
    };
    match staged {
        Some(staged) => {
            let (files, bytes) = (staged.files(), staged.bytes());
            let text = format!("{name} is staged: {files} files, {bytes}\nnext: spartacus sign {name}");
            tell(surface, &name, "staged", Some((files, bytes)), &text);
        }
        None => tell(surface, &name, "published", None, &format!("{name} is published already, with exactly these files")),
    }
    Ok(exit::OK)
}

fn tell(surface: &Surface, name: &BundleName, state: &str, size: Option<(u64, ByteCount)>, text: &str) {
    let (files, bytes) = size.unzip();
    let fields = serde_json::json!({ "bundle": name, "state": state, "files": files, "bytes": bytes });
    answer(surface, "spartacus.bundle/1", &fields, text);
}

/// A bundle's name from the command line.
pub fn bundle_name(text: &str) -> Result<BundleName, Failure> {
    BundleName::new(text)
        .map_err(|error| Failure::new(exit::USAGE, anyhow::Error::new(error).context(format!("{text:?} is no bundle name"))))
}

/// Stages `folder`; `None` when exactly this is published.
pub async fn stage(
    surface: &Surface,
    project: &Project,
    lock: &ProjectLock,
    folder: &Utf8Path,
    name: &BundleName,
    cancel: &Cancel,
) -> Result<Option<Staged>, Failure> {
    let spec = StageSpec { name: name.clone(), created: Clock::System.now() };
    let staged = hashed(surface, project, folder, cancel, |collected, published, progress| {
        bundle::stage(project, lock, collected, &spec, published, progress)
    });
    match staged.await? {
        Stage::Staged(staged) => Ok(Some(*staged)),
        Stage::Published => Ok(None),
    }
}

/// Stages `folder` as another maintainer did.
async fn rebuild(
    surface: &Surface,
    project: &Project,
    lock: &ProjectLock,
    folder: &Utf8Path,
    request: &SignRequest,
) -> Result<Staged, Failure> {
    hashed(surface, project, folder, &Cancel::never(), |collected, published, progress| {
        bundle::rebuild(project, lock, collected, request, published, progress)
    })
    .await
}

/// Collects `folder` and shows how far `work` has come with it.
async fn hashed<T>(
    surface: &Surface,
    project: &Project,
    folder: &Utf8Path,
    cancel: &Cancel,
    work: impl FnOnce(&Collected, Option<&Published>, OnProgress<'_>) -> Result<T, BundleError>,
) -> Result<T, Failure> {
    let collected = collect(surface, folder)?;
    cancel.check()?;
    let published = Published::load(project, Clock::System.now()).await.map_err(bundle_failure)?;
    let bar = progress_bar(surface, &collected);
    let done = work(&collected, published.as_ref(), &|progress| {
        bar.set_position(progress.bytes);
        if cancel.token.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    cancel.check()?;
    done.map_err(bundle_failure)
}

fn collect(surface: &Surface, folder: &Utf8Path) -> Result<Collected, Failure> {
    let collected = Collected::from_folder(folder).map_err(bundle_failure)?;
    for warning in collected.warnings() {
        surface.remark(&format!("warning: {warning}"));
    }
    Ok(collected)
}

fn progress_bar(surface: &Surface, collected: &Collected) -> ProgressBar {
    if !surface.bars() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("hashing  [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(collected.bytes().0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
