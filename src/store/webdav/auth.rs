//! How requests prove who we are, and what to make of a 401.
//!
//! A body is never sent to a server that may answer it with 401: some of them store the empty replay that a careless
//! client sends next. So the first request of a store is a bodiless knock that shows what the server asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderValue;
use http::header::{HeaderMap, WWW_AUTHENTICATE};

use super::challenge::{self, Challenge};
use super::digest::DigestChallenge;
use crate::base::Secret;

/// Which schemes may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthMode {
    /// What the server asks for; Digest where it offers both, since it never shows the password.
    #[default]
    Auto,
    /// Basic only, sent at once. Only over TLS, to this machine or to an onion service.
    Basic,
    /// Digest only.
    Digest,
}

/// A login.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Secret,
    pub(super) mode: AuthMode,
    /// Nobody listens on the way, so that Basic shows the password to the server alone.
    pub(super) private: bool,
}

/// Why there is no way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The server wants a login, none is set.
    NoCredentials,
    /// The login was tried.
    Wrong,
    /// Only Basic is offered, over a line that others can read.
    InClear,
    /// No scheme is offered that we know and may use.
    NoScheme,
}

/// How requests are authenticated from now on.
#[derive(Debug)]
pub(super) enum Session {
    /// Not at all: the server has not asked.
    Open,
    /// The same header on each.
    Basic(HeaderValue),
    /// A computed header on each.
    Digest(DigestSession),
}

/// One nonce of the server's, with its count.
#[derive(Debug)]
pub(super) struct DigestSession {
    challenge: DigestChallenge,
    cnonce: String,
    used: AtomicU32,
    /// A request under this nonce, or one before it, was let in, so the password is right.
    proven: Arc<AtomicBool>,
}

impl Credentials {
    /// The session to begin with, if nothing needs to be asked.
    pub(super) fn at_once(&self) -> Option<Result<Session, Refused>> {
        (self.mode == AuthMode::Basic).then(|| self.basic())
    }

    /// The session that answers the challenges of a 401.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Result<Session, Refused> {
        let offered = challenges(headers);
        if self.mode != AuthMode::Basic
            && let Some(strongest) = offered.iter().filter_map(DigestChallenge::read).max_by_key(DigestChallenge::strength)
        {
            return DigestSession::new(strongest).map(Session::Digest).ok_or(Refused::NoScheme);
        }
        if self.mode != AuthMode::Digest && offered.iter().any(|challenge| challenge.scheme == "basic") {
            return self.basic();
        }
        Err(Refused::NoScheme)
    }

    fn basic(&self) -> Result<Session, Refused> {
        if !self.private {
            return Err(Refused::InClear);
        }
        let pair = Secret::new(BASE64.encode(format!("{}:{}", self.user, self.password.expose())));
        let mut value = HeaderValue::from_str(&format!("Basic {}", pair.expose())).map_err(|_| Refused::NoScheme)?;
        value.set_sensitive(true);
        Ok(Session::Basic(value))
    }

    /// The session after `refused` was answered with 401: a fresh nonce in place of a stale one, or none.
    ///
    /// RFC 7616 has `stale=true` for it. Servers that forget the word are believed only if the password has been
    /// right before: otherwise a wrong one would be tried twice and lock accounts twice as fast.
    pub(super) fn renew(&self, refused: &Session, headers: &HeaderMap) -> Result<Session, Refused> {
        match refused {
            Session::Open => self.answer(headers),
            Session::Basic(_) => Err(Refused::Wrong),
            Session::Digest(old) => match self.answer(headers)? {
                Session::Digest(new)
                    if new.challenge.stale || (old.proven.load(Ordering::Relaxed) && new.challenge != old.challenge) =>
                {
                    Ok(Session::Digest(DigestSession { proven: Arc::clone(&old.proven), ..new }))
                }
                _ => Err(Refused::Wrong),
            },
        }
    }

    /// Whether a 401 to a renewed session is about its nonce alone: the password was right before, and the server says
    /// that only the nonce is not. Servers that take each nonce once say so to whoever shares one with another request.
    pub(super) fn only_stale(&self, refused: &Session, headers: &HeaderMap) -> bool {
        let Session::Digest(old) = refused else { return false };
        old.proven.load(Ordering::Relaxed) && matches!(self.answer(headers), Ok(Session::Digest(new)) if new.challenge.stale)
    }
}

