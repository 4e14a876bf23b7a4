//! The fleet role: what the online key alone says of the mirrors.
//!
//! Rule R10 of docs/bundle-format.md.

use serde_json::{Map, Value, json};

use super::super::TrustError;
use super::{FLEET, FleetSpec, SPEC_VERSION, Unsigned, date, refused};

/// Writes the fleet role (TUF specification 1.0.34, section 4.5).
///
/// # Errors
/// When a file lies outside `fleet/` or below a folder in it, where no delegation leads.
pub fn fleet(spec: &FleetSpec<'_>) -> Result<Unsigned, TrustError> {
    let mut targets = Map::new();
    for file in spec.files {
        let path = file.path.as_str();
        if path.strip_prefix("fleet/").is_none_or(|name| name.contains('/')) {
            return Err(refused(FLEET, format!("{path} does not lie in fleet/")));
        }
        let entry: Value = json!({"hashes": {"sha256": file.sha256}, "length": file.length});
        targets.insert(path.to_owned(), entry);
    }
    let signed = json!({
        "_type": "targets",
        "expires": date(spec.expires),
        "spec_version": SPEC_VERSION,
        "targets": targets,
        "version": spec.version,
    });
    Unsigned::from_value(FLEET, spec.version, spec.expires, &signed)
}
