//! OLPC canonical JSON, over which TUF signatures are made.
//!
//! Keys sorted by code point, no white space, integers only, and in strings nothing escaped but `"` and `\`.
//! All texts that we write are free of control characters, and then these bytes are also ordinary compact JSON:
//! that is why a role's stored form can hold the signed bytes as they are.
//!
//! Rule R2 of docs/bundle-format.md.

use serde_json::Value;

/// The canonical bytes of `value`.
pub(super) fn to_bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    bytes
}

/// Appends the canonical bytes of `value`.
pub(super) fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            // Sorted here, because another crate in the tree may switch serde_json's maps to insertion order.
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            out.push(b'{');
            for (position, name) in names.into_iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_string(name, out);
                out.push(b':');
                write(&members[name], out);
            }
            out.push(b'}');
        }
        plain => out.extend_from_slice(plain.to_string().as_bytes()),
    }
}

/// Appends `text` in quotes.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_verifier_and_with_json() {
        let value = serde_json::json!({"b": [1, -2, true, null], "a": {"é\"": "x\\y"}, "A": u64::MAX});
        let bytes = to_bytes(&value);
        assert_eq!(bytes, r#"{"A":18446744073709551615,"a":{"é\"":"x\\y"},"b":[1,-2,true,null]}"#.as_bytes());
        assert_eq!(serde_json::from_slice::<Value>(&bytes).expect("valid JSON"), value);
    }
}
