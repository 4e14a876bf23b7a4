//! What a mirror served that it should not have, kept aside before a repair overwrites it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::time::Duration;

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::connect::reader_client;
use super::exit::Failure;
use super::mirror::source;
use super::session::{Session, file_failure};
use crate::base::{ObjectPath, Sha256, TargetName, causes};
use crate::bundle::{Object, Release};
use crate::config::Target;
use crate::health::{Condition, MirrorCheck, Reason};
use crate::history::MirrorHealth;
use crate::reader::HttpSource;

/// Bytes kept of one object.
const CAP: u64 = 1 << 20;
/// Objects that are kept of one incident.
const OBJECTS: usize = 32;
/// Incidents that are kept of one mirror; older ones go.
const INCIDENTS: usize = 10;
/// Time for all of a mirror's objects: a server that trickles must not keep its repair waiting for ever.
const LONGEST: Duration = Duration::from_mins(2);

/// The record beside the bytes.
#[derive(Serialize)]
struct Record<'a> {
    schema: &'static str,
    mirror: &'a TargetName,
    via: String,
    at: Timestamp,
    condition: Condition,
    reasons: &'a [Reason],
    look: Option<&'a MirrorCheck>,
    objects: Vec<Item>,
    left_out: usize,
}

/// One object as it was served.
#[derive(Serialize)]
struct Item {
    path: ObjectPath,
    expected_length: Option<u64>,
    expected_sha256: Option<Sha256>,
    url: Option<String>,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    sha256: Option<Sha256>,
    kept: Option<String>,
    cut: bool,
    /// It is not there: that is what is wrong with it.
    missing: bool,
    error: Option<String>,
}

/// Reads the suspects, whatever the evidence names and the pointer once more as readers do, and keeps the bytes, the header
/// fields and what was expected in `.spartacus/evidence/<mirror>/<moment>/`. Returns that folder, or `None` when nothing of
/// what is wrong could be read any more; then, as after an error, the mirror must not be touched. It takes two minutes at most.
///
/// # Errors
/// When it could not be written down here.
pub async fn keep(
    session: &Session,
    target: &Target,
    health: &MirrorHealth,
    suspects: &BTreeSet<ObjectPath>,
    release: &Release,
    now: Timestamp,
) -> Result<Option<Utf8PathBuf>, Failure> {
    let look = health.seen.as_ref().map(|seen| &seen.look);
    let named = look.into_iter().flat_map(|look| look.evidence.iter().filter_map(|fact| fact.path.clone()));
    let named: Vec<ObjectPath> = named.collect();
    let is_about_the_pointer = suspects.iter().chain(&named).any(|path| *path == release.pointer.path);
    let mut paths: Vec<ObjectPath> = vec![release.pointer.path.clone()];
    paths.extend(suspects.iter().cloned().chain(named).filter(|path| *path != release.pointer.path));
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    let left_out = paths.len().saturating_sub(OBJECTS);
    paths.truncate(OBJECTS);

    let wanted = expectations(release, &paths);
    let mut objects = Vec::new();
    let end = Instant::now() + LONGEST;
    for path in paths {
        let expected = wanted.get(&path).copied();
        objects.push(read_until(end, session, target, path, expected).await);
    }
    // The pointer comes first; where something else is wrong, the pointer alone is no evidence.
    let wrong = if objects.len() > 1 && !is_about_the_pointer { &objects[1..] } else { &objects[..] };
    if !wrong.iter().any(|(item, bytes)| item.tells(bytes.is_some())) {
        return Ok(None);
    }
    let all = session.project.state().join("evidence").join(target.name.as_str());
    let folder = all.join(now.strftime("%Y%m%dT%H%M%SZ").to_string());
    let about = About { mirror: &target.name, via: source(session, target, None).name(), at: now, health, look, left_out };
    if let Err(failure) = write_down(&folder, objects, about) {
        // Half of it would count as one of those that are kept.
        let _ = fs::remove_dir_all(&folder);
        return Err(failure);
    }
    forget_old(&all)?;
    Ok(Some(folder))
}

/// What a record says besides the objects.
struct About<'a> {
    mirror: &'a TargetName,
    via: String,
    at: Timestamp,
    health: &'a MirrorHealth,
    look: Option<&'a MirrorCheck>,
    left_out: usize,
}