impl Session {
    /// The `Authorization` header for a request.
    pub(super) fn header(&self, login: Option<&Credentials>, method: &str, uri: &str) -> Option<HeaderValue> {
        match (self, login) {
            (Self::Open, _) | (_, None) => None,
            (Self::Basic(value), _) => Some(value.clone()),
            (Self::Digest(session), Some(login)) => {
                let count = session.used.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
                let text = session.challenge.answer(&login.user, &login.password, method, uri, &session.cnonce, count);
                // Header values may hold UTF-8, which from_str refuses.
                let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
                value.set_sensitive(true);
                Some(value)
            }
        }
    }

    /// The server let a request of this session in.
    pub(super) fn accepted(&self) {
        if let Self::Digest(session) = self {
            session.proven.store(true, Ordering::Relaxed);
        }
    }
}

impl DigestSession {
    /// `None` if the system has no randomness.
    fn new(challenge: DigestChallenge) -> Option<Self> {
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        Some(Self { challenge, cnonce: hex::encode(random), used: AtomicU32::new(0), proven: Arc::default() })
    }
}

fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .flat_map(|value| challenge::parse(&String::from_utf8_lossy(value.as_bytes())))
        .collect()
}

/// The session of a store, made by the first request that needs it and shared by all.
pub(super) type Shared = tokio::sync::Mutex<Option<Arc<Session>>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn login(mode: AuthMode, private: bool) -> Credentials {
        Credentials { user: "deploy".to_owned(), password: Secret::new("sekret-1".to_owned()), mode, private }
    }

    fn asking(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (WWW_AUTHENTICATE, value.parse().expect("a header"))).collect()
    }

    const MD5: &str = r#"Digest realm="r", nonce="one", qop="auth""#;
    const SHA: &str = r#"Digest realm="r", nonce="two", qop="auth", algorithm=SHA-256"#;
    const STALE: &str = r#"Digest realm="r", nonce="three", qop="auth", stale=true"#;
    const BASIC: &str = r#"Basic realm="r""#;

    fn scheme(session: &Session) -> String {
        let login = login(AuthMode::Auto, true);
        let header = session.header(Some(&login), "PUT", "/a").expect("a header");
        assert!(header.is_sensitive());
        header.to_str().expect("ascii").to_owned()
    }

    #[test]
    fn the_strongest_scheme_is_taken() {
        let found = login(AuthMode::Auto, true).answer(&asking(&[BASIC, MD5, SHA])).expect("a session");
        assert!(scheme(&found).contains("nonce=\"two\""));
        let found = login(AuthMode::Basic, true).answer(&asking(&[BASIC, SHA])).expect("a session");
        assert_eq!(scheme(&found), "Basic ZGVwbG95OnNla3JldC0x");
        assert_eq!(login(AuthMode::Digest, true).answer(&asking(&[BASIC])).expect_err("not asked for"), Refused::NoScheme);
    }

    #[test]
    fn a_password_is_never_shown_on_an_open_line() {
        assert_eq!(login(AuthMode::Auto, false).answer(&asking(&[BASIC])).expect_err("in clear"), Refused::InClear);
        assert_eq!(login(AuthMode::Basic, false).at_once().expect("at once").expect_err("in clear"), Refused::InClear);
        assert!(login(AuthMode::Auto, false).answer(&asking(&[BASIC, MD5])).is_ok());
    }

    #[test]
    fn counts_never_repeat_under_a_nonce() {
        let session = login(AuthMode::Auto, true).answer(&asking(&[MD5])).expect("a session");
        assert!(scheme(&session).contains("nc=00000001"));
        assert!(scheme(&session).contains("nc=00000002"));
    }

    #[test]
    fn only_a_stale_nonce_is_renewed() {
        let login = login(AuthMode::Auto, true);
        let session = login.answer(&asking(&[MD5])).expect("a session");
        assert!(login.renew(&session, &asking(&[STALE])).is_ok());
        assert_eq!(login.renew(&session, &asking(&[SHA])).expect_err("a wrong password"), Refused::Wrong);
        session.accepted();
        assert!(login.renew(&session, &asking(&[SHA])).is_ok(), "a new nonce for a password that was right");
        assert_eq!(login.renew(&session, &asking(&[MD5])).expect_err("the same nonce again"), Refused::Wrong);
        assert!(login.only_stale(&session, &asking(&[STALE])));
        assert!(!login.only_stale(&session, &asking(&[SHA])), "not without the word");
        let fresh = login.answer(&asking(&[MD5])).expect("a session");
        assert!(!login.only_stale(&fresh, &asking(&[STALE])), "nor for a password that was never right");
        let basic = login.answer(&asking(&[BASIC])).expect("a session");
        assert_eq!(login.renew(&basic, &asking(&[BASIC])).expect_err("a wrong password"), Refused::Wrong);
    }
}
