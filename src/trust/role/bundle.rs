//! The role of one bundle: possibly a hundred thousand files, so its bytes are written as they come.
//!
//! Rule R7 of docs/bundle-format.md.

use std::io::Write as _;

use serde_json::json;

use super::super::{FileRecord, TrustError, canonical};
use super::BundleSpec;
use super::{CHUNK_BYTES, CUSTOM, SPEC_VERSION, Unsigned, date, refused};
use crate::base::ObjectPath;

/// Bytes of a target's entry beside its path and its chunks.
const ENTRY: usize = 130;
/// Bytes of a chunk's digest in its list.
const CHUNK_ENTRY: usize = 67;

/// Writes a bundle's role (TUF specification 1.0.34, section 4.5). Needs no more memory than its result.
///
/// # Errors
/// When files are out of order, outside the bundle's folder, or have another number of chunk digests than their
/// length asks for.
pub fn bundle(spec: &BundleSpec<'_>) -> Result<Unsigned, TrustError> {
    let name = spec.name.as_str();
    if let Some(odd) = spec.signers.iter().find(|signer| !is_signer_name(signer)) {
        return Err(refused(name, format!("the signer {odd:?} cannot be part of a file's name")));
    }
    let mut signers = spec.signers.to_vec();
    signers.sort_unstable();
    signers.dedup();
    let size = |file: &FileRecord| ENTRY + file.path.as_str().len() + file.chunks.len() * CHUNK_ENTRY;
    let mut out = Vec::with_capacity(512 + spec.files.iter().map(size).sum::<usize>());

    // The members in canonical order: _type, expires, spec_version, targets, version, x-spartacus.
    let head = json!({"_type": "targets", "expires": date(spec.expires), "spec_version": SPEC_VERSION});
    canonical::write(&head, &mut out);
    out.pop();
    out.extend_from_slice(br#","targets":{"#);
    let folder = format!("releases/{name}/");
    let mut last = "";
    for file in spec.files {
        let path = file.path.as_str();
        if !path.starts_with(&folder) {
            return Err(refused(name, format!("{path} lies outside {folder}")));
        }
        if path <= last {
            return Err(refused(name, format!("{path} is out of order")));
        }
        if !last.is_empty() {
            out.push(b',');
        }
        last = path;
        write_file(file, &mut out).map_err(|reason| refused(name, reason))?;
    }
    out.push(b'}');
    let tail = json!({"version": spec.version, CUSTOM: {"bundle": name, "signers": signers}});
    let mut end = Vec::new();
    canonical::write(&tail, &mut end);
    end[0] = b',';
    out.append(&mut end);
    Unsigned::from_canonical(name, spec.version, spec.expires, out)
}

fn write_file(file: &FileRecord, out: &mut Vec<u8>) -> Result<(), String> {
    if file.chunks.len() as u64 != expected_chunks(file.length) {
        return Err(format!("{} has {} bytes and {} chunk digests", file.path, file.length, file.chunks.len()));
    }
    canonical::write_string(file.path.as_str(), out);
    out.extend_from_slice(b":{");
    if !file.chunks.is_empty() {
        out.extend_from_slice(br#""custom":{"chunks":["#);
        for (position, chunk) in file.chunks.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            canonical::write_string(&chunk.to_string(), out);
        }
        out.extend_from_slice(b"]},");
    }
    // Writing into memory cannot fail.
    let _ = write!(out, r#""hashes":{{"sha256":"{}"}},"length":{}}}"#, file.sha256, file.length);
    Ok(())
}

/// Whether `SHA256SUMS.<signer>.minisig` is a file's name.
pub(in crate::trust) fn is_signer_name(signer: &str) -> bool {
    !signer.is_empty() && !signer.contains('/') && ObjectPath::new(format!("SHA256SUMS.{signer}.minisig")).is_ok()
}

/// How many chunk digests a file of `length` bytes has: none if it fits in one chunk.
pub(in crate::trust) fn expected_chunks(length: u64) -> u64 {
    if length <= CHUNK_BYTES { 0 } else { length.div_ceil(CHUNK_BYTES) }
}