fn write_down(folder: &Utf8Path, objects: Vec<(Item, Option<Bytes>)>, about: About<'_>) -> Result<(), Failure> {
    make_private(folder)?;
    let mut items = Vec::new();
    for (number, (mut item, bytes)) in objects.into_iter().enumerate() {
        if let Some(bytes) = bytes {
            let name = format!("{}.bytes", number + 1);
            write(&folder.join(&name), &bytes)?;
            item.kept = Some(name);
        }
        items.push(item);
    }
    let record = Record {
        schema: "spartacus.evidence/1",
        mirror: about.mirror,
        via: about.via,
        at: about.at,
        condition: about.health.standing.condition,
        reasons: &about.health.standing.reasons,
        look: about.look,
        objects: items,
        left_out: about.left_out,
    };
    let text = serde_json::to_vec_pretty(&record)?;
    write(&folder.join("record.json"), &text)
}

fn expectations(release: &Release, paths: &[ObjectPath]) -> BTreeMap<ObjectPath, (u64, Sha256)> {
    let files = release.bundles.iter().flat_map(|bundle| bundle.files.iter());
    let all = files.chain(&release.metadata).chain(&release.roots).chain([&release.pointer]);
    let told = |object: &Object| (object.path.clone(), (object.length, object.sha256));
    all.filter(|object| paths.contains(&object.path)).map(told).collect()
}

/// The object, or that there was no time left for it.
async fn read_until(
    end: Instant,
    session: &Session,
    target: &Target,
    path: ObjectPath,
    expected: Option<(u64, Sha256)>,
) -> (Item, Option<Bytes>) {
    let late = || {
        let error = Some(format!("not read: all of it took longer than {} s", LONGEST.as_secs()));
        (Item { error, ..Item::of(path.clone(), expected) }, None)
    };
    timeout_at(end, read(session, target, path.clone(), expected)).await.unwrap_or_else(|_| late())
}

impl Item {
    /// Whether it shows what readers get. A server that is busy, or wants a login for once, shows nothing of it.
    fn tells(&self, has_bytes: bool) -> bool {
        self.missing || has_bytes && self.status.is_none_or(|status| matches!(status, 200 | 206 | 404 | 410))
    }

    fn of(path: ObjectPath, expected: Option<(u64, Sha256)>) -> Self {
        Self {
            path,
            expected_length: expected.map(|(length, _)| length),
            expected_sha256: expected.map(|(_, sha256)| sha256),
            url: None,
            status: None,
            headers: Vec::new(),
            sha256: None,
            kept: None,
            cut: false,
            missing: false,
            error: None,
        }
    }
}

async fn read(session: &Session, target: &Target, path: ObjectPath, expected: Option<(u64, Sha256)>) -> (Item, Option<Bytes>) {
    let mut item = Item::of(path.clone(), expected);
    let bytes = if let Some(url) = &target.public_url {
        match reader_client(session, target) {
            Ok(client) => match HttpSource::new(client, url.clone()).raw(&path, CAP).await {
                Ok(answer) => {
                    (item.url, item.status) = (Some(answer.url), Some(answer.status));
                    (item.headers, item.cut) = (answer.headers, answer.cut);
                    Some(answer.bytes)
                }
                Err(error) => {
                    item.error = Some(causes(&error).join(": "));
                    None
                }
            },
            Err(error) => {
                item.error = Some(causes(&error).join(": "));
                None
            }
        }
    } else {
        match source(session, target, None).fetch(&path, CAP).await {
            Ok(found) => {
                item.missing = found.is_none();
                found
            }
            Err(error) => {
                item.error = Some(causes(&error).join(": "));
                None
            }
        }
    };
    item.sha256 = bytes.as_ref().map(|bytes| Sha256::of(bytes));
    (item, bytes)
}

fn make_private(folder: &Utf8Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| file_failure("make", folder, error))
}

fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), Failure> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| file_failure("write", path, error))
}

/// The names are moments, so the oldest come first.
fn forget_old(all: &Utf8Path) -> Result<(), Failure> {
    let fail = |error| file_failure("read", all, error);
    let mut names: Vec<String> = Vec::new();
    for entry in all.read_dir_utf8().map_err(fail)? {
        names.push(entry.map_err(fail)?.file_name().to_owned());
    }
    names.sort_unstable();
    for name in names.iter().take(names.len().saturating_sub(INCIDENTS)) {
        let old = all.join(name);
        fs::remove_dir_all(&old).map_err(|error| file_failure("remove", &old, error))?;
    }
    Ok(())
}
