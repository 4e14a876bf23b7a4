//! Where a mirror lies and from where it is looked at, for its own volunteer.

use std::net::{IpAddr, Ipv6Addr};

use url::Url;

use crate::health::Reach;

/// What the name of our requests is in the log of a web server.
const AGENT: &str = concat!("spartacus/", env!("CARGO_PKG_VERSION"));

/// What the volunteer of one mirror may hear besides: their own side of the account that we have there. Nothing of it is
/// public, and nothing of ours is in it but the addresses that we come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// The addresses that mirrors see when we look, as far as the maintainer told.
    pub seen_from: Vec<IpAddr>,
    /// Whether a proxy of ours is in between: then mirrors see that one.
    pub proxied: bool,
    /// Where we write, and read where there is no public address; `None`: not known.
    pub place: Option<Place>,
}

/// Where the account lies that we have there, as its operator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder that is mounted on our machine; where, is our own affair.
    Folder,
    /// A folder behind SSH.
    Sftp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// The account that was given to us.
        user: String,
        /// The folder; relative to that account's own, or empty for it.
        path: String,
    },
    /// A WebDAV collection.
    Webdav {
        /// Its address.
        url: Url,
        /// The account that was given to us, if there is one.
        user: Option<String>,
    },
    /// A folder in a bucket.
    S3 {
        /// Its address.
        url: Url,
        /// The region that requests are signed for.
        region: String,
    },
}

impl Place {
    /// Where it is, for a sentence.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Folder => "in a folder that our machine has mounted".to_owned(),
            Self::Sftp { host, port, user, path } => {
                let folder = if path.is_empty() { "its own folder".to_owned() } else { format!("the folder {path}") };
                format!("on {host}, port {port}, by SFTP, in {folder} of the account {user}")
            }
            Self::Webdav { url, .. } => format!("at {url}, by WebDAV"),
            Self::S3 { url, .. } => format!("in the bucket at {url}"),
        }
    }

    /// Commands that show the object at `path`.
    pub(super) fn commands(&self, path: &str) -> Vec<String> {
        match self {
            Self::Folder => {
                vec![format!("ls -l {}", quoted(path)), "spartacus verify . --root metadata/1.root.json --files".to_owned()]
            }
            Self::Sftp { host, port, user, path: folder } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let file = below(folder, path);
                vec![format!(
                    "echo {} | sftp -P {port} {}",
                    quoted(&format!("ls -l \"{file}\"")),
                    quoted(&format!("{user}@{host}"))
                )]
            }
            Self::Webdav { url, user } => {
                let login = user.as_ref().map_or_else(String::new, |user| format!("-u {} ", quoted(user)));
                vec![format!("curl -v {login}-o /dev/null {}", quoted(&address(url, path)))]
            }
            Self::S3 { url, region } => {
                let signed = quoted(&format!("aws:amz:{region}:s3"));
                vec![format!(
                    "curl -v --aws-sigv4 {signed} -u \"$AWS_ACCESS_KEY_ID\" -o /dev/null {}",
                    quoted(&address(url, path))
                )]
            }
        }
    }
}

impl Whereabouts {
    /// `text` without paths and references of our own: an account that could not be opened may be told in words that name
    /// our files.
    pub(super) fn theirs(&self, text: &str) -> String {
        let folder = match &self.place {
            // Below the root lies everything, ours as well.
            Some(Place::Sftp { path, .. }) if path.starts_with('/') => {
                Some(path.trim_end_matches('/')).filter(|path| !path.is_empty())
            }
            _ => None,
        };
        let ours = |word: &str| {
            let bare = word.trim_start_matches(['"', '\'', '`', '(', '[']);
            let local = ["/", "./", "../", "~/", "env:", "file:"].iter().any(|begin| bare.starts_with(begin));
            let inside = |folder: &str| {
                bare.strip_prefix(folder)
                    .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || "-_.".contains(next)))
            };
            local && !folder.is_some_and(inside)
        };
        let words = text.split(' ').map(|word| if ours(word) { "[ours]" } else { word });
        words.collect::<Vec<_>>().join(" ")
    }

    /// From which address we looked, in a sentence; `None` where there is nothing to tell. `public`: it was read at its public
    /// address.
    pub(super) fn from(&self, public: bool, reach: &[Reach]) -> Option<String> {
        let log = format!("requests name themselves {AGENT}");
        let place = self.place.as_ref().filter(|_| !public);
        match (place, self.proxied) {
            (Some(Place::Folder), _) => return None,
            (Some(Place::Sftp { .. }), true) => return Some("we come through a proxy".to_owned()),
            (_, true) => return Some(format!("we come through a proxy; {log}")),
            _ => {}
        }
        let measured = reach.iter().filter_map(|reach| reach.from.filter(|from| is_what_they_see(*from, reach.address)));
        let known: Vec<String> = if self.seen_from.is_empty() {
            measured.map(|from| from.to_string()).collect()
        } else {
            self.seen_from.iter().map(IpAddr::to_string).collect()
        };
        let from = match known[..] {
            [] => "we come from behind a router, so we do not know the address that you see".to_owned(),
            _ => format!("we come from {}", known.join(" and ")),
        };
        Some(if matches!(place, Some(Place::Sftp { .. })) { from } else { format!("{from}; {log}") })
    }
}

