//! The text of the file: places in it, and what of a line may be shown.

use std::collections::HashSet;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

use super::raw::{Node, Value};
use crate::base::sanitise;

/// What stands in a shown line for a value that is not shown; its length says nothing.
const MASK: &str = "***";

/// Bytes of a long line that are shown on each side of the mark.
const SHOWN_BESIDE: usize = 300;
/// Bytes of the marked value that are shown.
const SHOWN_MARK: usize = 700;

/// A piece of the file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span {
    begin: u32,
    end: u32,
}

impl Span {
    /// From `begin` up to, not including, `end`. The file is far smaller than 4 GiB.
    pub(super) fn new(begin: usize, end: usize) -> Self {
        let begin = u32::try_from(begin).unwrap_or(u32::MAX);
        Self { begin, end: u32::try_from(end).unwrap_or(u32::MAX).max(begin) }
    }

    /// As an index into the text.
    pub(super) fn range(self) -> Range<usize> {
        self.begin as usize..self.end as usize
    }
}

/// The file under review.
pub(super) struct Source<'a> {
    /// The name it was opened by.
    pub(super) path: Utf8PathBuf,
    /// Its text, without a byte order mark.
    pub(super) text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// One line, made safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownLine {
    /// The text; values that may be secret are masked, comments are left out.
    pub(super) text: String,
    /// The marked part of it.
    pub(super) mark: Range<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &Utf8Path, text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(position, _)| position + 1);
        Self { path: path.to_owned(), text, lines: std::iter::once(0).chain(breaks).collect() }
    }

    /// The text at `span`, or nothing if it lies outside.
    pub(super) fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The place at `line` and `column`, counted from 1, columns in characters; as the parser gives it.
    pub(super) fn span_at(&self, line: u64, column: u64) -> Span {
        let number = usize::try_from(line).unwrap_or(usize::MAX).clamp(1, self.lines.len());
        let begin = self.lines[number - 1];
        let skipped = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
        let rest = self.text.get(begin..).unwrap_or_default();
        let inside = rest.char_indices().nth(skipped).map_or(rest.len(), |(offset, _)| offset);
        Span::new(begin + inside, begin + inside)
    }

    /// Line and column of the beginning of `span`, counted from 1, columns in characters.
    pub(super) fn position(&self, span: Span) -> (usize, usize) {
        let begin = span.range().start;
        let line = self.lines.partition_point(|start| *start <= begin);
        let before = self.text.get(self.lines[line - 1]..begin).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// The line where `span` begins. Of its scalars only those in `open` are printed; a scalar over several
    /// lines never is. Comments can hold anything, so they are dropped.
    pub(super) fn shown_line(&self, span: Span, scalars: &[Span], open: &HashSet<Span>) -> ShownLine {
        let (number, _) = self.position(span);
        let begin = self.lines[number - 1];
        let end = self.lines.get(number).map_or(self.text.len(), |next| next - 1);
        let end = begin + self.text[begin..end].trim_end().len();
        let marked = span.range().end.min(span.range().start + SHOWN_MARK);
        // Of a line of megabytes, the neighbourhood of the mark is enough.
        let begin = self.text.ceil_char_boundary(begin.max(span.range().start.saturating_sub(SHOWN_BESIDE)).min(end));
        let end = self.text.floor_char_boundary(end.min(marked + SHOWN_BESIDE).max(begin));
        let mut line = LineBuilder { shown: String::new(), span: span.range(), mark: None };
        let mut cursor = begin;
        let first = scalars.partition_point(|scalar| scalar.range().end <= begin);
        for scalar in &scalars[first..] {
            let range = scalar.range();
            if range.start >= end {
                break;
            }
            let inside = range.start.max(begin)..range.end.min(end);
            line.push(cursor..inside.start, &structure(&self.text[cursor..inside.start.max(cursor)]));
            let text = &self.text[inside.clone()];
            let shown = if open.contains(scalar) && range == inside { sanitise(text) } else { MASK.to_owned() };
            cursor = inside.end;
            line.push(inside, &shown);
        }
        line.push(cursor..end, &structure(&self.text[cursor..end]));
        line.finish()
    }
}

