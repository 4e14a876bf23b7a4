//! A small project and the mirrors that it publishes to, all in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{Timestamp, ToSpan as _};
use spartacus::base::{BundleName, ObjectPath, Sha256};
use spartacus::trust::role::{self, BundleDelegation, BundleSpec, RoleKeys, RootSpec, SnapshotSpec, TargetsSpec, TimestampSpec};
use spartacus::trust::{
    BundleRecord, Fetch, FetchError, FileRecord, Known, PublicKey, Rejection, RolePin, SigningKey, Unsigned, Verified, verify,
};

/// The moment at which everything here happens.
pub const NOW: &str = "2026-06-01T00:00:00Z";

pub fn now() -> Timestamp {
    NOW.parse().expect("a moment")
}

/// Days from now; negative ones have passed.
pub fn in_days(days: i64) -> Timestamp {
    now() + (days * 24).hours()
}

/// A mirror's objects by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirror(pub BTreeMap<String, Bytes>);

#[async_trait]
impl Fetch for Mirror {
    async fn fetch(&self, path: &ObjectPath, cap: u64) -> Result<Option<Bytes>, FetchError> {
        match self.0.get(path.as_str()) {
            Some(bytes) if bytes.len() as u64 > cap => Err(FetchError::too_long(path, cap)),
            found => Ok(found.cloned()),
        }
    }
}

impl Mirror {
    pub fn put(&mut self, path: &str, bytes: impl Into<Bytes>) {
        self.0.insert(path.to_owned(), bytes.into());
    }

    pub fn get(&self, path: &str) -> Bytes {
        self.0.get(path).unwrap_or_else(|| panic!("no {path}")).clone()
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.get(path).to_vec()).expect("metadata is text")
    }

    /// Replaces text in an object; it must occur.
    pub fn edit(&mut self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert!(text.contains(from), "{path} has no {from}");
        self.put(path, text.replacen(from, to, 1));
    }

    pub fn role(&mut self, role: &Unsigned, signers: &[&SigningKey]) -> RolePin {
        let lines: Vec<_> = signers.iter().map(|key| role.sign(key)).collect();
        let stored = role.signed(&lines);
        let pin = RolePin::of(role.version, &stored);
        self.put(role.path().expect("a path").as_str(), stored);
        pin
    }

    /// Writes snapshot and timestamp.
    pub fn commit(&mut self, publish: &Publish<'_>, pins: BTreeMap<String, RolePin>) {
        let version = publish.version;
        let snapshot = role::snapshot(&SnapshotSpec { version, expires: in_days(900), pins }).expect("a snapshot");
        let snapshot = self.role(&snapshot, &[publish.online]);
        let timestamp = TimestampSpec { version, expires: publish.timestamp_expires, snapshot };
        self.role(&role::timestamp(&timestamp).expect("a timestamp"), &[publish.online]);
    }
}

/// Who may sign, and the pin.
pub struct Project {
    pub alice: SigningKey,
    pub bob: SigningKey,
    pub carol: SigningKey,
    pub online: SigningKey,
}

/// One publish.
pub struct Publish<'a> {
    pub version: u64,
    pub bundles: &'a [&'a str],
    pub timestamp_expires: Timestamp,
    pub online: &'a SigningKey,
    pub signers: Vec<&'a SigningKey>,
}

impl Project {
    pub fn new() -> Self {
        let key = |name| SigningKey::generate(name).expect("a key");
        Self { alice: key("alice"), bob: key("bob"), carol: key("carol"), online: key("online") }
    }

    /// Two of three maintainers.
    pub fn maintainers(&self) -> RoleKeys {
        let keys = [&self.alice, &self.bob, &self.carol].map(|key| key.public().clone());
        RoleKeys { keys: keys.to_vec(), threshold: 2 }
    }

    pub fn root_spec(&self, version: u64, online: &PublicKey) -> RootSpec {
        let keys = self.maintainers();
        RootSpec { version, expires: in_days(1000), root: keys.clone(), targets: keys, online: vec![online.clone()] }
    }

    pub fn root(&self, version: u64) -> Unsigned {
        role::root(&self.root_spec(version, self.online.public())).expect("a root")
    }

