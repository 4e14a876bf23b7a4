//! `alerts:`, and other addresses that are told of something.

use std::collections::BTreeSet;
use std::time::Duration;

use url::Url;

use super::super::model::{Address, AlertRoute, AlertWay, HttpRoute, MailTls, SmtpRoute};
use super::super::problem::Finding;
use super::super::raw::Value;
use super::super::section::{Section, Text};
use super::super::source::Span;
use super::policy::set;
use super::{address, limits, local_path, secrets};
use crate::base::{AlertCondition, AlertRules, Audience, MailAddress, RouteName, parse_duration};

const WAYS: [&str; 4] = ["command", "webhook", "ntfy", "smtp"];
/// How a reference begins.
const REFERENCES: [&str; 4] = ["env:", "file:", "command:", "sealed:"];
/// Most routes, and most addresses of one.
const MOST: usize = 32;

/// Reads `alerts:`; nobody is told of anything unless said.
pub(super) fn alerts(file: &Section<'_, '_>) -> Option<Vec<AlertRoute>> {
    if file.entry("alerts").is_none() {
        return Some(Vec::new());
    }
    let sections = file.sections("alerts", "the route")?;
    if sections.len() > MOST {
        let span = file.entry("alerts")?.0;
        file.wrong(span, format!("{} routes for alerts", sections.len()), "", Some("use at most 32"));
        return None;
    }
    let mut names: Vec<(RouteName, Span)> = Vec::new();
    let read: Vec<Option<AlertRoute>> = sections.into_iter().map(|section| route(section, &mut names)).collect();
    read.into_iter().collect()
}

fn route(mut section: Section<'_, '_>, names: &mut Vec<(RouteName, Span)>) -> Option<AlertRoute> {
    section.require("name", "oncall");
    let name = name(&mut section, names);
    let audience = section.choice("audience", &[("maintainer", Audience::Maintainer), ("volunteer", Audience::Volunteer)]);
    let rules = rules(&section, audience.unwrap_or_default());
    let way = way(&section, rules.audience);
    section.finish();
    Some(AlertRoute { name: name?, way: way?, rules })
}

fn name(section: &mut Section<'_, '_>, names: &mut Vec<(RouteName, Span)>) -> Option<RouteName> {
    let text = section.text("name")?;
    let name = match RouteName::new(text.text) {
        Ok(name) => name,
        Err(error) => {
            section.wrong(text.span, format!("`name`: {error}"), "", None);
            return None;
        }
    };
    section.rename(format!("route `{name}`"));
    if let Some((_, first)) = names.iter().find(|(known, _)| *known == name) {
        section.review().report(
            Finding::error(format!("two routes are named `{name}`"))
                .at(text.span, "again here")
                .at(*first, "first here")
                .hint("names are how reports tell routes apart: change one of them"),
        );
        return None;
    }
    names.push((name.clone(), text.span));
    Some(name)
}

fn rules(section: &Section<'_, '_>, audience: Audience) -> AlertRules {
    let mut rules = AlertRules::of(audience);
    set(&mut rules.on, conditions(section, audience));
    set(&mut rules.threshold, section.number("threshold", 1..=100));
    reminder(section, &mut rules.reminder);
    set(&mut rules.resolved, section.flag("resolved"));
    rules.storm = section.number("storm", 1..=100_000);
    rules.quiet = section.sections("quiet", "the window").unwrap_or_default().into_iter().filter_map(limits::window).collect();
    rules
}

fn conditions(section: &Section<'_, '_>, audience: Audience) -> Option<BTreeSet<AlertCondition>> {
    let texts = section.texts("on")?;
    let words: Vec<&str> = AlertCondition::ALL.iter().map(|condition| condition.word()).collect();
    let mut found = BTreeSet::new();
    for text in texts {
        match text.text.parse::<AlertCondition>() {
            Ok(condition) if condition.is_of_fleet() && audience == Audience::Volunteer => {
                let message = format!("`{condition}` is not about one mirror, and volunteers hear of theirs only");
                section.wrong(text.span, message, "", Some("remove it, or write audience: maintainer"));
            }
            Ok(condition) => {
                found.insert(condition);
            }
            Err(_) => {
                let hint = format!("write {}", words.join(", "));
                section.wrong(text.span, "`on` has an unknown condition", "", Some(&hint));
            }
        }
    }
    if found.is_empty() {
        let span = section.entry("on").map_or(section.span(), |(span, _)| span);
        section.wrong(span, "`on` names nothing", "such a route is never used", Some("leave it out for everything that matters"));
    }
    Some(found)
}