/// The marks of YAML between two values; anything else there (comments, tags) is not shown.
fn structure(gap: &str) -> String {
    let code = if gap.trim_start().starts_with('#') { "" } else { gap.split_once(" #").map_or(gap, |(code, _)| code) };
    code.chars().filter(|character| " -:?,[]{}>|".contains(*character)).collect()
}

struct LineBuilder {
    shown: String,
    span: Range<usize>,
    mark: Option<Range<usize>>,
}

impl LineBuilder {
    /// Appends what stands for the bytes `piece` of the source, and carries the mark over.
    fn push(&mut self, piece: Range<usize>, shown: &str) {
        let unchanged = shown.len() == piece.len();
        let at = |offset: usize| if unchanged { offset - piece.start } else { 0 };
        let base = self.shown.len();
        if self.mark.is_none() && piece.contains(&self.span.start) {
            let begin = base + at(self.span.start);
            self.mark = Some(begin..begin);
        }
        if let Some(mark) = &mut self.mark
            && self.span.end > piece.start
        {
            mark.end = if unchanged { base + self.span.end.min(piece.end) - piece.start } else { base + shown.len() };
        }
        self.shown.push_str(shown);
    }

    fn finish(self) -> ShownLine {
        let end = self.shown.len();
        let trimmed = self.shown.trim_end().len();
        let mark = self.mark.unwrap_or(end..end);
        let text = self.shown[..trimmed.max(mark.start.min(end))].to_owned();
        let mark = mark.start.min(text.len())..mark.end.min(text.len()).max(mark.start.min(text.len()));
        ShownLine { text, mark }
    }
}

/// The places of all scalars below `node`, in the order of the file.
pub(super) fn scalars(node: &Node) -> Vec<Span> {
    let mut found = Vec::new();
    collect(node, &mut found);
    found.sort_unstable();
    found
}

fn collect(node: &Node, found: &mut Vec<Span>) {
    match &node.value {
        Value::List(list) => list.iter().for_each(|item| collect(item, found)),
        Value::Map(map) => map.iter().for_each(|(key, value)| {
            collect(key, found);
            collect(value, found);
        }),
        _ if node.span.range().is_empty() => {}
        _ => found.push(node.span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw;

    fn shown(text: &str, marked: &str, open: &[&str]) -> (String, String) {
        let source = Source::new("t.yaml".into(), text);
        let span = |piece: &str| {
            let begin = text.find(piece).expect("the piece is there");
            Span::new(begin, begin + piece.len())
        };
        let line = source.shown_line(
            span(marked),
            &scalars(&raw::parse(text).expect("valid")),
            &open.iter().map(|piece| span(piece)).collect(),
        );
        let mark = line.text[line.mark.clone()].to_owned();
        (line.text, mark)
    }

    #[test]
    fn only_open_values_are_shown_and_comments_never() {
        let text = "- {host: é.example, password: 'hun-ter2', port: 99} # hunter2\n";
        let open = ["host", "é.example", "password", "port", "99"];
        let (line, mark) = shown(text, "99", &open);
        assert_eq!(line, "- {host: é.example, password: ***, port: 99}");
        assert_eq!(mark, "99");
        assert_eq!(shown(text, "'hun-ter2'", &open).1, "***");
    }

    #[test]
    fn a_value_over_several_lines_stays_hidden_even_when_open() {
        let text = "a: hunter2\n  more: 1\n";
        assert!(raw::parse(text).is_err(), "a mapping cannot follow there");
        let text = "{a: 'hunter2\n  hunter3', b: 4}\n";
        assert_eq!(shown(text, "4", &["a", "'hunter2\n  hunter3'", "b", "4"]).0, "***, b: 4}");
    }

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("t.yaml".into(), "\u{feff}é: 1\nb: 2\n");
        assert_eq!(source.position(Span::new(4, 5)), (1, 4));
        assert_eq!(source.position(Span::new(6, 7)), (2, 1));
        assert_eq!(source.position(Span::new(11, 11)), (3, 1));
    }

    #[test]
    fn of_a_long_line_only_a_part_is_shown() {
        let text = format!("[{}x, {}]", "é, ".repeat(1000), "y, ".repeat(1000));
        let (line, mark) = shown(&text, "x", &["x"]);
        assert!(line.len() < 2000 && mark == "x", "{line}");
    }
}
