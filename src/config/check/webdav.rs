//! `webdav:`

use super::super::section::{Section, Text};
use super::super::{HttpAuth, WebdavTarget};
use super::address::endpoint;
use super::secrets;

/// Reads `webdav:`.
pub(super) fn webdav(section: &Section<'_, '_>) -> Option<WebdavTarget> {
    let url = endpoint(section, "url", "https://dav.example.org/mirror/");
    let user = section.unshown_text("user").and_then(|text| user(section, text));
    let password = secrets::secret(section, "password");
    let auth = match section.entry("auth") {
        Some(_) => section.choice("auth", &[("auto", HttpAuth::Auto), ("basic", HttpAuth::Basic), ("digest", HttpAuth::Digest)]),
        None => Some(HttpAuth::default()),
    };
    match (section.entry("user"), section.entry("password")) {
        (Some((span, _)), None) => {
            section.wrong(span, "`user` without a `password`", "", Some("add: password: env:NAME"));
        }
        (None, Some((span, _))) => section.wrong(span, "`password` without a `user`", "", Some("add: user: NAME")),
        _ => {}
    }
    Some(WebdavTarget { url: url?, user, password, auth: auth? })
}

/// The login name. A colon ends it in HTTP Basic (RFC 7617, section 2), so one with a colon is refused, and not
/// shown: what follows may be the password.
fn user(section: &Section<'_, '_>, text: Text<'_>) -> Option<String> {
    if text.text.contains(|character: char| character == ':' || character.is_control()) {
        let hint = "write only the login name; the password is a reference of its own";
        section.wrong(text.span, "`user` is not a login name", "not shown: a colon is in it", Some(hint));
        return None;
    }
    section.show(text);
    Some(text.text.to_owned())
}
