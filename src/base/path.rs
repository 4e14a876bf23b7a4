//! Paths of objects below a target's base.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Longest part of a path, in bytes: the limit of common file systems.
const MAX_PART: usize = 255;

/// Why a path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path or one of its parts is empty (`//`, a leading or a trailing slash).
    #[error("an empty part (a leading, trailing or doubled slash)")]
    EmptyPart,
    /// A part that is `.` or `..`.
    #[error("a part that is {0:?}")]
    Dots(String),
    /// A character that does not travel through URLs, shells and file systems unchanged.
    #[error("the character {0:?}")]
    Character(char),
    /// Text in another normal form than NFC: it would be a second name for the same text.
    #[error("text that is not in Unicode normal form C (it would be written {0:?})")]
    NotNfc(String),
    /// A part longer than 255 bytes.
    #[error("a part of {0} bytes (at most {MAX_PART})")]
    LongPart(usize),
}

/// The path of an object below a target's base: parts divided by `/`, never absolute, never climbing.
///
/// The rules are those of the format (docs/bundle-format.md, rule B3), so that a path that exists can be
/// written on every kind of target and read back through a URL under the same name. Joining it to a root
/// therefore stays beneath that root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectPath(String);

impl ObjectPath {
    /// Checks `text` and makes a path of it.
    pub fn new(text: impl Into<String>) -> Result<Self, PathError> {
        let text = text.into();
        for part in text.split('/') {
            check_part(part)?;
        }
        Ok(Self(text))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This path with `relative` (one part or several) below it.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        Self::new(format!("{}/{relative}", self.0))
    }

    /// The collection that holds this object; `None` for an object right at the base.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// The same collection with another last part.
    pub fn with_file_name(&self, name: &str) -> Result<Self, PathError> {
        match self.parent() {
            Some(parent) => parent.join(name),
            None => Self::new(name),
        }
    }

    /// The parts, from the base downwards.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Every collection above this object, outermost first.
    #[must_use]
    pub fn ancestors(&self) -> Vec<Self> {
        let mut found: Vec<Self> = std::iter::successors(self.parent(), Self::parent).collect();
        found.reverse();
        found
    }
}

fn check_part(part: &str) -> Result<(), PathError> {
    if part.is_empty() {
        return Err(PathError::EmptyPart);
    }
    if part == "." || part == ".." {
        return Err(PathError::Dots(part.to_owned()));
    }
    if let Some(bad) = part.chars().find(|&character| is_unsafe(character)) {
        return Err(PathError::Character(bad));
    }
    if !is_nfc(part) {
        return Err(PathError::NotNfc(part.nfc().collect()));
    }
    if part.len() > MAX_PART {
        return Err(PathError::LongPart(part.len()));
    }
    Ok(())
}

/// `? # %` end or escape a URL path in some client, `\` is a separator in others, and control characters
/// are raw in canonical JSON (measured against two TUF clients: docs/bundle-format.md, rule B3).
fn is_unsafe(character: char) -> bool {
    character.is_control() || matches!(character, '?' | '#' | '%' | '\\')
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl AsRef<str> for ObjectPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ObjectPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        Self::new(text)
    }
}

impl From<ObjectPath> for String {
    fn from(path: ObjectPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_would_leave_the_root_or_change_on_the_way() {
        let nfd = "e\u{301}";
        for bad in ["", "/a", "a/", "a//b", ".", "a/../b", "..", "a\\b", "a?b", "a#b", "a%41", "a\nb", "a\u{0}", nfd] {
            assert!(ObjectPath::new(bad).is_err(), "{bad:?}");
        }
        assert!(ObjectPath::new("a".repeat(256)).is_err());
        for good in ["a", "a/b", ".hidden", "a b+c:\"[]{}*", "é/ü", "😀"] {
            assert!(ObjectPath::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn ancestors_are_outermost_first() {
        let path = ObjectPath::new("a/b/c").expect("a good path");
        let names: Vec<String> = path.ancestors().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "a/b"]);
        assert_eq!(path.file_name(), "c");
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_beneath_its_root(text in ".{0,40}") {
            if let Ok(path) = ObjectPath::new(text) {
                let joined = std::path::Path::new("/root").join(path.as_str());
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(joined.components().all(|part| !matches!(part, std::path::Component::ParentDir)));
            }
        }
    }
}