/// A time of at least five minutes, or `never`.
fn reminder(section: &Section<'_, '_>, rule: &mut Option<Duration>) {
    if section.text("reminder").is_some_and(|text| text.text == "never") {
        *rule = None;
        return;
    }
    let parsed = section.parsed_by("reminder", |text| match parse_duration(text) {
        Ok(time) if time < AlertRules::SHORTEST_REMINDER => Err(format!("{text:?} is shorter than 5 min")),
        Ok(time) if time > Duration::from_hours(24 * 365) => Err(format!("{text:?} is longer than a year: write never")),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    });
    if parsed.is_some() {
        *rule = parsed;
    }
}

/// How the message travels: exactly one of four keys.
fn way(section: &Section<'_, '_>, audience: Audience) -> Option<AlertWay> {
    let mut found: Vec<(&'static str, Span)> =
        WAYS.iter().filter_map(|way| section.entry(way).map(|(span, _)| (*way, span))).collect();
    found.sort_by_key(|(_, span)| *span);
    let (way, span) = match found[..] {
        [] => {
            section.review().report(
                Finding::error(format!("{} does not say how it is told", section.what()))
                    .at(section.span(), "one of `command`, `webhook`, `ntfy` or `smtp` is missing here")
                    .hint("add one of them, see targets.example.yaml"),
            );
            return None;
        }
        [(first, here), (second, there), ..] => {
            section.review().report(
                Finding::error(format!("{} is both `{first}` and `{second}`", section.what()))
                    .at(there, "the second one")
                    .at(here, "the first one")
                    .hint("make it two routes, each with a name of its own"),
            );
            return None;
        }
        [one] => one,
    };
    if audience == Audience::Volunteer && matches!(way, "webhook" | "ntfy") {
        let message = format!("`{way}` reaches no single volunteer");
        section.wrong(span, message, "", Some("volunteers are reached by smtp or command"));
        return None;
    }
    match way {
        "command" => command(section, span).map(AlertWay::Command),
        "smtp" => smtp(section, audience).map(AlertWay::Smtp),
        "ntfy" => http(section, "ntfy", "https://ntfy.example.org/topic").map(AlertWay::Ntfy),
        _ => http(section, "webhook", "https://hooks.example.org/alerts").map(AlertWay::Webhook),
    }
}

/// A program and its arguments. They are seen by everybody on this machine, so they are no place for a secret; they are never
/// printed either.
fn command(section: &Section<'_, '_>, span: Span) -> Option<Vec<String>> {
    let (_, node) = section.entry("command")?;
    let Value::List(items) = &node.value else {
        section.wrong(span, "`command` is not a list", "", Some("write command: [program, argument]; no shell reads it"));
        return None;
    };
    let words: Vec<String> = items
        .iter()
        .filter_map(|item| match &item.value {
            Value::Text(text) => Some(text.to_string()),
            Value::Number | Value::Bool(_) => Some(section.review().source.slice(item.span).to_owned()),
            _ => None,
        })
        .collect();
    if words.len() != items.len() || words.first().is_none_or(|program| program.trim().is_empty()) {
        section.wrong(span, "`command` names no program", "", Some("write command: [program, argument]; no shell reads it"));
        return None;
    }
    Some(words)
}

fn http(route: &Section<'_, '_>, key: &'static str, example: &str) -> Option<HttpRoute> {
    let section = route.section(key)?;
    section.require("url", example);
    let url = told(&section, "url", example);
    let token = secrets::secret(&section, "token");
    let ca = section.text("ca").and_then(|text| local_path(&section, text));
    section.finish();
    Some(HttpRoute { url: url?, token, ca })
}

fn smtp(route: &Section<'_, '_>, audience: Audience) -> Option<SmtpRoute> {
    let section = route.section("smtp")?;
    let host = address::host(&section, "host");
    let tls = section.choice("tls", &[("starttls", MailTls::StartTls), ("implicit", MailTls::Implicit), ("none", MailTls::None)]);
    let tls = tls.unwrap_or_default();
    if let (Some(host), MailTls::None) = (&host, tls)
        && !is_loopback(host)
        && let Some(text) = section.text("tls")
    {
        let hint = "write tls: starttls (port 587) or tls: implicit (port 465)";
        section.wrong(text.span, "`tls: none` would send mail unencrypted to another machine", "", Some(hint));
    }
    let port = section.number("port", 1..=65_535).and_then(|port| u16::try_from(port).ok()).unwrap_or(tls.usual_port());
    let user = section.text("user").map(|text| text.text.to_owned());
    let password = secrets::secret(&section, "password");
    if user.is_some() != section.entry("password").is_some() {
        let (has, lacks) = if user.is_some() { ("user", "password") } else { ("password", "user") };
        section.wrong(section.span(), format!("`smtp` has a `{has}` but no `{lacks}`"), "", Some("a login needs both"));
    }
    section.require("from", "mirrors@example.org");
    let from = mail_address(&section, "from");
    let reply_to = mail_address(&section, "reply_to");
    let to = recipients(&section, audience);
    let ca = section.text("ca").and_then(|text| local_path(&section, text));
    section.finish();
    Some(SmtpRoute { host: host?, port, tls, user, password, from: from?, reply_to, to: to?, ca })
}

fn recipients(section: &Section<'_, '_>, audience: Audience) -> Option<Vec<MailAddress>> {
    let entry = section.entry("to");
    match (audience, entry) {
        (Audience::Volunteer, None) => Some(Vec::new()),
        (Audience::Volunteer, Some((span, _))) => {
            let hint = "remove it: the address is `contact` of each target";
            section.wrong(span, "`to` in a route for volunteers", "each would hear of all mirrors", Some(hint));
            None
        }
        (Audience::Maintainer, None) => {
            section.missing("to", "[ops@example.org]");
            None
        }
        (Audience::Maintainer, Some((span, node))) => {
            let texts: Vec<Text<'_>> = match node.value {
                Value::List(_) => section.texts("to")?,
                _ => section.unshown_text("to").into_iter().collect(),
            };
            if texts.is_empty() || texts.len() > MOST {
                section.wrong(span, "`to` names nobody, or more than 32", "", Some("write to: [ops@example.org]"));
                return None;
            }
            let read = |text: &Text<'_>| parse_mail(section, "to", *text);
            texts.iter().map(read).collect()
        }
    }
}

