//! What a server asks for when it answers 401: the `WWW-Authenticate` header (RFC 9110, section 11).

/// One challenge: a scheme and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// Lower case.
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter; names are told apart without case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The challenges in one header value, which may hold several, divided by the same commas as their parameters.
/// What cannot be read is left out.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for item in items(header) {
        // `Scheme key=value` opens a challenge, `key=value` continues one, `Scheme` alone is one without parameters.
        let (head, rest) = item.split_once([' ', '\t']).map_or((item, ""), |(head, rest)| (head, rest.trim()));
        let parameter = if head.contains('=') || rest.starts_with('=') {
            item
        } else {
            found.push(Challenge { scheme: head.to_ascii_lowercase(), parameters: Vec::new() });
            rest
        };
        if let (Some(challenge), Some((key, value))) = (found.last_mut(), parameter.split_once('=')) {
            challenge.parameters.push((key.trim().to_ascii_lowercase(), unquote(value.trim())));
        }
    }
    found
}

/// The pieces of `header` between commas that stand outside quotes.
fn items(header: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    header
        .split(move |character| {
            match character {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                ',' => return !quoted,
                _ => {}
            }
            false
        })
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect()
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut found = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => found.extend(characters.next()),
            _ => found.push(character),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn several_challenges_share_one_header() {
        let found = parse(
            r#"Negotiate, Digest realm="a, \"b\"", nonce="x==", qop="auth,auth-int", algorithm=SHA-256, stale=TRUE, Basic realm = "z""#,
        );
        let schemes: Vec<&str> = found.iter().map(|challenge| challenge.scheme.as_str()).collect();
        assert_eq!(schemes, ["negotiate", "digest", "basic"]);
        assert_eq!(found[1].get("realm"), Some("a, \"b\""));
        assert_eq!(found[1].get("nonce"), Some("x=="));
        assert_eq!(found[1].get("qop"), Some("auth,auth-int"));
        assert_eq!(found[1].get("stale"), Some("TRUE"));
        assert_eq!(found[2].get("realm"), Some("z"));
        assert_eq!(found[0].get("realm"), None);
    }

    proptest! {
        #[test]
        fn no_header_is_a_surprise(text in any::<String>()) {
            let found = parse(&text);
            prop_assert!(found.len() <= text.len());
        }
    }
}
