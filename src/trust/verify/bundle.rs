//! The roles that the list of bundles delegates to: each bundle's list of files, and what is said of the mirrors.

use serde::Deserialize;
use serde_json::Value;

use super::super::role::{
    CUSTOM, FLEET,
    bundle::{expected_chunks, is_signer_name},
};
use super::super::{Fetch, FileRecord, Rejection, RoleFile, Verified, VerifiedBundle, VerifiedFleet};
use super::authority::Fault;
use super::{TARGETS_CAP, get_pinned, missing_pin, path_of, rejection};
use crate::base::{BundleName, ObjectPath, Sha256, sanitise};

/// Verifies the file list of a bundle, by the delegation in the verified list of bundles.
///
/// A bundle that is not live is [`Rejection::Missing`]. Every name in the list has been checked: it is a well-formed
/// path below `releases/<name>/`.
///
/// A hundred thousand files take about two seconds and 350 MiB: the verifying crate builds the whole tree of values.
pub async fn verify_bundle(fetch: &dyn Fetch, verified: &Verified, name: &BundleName) -> Result<VerifiedBundle, Rejection> {
    if !verified.bundles.iter().any(|bundle| bundle.name == *name) {
        return Err(missing_pin(name.as_str()));
    }
    let (role, files, custom) = delegated(fetch, verified, name.as_str(), &format!("releases/{name}/")).await?;
    let unfit = |reason| rejection(&role.path, Fault::Unfit(reason));
    let signers = custom.as_ref().and_then(|field| field.get("signers"));
    let signers = signers.map(Vec::<String>::deserialize).transpose().map_err(|error| unfit(sanitise(&error.to_string())))?;
    let signers = signers.unwrap_or_default();
    if let Some(odd) = signers.iter().find(|signer| !is_signer_name(signer)) {
        return Err(unfit(format!("the signer {} cannot be part of a file's name", sanitise(odd))));
    }
    Ok(VerifiedBundle { name: name.clone(), role, files, signers })
}

/// Verifies what the online key says of the mirrors; `None` where the list of bundles lets it say nothing, or it has not yet.
///
/// It is signed by a key that lies on a machine, so whoever breaks into that may write anything here: readers learn from it
/// where to look, never what is true.
pub async fn verify_fleet(fetch: &dyn Fetch, verified: &Verified) -> Result<Option<VerifiedFleet>, Rejection> {
    let delegates = verified.authority.delegates(FLEET).map_err(|fault| rejection(&verified.targets.path, fault))?;
    if !delegates || !verified.pins.contains_key(FLEET) {
        return Ok(None);
    }
    let (role, files, _) = delegated(fetch, verified, FLEET, "fleet/").await?;
    Ok(Some(VerifiedFleet { role, files }))
}

/// A role that the list of bundles delegates to: its file, its targets (all below `folder`), and our custom field.
async fn delegated(
    fetch: &dyn Fetch,
    verified: &Verified,
    name: &str,
    folder: &str,
) -> Result<(RoleFile, Vec<FileRecord>, Option<Value>), Rejection> {
    let pin = verified.pins.get(name).ok_or_else(|| missing_pin(name))?;
    let path = path_of(name, pin.version)?;
    let bytes = get_pinned(fetch, &path, pin, TARGETS_CAP).await?;
    let mut authority = (*verified.authority).clone();
    let head = authority.set_bundle(&bytes, name).map_err(|fault| rejection(&path, fault))?;
    let unfit = |reason| rejection(&path, Fault::Unfit(reason));

    let targets = authority.targets(name).map_err(|fault| rejection(&path, fault))?;
    let mut files = Vec::with_capacity(targets.targets.len());
    for (target, entry) in &targets.targets {
        let record = read_file(target, folder, entry.length, entry.hashes.get("sha256"), entry.custom.as_ref());
        files.push(record.map_err(|reason| unfit(format!("the target {}: {reason}", sanitise(target))))?);
    }
    let custom = targets.extra.get(CUSTOM).cloned();
    Ok((head.file(path, bytes), files, custom))
}

fn read_file(
    target: &str,
    folder: &str,
    length: u64,
    sha256: Option<&String>,
    custom: Option<&Value>,
) -> Result<FileRecord, String> {
    if !target.starts_with(folder) {
        return Err(format!("it lies outside {folder}"));
    }
    let path = ObjectPath::new(target).map_err(|error| sanitise(&error.to_string()))?;
    let sha256: Sha256 = sha256.ok_or("no SHA-256")?.parse().map_err(|_| "a malformed SHA-256")?;
    let chunks = custom.and_then(|custom| custom.get("chunks")).map(Vec::<Sha256>::deserialize).transpose();
    let chunks = chunks.map_err(|error| sanitise(&error.to_string()))?.unwrap_or_default();
    // Another writer may leave the chunk digests out; a wrong number of them would send a reader astray.
    if !chunks.is_empty() && chunks.len() as u64 != expected_chunks(length) {
        return Err(format!("{length} bytes and {} chunk digests", chunks.len()));
    }
    Ok(FileRecord { path, length, sha256, chunks })
}
