//! `spartacus target list`: the targets of targets.yaml.

use std::fmt::Write as _;

use super::place::place_digest;
use crate::base::escape;
use crate::cli::args::Global;
use crate::cli::exit::{self, Ended};
use crate::cli::session::{Session, hinted};
use crate::cli::surface::{Surface, answer};
use crate::config::{Target, TargetKind, TargetState};
use crate::history::TargetProfile;

/// One line a target: its name, protocol, place, swap and public address.
pub fn list(surface: &Surface, global: &Global) -> Ended {
    let session = Session::open(surface, global)?;
    let mut rows = Vec::new();
    for target in session.selected(&global.only)? {
        let profile =
            session.history.profile(&target.name, place_digest(&target.kind)).map_err(|error| hinted(exit::UNEXPECTED, error))?;
        rows.push((target, profile));
    }
    answer(surface, "spartacus.targets/1", &fields(&rows), &text(&rows));
    Ok(exit::OK)
}

type Row<'a> = (&'a Target, Option<TargetProfile>);

fn fields(rows: &[Row<'_>]) -> serde_json::Value {
    let targets: Vec<serde_json::Value> = rows
        .iter()
        .map(|(target, profile)| {
            serde_json::json!({
                "name": target.name,
                "protocol": target.kind.word(),
                "place": place(&target.kind),
                "public_url": target.public_url.as_ref().map(ToString::to_string),
                "state": state(target),
                "swap": profile.as_ref().map(|profile| profile.capabilities.swap),
                "probed_at": profile.as_ref().map(|profile| profile.probed_at),
            })
        })
        .collect();
    serde_json::json!({ "targets": targets })
}

fn text(rows: &[Row<'_>]) -> String {
    let width = rows.iter().map(|(target, _)| target.name.as_str().len()).max().unwrap_or(0);
    let mut text = String::new();
    for (target, profile) in rows {
        let swap = profile.as_ref().map_or("not probed".to_owned(), |profile| format!("swap {}", profile.capabilities.swap));
        let public = target.public_url.as_ref().map_or("no public address", |url| url.as_str());
        let paused = if target.state == TargetState::Paused { "  (paused)" } else { "" };
        let _ = writeln!(
            text,
            "{:<width$}  {:<6}  {}  {swap}  {}{paused}",
            target.name,
            target.kind.word(),
            escape(&place(&target.kind)),
            escape(public)
        );
    }
    text
}

fn state(target: &Target) -> &'static str {
    match target.state {
        TargetState::Active => "active",
        TargetState::Paused => "paused",
    }
}

/// Where it is, without anything secret.
pub(super) fn place(kind: &TargetKind) -> String {
    match kind {
        TargetKind::Folder(folder) => folder.path.to_string(),
        TargetKind::Sftp(sftp) => format!("{}@{}:{}:{}", sftp.user, sftp.host, sftp.port, sftp.path),
        TargetKind::Webdav(webdav) => webdav.url.to_string(),
        TargetKind::S3(s3) => format!("{}{}/{}", s3.endpoint, s3.bucket, s3.prefix),
    }
}
