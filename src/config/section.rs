//! One mapping of the file, read key by key. Every wrong value and every key that nobody asked for is reported.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::nearest::nearest;
use super::problem::{Finding, Review};
use super::raw::{Node, Value};
use super::source::Span;
use super::syntax::word;

/// Longest value that is read, in bytes: the limit of paths, and more than any other value needs.
const LONGEST: usize = 4096;

/// A text of the file and its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    /// The text, quotes and escapes undone.
    pub(super) text: &'a str,
    /// Its place.
    pub(super) span: Span,
}

/// A mapping that is being read.
pub(super) struct Section<'r, 'a> {
    review: &'r Review<'a>,
    /// What it is called in messages: `policy`, `the target`.
    what: String,
    /// Where it is said that there is such a section: its key, or its beginning.
    span: Span,
    entries: Vec<(&'a str, &'a Node, &'a Node)>,
    /// The keys that were asked for.
    known: RefCell<Vec<&'static str>>,
}

impl<'r, 'a> Section<'r, 'a> {
    /// Opens `node` as a mapping called `what`; if it is none, that is reported at `span`.
    pub(super) fn open(review: &'r Review<'a>, what: impl Into<String>, span: Span, node: &'a Node) -> Option<Self> {
        let what = what.into();
        let Value::Map(map) = &node.value else {
            let (message, label) = match node.value {
                Value::Null => (format!("{what} is empty"), "nothing follows"),
                _ => (format!("{what} has one value where keys belong"), "keys and their values belong here"),
            };
            let lacks_blank = matches!(&node.value, Value::Text(text) if text.contains(':') && !text.contains("://"));
            let hint = if lacks_blank {
                "put a blank after the colon: key: value"
            } else {
                "write its keys below it, indented, one on each line: key: value"
            };
            review.report(Finding::error(message).at(span, label).hint(hint));
            return None;
        };
        let mut entries: Vec<(&str, &Node, &Node)> = Vec::with_capacity(map.len());
        for (key, value) in map {
            let text = word(review, key);
            // Keys that are no words have been reported already; so have repeated ones, of which the first counts.
            let usable = !matches!(key.value, Value::List(_) | Value::Map(_) | Value::Null) && text != "<<";
            if usable {
                entries.push((text, key, value));
            }
        }
        Some(Self { review, what, span, entries, known: RefCell::default() })
    }

    /// The review this belongs to.
    pub(super) fn review(&self) -> &'r Review<'a> {
        self.review
    }

    /// Gives the section a better name for the messages to come.
    pub(super) fn rename(&mut self, what: String) {
        self.what = what;
    }

    /// Where the section is named.
    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// What the section is called.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// The key and the value of `key`, if it is there. From here on the key is a known one.
    pub(super) fn entry(&self, key: &'static str) -> Option<(Span, &'a Node)> {
        if !self.known.borrow().contains(&key) {
            self.known.borrow_mut().push(key);
        }
        let found: Vec<_> = self.entries.iter().filter(|(text, ..)| *text == key).collect();
        for (_, name, _) in &found {
            self.review.open(name.span);
        }
        let (_, name, value) = found.first()?;
        Some((name.span, value))
    }

    /// The section below `key`.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'r, 'a>> {
        let (span, node) = self.entry(key)?;
        Section::open(self.review, format!("`{key}`"), span, node)
    }

    /// The text of `key`; numbers and booleans are taken as they are written. It may be printed, so this must not
    /// be used for secrets.
    pub(super) fn text(&self, key: &'static str) -> Option<Text<'a>> {
        let text = self.unshown_text(key)?;
        self.show(text);
        Some(text)
    }

    /// The text of `key`, which stays masked wherever its line is shown.
    pub(super) fn unshown_text(&self, key: &'static str) -> Option<Text<'a>> {
        let (name, node) = self.entry(key)?;
        self.scalar(key, name, node)
    }

    /// Reports `key` if it is missing.
    pub(super) fn require(&self, key: &'static str, example: &str) {
        if self.entry(key).is_none() {
            self.missing(key, example);
        }
    }

    /// Like [`Self::text`], and reported if `key` is missing.
    pub(super) fn required(&self, key: &'static str, example: &str) -> Option<Text<'a>> {
        self.require(key, example);
        self.text(key)
    }

    /// Allows `text` to be printed, unless it looks as if a login or a key were in it.
    pub(super) fn show(&self, text: Text<'_>) {
        if !text.text.contains('@') && !text.text.contains("PRIVATE KEY") {
            self.review.open(text.span);
        }
    }

    /// Reports that `key` is missing.
    pub(super) fn missing(&self, key: &str, example: &str) {
        self.review.report(
            Finding::error(format!("{} has no `{key}`", self.what))
                .at(self.span, format!("`{key}` is missing here"))
                .hint(format!("add: {key}: {example}")),
        );
    }

    /// Makes a `T` of the text of `key`.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, key: &'static str) -> Option<T> {
        self.parsed_by(key, str::parse)
    }

    /// Makes a value of the text of `key` with `parse`, whose error must not be secret.
    pub(super) fn parsed_by<T, E: Display>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text(key)?;
        parse(text.text).map_err(|error| self.wrong(text.span, format!("`{key}`: {error}"), "", None)).ok()
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let text = self.text(key)?;
        match text.text {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.wrong(text.span, format!("`{key}` is neither true nor false"), "write true or false", None);
                None
            }
        }
    }

