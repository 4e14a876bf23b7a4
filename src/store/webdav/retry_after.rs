//! How long a server asks us to wait (RFC 9110, section 10.2.3).

use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};
use jiff::Timestamp;
use jiff::civil::DateTime;

/// No wait is taken for longer than a day, so that nobody's arithmetic on it can overflow. What is really waited is
/// the retry policy's business, and far less.
const LONGEST: Duration = Duration::from_hours(24);

/// The three forms of an HTTP date (RFC 9110, section 5.6.7); all of them are in UTC.
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The wait that `headers` ask for at the moment `now`; `None` if they ask for none, or for nothing sensible.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that do not fit a number are a very long time.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let moment = DATES.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
        let now = now.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        // A moment that is past asks for nothing.
        Duration::try_from(moment.duration_since(now)).ok()?
    };
    (!wait.is_zero()).then(|| wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Duration> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().ok()?)]);
        retry_after(&headers, "1994-11-06T08:49:00Z".parse().expect("a moment"))
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(read("120"), Some(Duration::from_mins(2)));
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(read(date), Some(Duration::from_secs(37)), "{date}");
        }
    }

    #[test]
    fn nonsense_asks_for_nothing_and_eternity_for_a_day() {
        for text in ["", "-5", "0", "soon", "1.5", "Sun, 06 Nov 1994 08:48:00 GMT", "Sun, 99 Nov 1994 08:48:00 GMT"] {
            assert_eq!(read(text), None, "{text:?}");
        }
        for text in ["1000000000000", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(read(text), Some(LONGEST), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_overflows(text in "[ -~]{0,40}") {
            if let Some(wait) = read(&text) {
                prop_assert!(wait <= LONGEST && std::time::Instant::now().checked_add(wait).is_some());
            }
        }
    }
}
