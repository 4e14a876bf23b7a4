//! The raw tree against everything we know: what each key means, and what fits together.
//!
//! Every function reports what it finds and goes on; `None` means that something needed is missing or wrong, and
//! that this has been reported.

mod address;
mod alerts;
pub(super) mod country;
mod health;
mod invite;
mod kind;
mod limits;
mod places;
mod policy;
mod resilience;
mod s3;
mod secrets;
mod serve;
mod sftp;
mod target;
#[cfg(test)]
mod tests;
mod vantages;
mod vetting;
mod webdav;

pub(super) use address::is_private;

use camino::{Utf8Path, Utf8PathBuf};

use super::problem::{Finding, Review};
use super::raw::{Node, Value};
use super::section::{Section, Text};
use super::syntax::refuse_features;
use super::{Config, Project};
use crate::base::{Layout, Replicas, Sha256};

/// Makes a [`Config`] of the tree, or reports why not.
pub(super) fn config(review: &Review<'_>, root: &Node) -> Option<Config> {
    if root.value == Value::Null {
        let hint = "begin a project with: spartacus init --name NAME, or see targets.example.yaml";
        review.report(Finding::error("the file is empty").at(root.span, "").hint(hint));
        return None;
    }
    if matches!(root.value, Value::List(_)) {
        let hint = "begin the file with project: and targets:, see targets.example.yaml";
        review.report(Finding::error("the file is a list").at(root.span, "`project:` or `targets:` belongs here").hint(hint));
        return None;
    }
    refuse_features(review, root);
    let file = Section::open(review, "the file", root.span, root)?;
    let project = project_section(&file);
    let policy = policy::policy(&file);
    let targets = target::targets(&file);
    let health = health::health(&file);
    let alerts = alerts::alerts(&file);
    let invite = invite::invite(&file);
    let serve = serve::serve(&file, health.as_ref().map_or(std::time::Duration::ZERO, |(policy, _)| policy.every));
    if let (Some(policy), Some(targets)) = (&policy, &targets) {
        enough_targets(&file, policy.replicas, targets.len());
    }
    file.finish();
    let path = review.source.path.clone();
    let (project, policy, (health, ping)) = (project?, policy?, health?);
    Some(Config { path, project, policy, health, ping, alerts: alerts?, targets: targets?, invite, serve })
}

fn project_section(file: &Section<'_, '_>) -> Option<Project> {
    let Some(section) = file.section("project") else {
        if file.entry("project").is_none() {
            file.missing("project", "{name: My Archive}");
        }
        return None;
    };
    let name = section.required("name", "My Archive").map(|name| name.text.to_owned());
    let layout = layout(&section);
    let root = section.parsed_by("root", |text| match text.strip_prefix("sha256:") {
        Some(digits) => digits.parse::<Sha256>().map_err(|error| error.to_string()),
        None => Err("the pin of 1.root.json is written sha256:... (64 hexadecimal digits)".to_owned()),
    });
    let publish_status = section.flag("publish_status").unwrap_or(false);
    section.unsupported(&["retention"]);
    section.finish();
    Some(Project { name: name?, layout: layout?, root, publish_status })
}

fn layout(section: &Section<'_, '_>) -> Option<Layout> {
    if section.entry("layout").is_none() {
        return Some(Layout::default());
    }
    let layout = section.choice("layout", &[("releases", Layout::Releases), ("site", Layout::Site)])?;
    if layout == Layout::Site {
        let span = section.text("layout").map_or(section.span(), |text| text.span);
        section.wrong(span, "`layout: site` is not supported yet", "this version cannot do that", Some("write layout: releases"));
        return None;
    }
    Some(layout)
}

/// A wish for more copies than there are targets is met by all of them, but hardly meant.
fn enough_targets(file: &Section<'_, '_>, replicas: Replicas, targets: usize) {
    let Replicas::Count(count) = replicas else { return };
    if targets > 0
        && usize::try_from(count).is_ok_and(|wanted| wanted > targets)
        && let Some(span) = file.section("policy").and_then(|policy| policy.text("replicas")).map(|text| text.span)
    {
        file.review().report(
            Finding::warning(format!("{count} copies are wanted of {targets} in all"))
                .at(span, "more than there are targets")
                .hint("a run is then good only when every target is"),
        );
    }
}

/// A path of this machine: relative ones are resolved against the folder of the configuration file.
fn local_path(section: &Section<'_, '_>, text: Text<'_>) -> Option<Utf8PathBuf> {
    if text.text.starts_with('~') {
        let hint = "write the whole path, beginning with /home: ~ is a shorthand of the shell";
        section.wrong(text.span, "a path that begins with ~", "~ is not replaced here", Some(hint));
        return None;
    }
    let folder = section.review().source.path.parent().unwrap_or(Utf8Path::new(""));
    Some(folder.join(text.text))
}
