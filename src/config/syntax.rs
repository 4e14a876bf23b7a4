//! What the YAML parser and the shape of the tree have to say, in words for people.
//!
//! The parser's own words are not passed on: some of them repeat text of the file, and few help a newcomer.

use std::collections::HashMap;

use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

use super::problem::{Finding, Review};
use super::raw::{MAX_DEPTH, MAX_NODES, Node, Value};
use super::source::{Source, Span};

/// The finding for a file that is no YAML or has more in it than we read.
pub(super) fn explain(source: &Source<'_>, error: &Error) -> Finding {
    let span = error.location().map_or(Span::new(0, 0), |place| source.span_at(place.line(), place.column()));
    let (message, hint) = match error {
        Error::Budget { breach, .. } => refused(breach),
        Error::MultipleDocuments { .. } => refused(&BudgetBreach::Documents { documents: 2 }),
        Error::UnknownAnchor { .. } => refused(&BudgetBreach::Aliases { aliases: 1 }),
        other => syntax(&other.to_string()),
    };
    Finding::error(message).at(span, "").hint(hint)
}

fn refused(breach: &BudgetBreach) -> (String, &'static str) {
    match breach {
        BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. } => (
            "anchors (&) and aliases (*) are not read".to_owned(),
            "write the value out at each place; a text that begins with & or * needs quotes",
        ),
        BudgetBreach::Documents { .. } => {
            ("the file holds more than one YAML document".to_owned(), "remove the line --- and what follows it")
        }
        BudgetBreach::Depth { .. } => too_deep(),
        _ => (format!("the file holds more than {MAX_NODES} values"), "is this the right file? See targets.example.yaml"),
    }
}

fn too_deep() -> (String, &'static str) {
    (format!("lists and mappings are nested deeper than {MAX_DEPTH}"), "is a bracket or brace left open?")
}

/// Known complaints of the parser, by a part of their text, and what they mean for the user.
const COMPLAINTS: [(&str, &str, &str); 22] = [
    (
        "mapping values are not allowed",
        "a second \": \" in one line",
        "put quotes around a value that holds \": \"; write env:NAME without a blank; begin each key on a line of its own",
    ),
    ("illegal placement of ':'", "a colon where none can stand", "separate the items of a list with commas, and end it with ]"),
    ("u{0}", "a NUL character", "remove it; is this a text file?"),
    ("YAML major version", "a version of YAML that is not read", "remove the line %YAML"),
    ("unclosed quote", QUOTE, "close the quote; inside '...' write '' for one quote"),
    (
        "quoted scalar",
        "a text in double quotes with a wrong escape, or without its end",
        "write \\\\ for a backslash, or use single quotes",
    ),
    ("trailing content", "something follows a quoted text", "put all of the text within the quotes"),
    ("unclosed bracket", BRACKET, "add the missing ] or }"),
    ("flow", BRACKET, "separate items with commas and close every bracket"),
    ("block scalar", "a text after | or > that is not well formed", "indent all its lines alike, with spaces"),
    ("tab", "a tab where the indentation should be", "indent with spaces"),
    ("invalid indentation", INDENTATION, COLUMNS),
    ("block mapping", INDENTATION, COLUMNS),
    ("block collection", INDENTATION, COLUMNS),
    ("block sequence", INDENTATION, COLUMNS),
    ("mapping keys are not allowed", INDENTATION, COLUMNS),
    ("simple key", "a line that is neither a key nor a value", "write key: value, with a space after the colon"),
    ("unexpected character", "a character that cannot begin a value", "put the value in quotes"),
    ("node content", "a character that cannot begin a value", "put the value in quotes"),
    ("plain scalar", "a character that cannot begin a value", "put the value in quotes"),
    ("directive", "a line that begins with %", "remove the line, or quote the text"),
    ("document", "a line that begins with --- or ...", "one file is one document: remove the line"),
];
const QUOTE: &str = "a quoted text that does not end";
const BRACKET: &str = "a list [...] or mapping {...} that is not closed";
const INDENTATION: &str = "a line that begins in the wrong column";
const COLUMNS: &str = "keys of one mapping begin in the same column, and so do the \"- \" of one list";

fn syntax(complaint: &str) -> (String, &'static str) {
    if complaint.contains("recursion limit") {
        return too_deep();
    }
    COMPLAINTS.iter().find(|(part, ..)| complaint.contains(part)).map_or_else(
        || ("this is not valid YAML".to_owned(), "look at this line and the one above: quotes, colons, indentation"),
        |(_, message, hint)| (format!("not valid YAML: {message}"), hint),
    )
}

/// Reports what YAML allows and we do not, everywhere below `node`: tags, merge keys, keys that are no words, keys
/// that repeat.
pub(super) fn refuse_features(review: &Review<'_>, node: &Node) {
    if node.tagged {
        review.report(
            Finding::error("tags (!) are not read")
                .at(node.span, "a tag stands before this value")
                .hint("remove the tag; a text that begins with ! needs quotes"),
        );
    }
    match &node.value {
        Value::List(list) => list.iter().for_each(|item| refuse_features(review, item)),
        Value::Map(map) => {
            let mut seen: HashMap<&str, Span> = HashMap::new();
            for (key, value) in map {
                refuse_features(review, key);
                refuse_features(review, value);
                if matches!(key.value, Value::List(_) | Value::Map(_) | Value::Null) {
                    review.report(Finding::error("a key must be a word").at(key.span, "this is none"));
                    continue;
                }
                let text = word(review, key);
                if text == "<<" {
                    review.open(key.span);
                    review.report(
                        Finding::error("merge keys (<<) are not read")
                            .at(key.span, "here")
                            .hint("write the keys out at each place"),
                    );
                } else if let Some(first) = seen.insert(text, key.span) {
                    seen.insert(text, first);
                    review.report(
                        Finding::error("a key stands twice in one mapping")
                            .at(key.span, "again here")
                            .at(first, "first here")
                            .hint("remove one of them"),
                    );
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number | Value::Text(_) => {}
    }
}

/// The text of a scalar that may stand as a key: quotes and escapes undone, numbers as they were written.
pub(super) fn word<'n>(review: &Review<'n>, node: &'n Node) -> &'n str {
    match &node.value {
        Value::Text(text) => text,
        _ => review.source.slice(node.span),
    }
}
