//! `health.vantages`: who else looks at the mirrors.

use super::super::problem::Finding;
use super::super::section::Section;
use super::super::source::Span;
use crate::base::{ListedVantage, MinisignLine, MinisignLineError, VantageName};

/// Most vantages: their word is weighed for each mirror in each round.
const MOST: usize = 32;

/// Reads the list; nobody else's word counts unless said.
pub(super) fn vantages(health: &Section<'_, '_>) -> Vec<ListedVantage> {
    let Some((span, _)) = health.entry("vantages") else { return Vec::new() };
    let sections = health.sections("vantages", "the vantage").unwrap_or_default();
    if sections.len() > MOST {
        health.wrong(span, format!("{} vantages", sections.len()), "", Some("use at most 32"));
        return Vec::new();
    }
    let mut known: Vec<(ListedVantage, [Span; 2])> = Vec::new();
    for section in sections {
        if let Some(found) = vantage(section, &known) {
            known.push(found);
        }
    }
    known.into_iter().map(|(vantage, _)| vantage).collect()
}

fn vantage(mut section: Section<'_, '_>, known: &[(ListedVantage, [Span; 2])]) -> Option<(ListedVantage, [Span; 2])> {
    section.require("name", "de");
    section.require("key", "RW... (the line of its .pub file)");
    let name = section.parsed::<VantageName>("name").zip(section.entry("name").map(|(_, node)| node.span));
    if let Some((name, _)) = &name {
        section.rename(format!("vantage `{name}`"));
    }
    let key = key(&section);
    let found = name.zip(key).and_then(|((name, here), (key, there))| {
        let same_name = known.iter().find(|(other, _)| other.name == name).map(|(_, spans)| spans[0]);
        let same_key = known.iter().find(|(other, _)| other.key == key).map(|(_, spans)| spans[1]);
        let twice = |message: String, span: Span, first: Span, hint: &str| {
            section.review().report(Finding::error(message).at(span, "again here").at(first, "first here").hint(hint));
        };
        if let Some(first) = same_name {
            twice(format!("two vantages are named `{name}`"), here, first, "each place has a name and a key of its own");
        } else if let Some(first) = same_key {
            let hint = "make one where the vantage runs: spartacus key new NAME --vantage";
            twice(format!("vantage `{name}` has the key of another one"), there, first, hint);
        } else {
            return Some((ListedVantage { name, key }, [here, there]));
        }
        None
    });
    section.finish();
    found
}

/// The key is public, but what stands there by mistake may not be.
fn key(section: &Section<'_, '_>) -> Option<(MinisignLine, Span)> {
    let text = section.unshown_text("key")?;
    match text.text.parse::<MinisignLine>() {
        Ok(key) => {
            section.show(text);
            Some((key, text.span))
        }
        Err(error) => {
            let hint = match error {
                MinisignLineError::Secret => {
                    "make a new key: whoever could read this file has this one; here belongs its .pub file"
                }
                MinisignLineError::Other => "write the line of the vantage's .pub file that begins with RW",
            };
            section.wrong(text.span, format!("`key`: {error}"), "the value is not shown", Some(hint));
            None
        }
    }
}
