//! References to secrets. A secret that stands in the file itself is refused and never repeated.

use camino::Utf8Path;

use super::super::SecretRef;
use super::super::problem::Finding;
use super::super::raw::{Node, Value};
use super::super::section::{Section, Text};
use super::super::source::Span;
use super::local_path;

const FORMS: &str = "write env:NAME, file:PATH, sealed:PATH or command: [program, argument]";
/// The words of the forms; harmless to show.
const FORM_WORDS: [&str; 4] = ["env", "file", "command", "sealed"];

/// The reference at `key`, if it is there.
pub(super) fn secret(section: &Section<'_, '_>, key: &'static str) -> Option<SecretRef> {
    let (name, node) = section.entry(key)?;
    match &node.value {
        Value::Null => {
            section.wrong(name, format!("`{key}` has no value"), "a reference belongs here", Some(FORMS));
            None
        }
        Value::Text(text) => {
            // A text over several lines is marked at its key: its own first line may be anywhere below.
            let several = section.review().source.slice(node.span).trim_end().contains('\n');
            from_text(section, key, text, if several { name } else { node.span })
        }
        Value::Map(map) => from_map(section, key, name, map),
        Value::Bool(_) | Value::Number | Value::List(_) => {
            plain(section, key, if node.span.range().is_empty() { name } else { node.span });
            None
        }
    }
}

/// Like [`secret`], and reported if `key` is missing.
pub(super) fn required(section: &Section<'_, '_>, key: &'static str) -> Option<SecretRef> {
    if section.entry(key).is_none() {
        section.missing(key, "env:NAME");
    }
    secret(section, key)
}

fn plain(section: &Section<'_, '_>, key: &str, span: Span) {
    section.review().report(
        Finding::error(format!("`{key}` holds a secret in plain text"))
            .at(span, "the value is not shown")
            .hint(format!("{FORMS}; then change the secret: whoever could read this file may know it")),
    );
}

/// `env:NAME` or `file:PATH`.
fn from_text(section: &Section<'_, '_>, key: &str, text: &str, span: Span) -> Option<SecretRef> {
    match text.split_once(':') {
        Some(("env", name)) => environment(section, key, name, span),
        Some(("file", path)) => file(section, key, path, span),
        Some(("sealed", path)) => sealed(section, key, path, span),
        Some(("command", _)) => {
            command_form(section, span);
            None
        }
        _ => {
            plain(section, key, span);
            None
        }
    }
}

/// `{command: [...]}`, or `{env: NAME}` and `{file: PATH}` as they come out of a space after the colon.
fn from_map(section: &Section<'_, '_>, key: &'static str, name: Span, map: &[(Node, Node)]) -> Option<SecretRef> {
    let [(kind, value)] = map else {
        section.wrong(name, format!("`{key}` is not one reference to a secret"), "one belongs here", Some(FORMS));
        return None;
    };
    let Value::Text(word) = &kind.value else {
        plain(section, key, kind.span);
        return None;
    };
    if FORM_WORDS.contains(&&**word) {
        section.review().open(kind.span);
    }
    match (&**word, &value.value) {
        ("env", Value::Text(variable)) => environment(section, key, variable, value.span),
        ("file", Value::Text(path)) => file(section, key, path, value.span),
        ("command", Value::List(items)) => command(section, items, kind.span),
        ("command", _) => {
            command_form(section, kind.span);
            None
        }
        ("sealed", Value::Text(path)) => sealed(section, key, path, value.span),
        _ => {
            plain(section, key, kind.span);
            None
        }
    }
}

fn environment(section: &Section<'_, '_>, key: &str, name: &str, span: Span) -> Option<SecretRef> {
    let good = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    if !good {
        // Not shown: it may be the secret itself, with `env:` before it.
        let message = format!("`{key}` does not name an environment variable after env:");
        section.wrong(span, message, "letters, digits and _ belong here", Some("write env:NAME, such as env:MIRROR_PASSWORD"));
        return None;
    }
    section.review().open(span);
    Some(SecretRef::Env(name.to_owned()))
}

fn file(section: &Section<'_, '_>, key: &str, path: &str, span: Span) -> Option<SecretRef> {
    if path.trim().is_empty() || path != path.trim() || path.contains(['\n', '\0']) {
        section.wrong(span, format!("`{key}` does not name a file after file:"), "", Some("write file:PATH"));
        return None;
    }
    local_path(section, Text { text: path, span }).map(SecretRef::File)
}

fn command(section: &Section<'_, '_>, items: &[Node], span: Span) -> Option<SecretRef> {
    let words: Vec<String> = items
        .iter()
        .filter_map(|item| match &item.value {
            Value::Text(text) => Some(text.to_string()),
            Value::Number | Value::Bool(_) => Some(section.review().source.slice(item.span).to_owned()),
            _ => None,
        })
        .collect();
    if words.len() != items.len() || words.first().is_none_or(|program| program.trim().is_empty()) {
        command_form(section, span);
        return None;
    }
    Some(SecretRef::Command(words))
}

fn command_form(section: &Section<'_, '_>, span: Span) {
    let hint = "write it as a list, a word each: command: [pass, show, mirror]. It runs without a shell";
    section.wrong(span, "a password command that is not a list of words", "", Some(hint));
}

/// A file that only the project's own identity opens, `keys/age_identity.txt` beside the configuration.
fn sealed(section: &Section<'_, '_>, key: &str, path: &str, span: Span) -> Option<SecretRef> {
    if path.trim().is_empty() || path != path.trim() || path.contains(['\n', '\0']) {
        section.wrong(span, format!("`{key}` does not name a file after sealed:"), "", Some("write sealed:PATH"));
        return None;
    }
    let file = local_path(section, Text { text: path, span })?;
    let folder = section.review().source.path.parent().unwrap_or(Utf8Path::new(""));
    Some(SecretRef::Sealed { file, identity: folder.join("keys/age_identity.txt") })
}
