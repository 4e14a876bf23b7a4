//! Which protocol a target speaks: exactly one of four keys.

use super::super::problem::Finding;
use super::super::section::Section;
use super::super::source::Span;
use super::super::{FolderTarget, TargetKind};
use super::{local_path, s3, sftp, webdav};

const KINDS: [&str; 4] = ["sftp", "s3", "webdav", "folder"];

/// The protocol and its settings, and where it stands.
pub(super) fn kind(target: &Section<'_, '_>) -> Option<(TargetKind, Span)> {
    let mut found: Vec<(&'static str, Span)> =
        KINDS.iter().filter_map(|kind| target.entry(kind).map(|(span, _)| (*kind, span))).collect();
    found.sort_by_key(|(_, span)| *span);
    match found[..] {
        [] => {
            target.review().report(
                Finding::error(format!("{} does not say how it is reached", target.what()))
                    .at(target.span(), "one of `sftp`, `s3`, `webdav` or `folder` is missing here")
                    .hint("add one of them with its settings below it, see targets.example.yaml"),
            );
            return None;
        }
        [_] => {}
        [(first, here), (second, there), ..] => {
            target.review().report(
                Finding::error(format!("{} is both `{first}` and `{second}`", target.what()))
                    .at(there, "the second one")
                    .at(here, "the first one")
                    .hint("make it two targets, each with a name of its own"),
            );
        }
    }
    // All of them are read, so that their problems are told in the same run.
    let mut kinds: Vec<Option<TargetKind>> = Vec::new();
    for (word, _) in &found {
        let Some(section) = target.section(word) else {
            kinds.push(None);
            continue;
        };
        let kind = match *word {
            "sftp" => sftp::sftp(&section).map(TargetKind::Sftp),
            "s3" => s3::s3(&section).map(TargetKind::S3),
            "webdav" => webdav::webdav(&section).map(TargetKind::Webdav),
            _ => folder(&section).map(TargetKind::Folder),
        };
        section.finish();
        kinds.push(kind);
    }
    Some((kinds.into_iter().next()??, found[0].1))
}

fn folder(section: &Section<'_, '_>) -> Option<FolderTarget> {
    let text = section.required("path", "/srv/mirror")?;
    let path = local_path(section, text)?;
    Some(FolderTarget { path })
}
