//! What is wrong with a file, ready to be printed, and the review that gathers it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use camino::Utf8PathBuf;

use super::raw::Node;
use super::source::{ShownLine, Source, Span, scalars};
use crate::base::sanitise;

/// Problems beyond this number are counted, not kept: a hostile file must not fill the memory or the screen.
const MOST: usize = 200;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but somebody should look.
    Warning,
}

/// One thing that is wrong with a file. Nothing in it repeats a value that may be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// Where; the first place is the main one. Empty only when the file as a whole is meant.
    pub places: Vec<Place>,
    /// What to do about it.
    pub hint: Option<String>,
    pub(super) path: Utf8PathBuf,
}

/// A place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is to be seen there; may be empty.
    pub label: String,
    pub(super) shown: Option<ShownLine>,
}

/// A problem as it is found: places are spans, and what may be shown is not yet known.
#[derive(Debug)]
pub(super) struct Finding {
    severity: Severity,
    message: String,
    marks: Vec<(Span, String)>,
    hint: Option<String>,
}

impl Finding {
    /// Something that makes the file unusable.
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), marks: Vec::new(), hint: None }
    }

    /// Something to look at.
    pub(super) fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// Where, and what is to be seen there.
    pub(super) fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.marks.push((span, label.into()));
        self
    }

    /// What to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A file being checked: gathers findings, and the values that were found harmless to show.
pub(super) struct Review<'a> {
    /// The file.
    pub(super) source: Source<'a>,
    findings: RefCell<Vec<Finding>>,
    dropped: Cell<usize>,
    open: RefCell<HashSet<Span>>,
}

impl<'a> Review<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Self { source, findings: RefCell::default(), dropped: Cell::default(), open: RefCell::default() }
    }

    /// Keeps a finding, or counts it if there are too many already.
    pub(super) fn report(&self, finding: Finding) {
        if self.is_full() {
            self.dropped.set(self.dropped.get() + 1);
        } else {
            self.findings.borrow_mut().push(finding);
        }
    }

    /// Whether further findings are only counted: then no work should go into their hints.
    pub(super) fn is_full(&self) -> bool {
        self.findings.borrow().len() >= MOST
    }

    /// Allows the scalar at `span` to be printed when its line is shown. Everything else stays masked.
    pub(super) fn open(&self, span: Span) {
        self.open.borrow_mut().insert(span);
    }

    /// All problems, in the order of the file; errors and warnings. Lines are shown only if `root` is known:
    /// without the tree nobody knows which part of a line is a secret.
    pub(super) fn finish(self, root: Option<&Node>) -> Vec<Problem> {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| finding.marks.first().map(|(span, _)| *span));
        let places = root.map(scalars);
        let open = self.open.into_inner();
        let show = |span| places.as_ref().map(|places| self.source.shown_line(span, places, &open));
        let mut problems: Vec<Problem> = findings
            .into_iter()
            .map(|finding| Problem {
                severity: finding.severity,
                message: sanitise(&finding.message),
                places: finding
                    .marks
                    .into_iter()
                    .map(|(span, label)| {
                        let (line, column) = self.source.position(span);
                        Place { line, column, label: sanitise(&label), shown: show(span) }
                    })
                    .collect(),
                hint: finding.hint,
                path: self.source.path.clone(),
            })
            .collect();
        let dropped = self.dropped.get();
        if dropped > 0 {
            problems.push(Problem {
                severity: Severity::Error,
                message: format!("there are {dropped} more problems; they are told when these are solved"),
                places: Vec::new(),
                hint: None,
                path: self.source.path.clone(),
            });
        }
        problems
    }
}
