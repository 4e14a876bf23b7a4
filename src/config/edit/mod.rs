//! A new target in an existing file, without touching what stands there: comments, order, style.
//!
//! The text is not written anew from the tree (that would lose comments); the new entry is inserted as text, and
//! the result is read again to see that it is the old file and one more target.

mod emit;
mod place;

use camino::{Utf8Path, Utf8PathBuf};
use url::Url;

use super::load::ConfigError;
use super::problem::Review;
use super::raw::{self, Node, Value};
use super::source::Source;
use super::{TargetKind, syntax};
use crate::base::{Addresses, Hinted, MailAddress, TargetLimits, TargetName};

/// A target to be written into a file.
#[derive(Debug, Clone)]
pub struct NewTarget {
    /// Its name; must be new.
    pub name: TargetName,
    /// The protocol and its settings. Paths are written as they are.
    pub kind: TargetKind,
    /// Where readers find the same tree.
    pub public_url: Option<Url>,
    /// Who runs it.
    pub operator: Option<String>,
    /// Two-letter country code.
    pub country: Option<String>,
    /// Hosting network.
    pub network: Option<String>,
    /// For `--only`.
    pub tags: Vec<String>,
    /// What the volunteer allows.
    pub limits: TargetLimits,
    /// `socks5h://` or `http://`.
    pub proxy: Option<Url>,
    /// PEM file of authorities trusted for this target besides the system's.
    pub ca: Option<Utf8PathBuf>,
    /// Where its connections may lead.
    pub addresses: Addresses,
    /// Where its volunteer is told of its troubles.
    pub contact: Option<MailAddress>,
}

impl NewTarget {
    /// A target with nothing but what it needs.
    #[must_use]
    pub fn new(name: TargetName, kind: TargetKind) -> Self {
        Self {
            name,
            kind,
            public_url: None,
            operator: None,
            country: None,
            network: None,
            tags: Vec::new(),
            limits: TargetLimits::default(),
            proxy: None,
            ca: None,
            addresses: Addresses::Anywhere,
            contact: None,
        }
    }
}

/// Why the file was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file is no YAML.
    #[error("the file cannot be read as it is")]
    Unreadable(#[source] Box<ConfigError>),
    /// It has such a target.
    #[error("there is already a target named {0}")]
    Exists(TargetName),
    /// It has none.
    #[error("there is no target named {0}")]
    Missing(TargetName),
    /// `targets:` is written in a way that cannot be added to.
    #[error("`targets` is not a list with one item after \"- \" on each line")]
    Style,
    /// The result would not be the old file with one more target.
    #[error("the new target cannot be added without disturbing what is there")]
    Disturbed,
}

impl Hinted for EditError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Exists(_) => Some("choose another name, or edit the file".to_owned()),
            Self::Style | Self::Disturbed => Some("add the target with an editor, see targets.example.yaml".to_owned()),
            Self::Unreadable(_) | Self::Missing(_) => None,
        }
    }
}

/// Returns `text` with `new` as its last target; all else stays, byte for byte.
pub fn add_target(text: &str, new: &NewTarget) -> Result<String, EditError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root = read(body)?;
    let before = entries(&root)?;
    if items(targets(before)).iter().any(|item| name_of(body, item) == Some(new.name.as_str())) {
        return Err(EditError::Exists(new.name.clone()));
    }
    let edited = insert(body, &root, new)?;
    confirm(body, &root, &edited, new)?;
    Ok(format!("{}{edited}", &text[..text.len() - body.len()]))
}

/// Returns `text` with `new` in place of the target of that name; all else stays, byte for byte. Comments inside the old entry
/// go with it.
pub fn replace_target(text: &str, new: &NewTarget) -> Result<String, EditError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root = read(body)?;
    let old = items(targets(entries(&root)?));
    let Some(position) = old.iter().position(|item| name_of(body, item) == Some(new.name.as_str())) else {
        return Err(EditError::Missing(new.name.clone()));
    };
    let line_end = if body.contains("\r\n") { "\r\n" } else { "\n" };
    let map = entries(&root)?;
    let list = map.iter().position(|(key, _)| is_word(key, "targets")).ok_or(EditError::Style)?;
    let place = place::of_item(body, old, position, place::end_of_list(body, map, list)).ok_or(EditError::Style)?;
    let mut edited = body[..place.keep].to_owned();
    for line in emit::item(new, place.inner) {
        edited.push_str(&" ".repeat(place.margin));
        edited.push_str(&line);
        edited.push_str(line_end);
    }
    edited.push_str(&body[place.resume..]);
    let after = raw::parse(&edited).map_err(|_| EditError::Disturbed)?;
    let alone = emit::item(new, 2).join("\n");
    let meant = raw::parse(&alone).map_err(|_| EditError::Disturbed)?;
    let now = items(targets(entries(&after)?));
    let others_stay = same_entries((body, &others(entries(&root)?)), (&edited, &others(entries(&after)?)));
    let items_stay = now.len() == old.len()
        && (0..).zip(old.iter().zip(now)).all(|(at, (old, now))| at == position || same((body, old), (&edited, now)));
    let as_meant = now.get(position).zip(items(Some(&meant)).first());
    let as_meant = as_meant.is_some_and(|(now, meant)| same((&edited, now), (&alone, meant)));
    if !(others_stay && items_stay && as_meant) {
        return Err(EditError::Disturbed);
    }
    Ok(format!("{}{edited}", &text[..text.len() - body.len()]))
}

