//! Text from strangers, made safe to print.

use std::fmt::Write as _;

/// Longest piece of a stranger's text that is shown, in characters.
const SHOWN: usize = 200;

/// Makes text that a server, a file or an environment gave us safe for terminals, logs and JSON: known secrets
/// removed, control and bidirectional characters written as `\u{..}`, cut after 200 characters.
///
/// One boundary for all of them: terminal escapes, forged log lines and echoed passwords end here.
#[must_use]
pub fn sanitise(text: &str) -> String {
    let clean = redact(text);
    let mut found = String::with_capacity(clean.len().min(SHOWN * 4));
    for (count, character) in clean.chars().enumerate() {
        if count == SHOWN {
            found.push('…');
            break;
        }
        push_printable(&mut found, character);
    }
    found
}

/// Writes control and bidirectional characters as `\u{..}` and leaves the rest whole: for paths and other text whose
/// exact length and form matter, and as the last gate before a terminal.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    for character in text.chars() {
        push_printable(&mut found, character);
    }
    found
}

fn push_printable(text: &mut String, character: char) {
    if is_unprintable(character) {
        let _ = write!(text, "\\u{{{:x}}}", u32::from(character));
    } else {
        text.push(character);
    }
}

/// Removes every secret that the program holds from `text`.
#[must_use]
pub fn redact(text: &str) -> String {
    super::secret::without_secrets(text)
}

fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Secret;

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(sanitise("a\u{1b}]8;;x\u{7}b\u{202e}c\r\n"), "a\\u{1b}]8;;x\\u{7}b\\u{202e}c\\u{d}\\u{a}");
    }

    #[test]
    fn an_echoed_secret_is_removed() {
        let _held = Secret::new("canary-7f3a".to_owned());
        assert_eq!(sanitise("bad password canary-7f3a!"), "bad password [redacted]!");
    }

    proptest! {
        #[test]
        fn output_is_printable_and_stable(text in any::<String>()) {
            let once = sanitise(&text);
            prop_assert!(!once.chars().any(is_unprintable));
            let whole = escape(&text);
            prop_assert!(!whole.chars().any(is_unprintable));
            prop_assert_eq!(&escape(&whole), &whole);
        }
    }
}
