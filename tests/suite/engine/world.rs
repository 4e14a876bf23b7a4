//! A small project with three releases, signed once, and an oracle that reads like a reader.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{Timestamp, ToSpan as _};
use spartacus::base::{BundleName, ObjectPath, Sha256};
use spartacus::bundle::{BundleEntry, Content, Object, Release};
use spartacus::trust::role::{self, BundleDelegation, BundleSpec, RoleKeys, RootSpec, SnapshotSpec, TargetsSpec, TimestampSpec};
use spartacus::trust::{
    self, BundleRecord, Fetch, FetchError, FileRecord, Rejection, RolePin, SignatureLine, SigningKey, Unsigned,
};

pub fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().expect("a moment")
}

fn in_days(days: i64) -> Timestamp {
    now() + (days * 24).hours()
}

/// Everything a mirror holds.
pub type Objects = BTreeMap<ObjectPath, Bytes>;

pub struct World {
    pub pin: Bytes,
    /// Releases 1 to 3. Release 3 comes with a new root.
    pub releases: Vec<Arc<Release>>,
    /// Another release 2, by somebody who holds the same keys.
    pub fork: Arc<Release>,
}

/// The same for all tests: signing is what costs.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let keys = Keys { alice: key("alice"), online: key("online") };
        let releases: Vec<Arc<Release>> = (1..=3).map(|version| Arc::new(keys.release(version, "x"))).collect();
        let Content::Inline(pin) = &releases[0].roots[0].content else { unreachable!("roots are inline") };
        World { pin: pin.clone(), fork: Arc::new(keys.release(2, "y")), releases }
    })
}

pub fn release(version: usize) -> Arc<Release> {
    world().releases[version - 1].clone()
}

struct Keys {
    alice: SigningKey,
    online: SigningKey,
}

fn key(name: &str) -> SigningKey {
    SigningKey::generate(name).expect("a key")
}

pub fn path(text: impl Into<String>) -> ObjectPath {
    ObjectPath::new(text).expect("a good path")
}

pub fn inline(path: ObjectPath, bytes: Bytes) -> Object {
    Object { path, length: bytes.len() as u64, sha256: Sha256::of(&bytes), content: Content::Inline(bytes) }
}

/// The bytes of an object made by this file.
pub fn bytes_of(object: &Object) -> Bytes {
    let Content::Inline(bytes) = &object.content else { unreachable!("all objects here are inline") };
    bytes.clone()
}

fn stored(role: &Unsigned, key: &SigningKey) -> Object {
    let line: SignatureLine = role.sign(key);
    inline(role.path().expect("a path"), role.signed(&[line]))
}

impl Keys {
    fn release(&self, version: u64, flavour: &str) -> Release {
        let names: Vec<BundleName> = (1..=version).map(|number| format!("v{number}").parse().expect("a name")).collect();
        let mut metadata = Vec::new();
        let mut pins = BTreeMap::new();
        let mut listed = Vec::new();
        let mut bundles = Vec::new();
        for (number, name) in (1..).zip(&names) {
            let flavour = if number == version { flavour } else { "x" };
            let (role, records, files) = self.bundle(name, flavour);
            pins.insert(name.to_string(), RolePin::of(1, &bytes_of(&role)));
            metadata.push(role);
            listed.push(delegation(name, &records));
            bundles.push(BundleEntry { name: name.clone(), created: in_days(-1), files: Arc::new(files) });
        }
        let newest = names.last().cloned();
        let expires = in_days(900);
        let keys = self.maintainers();
        let list = TargetsSpec { version, expires, keys, bundles: listed, newest: newest.clone(), fleet: None };
        let list = stored(&role::targets(&list).expect("a list"), &self.alice);
        pins.insert("targets".to_owned(), RolePin::of(version, &bytes_of(&list)));
        metadata.push(list);
        let snapshot = stored(&role::snapshot(&SnapshotSpec { version, expires, pins }).expect("a snapshot"), &self.online);
        let pin = RolePin::of(version, &bytes_of(&snapshot));
        metadata.push(snapshot);
        let timestamp = role::timestamp(&TimestampSpec { version, expires: in_days(7), snapshot: pin }).expect("a timestamp");
        Release {
            version,
            snapshot_version: version,
            newest,
            bundles,
            metadata,
            roots: (1..=if version < 3 { 1 } else { 2 }).map(|number| self.root(number)).collect(),
            pointer: stored(&timestamp, &self.online),
            conveniences: vec![inline(path("index.html"), format!("release {version}").into())],
        }
    }