fn read(text: &str) -> Result<Node, EditError> {
    raw::parse(text).map_err(|error| {
        let path = Utf8Path::new("targets.yaml");
        let review = Review::new(Source::new(path, text));
        review.report(syntax::explain(&review.source, &error));
        EditError::Unreadable(Box::new(ConfigError::Problems { path: path.to_owned(), problems: review.finish(None) }))
    })
}

fn entries(root: &Node) -> Result<&[(Node, Node)], EditError> {
    match &root.value {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(&[]),
        _ => Err(EditError::Style),
    }
}

fn targets(entries: &[(Node, Node)]) -> Option<&Node> {
    entries.iter().find(|(key, _)| is_word(key, "targets")).map(|(_, value)| value)
}

fn others(entries: &[(Node, Node)]) -> Vec<&(Node, Node)> {
    entries.iter().filter(|(key, _)| !is_word(key, "targets")).collect()
}

fn items(targets: Option<&Node>) -> &[Node] {
    match targets.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn is_word(node: &Node, word: &str) -> bool {
    matches!(&node.value, Value::Text(text) if **text == *word)
}

fn name_of<'n>(text: &'n str, item: &'n Node) -> Option<&'n str> {
    let Value::Map(map) = &item.value else { return None };
    map.iter().find(|(key, _)| is_word(key, "name")).map(|(_, value)| match &value.value {
        Value::Text(name) => name,
        _ => text.get(value.span.range()).unwrap_or_default(),
    })
}

fn insert(text: &str, root: &Node, new: &NewTarget) -> Result<String, EditError> {
    let place = place::find(text, entries(root)?).ok_or(EditError::Style)?;
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut edited = text[..place.keep].to_owned();
    if !edited.is_empty() && !edited.ends_with('\n') {
        edited.push_str(line_end);
    }
    if place.apart {
        edited.push_str(line_end);
    }
    if place.heading {
        edited.push_str("targets:");
        edited.push_str(line_end);
    }
    for line in emit::item(new, place.inner) {
        edited.push_str(&" ".repeat(place.margin));
        edited.push_str(&line);
        edited.push_str(line_end);
    }
    edited.push_str(&text[place.resume..]);
    Ok(edited)
}

/// Reads the result: everything as before, and the new item at the end of the list, as it was meant.
fn confirm(text: &str, before: &Node, edited: &str, new: &NewTarget) -> Result<(), EditError> {
    let after = raw::parse(edited).map_err(|_| EditError::Disturbed)?;
    let alone = emit::item(new, 2).join("\n");
    let meant = raw::parse(&alone).map_err(|_| EditError::Disturbed)?;
    let (old, now) = (entries(before)?, entries(&after)?);
    let others_stay = same_entries((text, &others(old)), (edited, &others(now)));
    let (old_items, now_items) = (items(targets(old)), items(targets(now)));
    let items_stay = now_items.len() == old_items.len() + 1
        && old_items.iter().zip(now_items).all(|(old, now)| same((text, old), (edited, now)));
    let newest = now_items.last().zip(items(Some(&meant)).first());
    let as_meant = newest.is_some_and(|(now, meant)| same((edited, now), (&alone, meant)));
    if others_stay && items_stay && as_meant { Ok(()) } else { Err(EditError::Disturbed) }
}

/// Whether two values, each with its text, are the same but for their places.
fn same((left_text, left): (&str, &Node), (right_text, right): (&str, &Node)) -> bool {
    left.tagged == right.tagged
        && match (&left.value, &right.value) {
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same((left_text, a), (right_text, b)))
            }
            (Value::Map(a), Value::Map(b)) => {
                same_entries((left_text, &a.iter().collect::<Vec<_>>()), (right_text, &b.iter().collect::<Vec<_>>()))
            }
            (Value::Number, Value::Number) => left_text.get(left.span.range()) == right_text.get(right.span.range()),
            (a, b) => a == b,
        }
}

