//! URLs and host names. None may carry a login: they are printed in reports, and this file is no place for secrets.

use std::net::{IpAddr, Ipv6Addr};

use url::{Host, ParseError, Url};

use super::super::problem::Finding;
use super::super::section::{Section, Text};
use super::super::source::Span;

/// A URL at `key` that begins with one of `schemes` and names a host, without login, query and fragment.
pub(super) fn url(section: &Section<'_, '_>, key: &'static str, schemes: &[&str], example: &str) -> Option<(Url, Span)> {
    let text = section.unshown_text(key)?;
    let url = match Url::parse(text.text) {
        Ok(url) => url,
        Err(error) => {
            if is_harmless(text.text) {
                section.show(text);
            }
            let hint = format!("write {key}: {example}");
            let message = match error {
                ParseError::RelativeUrlWithoutBase => format!("`{key}` does not begin with {}", spoken(schemes)),
                other => format!("`{key}` is not a URL: {other}"),
            };
            section.wrong(text.span, message, "", Some(&hint));
            return None;
        }
    };
    // An @ further back is part of a path (some WebDAV servers have one there), but is not shown either: nobody can
    // tell `https://host/blue:secret@` from a slip.
    let known_scheme = schemes.contains(&url.scheme());
    if !url.username().is_empty() || url.password().is_some() || (!known_scheme && text.text.contains('@')) {
        let hint = "remove the part before the @; give the user and a reference to the password by their own keys";
        section.wrong(text.span, format!("`{key}` has a login in it"), "the value is not shown", Some(hint));
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        let hint = "end it with the folder; queries can hold secrets, and paths are appended to it";
        section.wrong(text.span, format!("`{key}` has a query (?) or fragment (#)"), "the value is not shown", Some(hint));
        return None;
    }
    section.show(text);
    if !known_scheme {
        let label = format!("this begins with {}:", url.scheme());
        let hint = format!("write {key}: {example}");
        section.wrong(text.span, format!("`{key}` does not begin with {}", spoken(schemes)), &label, Some(&hint));
        return None;
    }
    if url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
        let hint = format!("write {key}: {example}");
        section.wrong(text.span, format!("`{key}` names no host or port that exists"), "", Some(&hint));
        return None;
    }
    if climbs(text.text) {
        section.wrong(text.span, format!("`{key}` has `..`, `.` or a backslash in its path"), "", Some("write the path out"));
        return None;
    }
    Some((url, text.span))
}

/// A URL that our login is sent to: `http` only to this machine, to an onion service, or with `insecure: true`.
pub(super) fn endpoint(section: &Section<'_, '_>, key: &'static str, example: &str) -> Option<Url> {
    section.require(key, example);
    let insecure = section.flag("insecure").unwrap_or(false);
    let (url, span) = url(section, key, &["https", "http"], example)?;
    if url.scheme() == "http" && !is_private(&url) {
        let message = format!("`{key}` would send the login unencrypted");
        if !insecure {
            let hint = "write https://, or add insecure: true if the way there is safe by other means";
            section.wrong(span, message, "http", Some(hint));
            return None;
        }
        section.review().report(Finding::warning(message).at(span, "http, because of insecure: true"));
    }
    Some(url)
}

/// The proxy at `proxy:`.
pub(super) fn proxy(section: &Section<'_, '_>) -> Option<Url> {
    let (url, span) = url(section, "proxy", &["socks5h", "http"], "socks5h://127.0.0.1:9050")?;
    if !matches!(url.path(), "" | "/") {
        section.wrong(span, "`proxy` has a path", "", Some("end it after the port"));
        return None;
    }
    if url.port_or_known_default().is_none() {
        section.wrong(span, "`proxy` has no port", "", Some("write proxy: socks5h://127.0.0.1:9050"));
        return None;
    }
    Some(url)
}

/// A host name or address without scheme, user, port and path; IPv6 with or without brackets.
pub(super) fn host(section: &Section<'_, '_>, key: &'static str) -> Option<String> {
    section.require(key, "mirror.example.org");
    let text = section.text(key)?;
    let hint = if text.text.contains("://") || text.text.contains('/') {
        "write only the host name; the folder goes to `path`"
    } else if text.text.contains('@') {
        "write only the host name; the user goes to `user`"
    } else {
        match text.text.parse::<Ipv6Addr>() {
            Ok(address) => return Some(address.to_string()),
            Err(_) if text.text.contains(':') && !text.text.starts_with('[') => "the port goes to `port`",
            Err(_) => "write a host name such as mirror.example.org, or an address",
        }
    };
    match Host::parse(text.text) {
        Ok(Host::Domain(name)) if is_host_name(&name) => Some(name),
        Ok(Host::Ipv4(address)) => Some(address.to_string()),
        Ok(Host::Ipv6(address)) => Some(address.to_string()),
        _ => {
            section.wrong(text.span, format!("`{key}` is not a host name"), "", Some(hint));
            None
        }
    }
}

fn is_host_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.strip_suffix('.').unwrap_or(name).split('.').all(part)
}

/// Whether what is sent there crosses no network in clear.
pub(in crate::config) fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost") || is_onion(name),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// Whether `host` is a Tor onion service (RFC 7686).
pub(super) fn is_onion(host: &str) -> bool {
    host.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case("onion"))
}

/// Whether a text that is no URL may be shown: it has nothing that separates a secret from something else.
fn is_harmless(text: &str) -> bool {
    !text.contains(['@', '?', '#', '&', '='])
}

/// Dots that `Url` would fold away, so that the address differs from what was written.
fn climbs(text: &str) -> bool {
    text.contains('\\')
        || text.split('/').any(|part| {
            let plain = part.to_ascii_lowercase().replace("%2e", ".");
            plain == "." || plain == ".."
        })
}

fn spoken(schemes: &[&str]) -> String {
    schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ")
}

/// A path below a base, without a slash at its end. Refused are `..`, `.`, empty parts and control characters;
/// `absolute` says whether it may begin with a slash, or be the login folder itself (`.`) or the root (`/`).
pub(super) fn remote_path(section: &Section<'_, '_>, key: &'static str, text: Text<'_>, absolute: bool) -> Option<String> {
    if absolute && matches!(text.text, "/" | "." | "./") {
        return Some(text.text.get(..1)?.to_owned());
    }
    let path = text.text.strip_suffix('/').unwrap_or(text.text);
    let below = if absolute { path.strip_prefix('/').unwrap_or(path) } else { path };
    if below.starts_with('~') {
        let hint = "a path without a slash at its beginning is below the login folder";
        section.wrong(text.span, format!("`{key}` begins with ~"), "~ is not replaced there", Some(hint));
        return None;
    }
    if below.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        let label = if absolute {
            "no `..`, no `.`, no doubled slash"
        } else {
            "no `..`, no `.`, no slash at the beginning, none doubled"
        };
        section.wrong(text.span, format!("`{key}` is not a plain path"), label, Some("write it like pub/archive"));
        return None;
    }
    Some(path.to_owned())
}
