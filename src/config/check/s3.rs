//! `s3:`

use super::super::section::{Section, Text};
use super::super::{Addressing, S3Target};
use super::address::{endpoint, remote_path};
use super::secrets;

/// What most servers that are not Amazon's call their one region.
const REGION: &str = "us-east-1";

/// Reads `s3:`.
pub(super) fn s3(section: &Section<'_, '_>) -> Option<S3Target> {
    let endpoint = endpoint(section, "endpoint", "https://s3.example.org");
    let region = match section.entry("region") {
        Some(_) => section.text("region").and_then(|text| word(section, "region", text, "eu-central-1")),
        None => Some(REGION.to_owned()),
    };
    let bucket = section.required("bucket", "mirror").and_then(|text| word(section, "bucket", text, "mirror-bucket"));
    let prefix = match section.entry("prefix") {
        Some(_) => section.text("prefix").and_then(|text| remote_path(section, "prefix", text, false)),
        None => Some(String::new()),
    };
    let addressing = match section.entry("addressing") {
        Some(_) => section.choice("addressing", &[("path", Addressing::Path), ("virtual", Addressing::Virtual)]),
        None => Some(Addressing::default()),
    };
    let access_key = secrets::required(section, "access_key");
    let secret_key = secrets::required(section, "secret_key");
    Some(S3Target {
        endpoint: endpoint?,
        region: region?,
        bucket: bucket?,
        prefix: prefix?,
        addressing: addressing?,
        access_key: access_key?,
        secret_key: secret_key?,
    })
}

/// The characters that bucket and region names are made of on every known server.
fn word(section: &Section<'_, '_>, key: &str, text: Text<'_>, example: &str) -> Option<String> {
    let good = text.text.len() <= 255
        && text.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && !text.text.starts_with('.');
    if !good {
        let message = format!("`{key}` has characters that no {key} has");
        let label = "letters, digits, '.', '_' and '-' belong here";
        section.wrong(text.span, message, label, Some(&format!("write {key}: {example}")));
        return None;
    }
    Some(text.text.to_owned())
}
