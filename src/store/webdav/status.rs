//! What a status means, and what the server said with it.

use http::StatusCode;
use http::header::LOCATION;
use jiff::Timestamp;

use super::retry_after::retry_after;
use crate::base::sanitise;
use crate::store::{ErrorKind, Operation, Retry};

/// The meaning of an answer that is not the one hoped for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) kind: ErrorKind,
    pub(super) retry: Retry,
    /// `503 Service Unavailable`
    pub(super) words: String,
    pub(super) advice: Option<String>,
}

/// What `response` means for `operation`.
pub(super) fn meaning(response: &reqwest::Response, operation: Operation) -> Meaning {
    let status = response.status();
    let (kind, again) = kind_of(status);
    let retry = match retry_after(response.headers(), Timestamp::now()) {
        _ if !again => Retry::Never,
        Some(wait) => Retry::After(wait),
        None => Retry::Later,
    };
    let mut words = status.to_string();
    if let (true, Some(place)) = (status.is_redirection(), response.headers().get(LOCATION)) {
        words.push_str(" to ");
        words.push_str(&sanitise(&String::from_utf8_lossy(place.as_bytes())));
    }
    Meaning { kind, retry, words, advice: advice(status, operation).map(str::to_owned) }
}

/// The kind of trouble, and whether another try can help.
fn kind_of(status: StatusCode) -> (ErrorKind, bool) {
    match status.as_u16() {
        300..=399 => (ErrorKind::Redirect, false),
        401 | 407 => (ErrorKind::Unauthenticated, false),
        403 => (ErrorKind::PermissionDenied, false),
        // 409 says "the collection above is missing" for everything but locks (RFC 4918, section 9.7.1).
        404 | 409 | 410 => (ErrorKind::NotFound, false),
        405 | 415 | 417 | 501 => (ErrorKind::Unsupported, false),
        408 => (ErrorKind::Timeout, true),
        412 => (ErrorKind::Exists, false),
        413 => (ErrorKind::TooLarge, false),
        423 => (ErrorKind::Locked, true),
        429 | 509 => (ErrorKind::RateLimited, true),
        425 | 500 | 502 | 503 | 504 => (ErrorKind::Unavailable, true),
        507 => (ErrorKind::NoSpace, false),
        // 202 and 207 among them: accepted is not stored, and a multistatus is the answer to another question.
        200..=299 => (ErrorKind::Protocol, false),
        _ => (ErrorKind::Other, false),
    }
}

/// Servers disagree about statuses; these are the usual causes behind the surprising ones.
fn advice(status: StatusCode, operation: Operation) -> Option<&'static str> {
    match (status.as_u16(), operation) {
        (404 | 409, Operation::Put) => {
            Some("the folder above it is missing on the server: was it removed during the push? A second push makes it again")
        }
        (413, _) => Some(
            "ask the operator to raise the server's limit (nginx: client_max_body_size, 1 MB unless set; some networks in front of \
             servers allow 100 MB), or have this target hold smaller bundles: objects are not sent in pieces by WebDAV",
        ),
        (409, Operation::MakeCollections) => Some("the base folder is missing on the server, or a file has the name of a folder"),
        (403 | 405 | 500, Operation::Put) => {
            Some("some servers answer this when their disk is full or not writable: ask the operator to look")
        }
        _ => None,
    }
}

/// The words of a page without its tags and white space.
pub(super) fn words(page: &str) -> String {
    let mut found = String::new();
    let mut inside = false;
    for character in page.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                found.push(' ');
            }
            _ if !inside => found.push(character),
            _ => {}
        }
    }
    found.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Meaning {
        let mut builder = http::Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        meaning(&builder.body("").expect("a response").into(), Operation::Put)
    }

    #[test]
    fn what_may_be_tried_again() {
        for status in [408, 423, 425, 429, 500, 502, 503, 504, 509] {
            assert_eq!(answer(status, &[]).retry, Retry::Later, "{status}");
            assert_eq!(
                answer(status, &[("retry-after", "7")]).retry,
                Retry::After(std::time::Duration::from_secs(7)),
                "{status}"
            );
        }
        for status in [301, 400, 401, 403, 404, 405, 409, 411, 412, 413, 415, 501, 505, 507] {
            assert_eq!(answer(status, &[("retry-after", "7")]).retry, Retry::Never, "{status}");
        }
    }

    #[test]
    fn statuses_keep_their_kind() {
        for (status, kind) in [
            (207, ErrorKind::Protocol),
            (302, ErrorKind::Redirect),
            (403, ErrorKind::PermissionDenied),
            (409, ErrorKind::NotFound),
            (413, ErrorKind::TooLarge),
            (423, ErrorKind::Locked),
            (507, ErrorKind::NoSpace),
        ] {
            assert_eq!(answer(status, &[]).kind, kind, "{status}");
        }
        assert!(answer(409, &[]).advice.is_some_and(|advice| advice.contains("folder above")));
    }

    #[test]
    fn where_a_redirect_points_is_told_safely() {
        let found = answer(301, &[("location", "https://other.example/\u{9b}2J")]);
        assert_eq!(found.words, "301 Moved Permanently to https://other.example/\\u{9b}2J");
    }

    #[test]
    fn pages_become_words() {
        assert_eq!(words("<!DOCTYPE html>\n<h1>Not  here</h1><p>at <b>all</b>"), "Not here at all");
        assert_eq!(words("a > b"), "a > b");
        assert_eq!(words("<"), "");
    }
}
