//! What S3's errors amount to.

use std::error::Error;
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::connector::ExchangeError;
use crate::base::{ObjectPath, TargetName};
use crate::net::{Failure, SendError, describe, refused_destination};
use crate::store::{ErrorKind, Operation, Retry, StoreError};

/// Turns the SDK's results into ours.
pub(super) trait ResultExt<T> {
    /// With the operation, target and path that the SDK does not know.
    fn or_store_error(self, operation: Operation, target: &TargetName, path: &ObjectPath) -> Result<T, StoreError>;
}

impl<T, E> ResultExt<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn or_store_error(self, operation: Operation, target: &TargetName, path: &ObjectPath) -> Result<T, StoreError> {
        self.map_err(|error| from_sdk(&error, operation, target).at(path))
    }
}

/// What a failed call amounts to.
pub(super) fn from_sdk<E>(error: &SdkError<E, HttpResponse>, operation: Operation, target: &TargetName) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let Some(answer) = error.raw_response() {
        let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
        return Answer {
            status: answer.status().as_u16(),
            code: metadata.and_then(|metadata| metadata.code()).unwrap_or_default(),
            message: metadata.and_then(|metadata| metadata.message()).unwrap_or_default(),
            region: answer.headers().get("x-amz-bucket-region"),
            retry_after: answer.headers().get("retry-after"),
            date: answer.headers().get("date"),
        }
        .into_store_error(operation, target);
    }
    match exchange_error(error) {
        Some(found) => from_exchange(found, operation, target),
        None => StoreError::new(ErrorKind::Other, operation, target).saying(innermost(error)),
    }
}

/// What a failed exchange amounts to, wherever in `error` it is found.
pub(super) fn from_stream(error: &(dyn Error + 'static), operation: Operation, target: &TargetName) -> StoreError {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(http) = current.downcast_ref::<reqwest::Error>()
            && matches!(describe(http), Failure::Timeout)
        {
            return StoreError::new(ErrorKind::Timeout, operation, target);
        }
        next = current.source();
    }
    StoreError::new(ErrorKind::ConnectionLost, operation, target).saying(innermost(error))
}

fn exchange_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a ExchangeError> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        next = current.source();
    }
    None
}

fn from_exchange(error: &ExchangeError, operation: Operation, target: &TargetName) -> StoreError {
    let kind = match error {
        ExchangeError::TooSlow | ExchangeError::Send(SendError::Silent(_)) => ErrorKind::Timeout,
        ExchangeError::Endless(_) | ExchangeError::Shape(_) => ErrorKind::Protocol,
        ExchangeError::Http(error) | ExchangeError::Send(SendError::Failed(error)) => match describe(error) {
            Failure::Refused => ErrorKind::Address,
            Failure::Unreachable => ErrorKind::Unreachable,
            Failure::Tls => ErrorKind::Tls,
            Failure::Timeout => ErrorKind::Timeout,
            Failure::Protocol => ErrorKind::Protocol,
            // A body of ours that failed was recorded before this is asked; what is left is a broken connection.
            Failure::ConnectionLost | Failure::Body => ErrorKind::ConnectionLost,
        },
    };
    let found = StoreError::new(kind, operation, target).saying(innermost(error));
    if let ExchangeError::Http(error) | ExchangeError::Send(SendError::Failed(error)) = error
        && let Some(refused) = refused_destination(error)
    {
        return found.refusing(refused);
    }
    // Most often a kept-alive connection that the server had already closed; every call of ours may be repeated.
    if kind == ErrorKind::ConnectionLost { found.retry(Retry::Now) } else { found }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}

/// The parts of an error answer that say something.
struct Answer<'a> {
    status: u16,
    code: &'a str,
    message: &'a str,
    region: Option<&'a str>,
    retry_after: Option<&'a str>,
    date: Option<&'a str>,
}

