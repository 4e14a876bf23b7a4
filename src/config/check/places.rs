//! Targets that are one and the same: they would be counted as two copies, and overwrite each other.

use std::collections::HashMap;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use url::Url;

use super::super::TargetKind;
use super::super::problem::{Finding, Review};
use super::super::source::Span;
use super::target::Placed;

/// Reports names that occur more than once.
pub(super) fn repeated_names(review: &Review<'_>, names: &[(String, Span)]) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (name, span) in names {
        if let Some(first) = seen.get(name.as_str()) {
            review.report(
                Finding::error(format!("two targets are named `{name}`"))
                    .at(*span, "again here")
                    .at(*first, "first here")
                    .hint("names are how reports and --only tell targets apart: change one of them"),
            );
        } else {
            seen.insert(name, *span);
        }
    }
}

/// Reports targets that write to the same place or are read at the same address.
pub(super) fn shared_places(review: &Review<'_>, targets: &[&Placed]) {
    let mut written: HashMap<String, &Placed> = HashMap::new();
    let mut read: HashMap<String, (&Placed, Span)> = HashMap::new();
    for placed in targets {
        let (name, place) = (&placed.target.name, place(&placed.target.kind));
        if let Some(first) = written.get(&place) {
            let message = format!("targets `{}` and `{name}` are the same place", first.target.name);
            review.report(
                Finding::error(message)
                    .at(placed.kind, "again here")
                    .at(first.kind, "first here")
                    .hint("one copy must not count as two: remove one of them"),
            );
            continue;
        }
        written.insert(place, placed);
        let (Some(url), Some(span)) = (&placed.target.public_url, placed.public_url) else { continue };
        if let Some((first, first_span)) = read.get(&address(url)) {
            review.report(
                Finding::error(format!("targets `{}` and `{name}` have the same `public_url`", first.target.name))
                    .at(span, "again here")
                    .at(*first_span, "first here")
                    .hint("one mirror must not count as two: give each its own address"),
            );
        } else {
            read.insert(address(url), (placed, span));
        }
    }
}

/// A text that is equal for equal places. The user belongs to it only where the path depends on the login.
fn place(kind: &TargetKind) -> String {
    match kind {
        TargetKind::Folder(folder) => format!("folder {}", tidy(&folder.path)),
        TargetKind::S3(s3) => format!("s3 {} {} {}", address(&s3.endpoint), s3.bucket, s3.prefix),
        TargetKind::Webdav(webdav) => format!("webdav {}", address(&webdav.url)),
        TargetKind::Sftp(sftp) => {
            let login = if sftp.path.starts_with('/') { "" } else { &sftp.user };
            format!("sftp {}:{} {login} {}", sftp.host.to_lowercase(), sftp.port, sftp.path)
        }
    }
}

fn address(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// `path` without `.` and with `..` folded; symbolic links are not looked at.
pub(super) fn tidy(path: &Utf8Path) -> Utf8PathBuf {
    let mut tidy = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if tidy.file_name().is_some() => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}