fn same_entries((left_text, left): (&str, &[&(Node, Node)]), (right_text, right): (&str, &[&(Node, Node)])) -> bool {
    let pairs = || left.iter().zip(right);
    left.len() == right.len()
        && pairs().all(|((a, _), (b, _))| same((left_text, a), (right_text, b)))
        && pairs().all(|((_, a), (_, b))| same((left_text, a), (right_text, b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, FolderTarget};

    const PROJECT: &str = "project:\n  name: Demo\n";

    fn folder(name: &str) -> NewTarget {
        let kind = TargetKind::Folder(FolderTarget { path: format!("/srv/{name}").into() });
        NewTarget::new(TargetName::new(name).expect("a name"), kind)
    }

    fn added(text: &str) -> String {
        let edited = add_target(text, &folder("new")).unwrap_or_else(|error| panic!("{error}: {text}"));
        let loaded = Config::from_text("targets.yaml".into(), &edited).unwrap_or_else(|error| panic!("{}", error.render(false)));
        assert_eq!(loaded.config.targets.last().map(|target| target.name.as_str()), Some("new"));
        edited
    }

    #[test]
    fn an_empty_list_gets_its_first_item() {
        let item = "  - name: new\n    folder:\n      path: /srv/new\n";
        assert_eq!(added(&format!("{PROJECT}targets: []\n")), format!("{PROJECT}targets:\n{item}"));
        assert_eq!(added(&format!("{PROJECT}targets: []")), format!("{PROJECT}targets:\n{item}"));
        assert_eq!(added(&format!("{PROJECT}targets:\n")), format!("{PROJECT}targets:\n{item}"));
        assert_eq!(added(PROJECT), format!("{PROJECT}targets:\n{item}"));
        assert_eq!(added(&format!("targets: [] # none\n\n{PROJECT}")), format!("targets:\n{item}# none\n\n{PROJECT}"));
        assert_eq!(added(&format!("targets: # none\n{PROJECT}")), format!("targets: # none\n{item}{PROJECT}"));
    }

    #[test]
    fn the_new_item_follows_the_last_and_its_comments() {
        let old = "targets:\n- name: a # first\n  folder: {path: /srv/a,\n    }\n  # holds: all\n\n# about the project\nproject: {name: Demo}\n";
        let new = "targets:\n- name: a # first\n  folder: {path: /srv/a,\n    }\n  # holds: all\n- name: new\n  folder:\n    path: /srv/new\n\n# about the project\nproject: {name: Demo}\n";
        assert_eq!(added(old), new);
    }

    #[test]
    fn the_style_of_the_file_is_kept() {
        let wide = format!(
            "{PROJECT}targets:\n\n    -   name: a\n        folder: {{path: /srv/a}}\n\n    -   name: b\n        folder: {{path: /srv/b}}"
        );
        let edited = added(&wide);
        assert!(edited.starts_with(&wide));
        assert_eq!(&edited[wide.len()..], "\n\n    -   name: new\n        folder:\n          path: /srv/new\n");
        let windows = format!("\u{feff}{PROJECT}targets:\n  - name: a\n    folder: {{path: /srv/a}}\n").replace('\n', "\r\n");
        assert_eq!(added(&windows), format!("{windows}  - name: new\r\n    folder:\r\n      path: /srv/new\r\n"));
    }

    #[test]
    fn letters_beyond_ascii_end_the_last_item() {
        let text = format!("{PROJECT}targets:\n  - name: a\n    folder: {{path: /srv/a}}\n    operator: Caf\u{e9}");
        assert_eq!(added(&text), format!("{text}\n  - name: new\n    folder:\n      path: /srv/new\n"));
        assert!(
            added(&format!("{text} # \u{e9}\n\"\u{e9}\": 1\n").replace("\"\u{e9}\": 1\n", ""))
                .contains("# \u{e9}\n  - name: new")
        );
    }

    #[test]
    fn a_text_whose_empty_lines_count_keeps_them() {
        let text = "targets:\n  - name: a\n    operator: |+\n      a\n\n\n";
        let edited = add_target(text, &folder("new")).expect("there is a place");
        assert_eq!(edited, format!("{text}  - name: new\n    folder:\n      path: /srv/new\n"));
    }

    #[test]
    fn an_entry_is_replaced_in_its_place() {
        let text = "# ours\ntargets:\n  - name: a   # first\n    folder: {path: /srv/a}\n\n  # the second\n  - name: new\n    operator: Alice\n    folder:\n      path: /srv/old\n  # after it\n  - name: b\n    folder: {path: /srv/b}\nproject: {name: Demo}\n";
        let edited = replace_target(text, &folder("new")).expect("it is there");
        assert_eq!(edited, text.replace("    operator: Alice\n", "").replace("/srv/old", "/srv/new"));
        assert!(matches!(replace_target(text, &folder("c")), Err(EditError::Missing(_))));
        let last = "targets:\n- name: new\n  folder: {path: /srv/old,\n    }";
        assert_eq!(
            replace_target(last, &folder("new")).expect("it is there"),
            "targets:\n- name: new\n  folder:\n    path: /srv/new\n"
        );
        let flow = "targets: [{name: new, folder: {path: /srv/a}}]\n";
        assert!(matches!(replace_target(flow, &folder("new")), Err(EditError::Style | EditError::Disturbed)));
    }

    #[test]
    fn what_cannot_be_added_to_is_left_alone() {
        let new = folder("new");
        let style = |text: &str| matches!(add_target(text, &new), Err(EditError::Style | EditError::Disturbed));
        assert!(style("targets: [{name: a, folder: {path: /srv/a}}]\n"));
        assert!(style("targets: {}\n"));
        assert!(style("- a\n"));
        assert!(matches!(add_target("targets:\n  - name: new\n", &new), Err(EditError::Exists(_))));
        assert!(matches!(add_target("targets: [\n", &new), Err(EditError::Unreadable(_))));
    }
}
