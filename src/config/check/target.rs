//! `targets:`

use super::super::problem::Finding;
use super::super::raw::Value;
use super::super::section::Section;
use super::super::source::Span;
use super::super::{Target, TargetKind, TargetState};
use super::{address, alerts, country, kind, limits, local_path, places, vetting};
use crate::base::{Addresses, Holds, NameError, TargetName};

/// Most targets of a project: many times the largest swarm that was ever seen, and few enough to be read in little memory.
const MOST: usize = 10_000;
/// Most tags of a target.
const MOST_TAGS: usize = 64;

/// A target and the places that are shown when it collides with another one.
pub(super) struct Placed {
    pub(super) target: Target,
    pub(super) kind: Span,
    pub(super) public_url: Option<Span>,
}

/// Reads `targets:`; each name, place and public address occurs once.
pub(super) fn targets(file: &Section<'_, '_>) -> Option<Vec<Target>> {
    let Some((_, node)) = file.entry("targets") else {
        file.missing("targets", "a list of the places to publish to, see targets.example.yaml");
        return None;
    };
    // A project begins without targets, as `init` writes it; whoever needs one says that there are none yet.
    if node.value == Value::List(Vec::new()) || node.value == Value::Null {
        return Some(Vec::new());
    }
    let sections = file.sections("targets", "the target")?;
    if sections.len() > MOST {
        let what = format!("{} targets are more than a file may have", sections.len());
        let hint = format!("a project has at most {MOST} targets");
        file.review().report(Finding::error(what).at(node.span, "").hint(hint));
        return None;
    }
    let mut names: Vec<(String, Span)> = Vec::new();
    let read: Vec<Option<Placed>> = sections.into_iter().map(|section| target(section, &mut names)).collect();
    places::repeated_names(file.review(), &names);
    let complete: Vec<&Placed> = read.iter().flatten().collect();
    places::shared_places(file.review(), &complete);
    read.into_iter().map(|placed| placed.map(|placed| placed.target)).collect()
}

fn target(mut section: Section<'_, '_>, names: &mut Vec<(String, Span)>) -> Option<Placed> {
    section.require("name", "alpha");
    let name = name(&mut section, names);
    let kind = kind::kind(&section);
    let public_url = address::url(&section, "public_url", &["https", "http"], "https://mirror.example.org/archive/");
    let operator = section.text("operator").map(|text| text.text.to_owned());
    let country = country::country(&section);
    let network = section.text("network").map(|text| text.text.to_owned());
    let tags = tags(&section);
    let limits = limits::limits(&section);
    let holds = section.parsed::<Holds>("holds").unwrap_or_default();
    let proxy = address::proxy(&section);
    let ca = section.text("ca").and_then(|text| local_path(&section, text));
    let addresses = vetting::addresses(&section);
    let contact = alerts::mail_address(&section, "contact").map(Box::new);
    let state = state(&section);
    if let Some((kind, span)) = &kind {
        onion_needs_a_proxy(&section, kind, *span, section.entry("proxy").is_some());
    }
    if let (Some((kind, span)), Addresses::Public) = (&kind, addresses) {
        vetting::needs_a_straight_way(&section, kind, *span);
    }
    section.finish();
    let (kind, kind_span) = kind?;
    let (public_url, public_span) = public_url.unzip();
    let target = Target {
        name: name?,
        kind,
        public_url,
        operator,
        country,
        network,
        tags,
        limits,
        holds,
        proxy,
        ca,
        addresses,
        contact,
        state,
    };
    Some(Placed { target, kind: kind_span, public_url: public_span })
}

fn name(section: &mut Section<'_, '_>, names: &mut Vec<(String, Span)>) -> Option<TargetName> {
    let text = section.text("name")?;
    match TargetName::new(text.text) {
        Ok(name) => {
            section.rename(format!("target `{name}`"));
            names.push((name.to_string(), text.span));
            Some(name)
        }
        Err(error) => {
            let better = text.text.to_lowercase().replace(' ', "-");
            let hint = matches!(error, NameError::Character(_))
                .then(|| TargetName::new(better).ok())
                .flatten()
                .map(|better| format!("write name: {better}"));
            section.wrong(text.span, format!("`name`: {error}"), "", hint.as_deref());
            None
        }
    }
}

/// Words for `--only`, where commas and blanks separate them.
fn tags(section: &Section<'_, '_>) -> Vec<String> {
    let texts = section.texts("tags").unwrap_or_default();
    if let Some(first) = texts.first().filter(|_| texts.len() > MOST_TAGS) {
        section.wrong(first.span, format!("{} tags for one target", texts.len()), "", Some("use at most 64"));
        return Vec::new();
    }
    let mut tags: Vec<String> = Vec::new();
    for text in texts {
        if text.text.contains(|character: char| character == ',' || character.is_whitespace() || character.is_control()) {
            section.wrong(text.span, "a tag has a comma or a blank in it", "", Some("tags are single words"));
        } else if !tags.iter().any(|tag| tag == text.text) {
            tags.push(text.text.to_owned());
        }
    }
    tags
}

fn state(section: &Section<'_, '_>) -> TargetState {
    /// `None`: a word of the documented life of a mirror that this version cannot honour.
    const STATES: [(&str, Option<TargetState>); 7] = [
        ("active", Some(TargetState::Active)),
        ("paused", Some(TargetState::Paused)),
        ("offered", None),
        ("verifying", None),
        ("probation", None),
        ("draining", None),
        ("retired", None),
    ];
    let Some(text) = section.text("state") else { return TargetState::default() };
    match STATES.iter().find(|(word, _)| *word == text.text) {
        Some((_, Some(state))) => return *state,
        Some((word, None)) => {
            let message = format!("`state: {word}` is not supported yet");
            section.wrong(text.span, message, "", Some("write active or paused, or remove the target"));
        }
        None => {
            section.choice("state", &[("active", ()), ("paused", ())]);
        }
    }
    TargetState::default()
}

/// Nothing resolves `.onion` names but Tor.
fn onion_needs_a_proxy(section: &Section<'_, '_>, kind: &TargetKind, span: Span, proxied: bool) {
    let host = match kind {
        // Behind a jump host it is that one's business how names are resolved.
        TargetKind::Sftp(sftp) => Some(sftp.jump.first().map_or(sftp.host.as_str(), |jump| jump.host.as_str())),
        TargetKind::S3(s3) => s3.endpoint.host_str(),
        TargetKind::Webdav(webdav) => webdav.url.host_str(),
        TargetKind::Folder(_) => None,
    };
    let first = match kind {
        TargetKind::Sftp(sftp) if !sftp.jump.is_empty() => "the first jump host of ",
        _ => "",
    };
    if !proxied && host.is_some_and(address::is_onion) {
        section.review().report(
            Finding::warning(format!("{first}{} is an onion service, but has no `proxy`", section.what()))
                .at(span, "reached only through Tor")
                .hint("add: proxy: socks5h://127.0.0.1:9050"),
        );
    }
}
