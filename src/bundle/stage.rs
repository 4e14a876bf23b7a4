//! From a collected folder to a stage: objects, sums and unsigned roles.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use jiff::Timestamp;

use super::collect::{Collected, SourceFile};
use super::error::BundleError;
use super::lifetime;
use super::lock::ProjectLock;
use super::names::SUMS;
use super::objects::{Incoming, Measured};
use super::project::Project;
use super::published::{Published, has_sums};
use super::source::SourceTree;
use super::staged::Staged;
use crate::base::{BundleName, ObjectPath};
use crate::trust::role::{self, BundleDelegation, BundleSpec, TargetsSpec};
use crate::trust::{BundleRecord, FileRecord, Unsigned};

/// More threads only wait for the same disk.
const MOST_THREADS: usize = 8;

/// What a stage shall be called and when it was made.
#[derive(Debug, Clone)]
pub struct StageSpec {
    /// The bundle's name.
    pub name: BundleName,
    /// The moment that its roles name, in whole seconds; expiry counts from it. The same tree, name, moment and
    /// published state give the same bytes. A stage of the same files that waits already keeps its own.
    pub created: Timestamp,
}

/// How far staging has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Files done.
    pub files: usize,
    /// Files in all.
    pub files_total: usize,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}

/// Hears how far staging has come, from several threads; says whether it shall go on.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) -> ControlFlow<()> + Sync);

/// What staging came to.
#[derive(Debug)]
pub enum Stage {
    /// The bundle waits for signatures.
    Staged(Box<Staged>),
    /// A bundle of this name with exactly these files is published: there is nothing to do.
    Published,
}

/// Stages a folder: takes its files into the project and writes what maintainers sign.
///
/// A stage of the same name and files is kept with its signatures and its moment, so that a command can be run again
/// while a team signs; if the list of bundles moved on, only that is written anew. A stage of other files is replaced,
/// its signatures included. `published` is the project's present state, from [`Published::load`].
pub fn stage(
    project: &Project,
    _held: &ProjectLock,
    collected: &Collected,
    spec: &StageSpec,
    published: Option<&Published>,
    progress: OnProgress<'_>,
) -> Result<Stage, BundleError> {
    let name = &spec.name;
    let taken = take_folder(project, name, collected, progress)?;
    // 4. A published name is never given to other files.
    if published.is_some_and(|state| state.lists(name)) {
        let same = has_sums(project, name, &taken.sums)?;
        return if same { Ok(Stage::Published) } else { Err(BundleError::Published(name.clone())) };
    }
    // 5. What others may have signed already stays, if these are its files.
    if let Some(before) = earlier(project, &taken, published)? {
        return Ok(Stage::Staged(Box::new(before)));
    }
    // 6. The roles, with fixed versions and dates. All of it is kept; signatures of an earlier stage sign other bytes.
    let staged = write_roles(project, &taken, spec.created, published)?;
    staged.replace()?;
    Ok(Stage::Staged(Box::new(staged)))
}

/// A folder whose files are objects now.
pub(super) struct Taken<'a> {
    name: &'a BundleName,
    files: Vec<FileRecord>,
    depths: BTreeSet<u32>,
    sums: Bytes,
}

pub(super) fn take_folder<'a>(
    project: &Project,
    name: &'a BundleName,
    collected: &Collected,
    progress: OnProgress<'_>,
) -> Result<Taken<'a>, BundleError> {
    // 1. Every file becomes an object, read once.
    let objects = project.objects();
    let incoming = objects.receive()?;
    let measured = take_in(&incoming, collected, progress)?;
    // 2. The folder still is what it was, so the bundle is one state of it, not a mix of several.
    collected.still_the_same()?;
    // 3. The sums for people are a file of the bundle, too.
    let sums = Bytes::from(sums_text(collected.files(), &measured));
    let sums_measured = incoming.add_bytes(&sums)?;
    incoming.commit()?;
    let files = records(name, collected.files(), measured, sums_measured)?;
    Ok(Taken { name, files, depths: depths(collected.files()), sums })
}

/// Writes the roles of a folder that was taken in, as they are signed. The same moment gives the same bytes.
pub(super) fn write_roles(
    project: &Project,
    taken: &Taken<'_>,
    created: Timestamp,
    published: Option<&Published>,
) -> Result<Staged, BundleError> {
    let created = lifetime::whole_second(created);
    let role = role::bundle(&BundleSpec {
        name: taken.name,
        version: 1,
        expires: lifetime::after(created, lifetime::BUNDLE),
        files: &taken.files,
        signers: &project.keyring()?.signers(),
    })?;
    let bundle = BundleDelegation {
        record: BundleRecord {
            name: taken.name.clone(),
            created,
            files: taken.files.len() as u64,
            bytes: taken.files.iter().map(|file| file.length).sum(),
        },
        depths: taken.depths.clone(),
        keys: None,
    };
    let targets = next_list(project, &bundle, published)?;
    Ok(Staged { folder: project.staged_folder(taken.name), bundle, role, targets, sums: taken.sums.clone() })
}

