//! `spartacus sign`: a maintainer's signatures on a stage.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::DeserializeOwned;

use super::args::{Global, Sign};
use super::ask;
use super::bundle::bundle_name;
use super::cancel::Cancel;
use super::exit::{self, Ended, Failure};
use super::init::open_key;
use super::session::{bundle_failure, file_failure, project, refuse_own_files};
use super::surface::{Surface, answer};
use crate::base::{BundleName, Clock};
use crate::bundle::{BundleError, CoSignature, KeyName, Project, ProjectLock, Published, SignRequest, SignSummary, Staged};

/// A signature file is some two kilobytes; what is longer is none.
const LONGEST_SIGNATURE: u64 = 64 * 1024;
/// Files that are named before the question; with more of them nobody reads on.
const SHOWN: usize = 20;
/// A request has a line for each file: this is room for some hundred thousand.
const LONGEST_REQUEST: u64 = 64 << 20;

/// Signs, or adds what another maintainer signed; then says whether that is enough.
pub async fn sign(surface: &Surface, global: &Global, order: &Sign) -> Ended {
    for (option, path) in [("--out", &order.out), ("--request-out", &order.request_out)] {
        if let Some(path) = path {
            refuse_own_files(global, option, path)?;
        }
    }
    let project = project(global)?;
    let lock = project.lock().map_err(bundle_failure)?;
    let name = bundle_name(&order.name)?;
    let staged = Staged::load(&project, &name).map_err(bundle_failure)?;
    let published = Published::load(&project, Clock::System.now()).await.map_err(bundle_failure)?;
    staged.refuse_if_overtaken(published.as_ref()).map_err(bundle_failure)?;
    if let Some(path) = &order.request_out {
        return ask_others(surface, &staged.request(&project).map_err(bundle_failure)?, path);
    }
    if let Some(path) = &order.add {
        staged.add(&project, &lock, &received(path, &name)?).map_err(bundle_failure)?;
    } else {
        let signature =
            sign_stage(surface, &project, &lock, &staged, order.key.as_ref(), order.yes, &Cancel::on_signals(surface)?).await?;
        if let Some(path) = &order.out {
            hand_over(surface, &signature, path)?;
        }
    }
    let text = standing(&project, &staged, &name)?;
    let summary = staged.summary(&project, published.as_ref()).map_err(bundle_failure)?;
    answer(surface, "spartacus.sign/1", &fields(&summary, staged.signed(&project).is_ok(), order.out.as_deref()), &text);
    Ok(exit::OK)
}

/// Shows what would change, asks, and signs a stage with the key named, or with the one in `keys/` that may.
pub async fn sign_stage(
    surface: &Surface,
    project: &Project,
    lock: &ProjectLock,
    staged: &Staged,
    key: Option<&Utf8PathBuf>,
    yes: bool,
    cancel: &Cancel,
) -> Result<CoSignature, Failure> {
    let published = Published::load(project, Clock::System.now()).await.map_err(bundle_failure)?;
    let summary = staged.summary(project, published.as_ref()).map_err(bundle_failure)?;
    surface.remark(&told(&summary, &staged.folder().join("SHA256SUMS")));
    let path = match key {
        Some(path) => path.clone(),
        None => own_key(project, &summary)?,
    };
    if !yes {
        let surface = surface.clone();
        cancel.or_answer(move || ask::confirm(&surface, "sign this?", "--yes")).await?;
    }
    let surface = surface.clone();
    let key = cancel.or_answer(move || open_key(&surface, &path)).await?;
    cancel.check()?;
    staged.sign(project, lock, &key).map_err(bundle_failure)
}

/// Writes a signature as it travels: one line of JSON, nothing in it is secret.
fn hand_over(surface: &Surface, signature: &CoSignature, path: &Utf8Path) -> Result<(), Failure> {
    let text = serde_json::to_string(signature)?;
    std::fs::write(path, text + "\n").map_err(|error| file_failure("write", path, error))?;
    surface.remark(&format!(
        "the signature is in {path}; where the project is pushed from: spartacus sign {} --add {path}",
        signature.bundle
    ));
    Ok(())
}

/// Writes what another maintainer needs to stage the same bytes: nothing in it is secret.
fn ask_others(surface: &Surface, request: &SignRequest, path: &Utf8Path) -> Ended {
    let text = serde_json::to_string_pretty(request)?;
    std::fs::write(path, text + "\n").map_err(|error| file_failure("write", path, error))?;
    let name = &request.bundle;
    surface.remark(&format!(
        "the request is in {path}; where another maintainer has the same folder: spartacus bundle DIR --as {name} --request {path}"
    ));
    Ok(exit::OK)
}