impl Answer<'_> {
    fn into_store_error(self, operation: Operation, target: &TargetName) -> StoreError {
        let kind = self.kind();
        let mut error = StoreError::new(kind, operation, target).saying(self.words());
        if error.retry == Retry::Later
            && let Some(pause) = self.retry_after()
        {
            error = error.retry(Retry::After(pause));
        }
        match self.advice(target) {
            Some(advice) => error.advising(advice),
            None => error,
        }
    }

    /// The code where it is known, because servers differ in the status they send with it; then the status.
    fn kind(&self) -> ErrorKind {
        let message = self.message.to_ascii_lowercase();
        match self.code {
            // Asked first: "request quota" and "rate limit quota" are words for being too fast, and waiting helps.
            "SlowDown"
            | "SlowDownRead"
            | "SlowDownWrite"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "TooManyRequests"
            | "TooManyRequestsException" => ErrorKind::RateLimited,
            // Garage says `AccessDenied` or a bare 403, others a code of their own, when a quota is full.
            _ if !matches!(self.status, 429 | 503)
                && ["quota", "insufficient storage", "no space left"].iter().any(|words| message.contains(words)) =>
            {
                ErrorKind::NoSpace
            }
            "QuotaExceeded" | "EntityQuotaExceeded" | "InsufficientStorage" | "StorageFull" | "XMinioStorageFull" => {
                ErrorKind::NoSpace
            }
            "SignatureDoesNotMatch"
            | "InvalidAccessKeyId"
            | "NotSignedUp"
            | "InvalidToken"
            | "ExpiredToken"
            | "RequestTimeTooSkewed"
            | "RequestExpired" => ErrorKind::Unauthenticated,
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "AccessControlListNotSupported" => {
                ErrorKind::PermissionDenied
            }
            "NoSuchBucket" | "NoSuchKey" | "NoSuchUpload" | "NotFound" => ErrorKind::NotFound,
            "RequestTimeout" => ErrorKind::Timeout,
            "InternalError" | "ServiceUnavailable" => ErrorKind::Unavailable,
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => ErrorKind::Redirect,
            "EntityTooLarge" => ErrorKind::TooLarge,
            "BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" => ErrorKind::Corrupt,
            "NotImplemented" | "MethodNotAllowed" => ErrorKind::Unsupported,
            "OperationAborted" | "ConditionalRequestConflict" => ErrorKind::Locked,
            _ => self.kind_by_status(),
        }
    }

    fn kind_by_status(&self) -> ErrorKind {
        match self.status {
            // Success by its status and failure by its body: the answer cannot be trusted either way.
            200..=299 => ErrorKind::Protocol,
            300..=399 => ErrorKind::Redirect,
            401 => ErrorKind::Unauthenticated,
            403 => ErrorKind::PermissionDenied,
            404 => ErrorKind::NotFound,
            405 | 501 => ErrorKind::Unsupported,
            408 => ErrorKind::Timeout,
            413 => ErrorKind::TooLarge,
            409 | 423 => ErrorKind::Locked,
            425 | 429 => ErrorKind::RateLimited,
            507 => ErrorKind::NoSpace,
            500..=599 => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        }
    }

    fn words(&self) -> String {
        match (self.code, self.message) {
            ("", "") => format!("HTTP status {}", self.status),
            (code, "") => format!("{code}, HTTP status {}", self.status),
            (code, message) => format!("{code}: {message}"),
        }
    }

    /// Seconds or a date (RFC 9110, 10.2.3).
    fn retry_after(&self) -> Option<Duration> {
        let text = self.retry_after?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = rfc2822::parse(text).ok()?.timestamp().duration_since(Timestamp::now());
        Some(Duration::try_from(until).unwrap_or_default())
    }

    fn advice(&self, target: &TargetName) -> Option<String> {
        match self.code {
            "NoSuchBucket" => Some(format!(
                "ask the operator to create the bucket of target {target}, or correct its name: it is never created from here"
            )),
            "RequestTimeTooSkewed" | "RequestExpired" => Some(format!("set this machine's clock: {}", self.clock_offset())),
            _ if self.kind() == ErrorKind::Redirect => Some(match self.region {
                Some(region) => {
                    format!("set `region: {}` on target {target}: its bucket lies there", crate::base::sanitise(region))
                }
                None => format!("correct `endpoint` or `region` of target {target}: the server sends its requests elsewhere"),
            }),
            _ => None,
        }
    }

    /// How far the two clocks are apart, by the answer's `Date`.
    fn clock_offset(&self) -> String {
        let Some(theirs) = self.date.and_then(|date| rfc2822::parse(date).ok()) else {
            return "the server finds it wrong".to_owned();
        };
        let seconds = Timestamp::now().duration_since(theirs.timestamp()).as_secs();
        let side = if seconds < 0 { "behind" } else { "ahead of" };
        format!("it is {} seconds {side} the server's", seconds.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Hinted as _;

    fn answer(status: u16, code: &'static str, message: &'static str) -> Answer<'static> {
        Answer { status, code, message, region: None, retry_after: None, date: None }
    }

    fn told(answer: Answer<'_>) -> StoreError {
        answer.into_store_error(Operation::Put, &TargetName::new("seven").expect("a name"))
    }

    #[test]
    fn codes_before_statuses() {
        for (status, code, message, kind, retry) in [
            (403, "SignatureDoesNotMatch", "no", ErrorKind::Unauthenticated, Retry::Never),
            (403, "AccessDenied", "no", ErrorKind::PermissionDenied, Retry::Never),
            (403, "AccessDenied", "Bucket size quota is reached", ErrorKind::NoSpace, Retry::Never),
            (403, "", "", ErrorKind::PermissionDenied, Retry::Never),
            (400, "RequestTimeout", "", ErrorKind::Timeout, Retry::Later),
            (400, "EntityTooLarge", "", ErrorKind::TooLarge, Retry::Never),
            (400, "BadDigest", "", ErrorKind::Corrupt, Retry::Later),
            (503, "SlowDown", "", ErrorKind::RateLimited, Retry::Later),
            (503, "", "", ErrorKind::Unavailable, Retry::Later),
            (507, "", "", ErrorKind::NoSpace, Retry::Never),
            (307, "", "", ErrorKind::Redirect, Retry::Never),
            (501, "NotImplemented", "", ErrorKind::Unsupported, Retry::Never),
            (200, "InternalError", "We encountered an internal error", ErrorKind::Unavailable, Retry::Later),
        ] {
            let error = told(answer(status, code, message));
            assert_eq!((error.kind, error.retry), (kind, retry), "{status} {code} {message}");
        }
    }

    #[test]
    fn being_too_fast_is_not_being_full() {
        for (status, code, message, kind) in [
            (503, "SlowDown", "request rate quota exceeded", ErrorKind::RateLimited),
            (400, "Throttling", "Rate exceeded: your quota is 100 requests a second", ErrorKind::RateLimited),
            (429, "TooManyRequests", "quota of requests reached", ErrorKind::RateLimited),
            (429, "", "quota exceeded", ErrorKind::RateLimited),
            (429, "SomethingOfItsOwn", "request quota exceeded", ErrorKind::RateLimited),
            (503, "SomethingOfItsOwn", "request quota exceeded", ErrorKind::Unavailable),
        ] {
            let error = told(answer(status, code, message));
            assert_eq!((error.kind, error.retry), (kind, Retry::Later), "{status} {code} {message}");
        }
        let full = told(answer(403, "QuotaExceeded", "the bucket is full"));
        assert_eq!((full.kind, full.retry), (ErrorKind::NoSpace, Retry::Never));
        let worded = told(answer(503, "XMinioStorageFull", "Storage backend has reached its quota"));
        assert_eq!(
            (worded.kind, worded.retry),
            (ErrorKind::NoSpace, Retry::Never),
            "a code that says full is believed at any status"
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let error = told(Answer { retry_after: Some("7"), ..answer(503, "SlowDown", "") });
        assert_eq!(error.retry, Retry::After(Duration::from_secs(7)));
        let past = told(Answer { retry_after: Some("Wed, 21 Oct 2015 07:28:00 GMT"), ..answer(503, "SlowDown", "") });
        assert_eq!(past.retry, Retry::After(Duration::ZERO));
        let refused = told(Answer { retry_after: Some("7"), ..answer(403, "AccessDenied", "") });
        assert_eq!(refused.retry, Retry::Never, "a refusal stays one");
    }

    #[test]
    fn a_wrong_clock_a_wrong_region_and_a_missing_bucket_are_explained() {
        let skewed = told(Answer { date: Some("Wed, 21 Oct 2015 07:28:00 GMT"), ..answer(403, "RequestTimeTooSkewed", "") });
        assert!(skewed.hint().is_some_and(|hint| hint.contains("clock") && hint.contains("ahead of")), "{:?}", skewed.hint());
        let elsewhere = told(Answer { region: Some("eu-west-3"), ..answer(301, "PermanentRedirect", "") });
        assert!(elsewhere.hint().is_some_and(|hint| hint.contains("region: eu-west-3")));
        assert!(told(answer(404, "NoSuchBucket", "")).hint().is_some_and(|hint| hint.contains("bucket")));
    }
}
