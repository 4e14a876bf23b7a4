//! Where in a text a new item of `targets:` goes.

use super::super::raw::{Node, Value};
use super::super::source::scalars;
use super::is_word;

/// How the list is written, and where in the text the new item goes.
pub(super) struct Place {
    /// Text before it is kept, up to here.
    pub(super) keep: usize,
    /// Text from here on follows the new item.
    pub(super) resume: usize,
    /// Columns before the dash.
    pub(super) margin: usize,
    /// Columns from the dash to the keys.
    pub(super) inner: usize,
    /// An empty line goes before it, as between the others.
    pub(super) apart: bool,
    /// The key itself is not there yet.
    pub(super) heading: bool,
}

/// Finds the place in `text`, whose top-level entries are `map`; `None` if the list is written in a way that cannot
/// be added to (in brackets, for one).
pub(super) fn find(text: &str, map: &[(Node, Node)]) -> Option<Place> {
    let new_list = |at: usize, heading| Place { keep: at, resume: at, margin: 2, inner: 2, apart: false, heading };
    let Some(position) = map.iter().position(|(key, _)| is_word(key, "targets")) else {
        return Some(new_list(text.len(), true));
    };
    let (key, value) = &map[position];
    let key_end = key.span.range().end;
    match &value.value {
        Value::Null if value.span.range().is_empty() => Some(new_list(after_line(text, key_end), false)),
        Value::List(items) if items.is_empty() => without_brackets(text, key_end),
        Value::List(items) => after_items(text, first_mark(text, key_end), items, end_of_list(text, map, position)),
        _ => None,
    }
}

/// Where the entry after `targets` begins, which is at this place of the top level.
pub(super) fn end_of_list(text: &str, map: &[(Node, Node)], position: usize) -> usize {
    map.get(position + 1).map_or(text.len(), |(key, _)| line_start(text, key.span.range().start))
}

/// The place of an item that is there, where nothing from `next` on belongs to the list any more; `None` if it is written in a way
/// that it cannot be told from what stands around it.
pub(super) fn of_item(text: &str, items: &[Node], position: usize, next: usize) -> Option<Place> {
    let first = items[position].span.range().start;
    let start = line_start(text, first);
    let before = &text[start..first];
    let margin = before.len() - before.trim_start().len();
    // The dash stands on the line of the first key.
    if !before[margin..].starts_with('-') || !before[margin + 1..].trim().is_empty() {
        return None;
    }
    let next = items.get(position + 1).map_or(next, |next| line_start(text, next.span.range().start));
    let end = end_of(text, &items[position], margin, next);
    Some(Place { keep: start, resume: end, margin, inner: before.len() - margin, apart: false, heading: false })
}

/// `targets: []` loses its brackets; a comment after them goes to a line of its own.
fn without_brackets(text: &str, key_end: usize) -> Option<Place> {
    let open = key_end + text[key_end..].find('[')?;
    let close = open + text[open..].find(']')? + 1;
    let alone = text[key_end..open].trim_end() == ":" && text[open + 1..close - 1].trim().is_empty();
    let rest = &text[close..after_line(text, close)];
    let resume = if rest.trim().is_empty() { close + rest.len() } else { close + rest.len() - rest.trim_start().len() };
    alone.then_some(Place { keep: key_end + 1, resume, margin: 2, inner: 2, apart: false, heading: false })
}

/// The first character of a value whose key ends at `key_end`: a dash or a bracket. The parser's own mark of a list
/// that is not indented stands elsewhere.
fn first_mark(text: &str, key_end: usize) -> usize {
    let mut cursor = key_end + text[key_end..].find(':').map_or(0, |colon| colon + 1);
    loop {
        cursor += text[cursor..].len() - text[cursor..].trim_start().len();
        if !text[cursor..].starts_with('#') {
            return cursor;
        }
        cursor = after_line(text, cursor);
    }
}

/// After the last item and the comments that are indented like its keys.
fn after_items(text: &str, dash: usize, items: &[Node], next: usize) -> Option<Place> {
    if !text[dash..].starts_with('-') {
        return None;
    }
    let margin = dash - line_start(text, dash);
    let first = items.first()?.span.range().start;
    let inner = if line_start(text, first) == line_start(text, dash) { first - dash } else { 2 };
    let newest = items.last()?;
    let keep = end_of(text, newest, margin, next);
    let last_line = line_start(text, newest.span.range().start);
    let apart = items.len() > 1 && text[..last_line].lines().next_back().is_some_and(|line| line.trim().is_empty());
    Some(Place { keep, resume: keep, margin, inner, apart, heading: false })
}

/// Where an item ends that begins `margin` columns from the left: after its last line, and the comments that are indented like its
/// keys. Nothing from `next` on belongs to it.
fn end_of(text: &str, item: &Node, margin: usize, next: usize) -> usize {
    let last_value = scalars(item).last().map_or(item.span.range().end, |span| span.range().end);
    let mut keep = after_line(text, last_value.max(1) - 1).min(next);
    let mut cursor = keep;
    while cursor < next {
        let end = after_line(text, cursor).min(next);
        let line = &text[cursor..end];
        let indent = line.len() - line.trim_start().len();
        let of_what_follows = line.trim_start().starts_with('#') && indent <= margin;
        if !line.trim().is_empty() && !of_what_follows {
            keep = end;
        }
        cursor = end;
    }
    keep
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |position| position + 1)
}

/// Where the line after the one that holds `at` begins.
fn after_line(text: &str, at: usize) -> usize {
    // Bytes, because `at` may be the last byte of a character.
    text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |position| at + position + 1)
}