/// Reads a request that came from another maintainer.
pub fn received_request(path: &Utf8Path, name: &BundleName) -> Result<SignRequest, Failure> {
    let found: SignRequest = read_json(path, LONGEST_REQUEST)?.ok_or_else(|| {
        Failure::told(exit::USAGE, format!("{path} is not a request to sign"))
            .hint(format!("the other maintainer makes it with: spartacus sign {name} --request-out {path}"))
    })?;
    if found.bundle == *name {
        return Ok(found);
    }
    Err(Failure::told(exit::USAGE, format!("{path} is a request to sign {}, not {name}", found.bundle)))
}

/// Reads a file that came from elsewhere; `None` if it does not say what it should.
fn read_json<T: DeserializeOwned>(path: &Utf8Path, longest: u64) -> Result<Option<T>, Failure> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(|error| file_failure("read", path, error))?;
    file.take(longest).read_to_end(&mut text).map_err(|error| file_failure("read", path, error))?;
    Ok(serde_json::from_slice(&text).ok())
}

/// Reads a signature that came from another maintainer. Whether it fits the stage is for the stage to say.
fn received(path: &Utf8Path, name: &BundleName) -> Result<CoSignature, Failure> {
    let found: CoSignature = read_json(path, LONGEST_SIGNATURE)?.ok_or_else(|| {
        Failure::told(exit::USAGE, format!("{path} is not a signature file"))
            .hint(format!("the other maintainer makes it with: spartacus sign {name} --key FILE --out {path}"))
    })?;
    if found.bundle == *name {
        return Ok(found);
    }
    Err(Failure::told(exit::USAGE, format!("{path} is a signature on {}, not on {name}", found.bundle))
        .hint(format!("spartacus sign {} --add {path}", found.bundle)))
}

fn own_key(project: &Project, summary: &SignSummary) -> Result<Utf8PathBuf, Failure> {
    let here =
        |name: &String| name.parse::<KeyName>().ok().map(|name| project.maintainer_key(&name)).filter(|path| path.exists());
    let unsigned = summary.keys.iter().filter(|name| !summary.signed_by.contains(name));
    unsigned.chain(&summary.keys).find_map(here).ok_or_else(|| {
        Failure::told(exit::USAGE, format!("no secret key that may sign lies in {}", project.keys()))
            .hint(format!("spartacus sign {} --key FILE", summary.bundle))
    })
}

fn told(summary: &SignSummary, sums: &Utf8Path) -> String {
    let mut text = format!("{}: {} files, {}\n", summary.bundle, summary.files, summary.bytes);
    for (path, length) in summary.listing.iter().take(SHOWN) {
        let _ = writeln!(text, "  {path}  {length}");
    }
    if let Some(more) = summary.listing.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more: all of them are in {sums}");
    }
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let _ = writeln!(text, "  bundle role    sha256 {}   expires {}", summary.role_digest, day(summary.role_expires));
    let _ = writeln!(
        text,
        "  bundle list {}  sha256 {}   expires {}",
        summary.list_version,
        summary.list_digest,
        day(summary.list_expires)
    );
    let _ = writeln!(text, "  added to the list: {}; removed: {}", list(&summary.added), list(&summary.removed));
    if !summary.keys_changed.is_empty() {
        let _ = writeln!(text, "  keys or threshold changed: {}", list(&summary.keys_changed));
    }
    let _ = write!(
        text,
        "  may sign: {} ({} needed); signed by: {}",
        list(&summary.keys),
        summary.threshold,
        list(&summary.signed_by)
    );
    if !summary.signed_role_only.is_empty() {
        let _ = write!(text, "; without the list of bundles, which is new: {}", list(&summary.signed_role_only));
    }
    text
}

fn day(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

fn fields(summary: &SignSummary, signed: bool, out: Option<&Utf8Path>) -> serde_json::Value {
    serde_json::json!({
        "bundle": summary.bundle,
        "signed": signed,
        "threshold": summary.threshold,
        "may_sign": summary.keys,
        "signed_by": summary.signed_by,
        "role_sha256": summary.role_digest,
        "list_version": summary.list_version,
        "list_sha256": summary.list_digest,
        "out": out.map(Utf8Path::as_str),
    })
}

/// Whether the stage can be pushed now.
fn standing(project: &Project, staged: &Staged, name: &BundleName) -> Result<String, Failure> {
    match staged.signed(project) {
        Ok(_) => Ok(format!("{name} is signed\nnext: spartacus push {name}")),
        Err(error @ BundleError::Unsigned { .. }) => Ok(format!("{error}\nnext: another maintainer runs spartacus sign {name}")),
        Err(error) => Err(bundle_failure(error)),
    }
}
