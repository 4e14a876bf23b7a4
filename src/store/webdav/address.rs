//! Between object paths and URLs: each part is percent-encoded once on the way out and decoded once on the way back.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::base::ObjectPath;

/// Everything but the unreserved characters of RFC 3986, section 2.3. Sub-delimiters such as `+` and `;` are legal in
/// a path, but some servers read them as something else.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The base collection of a target: its URL, ending in a slash.
#[derive(Debug, Clone)]
pub(super) struct Base(Url);

impl Base {
    /// A base at `url`. What follows the path, and credentials in it, are dropped: they are given apart.
    pub(super) fn new(mut url: Url) -> Self {
        url.set_query(None);
        url.set_fragment(None);
        // Both fail only for URLs that cannot hold credentials anyway.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Self(url)
    }

    /// The URL of the base collection.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// The URL of an object.
    pub(super) fn object(&self, path: &ObjectPath) -> Url {
        let mut text = self.0.path().to_owned();
        for (position, part) in path.parts().enumerate() {
            if position > 0 {
                text.push('/');
            }
            text.extend(utf8_percent_encode(part, ENCODED));
        }
        let mut url = self.0.clone();
        url.set_path(&text);
        url
    }

    /// The URL of a collection (`None`: the base), with the trailing slash without which nginx answers 409 to MKCOL
    /// and Apache 301 to PROPFIND and DELETE.
    pub(super) fn collection(&self, path: Option<&ObjectPath>) -> Url {
        let Some(path) = path else { return self.0.clone() };
        let mut url = self.object(path);
        let text = format!("{}/", url.path());
        url.set_path(&text);
        url
    }

    /// Whether what is sent there stays between us and the server: TLS, this machine, or an onion service.
    pub(super) fn is_private(&self) -> bool {
        self.0.scheme() == "https"
            || match self.0.host() {
                Some(url::Host::Domain(name)) => name == "localhost" || name.rsplit('.').next() == Some("onion"),
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    }
}

/// The parts of a `href` as servers write it (absolute URL or path, RFC 4918 section 8.3), each decoded once.
/// A trailing slash makes no part. Bytes that are not UTF-8 are replaced: such a name is none of ours.
pub(super) fn parts(href: &str) -> Vec<String> {
    let href = href.trim();
    let path = match href.split_once("://") {
        // A scheme holds no slash; `/a://b` is a path.
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("", |slash| &rest[slash..]),
        _ => href,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base() -> Base {
        Base::new(Url::parse("https://user:word@dav.example.org/remote%20x/files?y#z").expect("a URL"))
    }

    fn path(text: &str) -> ObjectPath {
        ObjectPath::new(text).expect("a path")
    }

    #[test]
    fn parts_are_encoded_once() {
        assert_eq!(base().url().as_str(), "https://dav.example.org/remote%20x/files/");
        assert_eq!(base().object(&path("a b/c+d~é")).path(), "/remote%20x/files/a%20b/c%2Bd~%C3%A9");
        assert_eq!(base().collection(Some(&path("a"))).path(), "/remote%20x/files/a/");
        assert_eq!(base().collection(None).path(), "/remote%20x/files/");
    }

    #[test]
    fn a_href_is_a_url_or_a_path() {
        for href in ["/dav/a%20b/", "http://other.host:80/dav/a%20b", " /dav//a%20b \n", "https://x/dav/a%20b?q#f"] {
            assert_eq!(parts(href), ["dav", "a b"], "{href:?}");
        }
        assert_eq!(parts("/a%252Fb%2Fc"), ["a%2Fb/c"], "decoded once, and a part stays a part");
        assert!(parts("http://host").is_empty());
    }

    #[test]
    fn passwords_are_shown_only_where_nobody_listens() {
        for (url, private) in [
            ("https://a.example", true),
            ("http://127.0.0.1:80", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("http://abc.onion/", true),
            ("http://a.example", false),
            ("http://127.0.0.1.example/", false),
        ] {
            assert_eq!(Base::new(Url::parse(url).expect("a URL")).is_private(), private, "{url}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in "[^/]{1,20}(/[^/]{1,20}){0,3}") {
            if let Ok(path) = ObjectPath::new(text) {
                let found = parts(base().object(&path).as_str());
                prop_assert_eq!(found[2..].join("/"), path.as_str());
            }
        }

        #[test]
        fn no_href_is_a_surprise(text in any::<String>()) {
            prop_assert!(parts(&text).iter().all(|part| !part.is_empty()));
        }
    }
}
