//! Digest access authentication (RFC 7616), as far as a client that never sends twice under one count needs it.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

use super::challenge::Challenge;
use crate::base::{Secret, Sha256};

/// The hash that a server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hash {
    Md5,
    Sha256,
}

impl Hash {
    fn hex(self, text: &str) -> String {
        match self {
            Self::Md5 => hex::encode(Md5::digest(text.as_bytes())),
            Self::Sha256 => Sha256::of(text.as_bytes()).to_string(),
        }
    }
}

/// A challenge that we can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DigestChallenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// As the server wrote it, to be given back.
    algorithm: Option<String>,
    hash: Hash,
    /// `MD5-sess`, `SHA-256-sess`: the first half also binds both nonces.
    session: bool,
    /// `qop=auth`; without it the server speaks RFC 2069, which counts nothing.
    counted: bool,
    /// The nonce was too old, the password was right.
    pub(super) stale: bool,
}

impl DigestChallenge {
    /// Reads a challenge; `None` for another scheme, an algorithm that we do not know, or `auth-int` alone (it hashes
    /// the whole body before the first byte can go).
    pub(super) fn read(challenge: &Challenge) -> Option<Self> {
        if challenge.scheme != "digest" {
            return None;
        }
        let algorithm = challenge.get("algorithm").map(str::to_owned);
        let (hash, session) = match algorithm.as_deref().unwrap_or("MD5").to_ascii_lowercase().as_str() {
            "md5" => (Hash::Md5, false),
            "md5-sess" => (Hash::Md5, true),
            "sha-256" => (Hash::Sha256, false),
            "sha-256-sess" => (Hash::Sha256, true),
            _ => return None,
        };
        let counted = match challenge.get("qop") {
            None => false,
            Some(offered) => {
                if !offered.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth")) {
                    return None;
                }
                true
            }
        };
        Some(Self {
            realm: challenge.get("realm")?.to_owned(),
            nonce: challenge.get("nonce")?.to_owned(),
            opaque: challenge.get("opaque").map(str::to_owned),
            algorithm,
            hash,
            session,
            counted,
            stale: challenge.get("stale").is_some_and(|word| word.eq_ignore_ascii_case("true")),
        })
    }

    /// Higher is stronger.
    pub(super) fn strength(&self) -> impl Ord + use<> {
        (self.hash, self.session)
    }

    /// The `Authorization` value for one request: `method` on `uri` (path and query, as in the request line), the
    /// `count`th request under this nonce.
    pub(super) fn answer(&self, user: &str, password: &Secret, method: &str, uri: &str, cnonce: &str, count: u32) -> String {
        let Self { realm, nonce, hash, .. } = self;
        let mut who = hash.hex(&format!("{user}:{realm}:{}", password.expose()));
        if self.session {
            who = hash.hex(&format!("{who}:{nonce}:{cnonce}"));
        }
        let what = hash.hex(&format!("{method}:{uri}"));
        let response = if self.counted {
            hash.hex(&format!("{who}:{nonce}:{count:08x}:{cnonce}:auth:{what}"))
        } else {
            hash.hex(&format!("{who}:{nonce}:{what}"))
        };

        let mut header = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quote(user),
            quote(realm),
            quote(nonce),
            quote(uri)
        );
        // Writing to a string cannot fail.
        if let Some(algorithm) = &self.algorithm {
            let _ = write!(header, ", algorithm={algorithm}");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(header, ", opaque={}", quote(opaque));
        }
        if self.counted {
            let _ = write!(header, ", qop=auth, nc={count:08x}");
        }
        if self.counted || self.session {
            let _ = write!(header, ", cnonce={}", quote(cnonce));
        }
        header
    }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::webdav::challenge::parse;

    fn read(header: &str) -> Option<DigestChallenge> {
        parse(header).first().and_then(DigestChallenge::read)
    }

    /// The values of RFC 7616, section 3.9.1.
    fn rfc(algorithm: &str) -> String {
        let challenge = read(&format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        ))
        .expect("a challenge we know");
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        challenge.answer("Mufasa", &Secret::new("Circle of Life".to_owned()), "GET", "/dir/index.html", cnonce, 1)
    }

    #[test]
    fn answers_as_the_rfc_does() {
        let md5 = rfc("MD5");
        assert!(md5.contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""), "{md5}");
        assert!(md5.contains("nc=00000001") && md5.contains("qop=auth,") && md5.contains("opaque=\"FQhe"), "{md5}");
        let sha = rfc("SHA-256");
        assert!(sha.contains("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""), "{sha}");
    }

    /// RFC 2617, section 3.5, with and without `qop`: the older form has no count.
    #[test]
    fn answers_servers_that_count_nothing() {
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let secret = Secret::new("Circle Of Life".to_owned());
        let counted = read(&format!("Digest realm=\"testrealm@host.com\", qop=\"auth\", nonce=\"{nonce}\"")).expect("known");
        let header = counted.answer("Mufasa", &secret, "GET", "/dir/index.html", "0a4f113b", 1);
        assert!(header.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{header}");
        let old = read(&format!("Digest realm=\"testrealm@host.com\", nonce=\"{nonce}\"")).expect("known");
        let header = old.answer("Mufasa", &secret, "GET", "/dir/index.html", "0a4f113b", 1);
        assert!(header.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""), "{header}");
        assert!(!header.contains("cnonce"), "{header}");
    }

    #[test]
    fn unknown_algorithms_are_not_guessed() {
        assert_eq!(read("Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256"), None);
        assert_eq!(read("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\""), None);
        assert_eq!(read("Basic realm=\"r\""), None);
        assert_eq!(read("Digest nonce=\"n\""), None, "a challenge needs its realm");
    }

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        let challenge = read("Digest realm=\"r\", nonce=\"n\"").expect("known");
        let header = challenge.answer("a\", x=\"\\", &Secret::new("p".to_owned()), "GET", "/", "c", 1);
        assert!(header.starts_with(r#"Digest username="a\", x=\"\\", realm="r""#), "{header}");
    }
}
