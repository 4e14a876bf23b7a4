//! The four top-level roles: small, so they are made as values.
//!
//! Rules R5, R6, R8 and R9 of docs/bundle-format.md.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::{PublicKey, RolePin, TrustError};
use super::spec::{BundleDelegation, RoleKeys, RootSpec, SnapshotSpec, TargetsSpec, TimestampSpec};
use super::{CUSTOM, FLEET, FLEET_PATHS, MAX_VERSION, SPEC_VERSION, Unsigned, date, refused};

/// Writes a root (TUF specification 1.0.34, section 4.3). Consistent snapshots are always on.
///
/// Its custom field keeps the maintainers' minisign lines, so that who holds the root can also verify `.minisig` files.
pub fn root(spec: &RootSpec) -> Result<Unsigned, TrustError> {
    let online = RoleKeys { keys: spec.online.clone(), threshold: 1 };
    for (role, keys) in [("root", &spec.root), ("targets", &spec.targets), ("online", &online)] {
        keys.check(role)?;
    }
    let people = || spec.root.keys.iter().chain(&spec.targets.keys);
    let lines: BTreeMap<String, String> = people().map(|key| (key.key_id().to_string(), key.to_minisign())).collect();
    let signed = json!({
        "_type": "root",
        "consistent_snapshot": true,
        "expires": date(spec.expires),
        "keys": key_map(people().chain(&spec.online)),
        "roles": {
            "root": role_keys(&spec.root),
            "snapshot": role_keys(&online),
            "targets": role_keys(&spec.targets),
            "timestamp": role_keys(&online),
        },
        "spec_version": SPEC_VERSION,
        "version": spec.version,
        CUSTOM: {"minisign": lines},
    });
    Unsigned::from_value("root", spec.version, spec.expires, &signed)
}

/// Writes the list of bundles (section 4.5): one terminating delegation per bundle, and names and dates for people.
pub fn targets(spec: &TargetsSpec) -> Result<Unsigned, TrustError> {
    spec.keys.check("targets")?;
    let mut all_keys: Vec<&PublicKey> = Vec::new();
    let mut delegations = Vec::new();
    let mut entries = Vec::new();
    for bundle in &spec.bundles {
        let name = bundle.record.name.as_str();
        if entries.iter().any(|entry: &Value| entry["name"] == name) {
            return Err(refused("targets", format!("the bundle {name} stands twice")));
        }
        let keys = bundle.keys.as_ref().unwrap_or(&spec.keys);
        keys.check(name)?;
        all_keys.extend(&keys.keys);
        delegations.push(delegation(name, keys, &patterns(bundle)?));
        entries.push(json!({
            "bytes": bundle.record.bytes,
            "created": date(bundle.record.created),
            "files": bundle.record.files,
            "name": name,
        }));
    }
    if let Some(newest) = &spec.newest
        && !spec.bundles.iter().any(|bundle| bundle.record.name == *newest)
    {
        return Err(refused("targets", format!("{newest} cannot be the newest: it is not listed")));
    }
    if let Some(fleet) = &spec.fleet {
        fleet.check(FLEET)?;
        all_keys.extend(&fleet.keys);
        delegations.push(delegation(FLEET, fleet, &[FLEET_PATHS.to_owned()]));
    }
    let signed = json!({
        "_type": "targets",
        "delegations": {"keys": key_map(all_keys), "roles": delegations},
        "expires": date(spec.expires),
        "spec_version": SPEC_VERSION,
        "targets": {},
        "version": spec.version,
        CUSTOM: {"bundles": entries, "newest": spec.newest},
    });
    Unsigned::from_value("targets", spec.version, spec.expires, &signed)
}

/// Writes a snapshot (section 4.4).
///
/// The entry of a retired bundle must stay for ever: without it, readers that saw it refuse every later snapshot.
pub fn snapshot(spec: &SnapshotSpec) -> Result<Unsigned, TrustError> {
    if !spec.pins.contains_key("targets") {
        return Err(refused("snapshot", "it does not pin the targets role"));
    }
    let mut meta = Map::new();
    for (role, pinned) in &spec.pins {
        meta.insert(format!("{role}.json"), pin("snapshot", pinned)?);
    }
    let signed = json!({
        "_type": "snapshot",
        "expires": date(spec.expires),
        "meta": meta,
        "spec_version": SPEC_VERSION,
        "version": spec.version,
    });
    Unsigned::from_value("snapshot", spec.version, spec.expires, &signed)
}

/// Writes a timestamp (section 4.6): the commit point of a publish, and the project's heartbeat.
pub fn timestamp(spec: &TimestampSpec) -> Result<Unsigned, TrustError> {
    let signed = json!({
        "_type": "timestamp",
        "expires": date(spec.expires),
        "meta": {"snapshot.json": pin("timestamp", &spec.snapshot)?},
        "spec_version": SPEC_VERSION,
        "version": spec.version,
    });
    Unsigned::from_value("timestamp", spec.version, spec.expires, &signed)
}

fn key_map<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Map<String, Value> {
    keys.into_iter().map(|key| (key.key_id().to_string(), key.tuf_value())).collect()
}

/// Key ids in sorted order: who is named first must not change the bytes.
fn key_ids(keys: &RoleKeys) -> Vec<String> {
    let mut ids: Vec<String> = keys.keys.iter().map(|key| key.key_id().to_string()).collect();
    ids.sort_unstable();
    ids
}

fn role_keys(keys: &RoleKeys) -> Value {
    json!({"keyids": key_ids(keys), "threshold": keys.threshold})
}

fn delegation(name: &str, keys: &RoleKeys, paths: &[String]) -> Value {
    json!({"keyids": key_ids(keys), "name": name, "paths": paths, "terminating": true, "threshold": keys.threshold})
}

/// One pattern for each depth: in TUF a `*` does not cross `/`.
fn patterns(bundle: &BundleDelegation) -> Result<Vec<String>, TrustError> {
    let name = bundle.record.name.as_str();
    if bundle.depths.is_empty() || bundle.depths.contains(&0) {
        return Err(refused(name, "a bundle has files at one depth or more below its folder"));
    }
    Ok(bundle.depths.iter().map(|&depth| format!("releases/{name}{}", "/*".repeat(depth as usize))).collect())
}

/// Length and digest are always written: without them readers fall back to a general limit, and two publishes with
/// one version could not be told apart.
fn pin(role: &str, pinned: &RolePin) -> Result<Value, TrustError> {
    let (Some(length), Some(sha256)) = (pinned.length, pinned.sha256) else {
        return Err(refused(role, "a pin has no length or no digest"));
    };
    if pinned.version == 0 || pinned.version > MAX_VERSION {
        return Err(refused(role, format!("it pins the impossible version {}", pinned.version)));
    }
    Ok(json!({"hashes": {"sha256": sha256}, "length": length, "version": pinned.version}))
}
