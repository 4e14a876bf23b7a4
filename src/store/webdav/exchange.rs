//! One request and its answer: a permit, the login, patience, and a replay when a nonce has become stale.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use tokio::sync::Semaphore;
use url::Url;

use super::address::Base;
use super::answer::{Answer, drain, kind_of};
use super::auth::{Credentials, Refused, Session, Shared};
use super::status;
use crate::base::{ObjectPath, TargetName, Timeouts};
use crate::net::{self, SendError};
use crate::store::{Body, BodyStream, ErrorKind, Operation, Retry, StoreError};

/// Most times that one request is sent again for its nonce's sake. One is enough where every 401 brings a nonce of its own;
/// servers that give the same to several requests and take it from the first need more.
const REPLAYS: usize = 4;

/// Everything that requests of one store share.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) target: TargetName,
    pub(super) base: Base,
    pub(super) client: reqwest::Client,
    pub(super) login: Option<Credentials>,
    pub(super) session: Shared,
    /// The login was refused: it is not shown again, since providers lock accounts out that come back with it.
    pub(super) shut: AtomicBool,
    pub(super) permits: Arc<Semaphore>,
    pub(super) timeouts: Timeouts,
}

/// A request, which can be sent any number of times.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) content: Content<'a>,
    pub(super) operation: Operation,
    pub(super) path: Option<&'a ObjectPath>,
}

