//! JSON as metadata may be written: nothing that two readers could understand in two ways.
//!
//! `serde_json` itself refuses broken UTF-8, lone surrogates, byte-order marks and trailing bytes; this adds what it
//! lets pass: a name twice in one object, numbers that are not whole, and deep nesting. Without that, the reader that
//! checks a signature and the one that uses the content could see different documents.
//!
//! Rule V3 of docs/bundle-format.md.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Deepest nesting of objects and lists; our own metadata needs eight.
const MAX_DEPTH: u8 = 32;

/// Checks `bytes`; the error says what is wrong, in words that may quote the document.
pub(super) fn check(bytes: &[u8]) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Level(MAX_DEPTH).deserialize(&mut reader)?;
    reader.end()
}

/// How many levels may still be opened below a value.
#[derive(Clone, Copy)]
struct Level(u8);

impl Level {
    fn below<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object, a list, text, a whole number, true, false or null")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while items.next_element_seed(below)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let below = self.below()?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!("the name {name:?} stands twice in one object")));
            }
            names.insert(name);
            members.next_value_seed(below)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_documents_are_refused() {
        for good in ["{}", r#"{"a":[1,-2,{"a":null}],"b":"\ud83d\ude00"}"#, " [true] \n", "18446744073709551615"] {
            assert!(check(good.as_bytes()).is_ok(), "{good}");
        }
        let deep = "[".repeat(100_000);
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            "1.5",
            "1e3",
            "-0",
            "1E400",
            "18446744073709551616",
            r#""\ud800""#,
            "\u{feff}{}",
            "{}{}",
            "{},",
            "",
            "{'a':1}",
            "[1,]",
            "NaN",
            "01",
            "\"\n\"",
            &deep,
            "/**/{}",
            r#"{"a":1"#,
        ] {
            assert!(check(bad.as_bytes()).is_err(), "{bad:.40}");
        }
        assert!(check(b"\"\xff\"").is_err());
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(check(nested(32).as_bytes()).is_ok() && check(nested(33).as_bytes()).is_err());
    }
}