    fn maintainers(&self) -> RoleKeys {
        RoleKeys { keys: vec![self.alice.public().clone()], threshold: 1 }
    }

    fn root(&self, version: u64) -> Object {
        let keys = self.maintainers();
        let online = vec![self.online.public().clone()];
        let spec = RootSpec { version, expires: in_days(1000), root: keys.clone(), targets: keys, online };
        stored(&role::root(&spec).expect("a root"), &self.alice)
    }

    fn bundle(&self, name: &BundleName, flavour: &str) -> (Object, Vec<FileRecord>, Vec<Object>) {
        let file = |file: &str, text: String| inline(path(format!("releases/{name}/{file}")), text.into());
        let mut files = vec![
            file(".hidden", format!("hidden {name}")),
            file("README", format!("read me {name} {flavour}")),
            file("docs/deep/a", format!("a {name}")),
            file("docs/empty", String::new()),
        ];
        let sums: Vec<String> = files.iter().map(|file| format!("{}  {}", file.sha256, file.path)).collect();
        files.push(file("SHA256SUMS", sums.join("\n")));
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let record = |object: &Object| FileRecord {
            path: object.path.clone(),
            length: object.length,
            sha256: object.sha256,
            chunks: Vec::new(),
        };
        let records: Vec<FileRecord> = files.iter().map(record).collect();
        // Bob may sign, and did not.
        let signers = ["alice".to_owned(), "bob".to_owned()];
        let spec = BundleSpec { name, version: 1, expires: in_days(9000), files: &records, signers: &signers };
        let role = stored(&role::bundle(&spec).expect("a bundle's role"), &self.alice);
        files.push(file("SHA256SUMS.alice.minisig", format!("signature of {name}")));
        (role, records, files)
    }
}

fn delegation(name: &BundleName, files: &[FileRecord]) -> BundleDelegation {
    let record = BundleRecord {
        name: name.clone(),
        created: in_days(-1),
        files: files.len() as u64,
        bytes: files.iter().map(|file| file.length).sum(),
    };
    BundleDelegation { record, depths: BTreeSet::from([1, 2, 3]), keys: None }
}

/// All objects of a release, as a mirror has them after a push.
pub fn published(release: &Release) -> Objects {
    let files = release.bundles.iter().flat_map(|bundle| bundle.files.iter());
    let all = files.chain(&release.metadata).chain(&release.roots).chain([&release.pointer]).chain(&release.conveniences);
    all.map(|object| (object.path.clone(), bytes_of(object))).collect()
}

/// Whether a mirror holds all of a release. What it holds besides is no concern of ours.
pub fn holds_all_of(found: &Objects, release: &Release) -> Result<(), String> {
    match published(release).into_iter().find(|(path, bytes)| found.get(path) != Some(bytes)) {
        None => Ok(()),
        Some((path, _)) => Err(format!("{path} is {}", if found.contains_key(&path) { "wrong" } else { "missing" })),
    }
}

/// A mirror as a reader finds it.
pub struct Face<'a>(pub &'a Objects);

#[async_trait]
impl Fetch for Face<'_> {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        Ok(self.0.get(path).filter(|bytes| bytes.len() as u64 <= cap).cloned())
    }
}

/// What a reader gets who verifies everything: the version of one complete release, 0 if nothing was published yet, or
/// what is broken.
pub async fn read(objects: &Objects) -> Result<u64, String> {
    let face = Face(objects);
    let verified = match trust::verify(&face, &world().pin, now(), None).await {
        Ok(verified) => verified,
        Err(Rejection::Empty) => return Ok(0),
        Err(rejection) => return Err(rejection.to_string()),
    };
    for record in &verified.bundles {
        let bundle = trust::verify_bundle(&face, &verified, &record.name).await.map_err(|rejection| rejection.to_string())?;
        for file in bundle.files {
            let bytes = objects.get(&file.path).ok_or_else(|| format!("{} is missing", file.path))?;
            if Sha256::of(bytes) != file.sha256 {
                return Err(format!("{} is altered", file.path));
            }
        }
    }
    Ok(verified.timestamp.version)
}