    /// A whole number within `range`.
    pub(super) fn number(&self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(key)?;
        let digits = text.text.bytes().all(|byte| byte.is_ascii_digit());
        if digits && text.text.len() > 1 && text.text.starts_with('0') {
            let hint = "remove the zero at its beginning: some programs read such a number as octal";
            self.wrong(text.span, format!("`{key}` begins with a zero"), "", Some(hint));
            return None;
        }
        match text.text.parse() {
            Ok(number) if digits && range.contains(&number) => Some(number),
            _ => {
                let label = format!("a whole number from {} to {} belongs here", range.start(), range.end());
                self.wrong(text.span, format!("`{key}` is not a number from {} to {}", range.start(), range.end()), &label, None);
                None
            }
        }
    }

    /// The one of `choices` that is written at `key`.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(key)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text.text) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let hint = nearest(text.text, words.iter().copied()).map(|word| format!("did you mean {word}?"));
        let label = format!("write {}", words.join(" or "));
        self.wrong(text.span, format!("`{key}` has an unknown value"), &label, hint.as_deref());
        None
    }

    /// The items of the list at `key`, each a text.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<Text<'a>>> {
        let (name, node) = self.entry(key)?;
        let Value::List(items) = &node.value else {
            self.not_a_list(key, name);
            return None;
        };
        Some(items.iter().filter_map(|item| self.scalar(key, name, item)).inspect(|text| self.show(*text)).collect())
    }

    /// The items of the list at `key`, each a mapping called `what`.
    pub(super) fn sections(&self, key: &'static str, what: &str) -> Option<Vec<Section<'r, 'a>>> {
        let (name, node) = self.entry(key)?;
        let Value::List(items) = &node.value else {
            self.not_a_list(key, name);
            return None;
        };
        let place = |item: &Node| if item.span.range().is_empty() && item.value == Value::Null { name } else { item.span };
        Some(items.iter().filter_map(|item| Section::open(self.review, what, place(item), item)).collect())
    }

    fn not_a_list(&self, key: &str, name: Span) {
        self.review.report(
            Finding::error(format!("`{key}` is not a list"))
                .at(name, "a list belongs here")
                .hint("begin each item on a line of its own with \"- \""),
        );
    }

    /// Refuses a key of the documented format that this version cannot honour: ignoring it would be a lie.
    pub(super) fn unsupported(&self, keys: &[&'static str]) {
        for &key in keys {
            if let Some((span, _)) = self.entry(key) {
                self.review.report(
                    Finding::error(format!("`{key}` is not supported yet"))
                        .at(span, "this version cannot do that")
                        .hint("remove it or comment it out"),
                );
            }
        }
    }

    /// Reports a wrong value.
    pub(super) fn wrong(&self, span: Span, message: impl Into<String>, label: &str, hint: Option<&str>) {
        let finding = Finding::error(message).at(span, label);
        self.review.report(match hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        });
    }

    /// Reports the keys that nobody asked for. To be called when all known keys have been read.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        let mut told: HashSet<&str> = HashSet::new();
        for (text, key, value) in self.entries.iter().filter(|(text, ..)| !known.contains(text)) {
            if !told.insert(text) {
                continue;
            }
            let guess = if self.review.is_full() { None } else { nearest(text, known.iter().copied()) };
            // `{password hunter2}` makes a key of a secret: an unknown key is repeated only if it looks like one.
            let harmless = guess.is_some() || (value.value != Value::Null && looks_like_a_key(text));
            let finding = if harmless {
                self.review.open(key.span);
                Finding::error(format!("{} has no key `{text}`", self.what)).at(key.span, "unknown key")
            } else {
                Finding::error(format!("{} holds something that is not one of its keys", self.what)).at(key.span, "not shown")
            };
            self.review.report(match guess {
                Some(guess) => finding.hint(format!("did you mean `{guess}`?")),
                None => finding.hint(format!("known keys: {}", known.join(", "))),
            });
        }
    }

    fn scalar(&self, key: &str, name: Span, node: &'a Node) -> Option<Text<'a>> {
        let review = self.review;
        let place = if node.span.range().is_empty() { name } else { node.span };
        match &node.value {
            Value::Null => {
                review.open(node.span);
                self.wrong(place, format!("`{key}` has no value"), "a value belongs here", None);
            }
            Value::List(_) | Value::Map(_) => {
                self.wrong(name, format!("`{key}` is not a single value"), "one value belongs here", None);
            }
            _ => {
                let text = word(review, node);
                let several = review.source.slice(node.span).trim_end().contains('\n');
                let Some((fault, label, hint)) = fault(text, several) else {
                    return Some(Text { text, span: node.span });
                };
                if text.trim().is_empty() {
                    review.open(node.span);
                }
                self.wrong(place, format!("`{key}` {fault}"), label, hint);
            }
        }
        None
    }
}

/// What no value may be, with a label and a hint; `several` says that it stands on several lines of the file.
fn fault(text: &str, several: bool) -> Option<(&'static str, &'static str, Option<&'static str>)> {
    if text.len() > LONGEST {
        Some(("is too long", "begins here", Some("at most 4096 bytes are read")))
    } else if several || text.contains(['\n', '\r']) {
        Some(("goes over several lines", "begins here", Some("write it in one line; does the next line lack a colon?")))
    } else if text.chars().any(is_invisible) {
        let hint = "write it again by hand: the character may have come by copying";
        Some(("has a character in it that cannot be seen", "not shown", Some(hint)))
    } else if text.trim().is_empty() {
        Some(("is empty", "a value belongs here", None))
    } else {
        None
    }
}

/// Control characters, and those that turn the direction of writing: both can make a report lie.
fn is_invisible(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{200b}')
}

/// No digits: keys of this format have none (but `s3`, which would be guessed), and most passwords do.
fn looks_like_a_key(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
}
