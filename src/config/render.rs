//! Problems as text for people.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::problem::{Place, Problem, Severity};

/// All `problems`, one block each, with an empty line between them and a line end at the last.
pub(super) fn render(problems: &[Problem], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let blocks: Vec<String> = problems.iter().map(|problem| without_empty_origins(&renderer.render(&[group(problem)]))).collect();
    format!("{}\n", blocks.join("\n\n"))
}

/// The renderer puts a `:::` without a name above each snippet that has no path of its own. Ours have none (see
/// [`group`]), so the line says nothing.
fn without_empty_origins(text: &str) -> String {
    let says_nothing = |line: &&str| {
        let bare: String = line.split('\u{1b}').map(|part| part.strip_prefix('[').map_or(part, after_escape)).collect();
        bare.trim() == ":::"
    };
    text.lines().filter(|line| !says_nothing(line)).collect::<Vec<_>>().join("\n")
}

/// What follows the end of a colour sequence.
fn after_escape(part: &str) -> &str {
    part.split_once('m').map_or("", |(_, rest)| rest)
}

fn group(problem: &Problem) -> Group<'_> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level.primary_title(problem.message.as_str()).elements(std::iter::empty::<Origin<'_>>());
    if problem.places.is_empty() {
        group = group.element(Origin::path(problem.path.as_str()));
    }
    for (number, place) in problem.places.iter().enumerate() {
        let kind = if number == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        // The place is given apart from the snippet: in a masked line, columns are no longer those of the file.
        group = group.element(Origin::path(problem.path.as_str()).line(place.line).char_column(place.column));
        if let Some(snippet) = snippet(place, kind) {
            group = group.element(snippet);
        }
    }
    match &problem.hint {
        Some(hint) => group.element(Level::HELP.with_name("hint").message(hint.as_str())),
        None => group,
    }
}

fn snippet(place: &Place, kind: AnnotationKind) -> Option<Snippet<'_, annotate_snippets::Annotation<'_>>> {
    let shown = place.shown.as_ref()?;
    let annotation = kind.span(shown.mark.clone()).label(Some(place.label.as_str()).filter(|label| !label.is_empty()));
    Some(Snippet::source(shown.text.as_str()).line_start(place.line).annotation(annotation))
}
