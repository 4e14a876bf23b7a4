//! What web servers are told about an object.

use crate::base::ObjectPath;

/// The media type for an object's name. Our own table, not the host's: the same push must look the same everywhere.
#[must_use]
pub fn content_type(path: &ObjectPath) -> &'static str {
    let name = path.file_name();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    match extension.as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "xml" => "application/xml",
        "atom" => "application/atom+xml",
        "txt" | "md" | "rst" | "log" | "minisig" | "sshsig" | "asc" | "sha256" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "gz" | "tgz" => "application/gzip",
        "zip" => "application/zip",
        "xz" => "application/x-xz",
        "zst" => "application/zstd",
        "tar" => "application/x-tar",
        "meta4" => "application/metalink4+xml",
        _ if name == "SHA256SUMS" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// How long caches may keep an object: for ever what never changes, not at all what does.
#[must_use]
pub fn cache_control(write: super::Write) -> &'static str {
    match write {
        super::Write::New => "public, max-age=31536000, immutable",
        super::Write::Replace => "no-cache",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_ours_and_not_the_hosts() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("docs/INDEX.HTM", "text/html; charset=utf-8"),
            ("metadata/timestamp.json", "application/json"),
            ("releases/v1/SHA256SUMS", "text/plain; charset=utf-8"),
            ("releases/v1/SHA256SUMS.alice.minisig", "text/plain; charset=utf-8"),
            ("releases/v1/tool-1.2.tar.gz", "application/gzip"),
            ("releases/v1/README", "application/octet-stream"),
            ("releases/v1/.html", "text/html; charset=utf-8"),
            ("releases/v1/setup.exe", "application/octet-stream"),
        ] {
            assert_eq!(content_type(&ObjectPath::new(name).expect("a path")), expected, "{name}");
        }
    }
}