/// What a request carries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    Nothing,
    /// A question in XML.
    Xml(&'static str),
    /// An object's bytes.
    Object(&'a Body),
    /// The length of the whole object, but only the first half of its bytes; then the connection is dropped.
    Half(&'a Body),
}

impl<'a> Request<'a> {
    pub(super) fn new(method: Method, url: Url, operation: Operation) -> Self {
        Self { method, url, headers: HeaderMap::new(), content: Content::Nothing, operation, path: None }
    }

    pub(super) fn at(mut self, path: &'a ObjectPath) -> Self {
        self.path = Some(path);
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(super) fn carrying(mut self, content: Content<'a>) -> Self {
        self.content = content;
        self
    }
}

impl Line {
    /// Sends `request` and returns whatever the server answers, except 401, which ends in an error here.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Answer, StoreError> {
        let Ok(mut permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return Err(self.error(ErrorKind::Cancelled, request).saying("the store is closed"));
        };
        if self.shut.load(Ordering::Relaxed) {
            return Err(self.refused(Refused::Wrong, request));
        }
        let mut session = self.session(request).await?;
        let mut replays = 0;
        loop {
            let response = self.attempt(request, &session).await?;
            let answer = Answer { response, replayed: replays > 0, idle: self.timeouts.idle, permit };
            if answer.response.status() != StatusCode::UNAUTHORIZED {
                session.accepted();
                return Ok(answer);
            }
            if replays > 0 {
                self.expect_stale(request, &session, answer.response.headers(), replays)?;
            }
            session = self.renewed(request, &session, answer.response.headers()).await?;
            drain(answer.response, self.timeouts.idle).await;
            permit = answer.permit;
            replays += 1;
        }
    }

    /// A replay that was refused too: the login is wrong, unless only its nonce is.
    fn expect_stale(
        &self,
        request: &Request<'_>,
        session: &Session,
        headers: &HeaderMap,
        replays: usize,
    ) -> Result<(), StoreError> {
        if !self.login.as_ref().is_some_and(|login| login.only_stale(session, headers)) {
            return Err(self.refused(Refused::Wrong, request));
        }
        if replays < REPLAYS {
            return Ok(());
        }
        // The password is right, so nobody is locked out by another try.
        let error = self.error(ErrorKind::RateLimited, request);
        Err(error.saying(format!("the server called {} nonces in a row stale, each as it was used", replays + 1)))
    }

    /// An error about `request`.
    pub(super) fn error(&self, kind: ErrorKind, request: &Request<'_>) -> StoreError {
        let error = StoreError::new(kind, request.operation, &self.target);
        match request.path {
            Some(path) => error.at(path),
            None => error,
        }
    }

    /// The error that `answer` amounts to.
    pub(super) async fn refusal(&self, request: &Request<'_>, answer: Answer) -> StoreError {
        let found = status::meaning(&answer.response, request.operation);
        let said = answer.excerpt().await;
        let mut error = self.error(found.kind, request).retry(found.retry).saying(format!("{}{said}", found.words));
        error.advice = found.advice;
        error
    }

    /// How to authenticate; found out by the first request, while the others wait for it.
    async fn session(&self, request: &Request<'_>) -> Result<Arc<Session>, StoreError> {
        let mut held = self.session.lock().await;
        if let Some(session) = &*held {
            return Ok(Arc::clone(session));
        }
        let session = match &self.login {
            None => Session::Open,
            Some(login) => match login.at_once() {
                Some(session) => session.map_err(|refused| self.refused(refused, request))?,
                None => self.knock(login, request).await?,
            },
        };
        Ok(Arc::clone(held.insert(Arc::new(session))))
    }

    /// Asks the base collection something without a body and without a login, to see what the server wants.
    ///
    /// PROPFIND first. Where reading is free and only writing is not, MKCOL on the base: it exists, so the answer is
    /// 405 or the challenge that a PUT would get.
    async fn knock(&self, login: &Credentials, request: &Request<'_>) -> Result<Session, StoreError> {
        for method in ["PROPFIND", "MKCOL"] {
            let question = Request::new(extension(method), self.base.url().clone(), request.operation).header(DEPTH, ZERO);
            let response = self.attempt(&Request { path: request.path, ..question }, &Session::Open).await?;
            let asked = response.status() == StatusCode::UNAUTHORIZED;
            let session = login.answer(response.headers());
            drain(response, self.timeouts.idle).await;
            if asked {
                return session.map_err(|refused| self.refused(refused, request));
            }
        }
        Ok(Session::Open)
    }

    /// The session after `old` was refused. Of several requests that failed together the first renews it for all that
    /// follow; the others use the nonce that their own refusal brought, since some servers take each nonce only once.
    async fn renewed(&self, request: &Request<'_>, old: &Arc<Session>, headers: &HeaderMap) -> Result<Arc<Session>, StoreError> {
        let mut held = self.session.lock().await;
        let newer = held.as_ref().filter(|session| !Arc::ptr_eq(session, old));
        let login = self.login.as_ref().ok_or_else(|| self.refused(Refused::NoCredentials, request))?;
        let session = match (login.renew(old, headers), newer) {
            (Ok(own @ Session::Digest(_)), Some(_)) => return Ok(Arc::new(own)),
            (_, Some(newer)) => return Ok(Arc::clone(newer)),
            (renewed, None) => renewed.map_err(|refused| self.refused(refused, request))?,
        };
        Ok(Arc::clone(held.insert(Arc::new(session))))
    }

    /// Sends once.
    async fn attempt(&self, request: &Request<'_>, session: &Session) -> Result<reqwest::Response, StoreError> {
        let mut headers = request.headers.clone();
        // Bytes are compared with digests of what was sent: nobody may squeeze them on the way.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(value) = session.header(self.login.as_ref(), request.method.as_str(), request.url.path()) {
            headers.insert(AUTHORIZATION, value);
        }
        let progress = net::Progress::default();
        let (body, length) = match request.content {
            Content::Nothing => (None, 0),
            Content::Xml(text) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
                (Some(reqwest::Body::from(text)), text.len() as u64)
            }
            Content::Object(body) => (Some(streamed(body.stream(0, body.length()), &progress)), body.length()),
            Content::Half(body) => (Some(streamed(half(body), &progress)), body.length()),
        };
        // Always a length, never chunks: some servers answer those with 411, others store them wrongly.
        if body.is_some() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut sent = reqwest::Request::new(request.method.clone(), request.url.clone());
        *sent.headers_mut() = headers;
        *sent.body_mut() = body;
        net::send(&self.client, sent, length, &progress, self.timeouts.first_byte.max(self.timeouts.idle))
            .await
            .map_err(|error| self.lost(error, request))
    }

    /// An exchange that ended without an answer.
    fn lost(&self, error: SendError, request: &Request<'_>) -> StoreError {
        let SendError::Failed(cause) = error else {
            return self.error(ErrorKind::Timeout, request).because(error);
        };
        let error = self.error(kind_of(net::describe(&cause)), request);
        if let Some(refused) = net::refused_destination(&cause) {
            return error.refusing(refused);
        }
        let resend = error.kind == ErrorKind::ConnectionLost && net::closed_before_answer(&cause);
        let error = if resend { error.retry(Retry::Now) } else { error };
        // The target is named already, and the URL of a request says no more.
        error.because(cause.without_url())
    }

    fn refused(&self, refused: Refused, request: &Request<'_>) -> StoreError {
        let error = self.error(ErrorKind::Unauthenticated, request);
        match refused {
            Refused::NoCredentials => error.saying("the server asks for a login and none is set"),
            Refused::Wrong => {
                self.shut.store(true, Ordering::Relaxed);
                error.saying("user or password is wrong")
            }
            Refused::InClear => error
                .saying("the server wants the password in clear over plain http")
                .advising(format!("use https:// for target {}, or ask its operator for Digest authentication", self.target)),
            Refused::NoScheme => error.saying("the server offers neither Basic nor Digest as the target's settings allow"),
        }
    }
}

/// The `Depth` header (RFC 4918, section 10.2); only 0 and 1 are ever asked for, many servers refuse infinity.
pub(super) const DEPTH: HeaderName = HeaderName::from_static("depth");
/// The collection or object itself.
pub(super) const ZERO: HeaderValue = HeaderValue::from_static("0");

/// A method of RFC 4918.
pub(super) fn extension(name: &'static str) -> Method {
    Method::from_bytes(name.as_bytes()).expect("the names of methods are tokens")
}

fn streamed(pieces: BodyStream, progress: &net::Progress) -> reqwest::Body {
    reqwest::Body::wrap_stream(progress.watch(pieces))
}

/// Half of the bytes, time for the server to store them, then an end that drops the connection.
fn half(body: &Body) -> BodyStream {
    const TIME_TO_STORE: Duration = Duration::from_millis(500);
    let end = futures_util::stream::once(async {
        tokio::time::sleep(TIME_TO_STORE).await;
        Err(std::io::Error::other("broken off on purpose"))
    });
    Box::pin(body.stream(0, body.length() / 2).chain(end))
}
