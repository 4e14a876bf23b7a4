//! A target as YAML.

use std::fmt::Write as _;

use super::super::{Addressing, HttpAuth, JumpHost, SecretRef, TargetKind, check};
use super::NewTarget;
use crate::base::{Addresses, MailAddress, TargetLimits};

/// One line of a mapping: how deep it is indented, its key, and its value if it has one on the line.
type Line = (usize, &'static str, Option<String>);

/// The lines of the item for `new`, without indentation of the list: `- name: alpha` and so on. `inner` is the
/// number of columns from the dash to the keys.
pub(super) fn item(new: &NewTarget, inner: usize) -> Vec<String> {
    let mut lines: Vec<Line> = vec![(0, "name", Some(scalar(new.name.as_str())))];
    kind(&new.kind, &mut lines);
    let mut optional = |key, value: Option<&str>| lines.extend(value.map(|value| (0, key, Some(scalar(value)))));
    optional("public_url", new.public_url.as_ref().map(url::Url::as_str));
    optional("operator", new.operator.as_deref());
    optional("country", new.country.as_deref());
    optional("network", new.network.as_deref());
    optional("proxy", new.proxy.as_ref().map(url::Url::as_str));
    optional("ca", new.ca.as_ref().map(|path| path.as_str()));
    optional("addresses", (new.addresses == Addresses::Public).then_some("public"));
    optional("contact", new.contact.as_ref().map(MailAddress::as_str));
    if !new.tags.is_empty() {
        lines.push((0, "tags", Some(list(&new.tags))));
    }
    limits(&new.limits, &mut lines);
    let written = |(number, (depth, key, value)): (usize, &Line)| {
        let margin = if number == 0 { format!("{:inner$}", "-") } else { " ".repeat(inner) };
        let value = value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
        format!("{margin}{}{key}:{value}", "  ".repeat(*depth))
    };
    lines.iter().enumerate().map(written).collect()
}

fn kind(kind: &TargetKind, lines: &mut Vec<Line>) {
    lines.push((0, kind.word(), None));
    let mut key = |key, value: &str| lines.push((1, key, Some(scalar(value))));
    match kind {
        TargetKind::Folder(folder) => key("path", folder.path.as_str()),
        TargetKind::Sftp(sftp) => {
            key("host", &sftp.host);
            if sftp.port != 22 {
                key("port", &sftp.port.to_string());
            }
            key("user", &sftp.user);
            key("path", &sftp.path);
            if let Some(path) = &sftp.key {
                key("key", path.as_str());
            }
            secret("passphrase", sftp.passphrase.as_ref(), lines);
            secret("password", sftp.password.as_ref(), lines);
            lines.push((1, "host_keys", Some(list(&sftp.host_keys))));
            if !sftp.jump.is_empty() {
                let hosts: Vec<String> = sftp.jump.iter().map(jump_host).collect();
                lines.push((1, "jump", Some(format!("[{}]", hosts.join(", ")))));
            }
        }
        TargetKind::S3(s3) => {
            key("endpoint", s3.endpoint.as_str());
            key("region", &s3.region);
            key("bucket", &s3.bucket);
            if !s3.prefix.is_empty() {
                key("prefix", &s3.prefix);
            }
            if s3.addressing == Addressing::Virtual {
                key("addressing", "virtual");
            }
            secret("access_key", Some(&s3.access_key), lines);
            secret("secret_key", Some(&s3.secret_key), lines);
            insecure(&s3.endpoint, lines);
        }
        TargetKind::Webdav(webdav) => {
            key("url", webdav.url.as_str());
            if let Some(user) = &webdav.user {
                key("user", user);
            }
            match webdav.auth {
                HttpAuth::Auto => {}
                HttpAuth::Basic => key("auth", "basic"),
                HttpAuth::Digest => key("auth", "digest"),
            }
            secret("password", webdav.password.as_ref(), lines);
            insecure(&webdav.url, lines);
        }
    }
}

/// Who made a target with plain `http` has agreed to it.
fn insecure(url: &url::Url, lines: &mut Vec<Line>) {
    if url.scheme() == "http" && !check::is_private(url) {
        lines.push((1, "insecure", Some("true".to_owned())));
    }
}

/// A jump host on one line.
fn jump_host(jump: &JumpHost) -> String {
    let mut keys = vec![format!("host: {}", quoted(&jump.host)), format!("port: {}", jump.port)];
    keys.push(format!("user: {}", quoted(&jump.user)));
    keys.extend(jump.key.as_ref().map(|path| format!("key: {}", quoted(path.as_str()))));
    for (key, reference) in [("passphrase", &jump.passphrase), ("password", &jump.password)] {
        keys.extend(reference.as_ref().map(|reference| match reference {
            SecretRef::Env(name) => format!("{key}: {}", quoted(&format!("env:{name}"))),
            SecretRef::File(path) => format!("{key}: {}", quoted(&format!("file:{path}"))),
            SecretRef::Command(words) => format!("{key}: {{command: {}}}", list(words)),
            SecretRef::Sealed { file, .. } => format!("{key}: {}", quoted(&format!("sealed:{file}"))),
        }));
    }
    keys.push(format!("host_keys: {}", list(&jump.host_keys)));
    format!("{{{}}}", keys.join(", "))
}

fn secret(key: &'static str, reference: Option<&SecretRef>, lines: &mut Vec<Line>) {
    match reference {
        None => {}
        Some(SecretRef::Env(name)) => lines.push((1, key, Some(scalar(&format!("env:{name}"))))),
        Some(SecretRef::File(path)) => lines.push((1, key, Some(scalar(&format!("file:{path}"))))),
        Some(SecretRef::Sealed { file, .. }) => lines.push((1, key, Some(scalar(&format!("sealed:{file}"))))),
        Some(SecretRef::Command(words)) => {
            lines.push((1, key, None));
            lines.push((2, "command", Some(list(words))));
        }
    }
}

fn limits(limits: &TargetLimits, lines: &mut Vec<Line>) {
    if *limits == TargetLimits::default() {
        return;
    }
    lines.push((0, "limits", None));
    let mut number = |key, value: Option<u64>| lines.extend(value.map(|value| (1, key, Some(value.to_string()))));
    number("max_bytes", limits.max_bytes.map(|count| count.0));
    number("bandwidth", limits.bandwidth.map(|count| count.0));
    number("connections", limits.connections.map(u64::from));
    if !limits.windows.is_empty() {
        let window = |window: &crate::base::Window| {
            format!("{{from: \"{}\", until: \"{}\", zone: {}}}", window.from, window.until, quoted(&window.zone))
        };
        let windows: Vec<String> = limits.windows.iter().map(window).collect();
        lines.push((1, "windows", Some(format!("[{}]", windows.join(", ")))));
    }
    if let Some(count) = limits.verify_bytes_per_day {
        lines.push((1, "verify_bytes_per_day", Some(count.0.to_string())));
    }
    if limits.metered {
        lines.push((1, "metered", Some("true".to_owned())));
    }
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}

/// `text` so that every YAML reader, also one of version 1.1, gets this text back: bare where nobody could read
/// anything else into it, else in double quotes.
pub(super) fn scalar(text: &str) -> String {
    let bare = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b':'))
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'/')
        && !text.ends_with(':');
    let small = text.to_ascii_lowercase();
    let word = matches!(small.as_str(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    if (bare && !word) || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// `text` in double quotes (YAML 1.2, section 7.3.1); everything that is not plainly visible is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            visible if (' '..='~').contains(&visible) || visible.is_alphanumeric() => quoted.push(visible),
            // Writing to a string cannot fail.
            other => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(other));
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::raw::{self, Value};

    /// What the reader makes of `text` after it was written as a value: in a mapping and in a list.
    fn read_back(text: &str) -> (String, String) {
        let yaml = format!("key: {}\nlist: {}\n", scalar(text), list(&[text.to_owned()]));
        let root = raw::parse(&yaml).expect("what we write can be read");
        let word = |node: &raw::Node| match &node.value {
            Value::Text(text) => text.to_string(),
            Value::Number => yaml[node.span.range()].to_owned(),
            other => panic!("{text:?} became {other:?}"),
        };
        let Value::Map(map) = &root.value else { panic!("{yaml}") };
        let Value::List(items) = &map[1].1.value else { panic!("{yaml}") };
        (word(&map[0].1), word(&items[0]))
    }

    #[test]
    fn values_that_yaml_likes_to_reinterpret_come_back() {
        for text in [
            "",
            " ",
            "~",
            "null",
            "NO",
            "no",
            "true",
            "010",
            "1e3",
            "1_000",
            "0x10",
            ".inf",
            "12:30:45",
            "2026-01-01",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a",
            "[a",
            "{a",
            "a,b",
            "'",
            "\"",
            "\\",
            "a\nb",
            "a\r\nb",
            "\t",
            "a ",
            "=",
            "<<",
            "\u{0}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\u{202e}",
            "é",
            "日本",
            "🦀",
            "a:",
            ":",
            "?",
            "? a",
            "---",
            "...",
            "| a",
            ">",
        ] {
            assert_eq!(read_back(text), (text.to_owned(), text.to_owned()));
        }
    }

    #[test]
    fn ordinary_values_are_written_bare() {
        for text in ["alpha", "https://mirror.example.org/a/", "/srv/mirror", "env:PASSWORD", "2222", "SHA256:x"] {
            assert_eq!(scalar(text), text);
        }
        assert_eq!(scalar("NO"), "\"NO\"");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            prop_assert_eq!(read_back(&text), (text.clone(), text.clone()));
        }

        #[test]
        fn any_text_of_yaml_marks_comes_back(text in "[-?:,\\[\\]{}#&*!|>'\"%@`~ \n\r\ta0.\\\\<=]{0,12}") {
            prop_assert_eq!(read_back(&text), (text.clone(), text.clone()));
        }
    }
}
