//! Names of targets and bundles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name of a target or a bundle, in bytes.
const MAX_NAME: usize = 64;

/// TUF role names and our own reserved role names (docs/bundle-format.md, rule B2).
const RESERVED: [&str; 6] = ["root", "targets", "snapshot", "timestamp", "fleet", "site"];

/// What our own place is called beside vantages.
const HERE: &str = "here";

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is empty.
    #[error("the name is empty")]
    Empty,
    /// The name is longer than 64 bytes.
    #[error("the name has {0} bytes, at most {MAX_NAME} are allowed")]
    TooLong(usize),
    /// A character outside `[a-z0-9._-]`, or a first character outside `[a-z0-9]`.
    #[error("the character {0:?} is not allowed here: use a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")]
    Character(char),
    /// A name that the format keeps for itself.
    #[error("{0:?} is a reserved name")]
    Reserved(String),
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    for (position, character) in text.chars().enumerate() {
        let alphanumeric = character.is_ascii_lowercase() || character.is_ascii_digit();
        if !(alphanumeric || (position > 0 && matches!(character, '.' | '_' | '-'))) {
            return Err(NameError::Character(character));
        }
    }
    if text.len() > MAX_NAME {
        return Err(NameError::TooLong(text.len()));
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$documentation:meta])* $name:ident, $extra:expr) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and makes a name of it.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                check(&text)?;
                let extra: fn(&str) -> Result<(), NameError> = $extra;
                extra(&text)?;
                Ok(Self(text))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name_type!(
    /// The name of a target: the place we write to, and its mirror's name in every report.
    TargetName,
    |_| Ok(())
);

name_type!(
    /// The name of a bundle, which is also the name of its delegated TUF role and of its folder
    /// (`[a-z0-9][a-z0-9._-]{0,63}`, never a TUF role name).
    BundleName,
    |text| if RESERVED.contains(&text) { Err(NameError::Reserved(text.to_owned())) } else { Ok(()) }
);

name_type!(
    /// The name of a route on which alerts are sent.
    RouteName,
    |_| Ok(())
);

name_type!(
    /// The name of a vantage: a place from which somebody else looks at the mirrors. Never `here`, which is ourselves.
    VantageName,
    |text| if text == HERE { Err(NameError::Reserved(text.to_owned())) } else { Ok(()) }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundle_names_follow_the_pattern() {
        for good in ["v1.2", "demo-1", "0", "a_b.c-d"] {
            assert!(BundleName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "V1", "-a", ".a", "a/b", "a b", "é", "root", "fleet", "site", &"a".repeat(65)] {
            assert!(BundleName::new(bad).is_err(), "{bad}");
        }
    }
}
