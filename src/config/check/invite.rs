//! `invite:`, what people are told who want to mirror the project.

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use super::super::InvitePolicy;
use super::super::problem::Finding;
use super::super::sealed::recipient;
use super::super::section::{Section, Text};
use crate::base::{AddressBlock, ByteCount, MailAddress, parse_duration};

/// Most items of one list.
const MOST: usize = 32;
/// How long an invite holds unless said.
const VALID: Duration = Duration::from_hours(180 * 24);
/// Longest that it may hold: what it says of sizes and addresses grows old.
const LONGEST: Duration = Duration::from_hours(400 * 24);
/// How long a new mirror has to be good before readers are sent to it, unless said.
const PROBATION: Duration = Duration::from_hours(72);
/// Longer than that is no probation but a refusal.
const LONGEST_PROBATION: Duration = Duration::from_hours(30 * 24);

/// Reads `invite:`. Where something in it is wrong, that is reported, and then the file is not used.
pub(super) fn invite(file: &Section<'_, '_>) -> Option<InvitePolicy> {
    file.entry("invite")?;
    let section = file.section("invite")?;
    section.require("send_to", "[mirrors@example.org]");
    section.require("recipients", "[age1...]   # age-keygen -o offline.txt, on another machine");
    let send_to = each(&section, "send_to", contact);
    let recipients = each(&section, "recipients", known_recipient);
    let from = each(&section, "from", address);
    let growth = section.parsed::<ByteCount>("growth");
    let conditions = each(&section, "conditions", |_, text| Some(text.text.to_owned()));
    let valid = section.parsed_by("valid", |text| match parse_duration(text) {
        Ok(time) if time < Duration::from_hours(24) => Err(format!("{text:?} is shorter than a day")),
        Ok(time) if time > LONGEST => Err(format!("{text:?} is longer than 400 days")),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    });
    let probation = section.parsed_by("probation", |text| match parse_duration(text) {
        Ok(time) if time > LONGEST_PROBATION => Err(format!("{text:?} is longer than 30 days")),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    });
    for (key, found) in [("send_to", &send_to), ("recipients", &recipients)] {
        if let (true, Some((span, _))) = (found.is_empty(), section.entry(key)) {
            section.review().report(Finding::error(format!("`{key}` is an empty list")).at(span, "at least one belongs here"));
        }
    }
    section.finish();
    let (valid, probation) = (valid.unwrap_or(VALID), probation.unwrap_or(PROBATION));
    Some(InvitePolicy { send_to, recipients, from, growth, conditions, valid, probation })
}

/// The items of a list, each read by `read`, which reports what is wrong with it; an item that is there twice counts once.
fn each(section: &Section<'_, '_>, key: &'static str, read: fn(&Section<'_, '_>, Text<'_>) -> Option<String>) -> Vec<String> {
    if section.entry(key).is_none() {
        return Vec::new();
    }
    let texts = section.texts(key).unwrap_or_default();
    if let Some(first) = texts.first().filter(|_| texts.len() > MOST) {
        section.wrong(first.span, format!("{} items in `{key}`", texts.len()), "", Some("use at most 32"));
        return Vec::new();
    }
    let mut found: Vec<String> = Vec::new();
    for item in texts.into_iter().filter_map(|text| read(section, text)) {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

fn contact(section: &Section<'_, '_>, text: Text<'_>) -> Option<String> {
    let bare = text.text.strip_prefix("mailto:").unwrap_or(text.text);
    if bare.parse::<MailAddress>().is_ok() {
        return Some(format!("mailto:{bare}"));
    }
    match Url::parse(text.text) {
        Ok(url) if url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none() => {
            Some(url.into())
        }
        _ => {
            let hint = "write mirrors@example.org or https://example.org/mirrors";
            section.wrong(text.span, "this is no place that offers can be sent to", "a mail address or a page", Some(hint));
            None
        }
    }
}

fn known_recipient(section: &Section<'_, '_>, text: Text<'_>) -> Option<String> {
    match recipient(text.text) {
        Ok(_) => Some(text.text.to_owned()),
        Err(error) => {
            let hint = "write the public key that age-keygen prints (age1...), never the identity itself";
            section.wrong(text.span, error.to_string(), "", Some(hint));
            None
        }
    }
}

fn address(section: &Section<'_, '_>, text: Text<'_>) -> Option<String> {
    let block = |text: &str| text.parse::<AddressBlock>().map(|block| block.to_string());
    match text.text.parse::<IpAddr>().map(|address| address.to_string()).or_else(|_| block(text.text)) {
        Ok(address) => Some(address),
        Err(error) => {
            let hint = "write addresses and networks: [203.0.113.7, \"2001:db8::/64\"]";
            section.wrong(text.span, format!("`from`: {error}"), "", Some(hint));
            None
        }
    }
}