/// The stage that lies there, if it is of exactly these files; its list of bundles continues the published one.
fn earlier(project: &Project, taken: &Taken<'_>, published: Option<&Published>) -> Result<Option<Staged>, BundleError> {
    // A stage that is damaged holds nothing to keep.
    let Ok(before) = Staged::load(project, taken.name) else { return Ok(None) };
    if before.sums != taken.sums {
        return Ok(None);
    }
    let again = write_roles(project, taken, before.created(), published)?;
    // The same files under other names of keys are other bytes.
    if again.role.canonical != before.role.canonical {
        return Ok(None);
    }
    before.relist(again.targets).map(Some)
}

/// Lets a stage that was overtaken by another release continue the present list of bundles.
///
/// Only the list is written anew: signatures of the bundle's own role stay good, those of the old list are dropped.
pub fn restage(
    project: &Project,
    _held: &ProjectLock,
    name: &BundleName,
    published: Option<&Published>,
) -> Result<Staged, BundleError> {
    let staged = Staged::load(project, name)?;
    if published.is_some_and(|state| state.lists(name)) {
        return Err(BundleError::Published(name.clone()));
    }
    let targets = next_list(project, &staged.bundle, published)?;
    staged.relist(targets)
}

/// The list of bundles that follows the published one, with `bundle` as its newest.
fn next_list(project: &Project, bundle: &BundleDelegation, published: Option<&Published>) -> Result<Unsigned, BundleError> {
    let mut bundles = published.map(|state| state.list.bundles.clone()).unwrap_or_default();
    bundles.push(bundle.clone());
    let keyring = project.keyring()?;
    let spec = TargetsSpec {
        version: published.map_or(0, |state| state.verified.targets.version) + 1,
        expires: lifetime::after(bundle.record.created, lifetime::ROLES),
        keys: keyring.targets,
        newest: Some(bundle.record.name.clone()),
        // Whether or not anything is told of mirrors: to begin with it later needs no maintainer's signature.
        fleet: Some(keyring.online),
        bundles,
    };
    Ok(role::targets(&spec)?)
}

/// Takes all files in, on several threads. The first error stops them all.
fn take_in(incoming: &Incoming<'_>, collected: &Collected, progress: OnProgress<'_>) -> Result<Vec<Measured>, BundleError> {
    let files = collected.files();
    let tree = SourceTree::open(collected.root()).map_err(|error| BundleError::reading(collected.root(), error))?;
    let (next, done, read, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let bytes_total = collected.bytes().0;
    let tell = |bytes: usize| {
        let bytes = read.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let now = Progress { files: done.load(Ordering::Relaxed), files_total: files.len(), bytes, bytes_total };
        if stop.load(Ordering::Relaxed) || progress(now).is_break() { Err(BundleError::Cancelled) } else { Ok(()) }
    };
    let results = Mutex::new((vec![None; files.len()], None));
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { break };
            let result = incoming.add(&tree, collected.root(), file, &mut |bytes| tell(bytes));
            done.fetch_add(1, Ordering::Relaxed);
            let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match result {
                Ok(measured) => results.0[index] = Some(measured),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    // The others fail as cancelled because of the first: that one tells why.
                    results.1.get_or_insert(error);
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS).min(files.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (measured, error) = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match error {
        Some(error) => Err(error),
        // Without an error every index was taken and answered.
        None => measured.into_iter().collect::<Option<_>>().ok_or(BundleError::Cancelled),
    }
}

/// `SHA256SUMS`, as `sha256sum -c` reads it: digest, two spaces, path from the bundle's root.
///
/// Paths hold no backslash and no line break, so coreutils' escaped form never occurs.
fn sums_text(files: &[SourceFile], measured: &[Measured]) -> String {
    let mut text = String::with_capacity(files.iter().map(|file| file.path.as_str().len() + 67).sum());
    for (file, found) in files.iter().zip(measured) {
        // Writing into memory cannot fail.
        let _ = writeln!(text, "{}  {}", found.sha256, file.path);
    }
    text
}

/// The bundle's targets, sorted by path: its files and their sums.
fn records(
    name: &BundleName,
    files: &[SourceFile],
    measured: Vec<Measured>,
    sums: Measured,
) -> Result<Vec<FileRecord>, BundleError> {
    let sums_path = ObjectPath::new(SUMS).expect("SHA256SUMS is a good path");
    let paths = files.iter().map(|file| &file.path).chain([&sums_path]);
    let record = |(path, found): (&ObjectPath, Measured)| {
        let path = release_path(name, path.as_str())?;
        Ok(FileRecord { path, length: found.length, sha256: found.sha256, chunks: found.chunks })
    };
    let mut records = paths.zip(measured.into_iter().chain([sums])).map(record).collect::<Result<Vec<_>, BundleError>>()?;
    records.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(records)
}

/// Where a bundle's file lies, from the mirror's base.
pub(super) fn release_path(name: &BundleName, relative: &str) -> Result<ObjectPath, BundleError> {
    ObjectPath::new(format!("releases/{name}/{relative}"))
        .map_err(|error| BundleError::Malformed { path: relative.into(), reason: error.to_string() })
}

/// The depths at which there are files; `SHA256SUMS` is at depth 1.
fn depths(files: &[SourceFile]) -> BTreeSet<u32> {
    let depth = |file: &SourceFile| u32::try_from(file.path.parts().count()).unwrap_or(u32::MAX);
    files.iter().map(depth).chain([1]).collect()
}
