//! Words of strangers, as far as they may stand in a configuration.
//!
//! `sshd_config`, nginx, Apache and shells quote in different ways, and none of them needs more than these letters. So what has others
//! is refused, and nothing is quoted.

use std::net::IpAddr;

use ssh_key::PublicKey;
use url::{Host, Url};

use super::SetupError;
use crate::base::{AddressBlock, sanitise};

fn refused(what: &'static str, text: &str, allowed: &'static str) -> SetupError {
    SetupError::Unsafe { what, shown: sanitise(text), allowed }
}

fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// A login name.
pub(super) fn account(text: &str) -> Result<&str, SetupError> {
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if begins && text.len() <= 64 && text.bytes().all(|byte| plain(byte) || byte == b'@') {
        return Ok(text);
    }
    Err(refused("the user", text, "letters, digits, and . _ - @ after the first"))
}

/// A folder of the server, from the top, without a slash at its end.
pub(super) fn server_folder<'t>(what: &'static str, text: &'t str) -> Result<&'t str, SetupError> {
    let path = text.strip_suffix('/').unwrap_or(text);
    match path.strip_prefix('/') {
        Some(below) if is_plain_path(below) => Ok(path),
        _ => Err(refused(what, text, "a path from the top, of letters, digits and . _ - in each part, such as /srv/mirror")),
    }
}

/// A path below something, without slashes at its ends; not empty.
pub(super) fn below<'t>(what: &'static str, text: &'t str) -> Result<&'t str, SetupError> {
    if is_plain_path(text) {
        return Ok(text);
    }
    Err(refused(what, text, "letters, digits and . _ - in each part, such as pub/archive"))
}

/// Parts of plain letters; none begins with a dash, which a command could take for an option.
fn is_plain_path(path: &str) -> bool {
    path.len() <= 1000
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && !part.starts_with('-') && part.bytes().all(plain))
}

/// The host of an address.
pub(super) fn host(url: &Url) -> Result<String, SetupError> {
    let wrong = || refused("the host", url.host_str().unwrap_or_default(), "a host name such as mirror.example.org");
    match url.host() {
        Some(Host::Domain(name)) if !name.is_empty() && !name.starts_with('-') && name.bytes().all(plain) => Ok(name.to_owned()),
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Ipv6(address)) => Ok(format!("[{address}]")),
        _ => Err(wrong()),
    }
}

/// The path of an address, with slashes at both ends.
pub(super) fn url_path(url: &Url) -> Result<String, SetupError> {
    let path = url.path().trim_matches('/');
    if path.is_empty() {
        return Ok("/".to_owned());
    }
    if is_plain_path(path) {
        return Ok(format!("/{path}/"));
    }
    Err(refused("the path of an address", url.path(), "letters, digits and . _ - in each part, such as /archive/"))
}

/// A public key of SSH: its kind and its bytes, and what is left of its comment.
pub(super) fn public_key(line: &str) -> Result<String, SetupError> {
    let wrong = || refused("a public key", line, "a line such as ssh-ed25519 AAAA...");
    let mut key = PublicKey::from_openssh(line.trim()).map_err(|_| wrong())?;
    let comment: String =
        key.comment().to_string().chars().map(|letter| if is_of_comment(letter) { letter } else { '_' }).collect();
    key.set_comment("");
    let bare = key.to_openssh().map_err(|_| wrong())?;
    Ok(format!("{} {comment}", bare.trim()).trim().to_owned())
}

fn is_of_comment(letter: char) -> bool {
    letter == ' ' || letter == '@' || letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-')
}

/// The addresses that somebody comes from, as `from=` has them.
pub(super) fn addresses(list: &[String]) -> Result<Option<String>, SetupError> {
    for text in list {
        if text.parse::<IpAddr>().is_err() && text.parse::<AddressBlock>().is_err() {
            return Err(refused("an address that pushes come from", text, "addresses and networks, such as 192.0.2.0/24"));
        }
    }
    Ok(Some(list.join(",")).filter(|list| !list.is_empty()))
}

/// What a project is called, for a comment: one line without anything that ends it.
pub(super) fn title(text: &str) -> String {
    sanitise(text)
        .chars()
        .map(|letter| if letter.is_alphanumeric() || " .,_-'()".contains(letter) { letter } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_become_something_else_is_refused() {
        for bad in ["", "a b", "a\nMatch all", "-oProxyCommand", "a\"b", "a,b", "*", "a#b", "%u", "a;b", "a$b", "é"] {
            assert!(account(bad).is_err(), "{bad:?}");
        }
        for good in ["mirror", "_www", "u123@box", "a-b.c_d"] {
            assert!(account(good).is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "/",
            "srv",
            "/srv/../etc",
            "/srv//x",
            "/srv/%h",
            "/srv/a b",
            "/srv/a\nb",
            "/srv/\"",
            "/srv/-rf",
            "/srv;x",
            "/srv/$x",
        ] {
            assert!(server_folder("the folder", bad).is_err(), "{bad:?}");
        }
        assert_eq!(server_folder("the folder", "/srv/mirror/").expect("plain"), "/srv/mirror");
        for bad in ["https://a\"b.example/", "https://a;b.example/", "https://a{b}.example/", "https://-a.example/", "data:x"] {
            assert!(Url::parse(bad).ok().is_none_or(|url| host(&url).is_err()), "{bad:?}");
        }
        for bad in ["/a;b/", "/a$b/", "/a{b}/", "/a%0Ab/", "/a'b/", "/a b/", "/~a/"] {
            let url = Url::parse("https://h.example").expect("a URL").join(bad).expect("a path");
            assert!(url_path(&url).is_err(), "{bad:?}");
        }
        assert!(addresses(&["192.0.2.1\",command=\"x".to_owned()]).is_err());
        assert_eq!(
            addresses(&["192.0.2.1".to_owned(), "2001:db8::/32".to_owned()]).expect("both"),
            Some("192.0.2.1,2001:db8::/32".to_owned())
        );
        assert_eq!(addresses(&[]).expect("none"), None);
    }

    #[test]
    fn of_a_key_only_its_own_words_are_left() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHiMrYUBpQG2SmpJ9tKa5PhA7j6iZUaZma+wAvgyG3cE";
        assert_eq!(public_key(&format!("{key} spartacus deploy \"x\"")).expect("a key"), format!("{key} spartacus deploy _x_"));
        assert_eq!(public_key(key).expect("a key"), key);
        assert!(public_key(&format!("command=\"sh\" {key}")).is_err(), "options are ours");
        assert!(public_key("nothing").is_err());
    }
}
