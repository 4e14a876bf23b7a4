//! Targets that are one and the same: they would be counted as two copies, and overwrite each other.

use std::collections::HashMap;
use std::net::IpAddr;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use url::Url;

use super::super::problem::{Finding, Review};
use super::super::source::Span;
use super::super::{SftpTarget, TargetKind};
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
    let own = settled(review.source.path.parent().unwrap_or("".into()));
    let mut written: HashMap<String, &Placed> = HashMap::new();
    let mut read: HashMap<String, (&Placed, Span)> = HashMap::new();
    for placed in targets {
        // The file is refused already, and each look at a folder costs time.
        if review.is_full() {
            return;
        }
        if let TargetKind::Folder(folder) = &placed.target.kind {
            not_the_projects_own(review, &own, &settled(&folder.path), placed);
        }
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

/// A mirror is shown to the world, and the project's folder holds its keys.
fn not_the_projects_own(review: &Review<'_>, own: &Utf8Path, place: &Utf8Path, placed: &Placed) {
    let secret = [".spartacus", "keys"].iter().any(|folder| place.starts_with(own.join(folder)));
    if secret || own.starts_with(place) {
        let name = &placed.target.name;
        review.report(
            Finding::error(format!("target `{name}` is the project's own folder, a secret part of it, or a folder above it"))
                .at(placed.kind, "`path` leads there")
                .hint("name a folder that holds nothing else"),
        );
    }
}

/// A text that is equal for equal places. The user belongs to it only where the path depends on the login.
fn place(kind: &TargetKind) -> String {
    match kind {
        TargetKind::Folder(folder) => format!("folder {}", settled(&folder.path)),
        TargetKind::S3(s3) => format!("s3 {} {} {}", address(&s3.endpoint), s3.bucket, s3.prefix),
        TargetKind::Webdav(webdav) => format!("webdav {}", address(&webdav.url)),
        TargetKind::Sftp(sftp) => {
            let login = if sftp.path.starts_with('/') { "" } else { &sftp.user };
            format!("sftp {}{}:{} {login} {}", seen_from(sftp), sftp.host.to_lowercase(), sftp.port, sftp.path)
        }
    }
}

/// Where a host's name has its meaning. `10.0.0.5` behind one jump host is another place than behind the next one; a
/// public name is the same place from everywhere, and the jump hosts before one with a public name change nothing.
fn seen_from(sftp: &SftpTarget) -> String {
    let mut name = &sftp.host;
    let mut seen_from = String::new();
    for jump in sftp.jump.iter().rev() {
        if is_public(name) {
            break;
        }
        seen_from = format!("{}:{} {seen_from}", jump.host.to_lowercase(), jump.port);
        name = &jump.host;
    }
    seen_from
}

/// Whether a name or address means the same in every network.
fn is_public(host: &str) -> bool {
    /// Endings that each network fills as it likes (RFC 6762, RFC 8375, RFC 6761, and what ICANN reserved).
    const OWN: [&str; 8] = ["local", "localhost", "internal", "home.arpa", "lan", "home", "corp", "intranet"];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => !(address.is_private() || address.is_loopback() || address.is_link_local()),
        Ok(IpAddr::V6(address)) => !(address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()),
        Err(_) => {
            let name = host.trim_end_matches('.').to_lowercase();
            let below = |ending: &str| name.strip_suffix(ending).is_some_and(|rest| rest.ends_with('.'));
            name.contains('.') && !OWN.into_iter().any(below)
        }
    }
}

fn address(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Where a folder really is: links are followed as far as it exists, and a relative path begins where the program runs.
pub(super) fn settled(path: &Utf8Path) -> Utf8PathBuf {
    let path = if path.as_str().is_empty() { Utf8Path::new(".") } else { path };
    path.canonicalize_utf8().unwrap_or_else(|_| tidy(&camino::absolute_utf8(path).unwrap_or_else(|_| path.to_owned())))
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