/// Whether the other side sees this address of ours, and not that of a router in between.
fn is_what_they_see(ours: IpAddr, theirs: Option<IpAddr>) -> bool {
    !is_inner(ours) || theirs.is_some_and(is_inner)
}

/// Addresses that are good within a house only (RFC 1918, 3927, 4193, 6598).
fn is_inner(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
            address.is_private() || address.is_loopback() || address.is_link_local() || shared
        }
        IpAddr::V6(address) => {
            let (local, link) = (address.segments()[0] & 0xfe00 == 0xfc00, address.segments()[0] & 0xffc0 == 0xfe80);
            address == Ipv6Addr::LOCALHOST || local || link
        }
    }
}

fn below(base: &str, path: &str) -> String {
    match base.trim_end_matches('/') {
        "" if base.is_empty() => path.to_owned(),
        base => format!("{base}/{path}"),
    }
}

/// The address of an object below `base`.
pub(super) fn address(base: &Url, path: &str) -> String {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url.into()
}

/// A word for a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Family, Phases};

    fn reach(from: &str, to: &str) -> Reach {
        let address = |text: &str| Some(text.parse().unwrap());
        Reach { family: Family::Ipv4, address: address(to), from: address(from), phases: Phases::default(), trouble: None }
    }

    #[test]
    fn an_address_behind_a_router_is_not_told_as_the_one_that_they_see() {
        let told = |from: &str, to: &str| Whereabouts::default().from(true, &[reach(from, to)]).unwrap();
        for inner in ["192.168.1.7", "10.0.0.1", "100.64.0.9", "127.0.0.1", "169.254.3.4", "fd00::1", "fe80::1", "::1"] {
            let said = told(inner, "203.0.113.80");
            assert!(!said.contains(inner) && said.contains("do not know the address"), "{said}");
        }
        assert!(
            told("198.51.100.4", "203.0.113.80").starts_with("we come from 198.51.100.4; requests name themselves spartacus/")
        );
        assert!(told("192.168.1.7", "192.168.1.80").starts_with("we come from 192.168.1.7; "));
        let seen_from = vec!["198.51.100.4".parse().unwrap(), "2001:db8::4".parse().unwrap()];
        let said =
            Whereabouts { seen_from, ..Whereabouts::default() }.from(true, &[reach("192.168.1.7", "203.0.113.80")]).unwrap();
        assert!(said.starts_with("we come from 198.51.100.4 and 2001:db8::4; "), "{said}");
        let proxied = Whereabouts { proxied: true, ..Whereabouts::default() };
        assert!(proxied.from(true, &[]).unwrap().starts_with("we come through a proxy; "));
    }

    #[test]
    fn what_names_our_own_files_is_left_out() {
        let sftp = Place::Sftp { host: "h".to_owned(), port: 22, user: "u".to_owned(), path: "/srv/up".to_owned() };
        let theirs = Whereabouts { place: Some(sftp), ..Whereabouts::default() };
        let said = theirs.theirs("cannot read /home/me/key: denied; /srv/up/metadata/x: denied; releases/v1/a: missing");
        assert_eq!(said, "cannot read [ours] denied; /srv/up/metadata/x: denied; releases/v1/a: missing");
        assert_eq!(theirs.theirs("/srv/upper/key and /srv/up: denied"), "[ours] and /srv/up: denied");
        let root = Place::Sftp { host: "up.example".to_owned(), port: 22, user: "up".to_owned(), path: "/".to_owned() };
        let chrooted = Whereabouts { place: Some(root), ..Whereabouts::default() };
        assert_eq!(chrooted.theirs("cannot use the key file /home/me/key: denied"), "cannot use the key file [ours] denied");
        assert_eq!(Whereabouts::default().theirs("no file \"./secrets/a\" for env:TOKEN"), "no file [ours] for [ours]");
    }

    #[test]
    fn a_command_is_one_word_for_each_thing_whatever_a_name_holds() {
        assert_eq!(quoted("it's"), "'it'\\''s'");
        let place =
            Place::Sftp { host: "2001:db8::1".to_owned(), port: 2222, user: "up".to_owned(), path: "/srv/my mirror/".to_owned() };
        assert_eq!(place.commands("a")[0], "echo 'ls -l \"/srv/my mirror/a\"' | sftp -P 2222 'up@[2001:db8::1]'");
        assert_eq!(below("/", "a"), "/a");
        let url = "https://mirror.example/pub/".parse().unwrap();
        assert_eq!(address(&url, "releases/v1/read me?"), "https://mirror.example/pub/releases/v1/read%20me%3F");
    }
}