    pub fn pin(&self) -> Bytes {
        let root = self.root(1);
        root.signed(&[root.sign(&self.alice), root.sign(&self.carol)])
    }

    pub fn publish(&self, version: u64) -> Publish<'_> {
        Publish {
            version,
            bundles: &["v1", "v2", "v3", "v4"][..usize::try_from(version).expect("small").min(4)],
            timestamp_expires: in_days(7),
            online: &self.online,
            signers: vec![&self.alice, &self.bob],
        }
    }

    /// Writes a publish to a mirror.
    pub fn write(&self, mirror: &mut Mirror, publish: &Publish<'_>) {
        let version = publish.version;
        let mut pins = BTreeMap::new();
        let mut listed = Vec::new();
        for name in publish.bundles {
            let files = files(name);
            let name = BundleName::new(*name).expect("a bundle's name");
            let spec = BundleSpec {
                name: &name,
                version: 1,
                expires: in_days(36_500),
                files: &files,
                signers: &["alice".to_owned(), "bob".to_owned()],
            };
            let role = role::bundle(&spec).expect("a bundle's role");
            pins.insert(name.to_string(), mirror.role(&role, &publish.signers));
            listed.push(delegation(&name, &files));
        }
        let targets = role::targets(&TargetsSpec {
            version,
            expires: in_days(900),
            keys: self.maintainers(),
            newest: listed.last().map(|bundle| bundle.record.name.clone()),
            bundles: listed,
            fleet: None,
        });
        pins.insert("targets".to_owned(), mirror.role(&targets.expect("targets"), &publish.signers));
        mirror.commit(publish, pins);
    }

    /// A mirror with publishes 1 to `version`.
    pub fn mirror(&self, version: u64) -> Mirror {
        let mut mirror = Mirror::default();
        for version in 1..=version {
            self.write(&mut mirror, &self.publish(version));
        }
        mirror
    }

    pub async fn verify(&self, mirror: &Mirror) -> Result<Verified, Rejection> {
        verify(mirror, &self.pin(), now(), None).await
    }

    pub async fn verify_knowing(&self, mirror: &Mirror, known: &Known) -> Result<Verified, Rejection> {
        verify(mirror, &self.pin(), now(), Some(known)).await
    }
}

/// Three files of a bundle, one of them with chunks, at two depths.
pub fn files(bundle: &str) -> Vec<FileRecord> {
    let file = |name: &str, length: u64| FileRecord {
        path: ObjectPath::new(format!("releases/{bundle}/{name}")).expect("a path"),
        length,
        sha256: Sha256::of(name.as_bytes()),
        chunks: if length > role::CHUNK_BYTES { vec![Sha256::of(b"a"), Sha256::of(b"b")] } else { Vec::new() },
    };
    vec![file("SHA256SUMS", 120), file("big \"quoted\" file", role::CHUNK_BYTES + 1), file("doc/é.txt", 0)]
}

pub fn delegation(name: &BundleName, files: &[FileRecord]) -> BundleDelegation {
    BundleDelegation {
        record: BundleRecord {
            name: name.clone(),
            created: in_days(-1),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.length).sum(),
        },
        depths: BTreeSet::from([1, 2]),
        keys: None,
    }
}

/// A role with any content, properly signed: what a thief of keys could write.
pub fn hand_made(role: &str, version: u64, signed: &serde_json::Value) -> Unsigned {
    let canonical = serde_json::to_vec(signed).expect("JSON").into();
    Unsigned { role: role.to_owned(), version, expires: now(), canonical }
}

/// The signed part of a stored role, to be changed.
pub fn content(stored: &[u8]) -> serde_json::Value {
    serde_json::from_slice::<serde_json::Value>(stored).expect("JSON")["signed"].take()
}

/// The verdict in one word.
pub fn word<T>(result: &Result<T, Rejection>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(Rejection::Forged { .. }) => "forged",
        Err(Rejection::Mixed { .. }) => "mixed",
        Err(Rejection::RolledBack { .. }) => "rolled back",
        Err(Rejection::Missing { .. }) => "missing",
        Err(Rejection::Empty) => "empty",
        Err(Rejection::Unreadable(_)) => "unreadable",
    }
}