/// A mail address at `key`, which is never shown.
pub(super) fn mail_address(section: &Section<'_, '_>, key: &'static str) -> Option<MailAddress> {
    let text = section.unshown_text(key)?;
    parse_mail(section, key, text)
}

fn parse_mail(section: &Section<'_, '_>, key: &str, text: Text<'_>) -> Option<MailAddress> {
    text.text.parse().map_err(|error| section.wrong(text.span, format!("`{key}`: {error}"), "not shown", None)).ok()
}

/// An address that messages go to: written out, or a reference where the address itself is a secret. `http` only to this
/// machine. It is never shown.
pub(super) fn told(section: &Section<'_, '_>, key: &'static str, example: &str) -> Option<Address> {
    let (_, node) = section.entry(key)?;
    let hint = format!("write {key}: {example}, or a reference: env:NAME, file:PATH");
    match &node.value {
        Value::Text(text) if text.starts_with("https:") || text.starts_with("http:") => {
            let text = section.unshown_text(key)?;
            let url = Url::parse(text.text).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
            let Some(url) = url else {
                section.wrong(text.span, format!("`{key}` is not a URL"), "the value is not shown", Some(&hint));
                return None;
            };
            if !url.username().is_empty() || url.password().is_some() {
                section.wrong(text.span, format!("`{key}` has a login in it"), "the value is not shown", Some(&hint));
                return None;
            }
            if url.scheme() == "http" && !address::is_private(&url) {
                let hint = "write https://; plain http is for this machine only";
                section.wrong(text.span, format!("`{key}` would go unencrypted to another machine"), "http", Some(hint));
                return None;
            }
            Some(Address::Plain(url))
        }
        // Somebody left the scheme out. It may be the secret all the same, so it is not repeated.
        Value::Text(text) if !REFERENCES.iter().any(|form| text.starts_with(form)) => {
            let text = section.unshown_text(key)?;
            section.wrong(
                text.span,
                format!("`{key}` is no whole URL and no reference to one"),
                "the value is not shown",
                Some(&hint),
            );
            None
        }
        _ => secrets::secret(section, key).map(Address::Reference),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
