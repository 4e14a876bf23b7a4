//! The file as a tree of values with their places: nothing is known here of what the keys mean.
//!
//! A generic tree instead of derived structs, because a derived struct ends at its first unknown key or wrong
//! type; with the tree, all problems of a file are found in one run.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Location, Options, Spanned, Tagged};

use super::source::Span;

/// Deepest nesting of lists and mappings.
pub(super) const MAX_DEPTH: usize = 32;
/// Most values in a file. A target takes about 30, so this is enough for 8,000 of them, and keeps the tree of a
/// hostile file below 32 MiB.
pub(super) const MAX_NODES: usize = 250_000;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Its place: all of a scalar, only the beginning of a list or mapping.
    pub(super) span: Span,
    /// The value.
    pub(super) value: Value,
    /// Whether a tag (`!!str`, `!include`) stands before it.
    pub(super) tagged: bool,
}

/// What YAML (1.2, core schema) makes of a value. Numbers and booleans carry no value: whoever wants one reads
/// the text at the span, so that `country: NO` and `name: 007` stay what the user wrote.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An unquoted number.
    Number,
    /// Text, quoted or not.
    Text(Box<str>),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; keys may repeat.
    Map(Vec<(Node, Node)>),
}

/// Reads `text` as one YAML document without aliases, within the limits above.
pub(super) fn parse(text: &str) -> Result<Node, Error> {
    serde_saphyr::from_str_with_options(text, options())
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: MAX_NODES * 3,
            max_documents: 1,
            max_anchors: 0,
            max_aliases: 0,
        },
        // Reported by the check, beside everything else, with both places.
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::AsOrdinary,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        ignore_binary_tag_for_string: true,
        strict_booleans: true,
        // Its snippets print neighbouring lines, and those can hold secrets.
        with_snippet: false,
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: Tagged(value, tag), referenced, .. } = Spanned::<Tagged<Value>>::deserialize(deserializer)?;
        Ok(Self { span: span_of(referenced), value, tagged: tag.is_some() })
    }
}

/// The bytes of `location`; offsets are always known because we parse from memory.
pub(super) fn span_of(location: Location) -> Span {
    let begin = usize::try_from(location.span().byte_offset().unwrap_or(0)).unwrap_or(0);
    let length = usize::try_from(location.span().byte_len().unwrap_or(0)).unwrap_or(0);
    Span::new(begin, begin + length)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = access.next_element()? {
            list.push(node);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = access.next_entry()? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(String, Value)> {
        fn walk(text: &str, node: &Node, found: &mut Vec<(String, Value)>) {
            match &node.value {
                Value::List(list) => list.iter().for_each(|item| walk(text, item, found)),
                Value::Map(map) => map.iter().for_each(|(key, value)| {
                    walk(text, key, found);
                    walk(text, value, found);
                }),
                value => found.push((text[node.span.range()].to_owned(), value.clone())),
            }
        }
        let mut found = Vec::new();
        walk(text, &parse(text).expect("valid"), &mut found);
        found
    }

    #[test]
    fn every_scalar_knows_its_bytes() {
        let text = "é: NO\nb: [007, 1.10, ~, 'x''y', true]\nc: >\n  folded\n  text\nd:\ne: plain\n  goes on\n";
        let slices: Vec<String> = places(text).into_iter().map(|(slice, _)| slice).collect();
        let scalars =
            ["é", "NO", "b", "007", "1.10", "~", "'x''y'", "true", "c", "folded\n  text\n", "d", "", "e", "plain\n  goes on"];
        assert_eq!(slices, scalars);
        assert_eq!(places("a: NO\n")[1].1, Value::Text("NO".into()));
        assert_eq!(places("a: 007\n")[1].1, Value::Number);
        assert_eq!(places("a: .inf\n")[1].1, Value::Number);
    }

    #[test]
    fn a_node_is_small() {
        assert!(size_of::<Node>() <= 48, "{} bytes: see MAX_NODES", size_of::<Node>());
    }

    #[test]
    fn anchors_aliases_and_second_documents_are_refused() {
        for bad in ["a: &x 1\n", "a: *x\n", "a: &x 1\nb: *x\n", "a: 1\n---\nb: 2\n", "a: ["] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse("a: !x 1\n<<: {b: 1}\na: 2\n").is_ok(), "reported by the check, with all else");
    }
}
